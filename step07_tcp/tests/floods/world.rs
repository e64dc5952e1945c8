//! A victim, a bystander who talks to it, and an enemy, all on one link, on
//! virtual time.

use std::fmt;
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use step07_tcp::config::Config;
use step07_tcp::env::Env;
use step07_tcp::frame::FrameIo;
use step07_tcp::host::Host;
use step07_tcp::net::Net;
use step07_tcp::scene::{config_a, config_b, faults};
use step07_tcp::simulation;
use step07_tcp::tcp_listener::TcpListener;
use step07_tcp::tcp_stream::TcpStream;
use step07_tcp::time::Time;
use step07_tcp::wire::{Port, Wire};

use crate::frames::{Heard, hear};
use crate::sys;

/// Where the victim serves.
pub const PORT: u16 = 9000;

const MS: Duration = Duration::from_millis(1);

/// What the enemy does in a millisecond, and what he does with what he hears.
pub trait Enemy {
    /// The frames of the millisecond with this number.
    fn sends(&mut self, millisecond: u32, send: &mut dyn FnMut(Vec<u8>));

    /// He has got something; may answer.
    fn hears(&mut self, heard: Heard, send: &mut dyn FnMut(Vec<u8>)) {
        if let Heard::Question(answer) = heard {
            send(answer);
        }
    }
}

/// An enemy who only sends: a function of the frame's number, so many frames
/// in a millisecond.
pub struct Sends<F>(pub u32, pub F);

impl<F: FnMut(u32) -> Vec<u8>> Enemy for Sends<F> {
    fn sends(&mut self, millisecond: u32, send: &mut dyn FnMut(Vec<u8>)) {
        for number in 0..self.0 {
            send((self.1)(millisecond * self.0 + number));
        }
    }
}

/// What was measured in a span of time.
#[derive(Clone, Copy, Debug)]
pub struct Measure {
    /// Octets that the bystander has delivered.
    pub octets: u64,
    /// Turns of the victim's crank.
    pub turns: u64,
    /// The most memory in use, of everything in the world.
    pub peak: usize,
    /// Memory in use at the end.
    pub live: usize,
}

impl Measure {
    fn per_turn(&self) -> f64 {
        self.octets as f64 / self.turns as f64
    }
}

pub struct World {
    pub env: Arc<Env>,
    pub victim: Host,
    victim_net: Net,
    _bystander: Host,
    bystander_net: Net,
    pub link: Port,
    /// The bystander's connection: his end, and the victim's.
    ends: (TcpStream, TcpStream),
    /// The victim's listener, with all its default limits.
    pub listener: TcpListener,
    /// Whom the victim has let in besides.
    pub served: Vec<TcpStream>,
    /// Does it let others in?
    pub accepts: bool,
    /// Does it write to them, too?
    pub serves: bool,
}

impl World {
    pub fn new() -> Self {
        Self::with(Config::default())
    }

    /// With a victim whose TCP is as `config` says.
    pub fn with(config: Config) -> Self {
        let env = Env::manual(0);
        let wire = Wire::with_faults(&env, faults());
        // Buffers that do not grow: so the bystander is as fast as 64 KiB in
        // two milliseconds, and the simulation is fast enough.
        let fixed = Config {
            send_buffer_limit: 64 * 1024,
            receive_buffer_limit: 65_535,
            ..config.clone()
        };
        let config = Config {
            send_buffer_limit: config.send_buffer,
            receive_buffer_limit: 65_535,
            ..config
        };
        let host = |name, seed, config, tcp| {
            Host::with_tcp(&env.host(name, seed), wire.port(), &config, tcp).unwrap()
        };
        let (bystander, mut bystander_net) = host("a", 1, config_a().unwrap(), fixed);
        let (victim, mut victim_net) = host("b", 2, config_b().unwrap(), config);
        bystander_net.open().unwrap();
        victim_net.open().unwrap();
        let listener = TcpListener::bind(&victim.tcp, ("0.0.0.0", PORT)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let any = "0.0.0.0:0".parse().unwrap();
        let to = "192.0.2.1:9000".parse().unwrap();
        let client = TcpStream::start_connect(&bystander.tcp, any, to).unwrap();
        let nets = &mut [&mut bystander_net, &mut victim_net];
        simulation::run_for(&env, nets, Duration::from_secs(1));
        let (server, _) = listener.accept().unwrap();
        client.set_nonblocking(true).unwrap();
        server.set_nonblocking(true).unwrap();
        Self {
            link: wire.port(),
            ends: (client, server),
            served: Vec::new(),
            accepts: false,
            serves: false,
            env,
            victim,
            victim_net,
            _bystander: bystander,
            bystander_net,
            listener,
        }
    }

    /// The bystander's end.
    pub fn bystander_end(&self) -> &TcpStream {
        &self.ends.0
    }

    /// Lets time pass until `until`. Counts the victim's turns.
    fn run_until(&mut self, until: Time) -> u64 {
        let mut turns = 0;
        loop {
            loop {
                let victim = self.victim_net.step();
                turns += u64::from(victim);
                if !victim & !self.bystander_net.step() {
                    break;
                }
            }
            let nets = [&self.victim_net, &self.bystander_net];
            match nets.iter().filter_map(|net| net.deadline()).min() {
                Some(next) if next <= until => self.env.advance_to(next),
                _ => break,
            }
        }
        self.env.advance_to(until);
        turns
    }

    /// The bystander writes, the victim reads, for `span`, while `enemy` acts.
    pub fn talk(&mut self, span: Duration, enemy: &mut dyn Enemy) -> Measure {
        let (mut octets, mut turns, mut buffer) = (0, 0, vec![0; 1 << 16]);
        let mut frame = [0; 2000];
        sys::take_peak();
        for millisecond in 0..u32::try_from(span.as_millis()).unwrap() {
            while let Ok(1..) = (&self.ends.0).write(&buffer) {}
            enemy.sends(millisecond, &mut |frame| {
                self.link.write_frame(&frame).unwrap()
            });
            turns += self.run_until(self.env.now() + MS);
            while let Some(len) = self.link.read_frame(&mut frame).unwrap() {
                if let Some(heard) = hear(&frame[..len]) {
                    enemy.hears(heard, &mut |frame| self.link.write_frame(&frame).unwrap());
                }
            }
            while let Ok(len @ 1..) = (&self.ends.1).read(&mut buffer) {
                octets += len as u64;
            }
            self.serve(&buffer);
        }
        Measure {
            octets,
            turns,
            peak: sys::take_peak(),
            live: sys::live(),
        }
    }

    /// The enemy acts once and then listens, for `span`; nobody else speaks.
    pub fn listen(&mut self, span: Duration, enemy: &mut dyn Enemy) {
        enemy.sends(0, &mut |frame| self.link.write_frame(&frame).unwrap());
        let (until, mut frame) = (self.env.now() + span, [0; 2000]);
        while self.env.now() < until {
            self.run_until(self.env.now() + MS);
            while let Some(len) = self.link.read_frame(&mut frame).unwrap() {
                if let Some(heard) = hear(&frame[..len]) {
                    enemy.hears(heard, &mut |frame| self.link.write_frame(&frame).unwrap());
                }
            }
        }
    }

    /// What the victim's service does for others: lets them in, and writes.
    fn serve(&mut self, text: &[u8]) {
        if !self.accepts {
            return;
        }
        while let Ok((stream, _)) = self.listener.accept() {
            stream.set_nonblocking(true).unwrap();
            self.served.push(stream);
        }
        for mut stream in self.served.iter().filter(|_| self.serves) {
            while let Ok(1..) = stream.write(text) {}
        }
    }

    /// Nobody sends anything, for `span`.
    pub fn rest(&mut self, span: Duration) {
        self.run_until(self.env.now() + span);
        let mut frame = [0; 2000];
        while self.link.read_frame(&mut frame).unwrap().is_some() {}
        let mut buffer = vec![0; 1 << 16];
        while let Ok(1..) = (&self.ends.1).read(&mut buffer) {}
    }
}

/// What a flood has done: before, meanwhile, and when it is forgotten.
pub struct Flood {
    pub quiet: Measure,
    pub flooded: Measure,
    pub after: Measure,
}

/// Nobody.
pub struct Peace;

impl Enemy for Peace {
    fn sends(&mut self, _: u32, _: &mut dyn FnMut(Vec<u8>)) {}
}

/// How long each part lasts.
const SPAN: Duration = Duration::from_millis(100);

impl Flood {
    /// Plays it: the second time in peace comes when all timers have run out.
    pub fn play(name: &str, world: &mut World, enemy: &mut dyn Enemy) -> Self {
        // The congestion window opens, and all buffers get their size.
        world.talk(SPAN, &mut Peace);
        let quiet = world.talk(SPAN, &mut Peace);
        let flooded = world.talk(SPAN, enemy);
        world.served.clear();
        world.rest(Duration::from_secs(600));
        while world.listener.accept().is_ok() {}
        world.rest(Duration::from_secs(600));
        world.talk(SPAN, &mut Peace);
        let after = world.talk(SPAN, &mut Peace);
        let flood = Self {
            quiet,
            flooded,
            after,
        };
        println!("{name:<28}{flood}");
        flood
    }

    /// The bystander's goodput, in virtual time, as a ratio to that in peace.
    pub fn goodput(&self) -> f64 {
        self.flooded.octets as f64 / self.quiet.octets as f64
    }

    /// The same per turn of the victim's crank.
    pub fn per_turn(&self) -> f64 {
        self.flooded.per_turn() / self.quiet.per_turn()
    }

    /// How much more memory than in peace was in use, at most.
    pub fn growth(&self) -> usize {
        self.flooded.peak.saturating_sub(self.quiet.peak)
    }

    /// Nothing is left of it: not in memory, not in the speed.
    pub fn is_forgotten(&self) {
        self.is_forgotten_but(0.98);
    }

    /// The same, but so much of the speed is enough: what was lost has left its
    /// mark on the bystander's congestion window.
    pub fn is_forgotten_but(&self, speed: f64) {
        // Buffers that wait for the next packet: 64 of each size up to a frame.
        const POOL: usize = 64 * (256 + 640 + 2048);
        let left = self.after.live.saturating_sub(self.quiet.live);
        assert!(left < POOL + 64 * 1024, "{left} octets are left");
        let ratio = self.after.octets as f64 / self.quiet.octets as f64;
        assert!(ratio > speed, "still slow: {ratio}");
    }
}

/// KiB at the peak in peace, at the peak of the flood, at the end; the ratios.
impl fmt::Display for Flood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kib = |octets: usize| octets / 1024;
        write!(
            f,
            "{:>9} KiB{:>9} KiB{:>9} KiB{:>9.2}{:>9.2}",
            kib(self.quiet.peak),
            kib(self.flooded.peak),
            kib(self.after.peak),
            self.goodput(),
            self.per_turn(),
        )
    }
}

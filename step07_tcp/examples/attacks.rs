//! Beyond the guide: a stranger on the wire forges segments, first against an
//! open connection of `a` and `b`, then against a listener of `a`.
//!
//! The stranger knows addresses and ports, and guesses the numbers.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Result, ensure};
use step07_tcp::cli;
use step07_tcp::config::Config;
use step07_tcp::diffserv::Service;
use step07_tcp::flags::Flags;
use step07_tcp::frame::FrameIo;
use step07_tcp::header;
use step07_tcp::ip::header::Fragment;
use step07_tcp::ip::{Header, IpProtocol};
use step07_tcp::packet::Packet;
use step07_tcp::scene::{self, Scene, config_a, config_b};
use step07_tcp::segment::{Outgoing, Segment};
use step07_tcp::seq::SeqNumber;
use step07_tcp::tcp_listener::TcpListener;

/// A segment to `a`, as a frame.
fn forge(src: SocketAddrV4, dst: SocketAddrV4, segment: Segment) -> Result<Vec<u8>> {
    let forged = Outgoing {
        local: src,
        remote: dst,
        service: Service::default(),
        segment,
    };
    let mut packet = forged.into_packet();
    let header = Header {
        header_len: 20,
        tos: 0,
        total_len: u16::try_from(20 + packet.len())?,
        id: 0,
        fragment: Fragment(0),
        ttl: 64,
        protocol: IpProtocol::TCP,
        checksum: 0,
        src: *src.ip(),
        dst: *dst.ip(),
    };
    if let Some(octets) = packet.prepend(20).first_chunk_mut() {
        header.emit(octets);
    }
    let (to, from) = (config_a()?.mac, config_b()?.mac);
    Ok([&to.0[..], &from.0[..], &[8, 0], &packet[..]].concat())
}

/// What `a` expects next, and what it has sent: read from the wire. A real
/// stranger would have to guess even that.
fn watch(scene: &Scene) -> Arc<Mutex<(SeqNumber, SeqNumber)>> {
    let seen = Arc::new(Mutex::new(Default::default()));
    let notes = Arc::clone(&seen);
    scene.wire.lose_if(move |_, frame| {
        let segment = frame
            .get(34..)
            .and_then(|tcp| header::Header::parse(tcp).ok());
        if let (Some((header, _)), Some([192, 0, 2, 2])) = (segment, frame.get(26..30))
            && let Ok(mut notes) = notes.lock()
        {
            *notes = (header.ack, header.seq);
        }
        false
    });
    seen
}

fn connection(scene: &mut Scene) -> Result<()> {
    let seen = watch(scene);
    let attacker = scene.wire.port();
    let server = scene::passive_open(&scene.a, 7)?;
    let client = scene::connect(&scene.b, "192.0.2.2:7")?;
    scene.run(Duration::from_secs(1));
    let (us, peer) = (
        "192.0.2.2:7".parse()?,
        client.local_addr()?.to_string().parse()?,
    );
    let (nxt, una) = *seen.lock().map_err(|_| anyhow::anyhow!("poisoned"))?;

    let segment = |flags, seq, ack, text: &[u8]| Segment {
        seq,
        ack,
        flags,
        window: 1000,
        payload: Packet::new(text),
        ..Segment::default()
    };
    let (none, old) = (SeqNumber::default(), una - 1_000_000);
    let attempts = [
        (
            "a RST in the window",
            segment(Flags::RST, nxt + 1000, none, b""),
        ),
        (
            "a SYN in the window",
            segment(Flags::SYN, nxt + 1000, none, b""),
        ),
        (
            "text, with a guessed ACK",
            segment(Flags::ACK, nxt, old, b"forged"),
        ),
        (
            "a RST beyond the window",
            segment(Flags::RST, nxt + 100_000, none, b""),
        ),
    ];
    for (what, segment) in attempts {
        attacker.write_frame(&forge(peer, us, segment)?)?;
        scene.run(Duration::from_millis(10));
        println!(
            "{what:>24}: {}, {:?}",
            server.state()?,
            scene::read_text(&server)?
        );
    }
    for _ in 0..20 {
        let reset = segment(Flags::RST, nxt + 1000, none, b"");
        attacker.write_frame(&forge(peer, us, reset)?)?;
    }
    scene.run(Duration::from_millis(10));
    println!("{:>24}: {}", "twenty RSTs", server.state()?);
    let counters = &scene.a.tcp.counters;
    println!("challenge ACKs: {}", counters.challenge_acks.get());
    println!("withheld: {}", counters.challenge_acks_limited.get());
    Ok(())
}

fn flood(scene: &mut Scene) -> Result<()> {
    let attacker = scene.wire.port();
    let listener = TcpListener::bind(&scene.a.tcp, "0.0.0.0:8")?;
    listener.set_nonblocking(true)?;
    for number in 0..20 {
        let src = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 99), 1024 + number);
        let syn = Segment {
            flags: Flags::SYN,
            window: 1000,
            ..Segment::default()
        };
        attacker.write_frame(&forge(src, "192.0.2.2:8".parse()?, syn)?)?;
    }
    scene.run(Duration::from_millis(10));
    let client = scene::connect(&scene.b, "192.0.2.2:8")?;
    scene.run(Duration::from_millis(10));
    let (_, from) = listener.accept()?;
    ensure!(from == client.local_addr()?, "somebody else was accepted");
    let all = scene.a.tcp.all();
    let kept = all.iter().filter(|status| status.local.port() == 8);
    println!("control blocks at port 8: {}", kept.count());
    let counters = &scene.a.tcp.counters;
    println!("cookies sent: {}", counters.cookies_sent.get());
    println!("cookies taken: {}", counters.cookies_taken.get());
    Ok(())
}

fn main() -> ExitCode {
    let about = "Beyond the guide: forged segments, and a flood of SYNs.";
    cli::scene("attacks", about, |env| {
        // Room for few, so that the flood need not be long. Without timestamps:
        // with them, a forged segment has to guess those as well.
        let config = Config {
            syn_backlog: 8,
            timestamps: false,
            ..Config::default()
        };
        let mut scene = Scene::new(env, &config)?;
        connection(&mut scene)?;
        flood(&mut scene)?;
        scene.close();
        Ok(())
    })
}

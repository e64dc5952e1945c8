//! Two hosts with real clocks and threads, and a watchdog.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use step07_tcp::config::Config;
use step07_tcp::env::Env;
use step07_tcp::host::Host;
use step07_tcp::net::Running;
use step07_tcp::scene::{config_a, config_b};
use step07_tcp::tcp::Tcp;
use step07_tcp::tcp_listener::TcpListener;
use step07_tcp::tcp_stream::TcpStream;
use step07_tcp::wire::Wire;

/// Far longer than any test needs on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// 192.0.2.2 is `a`, 192.0.2.1 is `b`, each with a main loop in a thread.
pub struct World {
    pub wire: Arc<Wire>,
    pub a: Arc<Host>,
    pub b: Arc<Host>,
    // Joined last.
    _running: [Running; 2],
}

impl World {
    pub fn new() -> Self {
        Self::with(Config::default())
    }

    pub fn with(tcp: Config) -> Self {
        let env = Env::system();
        let wire = Wire::new(&env);
        let host = |name, seed, config| {
            let env = env.host(name, seed);
            Host::with_tcp(&env, wire.port(), &config, tcp.clone()).unwrap()
        };
        let (a, a_net) = host("a", 1, config_a().unwrap());
        let (b, b_net) = host("b", 2, config_b().unwrap());
        let running = [a_net.spawn().unwrap(), b_net.spawn().unwrap()];
        Self {
            wire,
            a: Arc::new(a),
            b: Arc::new(b),
            _running: running,
        }
    }

    /// A listener of `b`.
    pub fn listen(&self, port: u16) -> TcpListener {
        TcpListener::bind(&self.b.tcp, ("0.0.0.0", port)).unwrap()
    }

    /// A connection from `a` to a port of `b`.
    pub fn connect(&self, port: u16) -> TcpStream {
        TcpStream::connect(&self.a.tcp, ("192.0.2.1", port)).unwrap()
    }

    /// Both ends of a connection: the one of `a`, the one of `b`.
    pub fn connection(&self) -> (TcpStream, TcpStream) {
        let listener = self.listen(0);
        let port = listener.local_addr().unwrap().port();
        let client = self.connect(port);
        let (server, _) = listener.accept().unwrap();
        (client, server)
    }
}

/// Runs a test in a thread of its own. If it is not done in time, the test
/// fails by its name: the hung threads are left behind.
pub fn watched(name: &str, test: impl FnOnce() + Send + 'static) {
    let (done, ended) = mpsc::channel();
    let thread = thread::Builder::new().name(name.to_owned());
    let thread = thread.spawn(move || {
        test();
        done.send(()).unwrap();
    });
    match ended.recv_timeout(PATIENCE) {
        Err(RecvTimeoutError::Timeout) => panic!("{name}: hangs"),
        // Ended, or ended by a panic.
        _ => {
            if let Err(panic) = thread.unwrap().join() {
                std::panic::resume_unwind(panic);
            }
        }
    }
}

/// The kind of an error; `None`: there is none.
pub fn kind<T>(result: io::Result<T>) -> Option<io::ErrorKind> {
    result.err().map(|error| error.kind())
}

/// Waits until `count` threads are asleep in calls of `tcp`.
pub fn wait_for_sleepers(tcp: &Tcp, count: usize) {
    wait_until(|| tcp.sleepers() == count);
}

/// Waits until `done`.
pub fn wait_until(mut done: impl FnMut() -> bool) {
    while !done() {
        thread::sleep(Duration::from_millis(1));
    }
}

/// `len` octets that are not all the same.
pub fn octets(len: usize) -> Vec<u8> {
    let pattern = (0..=250_u8).cycle();
    pattern.take(len).collect()
}

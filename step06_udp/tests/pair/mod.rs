//! Two hosts on a wire in memory, and a test that turns their cranks.

use std::sync::Arc;
use std::time::Duration;

use step06_udp::env::Env;
use step06_udp::host::Host;
use step06_udp::net::Net;
use step06_udp::udp::{Udp, UdpSocket};
use step06_udp::{scene, simulation};

/// The hosts `a` and `b`.
pub struct Pair {
    /// The clock of both.
    pub env: Arc<Env>,
    /// 192.0.2.2.
    pub a: Host,
    /// Its main loop.
    pub a_net: Net,
    /// 192.0.2.1.
    pub b: Host,
    /// Its main loop.
    pub b_net: Net,
}

impl Pair {
    /// Two hosts that have not spoken yet.
    pub fn new() -> Self {
        let env = Env::manual(0);
        let [(a, a_net), (b, b_net)] = scene::two_hosts(&env).unwrap();
        Self {
            env,
            a,
            a_net,
            b,
            b_net,
        }
    }

    /// Lets `span` pass.
    pub fn run(&mut self, span: Duration) {
        simulation::run_for(&self.env, &mut [&mut self.a_net, &mut self.b_net], span);
    }

    /// Lets arrive what is under way.
    pub fn settle(&mut self) {
        self.run(Duration::from_millis(10));
    }

    /// A socket of `a` that does not block.
    pub fn a(&self, addr: &str) -> UdpSocket {
        bound(&self.a.udp, addr)
    }

    /// A socket of `b` that does not block.
    pub fn b(&self, addr: &str) -> UdpSocket {
        bound(&self.b.udp, addr)
    }
}

/// A socket that does not block.
pub fn bound(udp: &Arc<Udp>, addr: &str) -> UdpSocket {
    let socket = UdpSocket::bind(udp, addr).unwrap();
    socket.set_nonblocking(true).unwrap();
    socket
}

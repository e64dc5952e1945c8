//! smoltcp as the peer: the same services in one poll loop, as its own
//! benchmark has it.

use std::os::fd::AsRawFd;

use anyhow::Result;
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{Medium, TunTapInterface, wait};
use smoltcp::socket::tcp::{Socket, SocketBuffer};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpAddress, IpCidr};

use crate::scenario::port;

/// The size of its own benchmark's buffers.
const BUFFER: usize = 65_535;
/// Sockets for each service: a socket that listens becomes the connection.
const SOCKETS: usize = 16;

/// Serves on tap0 until it is killed.
pub fn serve() -> Result<()> {
    let mut device = TunTapInterface::new("tap0", Medium::Ethernet)?;
    let fd = device.as_raw_fd();
    let address = EthernetAddress([0, 0, 0x5e, 0, 0x53, 1]);
    let mut config = Config::new(HardwareAddress::Ethernet(address));
    config.random_seed = 1;
    let mut iface = Interface::new(config, &mut device, Instant::now());
    iface.update_ip_addrs(|addrs| {
        // There is room for one.
        let _ = addrs.push(IpCidr::new(IpAddress::v4(192, 0, 2, 2), 24));
    });
    let mut sockets = SocketSet::new(Vec::new());
    let mut served: Vec<(u16, SocketHandle)> = Vec::new();
    for port in [port::ECHO, port::SINK, port::SOURCE] {
        for _ in 0..SOCKETS {
            let buffer = || SocketBuffer::new(vec![0; BUFFER]);
            let mut socket = Socket::new(buffer(), buffer());
            socket.set_nagle_enabled(false);
            socket.set_ack_delay(Some(Duration::from_millis(10)));
            served.push((port, sockets.add(socket)));
        }
    }
    loop {
        let now = Instant::now();
        iface.poll(now, &mut device, &mut sockets);
        for (port, handle) in &served {
            let socket = sockets.get_mut::<Socket>(*handle);
            service(socket, *port);
        }
        // What was written is to be sent before it sleeps.
        match iface.poll_delay(Instant::now(), &sockets) {
            Some(Duration::ZERO) => {}
            delay => wait(fd, delay)?,
        }
    }
}

fn service(socket: &mut Socket<'_>, port: u16) {
    if !socket.is_open() {
        // A closed socket can always listen.
        let _ = socket.listen(port);
    }
    match port {
        port::ECHO => {
            while socket.can_recv() && socket.can_send() {
                let free = socket.send_capacity() - socket.send_queue();
                let mut piece = [0; 16 * 1024];
                let len = free.min(piece.len());
                let Ok(len) = socket.recv_slice(&mut piece[..len]) else {
                    return;
                };
                if socket.send_slice(&piece[..len]).is_err() {
                    return;
                }
            }
        }
        port::SINK => {
            while socket.can_recv() {
                if socket.recv(|octets| (octets.len(), ())).is_err() {
                    return;
                }
            }
        }
        _ => {
            while socket.can_send() {
                if socket.send(|octets| (octets.len(), ())).is_err() {
                    return;
                }
            }
        }
    }
    // The peer has closed, and all was read.
    if socket.may_send() && !socket.may_recv() {
        socket.close();
    }
}

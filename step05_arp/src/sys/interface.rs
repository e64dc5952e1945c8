//! Questions and orders about network interfaces.

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use super::{check, socket};
use crate::frame::DeviceName;

/// The kernel's number for Ethernet among the kinds of links.
pub(crate) const ARPHRD_ETHER: u16 = libc::ARPHRD_ETHER;

/// The questions and orders whose argument is a plain `ifreq`.
#[derive(Clone, Copy)]
enum About {
    Index,
    HardwareAddress,
    Flags,
    SetFlags,
    SetAddress,
    SetNetmask,
    AttachTap,
}

/// `struct ifreq`: the name of an interface, and a value whose meaning depends
/// on the question.
#[repr(C, align(8))]
struct Request {
    name: [u8; libc::IFNAMSIZ],
    value: [u8; 24],
}

impl Request {
    fn new(name: &DeviceName) -> Self {
        let mut request = Self {
            name: [0; libc::IFNAMSIZ],
            value: [0; 24],
        };
        // A `DeviceName` is shorter than IFNAMSIZ, so the last octet stays 0.
        for (to, from) in request.name.iter_mut().zip(name.as_str().bytes()) {
            *to = from;
        }
        request
    }

    fn put(&mut self, octets: &[u8]) {
        self.value[..octets.len()].copy_from_slice(octets);
    }

    fn u16_at(&self, at: usize) -> u16 {
        u16::from_ne_bytes([self.value[at], self.value[at + 1]])
    }

    fn send(&mut self, fd: BorrowedFd<'_>, about: About) -> io::Result<()> {
        let number = match about {
            About::Index => libc::SIOCGIFINDEX as libc::Ioctl,
            About::HardwareAddress => libc::SIOCGIFHWADDR as libc::Ioctl,
            About::Flags => libc::SIOCGIFFLAGS as libc::Ioctl,
            About::SetFlags => libc::SIOCSIFFLAGS as libc::Ioctl,
            About::SetAddress => libc::SIOCSIFADDR as libc::Ioctl,
            About::SetNetmask => libc::SIOCSIFNETMASK as libc::Ioctl,
            About::AttachTap => libc::TUNSETIFF,
        };
        // SAFETY: each of these reads and writes one `ifreq`, which `Request`
        // is as large as, and follows no pointer in it.
        check(unsafe { libc::ioctl(fd.as_raw_fd(), number, std::ptr::from_mut(self)) }).map(|_| ())
    }
}

/// A socket that carries nothing, to ask about interfaces and configure them.
pub(crate) fn control_socket() -> io::Result<OwnedFd> {
    socket(libc::AF_INET, libc::SOCK_DGRAM)
}

/// Whether there is an interface called `name`.
pub(crate) fn interface_exists(name: &str) -> bool {
    let Ok(name) = name.parse() else {
        return false;
    };
    control_socket().is_ok_and(|socket| interface_index(socket.as_fd(), &name).is_ok())
}

/// The number of an interface. Tells as well whether there is one.
pub(crate) fn interface_index(fd: BorrowedFd<'_>, name: &DeviceName) -> io::Result<i32> {
    let mut request = Request::new(name);
    request.send(fd, About::Index)?;
    let [a, b, c, d, ..] = request.value;
    Ok(i32::from_ne_bytes([a, b, c, d]))
}

/// An interface's kind of link (`ARPHRD_…`) and its hardware address.
pub(crate) fn hardware_address(
    fd: BorrowedFd<'_>,
    name: &DeviceName,
) -> io::Result<(u16, [u8; 6])> {
    let mut request = Request::new(name);
    request.send(fd, About::HardwareAddress)?;
    let [_, _, a, b, c, d, e, f, ..] = request.value;
    Ok((request.u16_at(0), [a, b, c, d, e, f]))
}

/// Sets an interface's address.
pub(crate) fn set_address(
    fd: BorrowedFd<'_>,
    name: &DeviceName,
    address: Ipv4Addr,
) -> io::Result<()> {
    set_sockaddr(fd, name, address, About::SetAddress)
}

/// Sets the netmask of an interface that has an address.
pub(crate) fn set_netmask(fd: BorrowedFd<'_>, name: &DeviceName, mask: Ipv4Addr) -> io::Result<()> {
    set_sockaddr(fd, name, mask, About::SetNetmask)
}

fn set_sockaddr(
    fd: BorrowedFd<'_>,
    name: &DeviceName,
    address: Ipv4Addr,
    about: About,
) -> io::Result<()> {
    // struct sockaddr_in: family, port, address.
    let mut request = Request::new(name);
    request.put(&2u16.to_ne_bytes()); // AF_INET
    request.value[4..8].copy_from_slice(&address.octets());
    request.send(fd, about)
}

/// Sets an interface up.
pub(crate) fn set_up(fd: BorrowedFd<'_>, name: &DeviceName) -> io::Result<()> {
    const UP: u16 = 1; // IFF_UP
    let mut request = Request::new(name);
    request.send(fd, About::Flags)?;
    let flags = request.u16_at(0) | UP;
    request.put(&flags.to_ne_bytes());
    request.send(fd, About::SetFlags)
}

/// What the driver of an interface calls itself, and the bus it says it is on.
pub(crate) fn driver(fd: BorrowedFd<'_>, name: &DeviceName) -> io::Result<(String, String)> {
    /// `struct ethtool_drvinfo`.
    #[repr(C)]
    struct Info {
        command: u32,
        driver: [u8; 32],
        versions: [u8; 64],
        bus: [u8; 32],
        rest: [u8; 64],
    }
    const ETHTOOL_GDRVINFO: u32 = 3;
    let mut info = Info {
        command: ETHTOOL_GDRVINFO,
        driver: [0; 32],
        versions: [0; 64],
        bus: [0; 32],
        rest: [0; 64],
    };
    let mut request = Request::new(name);
    let pointer = std::ptr::from_mut(&mut info).expose_provenance();
    request.put(&pointer.to_ne_bytes());
    // SAFETY: SIOCETHTOOL takes an `ifreq` that holds a pointer to what its
    // command names; GDRVINFO writes 196 octets, which `info` has, and `info`
    // outlives the call.
    check(unsafe {
        libc::ioctl(
            fd.as_raw_fd(),
            libc::SIOCETHTOOL as libc::Ioctl,
            std::ptr::from_mut(&mut request),
        )
    })?;
    let text = |octets: &[u8]| {
        let end = octets.iter().position(|&octet| octet == 0);
        String::from_utf8_lossy(&octets[..end.unwrap_or(octets.len())]).into_owned()
    };
    let _ = (info.versions, info.rest);
    Ok((text(&info.driver), text(&info.bus)))
}

/// Turns an open `/dev/net/tun` into the TAP called `name`. With `offload`, a
/// header in front of each frame says what is left to do on it; with `napi`,
/// what is written waits in a queue until the kernel works it off.
pub(crate) fn attach_tap(
    fd: BorrowedFd<'_>,
    name: &DeviceName,
    offload: bool,
    napi: bool,
) -> io::Result<()> {
    // TAP: whole frames. NO_PI: nothing in front of them. VNET_HDR: but that.
    const TAP_NO_PI: u16 = 0x0002 | 0x1000;
    const VNET_HDR: u16 = 0x4000;
    // What is written goes into a queue.
    const NAPI: u16 = 0x0010;
    // What we can be left with: checksums, and TCP over IPv4 to be cut.
    const CHECKSUM_AND_TSO4: libc::c_ulong = 1 | 2;
    let (flags, able) = if offload {
        (TAP_NO_PI | VNET_HDR, CHECKSUM_AND_TSO4)
    } else {
        (TAP_NO_PI, 0)
    };
    let flags = if napi { flags | NAPI } else { flags };
    let mut request = Request::new(name);
    request.put(&flags.to_ne_bytes());
    request.send(fd, About::AttachTap)?;
    // A TAP that outlives its programs may remember what the last one was able
    // to do.
    // SAFETY: the argument is a number.
    check(unsafe { libc::ioctl(fd.as_raw_fd(), libc::TUNSETOFFLOAD, able) })?;
    Ok(())
}

//! The system calls of the drivers: requests about interfaces (`ioctl`), packet
//! sockets, namespaces.
//!
//! The only module of this crate with `unsafe` code. Everything it exports is safe.

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use crate::frame::DeviceName;

pub(crate) use libc::{
    CLONE_NEWNET, CLONE_NEWUSER, EBADFD, EBUSY, EFAULT, EINVAL, EIO, ENETDOWN, ENOBUFS, ENODEV,
    ENOENT, ENXIO, PACKET_AUXDATA, PACKET_IGNORE_OUTGOING, PACKET_VNET_HDR,
};

/// The kernel's number for Ethernet among the kinds of links.
pub(crate) const ARPHRD_ETHER: u16 = libc::ARPHRD_ETHER;

/// Turns the -1 of a system call into the error that `errno` holds.
fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

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

fn socket(family: libc::c_int, kind: libc::c_int) -> io::Result<OwnedFd> {
    // SAFETY: takes no pointers.
    let fd = check(unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC, 0) })?;
    // SAFETY: the kernel has just handed out `fd`, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
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

/// Turns an open `/dev/net/tun` into the TAP called `name`.
pub(crate) fn attach_tap(fd: BorrowedFd<'_>, name: &DeviceName) -> io::Result<()> {
    // TAP: whole frames. NO_PI: nothing in front of them.
    const TAP_NO_PI: u16 = 0x0002 | 0x1000;
    let mut request = Request::new(name);
    request.put(&TAP_NO_PI.to_ne_bytes());
    request.send(fd, About::AttachTap)?;
    // A TAP that outlives its programs may remember that the last one was able
    // to finish checksums and to cut segments. We want frames as on a wire.
    // SAFETY: the argument is a number.
    check(unsafe { libc::ioctl(fd.as_raw_fd(), libc::TUNSETOFFLOAD, 0 as libc::c_ulong) })?;
    Ok(())
}

/// A packet socket that receives nothing yet.
pub(crate) fn packet_socket() -> io::Result<OwnedFd> {
    socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_NONBLOCK)
}

/// Lets a packet socket receive all that the interface `index` sees.
pub(crate) fn bind_packet(fd: BorrowedFd<'_>, index: i32) -> io::Result<()> {
    // SAFETY: all fields are numbers, for which zero is a value.
    let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    address.sll_family = 17; // AF_PACKET
    address.sll_protocol = 3u16.to_be(); // ETH_P_ALL
    address.sll_ifindex = index;
    // SAFETY: `address` outlives the call, and the length is its own.
    check(unsafe {
        libc::bind(
            fd.as_raw_fd(),
            std::ptr::from_ref(&address).cast(),
            length_of::<libc::sockaddr_ll>(),
        )
    })
    .map(|_| ())
}

/// Switches an option of a packet socket on.
pub(crate) fn enable(fd: BorrowedFd<'_>, option: libc::c_int) -> io::Result<()> {
    set_option(fd, option, &1i32)
}

/// Asks for all frames on the wire, not only those to the interface's address,
/// for as long as the socket is open.
pub(crate) fn join_promiscuous(fd: BorrowedFd<'_>, index: i32) -> io::Result<()> {
    let membership = libc::packet_mreq {
        mr_ifindex: index,
        mr_type: 1, // PACKET_MR_PROMISC
        mr_alen: 0,
        mr_address: [0; 8],
    };
    set_option(fd, libc::PACKET_ADD_MEMBERSHIP, &membership)
}

fn set_option<T>(fd: BorrowedFd<'_>, option: libc::c_int, value: &T) -> io::Result<()> {
    // SAFETY: the kernel only reads `value`, which outlives the call; the
    // length is its own.
    check(unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            libc::SOL_PACKET,
            option,
            std::ptr::from_ref(value).cast(),
            length_of::<T>(),
        )
    })
    .map(|_| ())
}

fn length_of<T>() -> libc::socklen_t {
    // No structure of ours has 4 GiB.
    libc::socklen_t::try_from(size_of::<T>()).unwrap_or(libc::socklen_t::MAX)
}

/// What a packet socket tells about a frame, beside its octets.
pub(crate) struct Received {
    /// Octets received: header and frame.
    pub(crate) len: usize,
    /// The frame was longer than the buffer.
    pub(crate) cut: bool,
    /// This host has sent it.
    pub(crate) outgoing: bool,
    /// The VLAN tag that the kernel has taken out: protocol and tag control information.
    pub(crate) vlan: Option<(u16, u16)>,
}

/// Receives one frame: what goes in front of it into `header`, the rest into `frame`.
pub(crate) fn receive(
    fd: BorrowedFd<'_>,
    header: &mut [u8],
    frame: &mut [u8],
) -> io::Result<Received> {
    // SAFETY: both hold only numbers and pointers, for which zero is a value.
    let (mut from, mut message): (libc::sockaddr_ll, libc::msghdr) =
        unsafe { (std::mem::zeroed(), std::mem::zeroed()) };
    let mut control = [0u64; 16]; // of u64, as control messages are aligned like them
    let mut pieces = [header, frame].map(|piece| libc::iovec {
        iov_base: piece.as_mut_ptr().cast(),
        iov_len: piece.len(),
    });
    message.msg_name = std::ptr::from_mut(&mut from).cast();
    message.msg_namelen = length_of::<libc::sockaddr_ll>();
    message.msg_iov = pieces.as_mut_ptr();
    message.msg_iovlen = pieces.len() as _;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = size_of_val(&control) as _;
    // SAFETY: everything that `message` points to outlives the call and is as
    // long as it says.
    let result = unsafe { libc::recvmsg(fd.as_raw_fd(), &raw mut message, 0) };
    let len = usize::try_from(result).map_err(|_| io::Error::last_os_error())?;
    Ok(Received {
        len,
        cut: message.msg_flags & libc::MSG_TRUNC != 0,
        outgoing: from.sll_pkttype == 4, // PACKET_OUTGOING
        vlan: vlan_of(&message),
    })
}

/// Looks for a VLAN tag in what came with a frame.
fn vlan_of(message: &libc::msghdr) -> Option<(u16, u16)> {
    const VLAN_VALID: u32 = 1 << 4;
    // SAFETY: `recvmsg` has filled in `message`, and its control buffer is
    // still there.
    let mut next = unsafe { libc::CMSG_FIRSTHDR(message) };
    // SAFETY: CMSG_* return null or a complete header in the control buffer.
    while let Some(control) = unsafe { next.as_ref() } {
        if control.cmsg_level == libc::SOL_PACKET && control.cmsg_type == PACKET_AUXDATA {
            // SAFETY: with this level and type come the octets of one
            // `tpacket_auxdata`, perhaps unaligned.
            let aux = unsafe {
                libc::CMSG_DATA(control)
                    .cast::<libc::tpacket_auxdata>()
                    .read_unaligned()
            };
            let tagged = aux.tp_status & VLAN_VALID != 0;
            return tagged.then_some((aux.tp_vlan_tpid, aux.tp_vlan_tci));
        }
        // SAFETY: as for the first one.
        next = unsafe { libc::CMSG_NXTHDR(message, control) };
    }
    None
}

/// Gives the calling thread namespaces of its own.
pub(crate) fn unshare(namespaces: libc::c_int) -> io::Result<()> {
    // SAFETY: takes no pointers. What the thread shares with others in memory
    // stays shared.
    check(unsafe { libc::unshare(namespaces) }).map(|_| ())
}

/// The user and the group on whose behalf this process acts.
pub(crate) fn user_and_group() -> (u32, u32) {
    // SAFETY: neither takes arguments nor can fail.
    unsafe { (libc::geteuid(), libc::getegid()) }
}

/// The descriptor of something, for [`std::os::fd::AsRawFd`] users.
pub(crate) fn raw(fd: &impl AsFd) -> std::os::fd::RawFd {
    fd.as_fd().as_raw_fd()
}

/// Whether there is an interface called `name`.
pub(crate) fn interface_exists(name: &str) -> bool {
    let Ok(name) = name.parse() else {
        return false;
    };
    control_socket().is_ok_and(|socket| interface_index(socket.as_fd(), &name).is_ok())
}

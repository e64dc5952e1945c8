//! Packet sockets.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use super::{PACKET_AUXDATA, check, socket};

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

//! The system calls of the drivers: requests about interfaces (`ioctl`), packet
//! sockets, namespaces, programs.
//!
//! The only module of this crate with `unsafe` code. Everything it exports is safe.

mod command;
mod interface;
mod packet;

use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};

pub(crate) use command::*;
pub(crate) use interface::*;
pub(crate) use libc::{
    CLONE_NEWNET, CLONE_NEWUSER, EBADFD, EBUSY, EFAULT, EINVAL, EIO, ENETDOWN, ENOBUFS, ENODEV,
    ENOENT, ENXIO, EOPNOTSUPP, O_NONBLOCK, PACKET_AUXDATA, PACKET_IGNORE_OUTGOING, PACKET_VNET_HDR,
};
pub(crate) use packet::*;

/// Turns the -1 of a system call into the error that `errno` holds.
fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

fn socket(family: libc::c_int, kind: libc::c_int) -> io::Result<OwnedFd> {
    // SAFETY: takes no pointers.
    let fd = check(unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC, 0) })?;
    // SAFETY: the kernel has just handed out `fd`, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
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

/// A descriptor's number, for those who poll it.
pub(crate) fn raw(fd: &impl AsFd) -> RawFd {
    fd.as_fd().as_raw_fd()
}

//! The system calls of the main loop: `eventfd`, `poll` and `signalfd`.
//!
//! The only module of this crate with `unsafe` code. Everything it exports is safe.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

/// Turns the -1 of a system call into the error that `errno` holds.
fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

/// Takes charge of a descriptor that a system call has just made.
fn own(result: libc::c_int) -> io::Result<File> {
    let fd = check(result)?;
    // SAFETY: the kernel has just handed out `fd`, and nobody else knows it.
    Ok(File::from(unsafe { OwnedFd::from_raw_fd(fd) }))
}

/// A counter in the kernel that polls readable while it is not zero.
#[derive(Debug)]
pub(crate) struct EventFd(File);

impl EventFd {
    pub(crate) fn new() -> io::Result<Self> {
        // SAFETY: takes no pointers.
        let fd = unsafe { libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC) };
        own(fd).map(Self)
    }

    pub(crate) fn fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    /// Makes it readable.
    pub(crate) fn notify(&self) {
        // It fails only when the counter is full, and then it is readable anyway.
        let _ = (&self.0).write(&1u64.to_ne_bytes());
    }

    /// Makes it unreadable; true if it was readable.
    pub(crate) fn clear(&self) -> bool {
        (&self.0).read(&mut [0; 8]).is_ok()
    }
}

/// What [`poll`] watches: a descriptor, and whether it is ready.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Watch(libc::pollfd);

impl Watch {
    pub(crate) fn new(fd: RawFd) -> Self {
        Self(libc::pollfd {
            fd,
            events: libc::POLLIN,
            revents: 0,
        })
    }

    /// True if there is something to read, an error or an end: a read will tell.
    pub(crate) fn is_ready(self) -> bool {
        self.0.revents != 0
    }
}

/// Waits until one of `watches` is ready, or until `timeout` has passed
/// (`None`: for ever). A signal ends the wait early, without an error.
pub(crate) fn poll(watches: &mut [Watch], timeout: Option<Duration>) -> io::Result<()> {
    let timeout = timeout.map(|t| libc::timespec {
        tv_sec: t.as_secs().try_into().unwrap_or(libc::time_t::MAX),
        tv_nsec: t.subsec_nanos().into(),
    });
    let timeout = timeout
        .as_ref()
        .map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: `Watch` is a transparent `pollfd`, the slice gives as many as it
    // says; `timeout` is null or points to a value that outlives the call.
    let result = unsafe {
        libc::ppoll(
            watches.as_mut_ptr().cast(),
            watches.len() as libc::nfds_t,
            timeout,
            std::ptr::null(),
        )
    };
    match check(result) {
        Err(error) if error.kind() == io::ErrorKind::Interrupted => {
            for watch in watches {
                watch.0.revents = 0;
            }
            Ok(())
        }
        result => result.map(|_| ()),
    }
}

/// SIGINT and SIGTERM as a readable descriptor: the interrupt that a user sends.
#[derive(Debug)]
pub(crate) struct SignalFd(File);

impl SignalFd {
    /// Blocks the two signals in this thread, and in all that it starts from
    /// now on, and collects them here instead.
    pub(crate) fn new(nonblocking: bool) -> io::Result<Self> {
        let mut set = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: `sigemptyset` initialises the set that the next calls use;
        // all pointers are valid for the length of their call.
        unsafe {
            check(libc::sigemptyset(set.as_mut_ptr()))?;
            check(libc::sigaddset(set.as_mut_ptr(), libc::SIGINT))?;
            check(libc::sigaddset(set.as_mut_ptr(), libc::SIGTERM))?;
            match libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), std::ptr::null_mut()) {
                0 => {}
                errno => return Err(io::Error::from_raw_os_error(errno)),
            }
        }
        let flags = if nonblocking { libc::SFD_NONBLOCK } else { 0 };
        // SAFETY: `set` was initialised above and outlives the call.
        let fd = unsafe { libc::signalfd(-1, set.as_ptr(), libc::SFD_CLOEXEC | flags) };
        own(fd).map(Self)
    }

    pub(crate) fn fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    /// Takes the signals that have arrived; true if there was one.
    pub(crate) fn take(&self) -> io::Result<bool> {
        let mut info = [0u8; size_of::<libc::signalfd_siginfo>()];
        match (&self.0).read(&mut info) {
            Ok(n) => Ok(n > 0),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }
}

//! Bounds for the processes that run what a student has written.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

/// Puts the process into a group of its own, and bounds its memory to
/// `memory` octets of address space.
pub fn bound(command: &mut Command, memory: u64) {
    command.process_group(0);
    let limit = libc::rlimit {
        rlim_cur: memory,
        rlim_max: memory,
    };
    let set = move || {
        // SAFETY: `limit` is a valid rlimit, and setrlimit is async-signal-safe.
        match unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    };
    // SAFETY: between fork and exec the closure calls nothing but setrlimit and
    // errno, and allocates nothing.
    unsafe { command.pre_exec(set) };
}

/// Ends a process that [`bound`] has prepared, with all that it has started.
pub fn kill_group(child: &mut Child) {
    if let Ok(group) = i32::try_from(child.id()) {
        // SAFETY: kill has no memory to get wrong. The child has not been
        // waited for yet, so the number is still its own.
        let _ = unsafe { libc::kill(-group, libc::SIGKILL) };
    }
    // If the group is gone already, so is the child.
    let _ = child.kill();
}

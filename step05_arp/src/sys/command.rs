//! Programs that this one starts.

use std::io;
use std::mem::MaybeUninit;
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::check;

/// Lets `command` get all signals. Otherwise it would inherit that this
/// process keeps some of them from itself, and Ctrl+C would not end it.
pub(crate) fn unblock_signals(command: &mut Command) {
    let unblock = || {
        let mut none = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: `sigemptyset` initialises the set that the second call reads.
        unsafe {
            check(libc::sigemptyset(none.as_mut_ptr()))?;
            let set = libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), std::ptr::null_mut());
            check(set)?;
        }
        io::Result::Ok(())
    };
    // SAFETY: between fork and exec, the closure calls but two functions, both
    // async-signal-safe; `check` reads errno.
    unsafe { command.pre_exec(unblock) };
}

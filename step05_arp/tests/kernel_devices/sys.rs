//! What a test program does between fork and exec.

use std::io::{self, ErrorKind, Write};
use std::os::unix::process::CommandExt;
use std::process::Command;

use step05_arp::namespace;

/// Lets `command` run in a network namespace of its own.
pub fn enter_namespace(command: &mut Command) {
    // SAFETY: the closure runs in a child with one thread, between fork and
    // exec. It allocates and opens files, which glibc makes safe after a fork.
    unsafe {
        command.pre_exec(|| {
            namespace::enter().map_err(|error| {
                // Not eprintln!, which the test runner would keep for itself.
                let _ = writeln!(io::stderr(), "{error:#}");
                ErrorKind::PermissionDenied.into()
            })
        });
    }
}

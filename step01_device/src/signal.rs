//! Ctrl+C.
//!
//! SIGINT and SIGTERM are collected from a descriptor (`signalfd`), like any
//! other interrupt; no code ever runs inside a signal handler.

use std::io;
use std::os::fd::RawFd;

use crate::net::Source;
use crate::sys::SignalFd;
use crate::time::Time;

/// Waits for Ctrl+C (SIGINT) or SIGTERM.
#[derive(Debug)]
pub struct CtrlC(SignalFd);

impl CtrlC {
    /// Starts to collect the signals. Must be called before any other thread
    /// is started: a thread that did not inherit the blocked signals would
    /// still be killed by them.
    ///
    /// # Errors
    /// The kernel's.
    pub fn new() -> io::Result<Self> {
        SignalFd::new(false).map(Self)
    }

    /// Sleeps until the user presses Ctrl+C.
    ///
    /// # Errors
    /// The kernel's.
    // ANCHOR: ctrl_c
    pub fn wait(&self) -> io::Result<()> {
        loop {
            match self.0.take() {
                Ok(true) => return Ok(()),
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
        }
    }
    // ANCHOR_END: ctrl_c
}

/// Calls a handler in the main loop at each Ctrl+C or SIGTERM.
pub struct OnCtrlC<F> {
    signals: SignalFd,
    handler: F,
}

impl<F: FnMut() + Send> OnCtrlC<F> {
    /// See [`CtrlC::new`] for when to call it.
    ///
    /// # Errors
    /// The kernel's.
    pub fn new(handler: F) -> io::Result<Self> {
        Ok(Self {
            signals: SignalFd::new(true)?,
            handler,
        })
    }
}

impl<F: FnMut() + Send> Source for OnCtrlC<F> {
    fn fd(&self) -> Option<RawFd> {
        Some(self.signals.fd())
    }

    fn service(&mut self, _now: Time) {
        while let Ok(true) = self.signals.take() {
            (self.handler)();
        }
    }
}

//! Interrupts.
//!
//! The original imitates interrupts with POSIX signals. Here **an interrupt is
//! a file descriptor that becomes readable**: a device's own descriptor, or,
//! for what software raises, the one descriptor of the [`Doorbell`].
//!
//! A line that software raises ([`Irq`]) is a flag and the doorbell. The
//! doorbell costs a system call only while the main loop is about to sleep:
//! the loop *arms* it, looks once more whether there is work, and only then
//! waits. Whoever raises a line in between finds the doorbell armed and rings.

use std::io;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use crate::sys::EventFd;

/// Wakes the main loop out of its sleep.
#[derive(Debug, Default)]
pub struct Doorbell {
    armed: AtomicBool,
    // Made when the first loop sleeps: a host whose crank is turned by hand
    // needs no kernel at all.
    event: OnceLock<EventFd>,
}

impl Doorbell {
    // ANCHOR: ring
    /// Wakes the main loop, if it sleeps or is about to.
    pub fn ring(&self) {
        if self.armed.swap(false, Ordering::SeqCst)
            && let Some(event) = self.event.get()
        {
            event.notify();
        }
    }
    // ANCHOR_END: ring

    /// Announces that the loop is going to sleep on the returned descriptor.
    ///
    /// After this, and before it sleeps, the loop must look for work once more.
    ///
    /// # Errors
    /// The kernel's, if it gives out no descriptor.
    pub(crate) fn arm(&self) -> io::Result<RawFd> {
        let fd = match self.event.get() {
            Some(event) => event.fd(),
            None => {
                let event = EventFd::new()?;
                self.event.get_or_init(|| event).fd()
            }
        };
        self.armed.store(true, Ordering::SeqCst);
        Ok(fd)
    }

    /// The loop is awake again: no need to ring.
    pub(crate) fn disarm(&self) {
        self.armed.store(false, Ordering::SeqCst);
        if let Some(event) = self.event.get() {
            event.clear();
        }
    }
}

/// An interrupt line that software raises: by the null and loopback devices,
/// by an in-memory wire, by events.
#[derive(Clone, Debug)]
pub struct Irq {
    number: u32,
    pending: Arc<AtomicBool>,
    doorbell: Arc<Doorbell>,
}

impl Irq {
    pub(crate) fn new(number: u32, doorbell: Arc<Doorbell>) -> Self {
        Self {
            number,
            pending: Arc::new(AtomicBool::new(false)),
            doorbell,
        }
    }

    /// The number of the line, as logs show it.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Raises the line. Raising it twice before it is served counts once, as
    /// with a level-triggered line: who serves it must drain its device.
    // ANCHOR: raise
    pub fn raise(&self) {
        // EXERCISE 1.7: Raise an interrupt
        self.pending.store(true, Ordering::SeqCst);
        self.doorbell.ring();
        // END 1.7
    }
    // ANCHOR_END: raise

    /// True if the line is raised.
    pub fn is_pending(&self) -> bool {
        // EXERCISE 1.7: Raise an interrupt
        self.pending.load(Ordering::SeqCst)
        // END 1.7
    }

    /// Takes the line back; true if it was raised.
    pub(crate) fn acknowledge(&self) -> bool {
        self.pending.swap(false, Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_raised_until_acknowledged() {
        let irq = Irq::new(1, Arc::default());
        assert!(!irq.is_pending());
        irq.raise();
        irq.clone().raise();
        assert!(irq.acknowledge());
        assert!(!irq.acknowledge());
    }

    #[test]
    fn the_bell_rings_only_when_armed() {
        let bell = Doorbell::default();
        bell.ring();
        assert!(bell.event.get().is_none(), "nobody sleeps: no descriptor");
        bell.arm().unwrap();
        bell.ring();
        assert!(
            !bell.armed.load(Ordering::SeqCst),
            "one ring wakes the loop"
        );
        assert!(bell.event.get().unwrap().clear(), "the ring was heard");
        bell.ring();
        bell.disarm();
        assert!(!bell.event.get().unwrap().clear(), "awake: not rung");
    }
}

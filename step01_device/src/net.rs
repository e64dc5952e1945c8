//! The main loop: everything that happens to a host happens here, turn by turn.
//!
//! One turn serves the devices that raised an interrupt (a bounded number of
//! packets each, so that no device starves the timers), lets the layer above
//! drain its queues (the software interrupt), and runs whatever else is due.
//! [`Net::step`] is one turn and never blocks: simulations and tests turn the
//! crank by hand. [`Net::spawn`] lets a thread turn it, which sleeps in
//! `poll(2)` while there is nothing to do.

use std::io;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::Context;
use log::{debug, error, info};

use crate::device::{Attached, Device, Devices, Received};
use crate::env::Env;
use crate::hexdump::hexdump;
use crate::logger;
use crate::packet::Packet;
use crate::sync;
use crate::sys::{self, Watch};
use crate::time::Time;

/// How many packets one device may deliver per turn.
const BUDGET: usize = 64;

// ANCHOR: input
/// Where the main loop delivers what the devices receive: the layer above.
pub trait Input: Send {
    /// A packet has arrived at `device`. Called for each packet of a turn; to
    /// be quick, an implementation only queues it.
    fn input(&mut self, device: &Arc<Device>, ethertype: u16, packet: Packet);

    /// The turn's devices are served: work off what was queued.
    fn softirq(&mut self) {}
}
// ANCHOR_END: input

/// A thing other than a device that the main loop serves: a timer, a signal.
pub trait Source: Send {
    /// The descriptor that becomes readable when there is something to do.
    fn fd(&self) -> Option<RawFd> {
        None
    }

    /// When [`service`](Self::service) is to be called next, if time alone decides.
    fn deadline(&self) -> Option<Time> {
        None
    }

    /// Does what is due at `now`. May be called early; then nothing is due.
    fn service(&mut self, now: Time);
}

crate::counters! {
    /// What step01's own [`Input`] counts.
    pub struct InputCounters {
        /// dropped: no layer above the devices
        pub no_protocol,
    }
}

/// The input of a host without any protocol: logs, counts and drops.
#[derive(Debug, Default)]
pub struct DropInput {
    /// What was dropped.
    pub counters: Arc<InputCounters>,
}

impl Input for DropInput {
    fn input(&mut self, device: &Arc<Device>, ethertype: u16, packet: Packet) {
        debug!(target: "net::input", "dev={}, type=0x{ethertype:04x}, len={}{}", device.name(), packet.len(), hexdump(&packet));
        self.counters.no_protocol.inc();
    }
}

/// A device as the loop sees it.
struct Port {
    attached: Attached,
    /// Readable, or not yet drained.
    ready: bool,
    /// The receiver failed and is not asked again.
    broken: bool,
}

/// A host's devices, its way up, and the loop that drives them.
pub struct Net {
    env: Arc<Env>,
    ports: Vec<Port>,
    input: Box<dyn Input>,
    sources: Vec<Box<dyn Source>>,
    watches: Vec<Watch>,
}

impl Net {
    /// Freezes `devices`; what they receive goes to `input`.
    pub fn new(env: &Arc<Env>, devices: Devices, input: impl Input + 'static) -> Self {
        let ports = devices.table.into_iter().map(|attached| Port {
            attached,
            ready: false,
            broken: false,
        });
        info!(target: "net::init", "initialized");
        Self {
            env: Arc::clone(env),
            ports: ports.collect(),
            input: Box::new(input),
            sources: Vec::new(),
            watches: Vec::new(),
        }
    }

    /// Adds something to be served beside the devices.
    pub fn add_source(&mut self, source: impl Source + 'static) {
        self.sources.push(Box::new(source));
    }

    /// Opens all devices.
    ///
    /// # Errors
    /// The first device that cannot be opened; those before it are closed again.
    // ANCHOR: open
    pub fn open(&mut self) -> anyhow::Result<()> {
        // EXERCISE 1.6: All devices up
        let _scope = logger::scope(&self.env);
        debug!(target: "net::run", "open all devices...");
        for port in &self.ports {
            let device = &port.attached.device;
            if let Err(error) = device.open() {
                self.close_devices();
                return Err(error).with_context(|| format!("cannot open device {}", device.name()));
            }
        }
        debug!(target: "net::run", "running...");
        Ok(())
        // END 1.6
    }
    // ANCHOR_END: open

    /// Closes all devices. Nothing is sent or received any more.
    pub fn close(&mut self) {
        let _scope = logger::scope(&self.env);
        debug!(target: "net::shutdown", "close all devices...");
        self.close_devices();
        debug!(target: "net::shutdown", "shutting down");
    }

    fn close_devices(&self) {
        for port in &self.ports {
            port.attached.device.close();
        }
    }

    /// One turn. Never blocks. True if there may be more to do at once.
    pub fn step(&mut self) -> bool {
        let _scope = logger::scope(&self.env);
        // Without descriptors there is nothing to ask the kernel for.
        if self
            .ports
            .iter()
            .any(|port| port.attached.receiver.fd().is_some())
            || self.sources.iter().any(|source| source.fd().is_some())
        {
            self.poll(Some(Duration::ZERO), None);
        }
        self.turn()
    }

    // ANCHOR: turn
    fn turn(&mut self) -> bool {
        // EXERCISE 1.8: A turn of the crank
        let now = self.env.now();
        let mut busy = false;
        for port in &mut self.ports {
            busy |= port.serve(self.input.as_mut(), now);
        }
        self.input.softirq();
        for source in &mut self.sources {
            if source.deadline().is_some_and(|deadline| deadline <= now) {
                source.service(now);
                busy = true;
            }
        }
        busy
        // END 1.8
    }
    // ANCHOR_END: turn

    /// When there will be something to do without anything arriving: the
    /// earliest of all deadlines.
    pub fn deadline(&self) -> Option<Time> {
        let ports = self.ports.iter().filter(|port| !port.broken);
        let ports = ports.filter_map(|port| port.attached.receiver.deadline());
        let sources = self.sources.iter().filter_map(|source| source.deadline());
        ports.chain(sources).min()
    }

    /// True if something is to be done now, without waiting.
    fn has_work(&self) -> bool {
        let mut ports = self.ports.iter();
        ports.any(|port| !port.broken && (port.ready || port.attached.device.irq().is_pending()))
    }

    /// Waits for a descriptor, at most for `timeout`, and marks what is ready.
    fn poll(&mut self, timeout: Option<Duration>, bell: Option<RawFd>) {
        let mut watches = std::mem::take(&mut self.watches);
        watches.clear();
        watches.extend(bell.map(Watch::new));
        let ports = self.ports.iter().filter_map(Port::watched);
        let sources = self.sources.iter().filter_map(|source| source.fd());
        watches.extend(ports.chain(sources).map(Watch::new));
        match sys::poll(&mut watches, timeout) {
            Ok(()) => {
                let mut ready = watches.iter().map(|watch| watch.is_ready());
                if bell.is_some() {
                    ready.next();
                }
                for port in self.ports.iter_mut().filter(|p| p.watched().is_some()) {
                    port.ready |= ready.next().unwrap_or(false);
                }
                for source in self.sources.iter_mut().filter(|s| s.fd().is_some()) {
                    if ready.next().unwrap_or(false) {
                        source.service(self.env.now());
                    }
                }
            }
            Err(error) => {
                // No memory, say. The turn goes on with what it knows; the
                // pause keeps the log from spinning.
                error!(target: "net::poll", "poll: {error}");
                thread::sleep(Duration::from_millis(100));
            }
        }
        self.watches = watches;
    }

    // ANCHOR: arm
    /// Turns the crank until `stop`, asleep while there is nothing to do.
    fn run(&mut self, stop: &AtomicBool) {
        let _scope = logger::scope(&self.env);
        let doorbell = Arc::clone(self.env.doorbell());
        let mut busy = false;
        loop {
            let bell = match doorbell.arm() {
                Ok(bell) => bell,
                Err(error) => {
                    error!(target: "net::run", "eventfd: {error}");
                    return;
                }
            };
            // From here on, whoever makes work rings the bell. What was made
            // before must be seen now, or the loop would sleep on it.
            if stop.load(Ordering::SeqCst) {
                return;
            }
            // ANCHOR_END: arm
            // ANCHOR: sleep
            let timeout = if busy || self.has_work() {
                Some(Duration::ZERO)
            } else {
                let deadline = self.deadline();
                deadline.map(|deadline| deadline.since(self.env.now()))
            };
            self.poll(timeout, Some(bell));
            doorbell.disarm();
            busy = self.turn() || self.linger();
            // ANCHOR_END: sleep
        }
    }

    // ANCHOR: linger
    /// Turns the crank a little longer. True if there was something to do.
    fn linger(&mut self) -> bool {
        sync::linger(|| {
            self.poll(Some(Duration::ZERO), None);
            self.turn()
        })
    }
    // ANCHOR_END: linger

    /// Opens all devices and lets a thread of its own turn the crank.
    ///
    /// # Errors
    /// As [`open`](Self::open), or no thread could be started.
    pub fn spawn(mut self) -> anyhow::Result<Running> {
        self.open()?;
        let stop = Arc::new(AtomicBool::new(false));
        let env = Arc::clone(&self.env);
        let thread = {
            let stop = Arc::clone(&stop);
            thread::Builder::new()
                .name("net".to_owned())
                .spawn(move || {
                    debug!(target: "net::thread", "start...");
                    self.run(&stop);
                    debug!(target: "net::thread", "terminated");
                    // The loop has ended before any device closes: it cannot
                    // spin on a descriptor that is gone.
                    self.close();
                })
                .context("cannot start the main loop's thread")?
        };
        Ok(Running {
            env,
            stop,
            thread: Some(thread),
        })
    }
}

impl Port {
    fn watched(&self) -> Option<RawFd> {
        if self.broken {
            None
        } else {
            self.attached.receiver.fd()
        }
    }

    /// Takes what has arrived. True if there may be more.
    // ANCHOR: serve
    fn serve(&mut self, input: &mut dyn Input, now: Time) -> bool {
        // EXERCISE 1.9: Serve an interrupt
        let Attached { device, receiver } = &mut self.attached;
        let raised = device.irq().acknowledge();
        let due = receiver.deadline().is_some_and(|deadline| deadline <= now);
        if self.broken || !(raised || due || self.ready) {
            return false;
        }
        debug!(target: "interrupt", "irq={}, name={}", device.irq().number(), device.name());
        // ANCHOR_END: serve
        // ANCHOR: take
        for _ in 0..BUDGET {
            match receiver.receive(device) {
                Ok(Received::Dropped) => {}
                Ok(Received::Packet(ethertype, packet)) => {
                    device.counters.received.inc();
                    input.input(device, ethertype, packet);
                }
                Ok(Received::Nothing) => {
                    self.ready = false;
                    return true;
                }
                Err(error) => {
                    device.counters.receive_failed.inc();
                    error!(target: "device::receive", "device failure, dev={}: {error}", device.name());
                    self.broken = true;
                    device.close();
                    return true;
                }
            }
        }
        // ANCHOR_END: take
        self.ready = true;
        true
        // END 1.9
    }
}

/// A main loop that runs in a thread of its own; ends when it is dropped.
#[derive(Debug)]
pub struct Running {
    env: Arc<Env>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// Ends the loop and closes the devices.
    ///
    /// # Errors
    /// The loop's thread has panicked.
    pub fn shutdown(mut self) -> io::Result<()> {
        self.join()
    }

    fn join(&mut self) -> io::Result<()> {
        self.stop.store(true, Ordering::SeqCst);
        self.env.wake();
        match self.thread.take().map(JoinHandle::join) {
            Some(Err(_)) => Err(io::Error::other("the main loop has panicked")),
            _ => Ok(()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A panic in the loop has been reported by its own thread.
        let _ = self.join();
    }
}

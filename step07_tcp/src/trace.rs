//! What connections measure, over time, as a table for plots (`--trace FILE`).
//!
//! One line per connection and sample, and only if something has changed since
//! the last: comma-separated values with a heading.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use log::error;

use crate::net::Source;
use crate::status::Status;
use crate::tcb::Id;
use crate::tcp::Tcp;
use crate::time::Time;

/// The time between two samples.
pub const INTERVAL: Duration = Duration::from_millis(10);

const HEADING: &str = "seconds,id,local,remote,state,cwnd,ssthresh,flight,\
    send_window,receive_window,mss,srtt_ms,rto_ms,retransmitted";

/// Writes the table; owned by the main loop.
pub struct Trace<W> {
    tcp: Arc<Tcp>,
    /// `None` after an error.
    out: Option<W>,
    next: Time,
    /// The last line of each connection, without its time.
    last: BTreeMap<Id, String>,
}

impl<W: Write + Send> Trace<W> {
    /// A trace of all connections of `tcp`.
    ///
    /// # Errors
    /// `out` cannot be written.
    pub fn new(tcp: &Arc<Tcp>, mut out: W) -> io::Result<Self> {
        writeln!(out, "{HEADING}")?;
        Ok(Self {
            tcp: Arc::clone(tcp),
            out: Some(out),
            next: Time::ZERO,
            last: BTreeMap::new(),
        })
    }

    fn sample(&mut self, now: Time) -> io::Result<()> {
        let Some(out) = &mut self.out else {
            return Ok(());
        };
        let retransmitted = self.tcp.counters.retransmitted.get();
        let mut seen = BTreeMap::new();
        for status in self.tcp.all() {
            let Some(line) = line(&status, retransmitted) else {
                continue;
            };
            if self.last.get(&status.id) != Some(&line) {
                let seconds = now.since(Time::ZERO).as_secs_f64();
                writeln!(out, "{seconds:.6},{line}")?;
            }
            seen.insert(status.id, line);
        }
        self.last = seen;
        out.flush()
    }
}

/// A connection's values; `None` for a listener.
fn line(status: &Status, retransmitted: u64) -> Option<String> {
    let measures = status.measures?;
    let millis = |time: Duration| format!("{:.3}", time.as_secs_f64() * 1000.0);
    let ssthresh = measures.ssthresh.map(|octets| octets.to_string());
    Some(format!(
        "{},{},{},{},{},{},{},{},{},{},{},{},{retransmitted}",
        status.id,
        status.local,
        status.remote,
        status.state,
        measures.cwnd,
        ssthresh.unwrap_or_default(),
        measures.flight,
        measures.send_window,
        measures.receive_window,
        measures.mss,
        measures.srtt.map(millis).unwrap_or_default(),
        millis(measures.rto),
    ))
}

impl<W: Write + Send> Source for Trace<W> {
    fn deadline(&self) -> Option<Time> {
        self.out.is_some().then_some(self.next)
    }

    fn service(&mut self, now: Time) {
        self.next = now + INTERVAL;
        if let Err(error) = self.sample(now) {
            error!(target: "trace", "write: {error}; the trace ends here");
            self.out = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::sync::Mutex;

    use super::*;
    use crate::env::Env;
    use crate::host::Host;
    use crate::scene;
    use crate::simulation;
    use crate::sync::lock;
    use crate::tcp_listener::TcpListener;
    use crate::wire::Wire;

    #[derive(Clone, Default)]
    struct File(Arc<Mutex<Vec<u8>>>);

    impl Write for File {
        fn write(&mut self, data: &[u8]) -> io::Result<usize> {
            lock(&self.0).extend_from_slice(data);
            Ok(data.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_transfer_leaves_its_trace() {
        let env = Env::manual(0);
        let wire = Wire::with_faults(&env, scene::faults());
        let a = Host::new(&env.host("a", 1), wire.port(), &scene::config_a().unwrap());
        let b = Host::new(&env.host("b", 2), wire.port(), &scene::config_b().unwrap());
        let ((a, mut a_net), (b, mut b_net)) = (a.unwrap(), b.unwrap());
        let file = File::default();
        a_net.add_source(Trace::new(&a.tcp, file.clone()).unwrap());
        a_net.open().unwrap();
        b_net.open().unwrap();
        let mut run = |millis| {
            simulation::run_for(
                &env,
                &mut [&mut a_net, &mut b_net],
                Duration::from_millis(millis),
            );
        };
        let _listener = TcpListener::bind(&b.tcp, "0.0.0.0:7").unwrap();
        let mut client = scene::connect(&a, "192.0.2.1:7").unwrap();
        run(100);
        client.write_all(&[0; 30_000]).unwrap();
        run(1000);
        let text = String::from_utf8(lock(&file.0).clone()).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], HEADING);
        let columns = HEADING.split(',').count();
        assert!(lines.iter().all(|line| line.split(',').count() == columns));
        assert!(lines[1].contains(",SYN_SENT,"), "{}", lines[1]);
        assert!(lines.last().unwrap().contains(",ESTABLISHED,"));
        // An idle connection adds nothing.
        assert!((3..30).contains(&lines.len()), "{text}");
    }
}

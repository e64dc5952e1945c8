//! Two hosts on one wire in memory: what the programs of this step play with.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;

use crate::cli::{Cli, Matches, usage};
use crate::env::Env;
use crate::host::{Config, Host};
use crate::net::Net;
use crate::pcap;
use crate::time::Time;
use crate::wire::{Crossing, Faults, Wire};

/// The option of a scene whose wire can be captured.
pub fn pcap_option(cli: Cli) -> Cli {
    let help = "write what crosses the wire, for Wireshark";
    cli.option("--pcap", "FILE", None, help)
}

/// Where a scene's wire is captured, if the user wants it.
#[derive(Debug)]
pub struct Recording(Option<(PathBuf, pcap::Writer<File>)>);

impl Recording {
    /// What `--pcap` says. The file is made at once, so that a mistake is not
    /// found at the end of the scene.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn new(matches: &Matches) -> Result<Self> {
        let Some(path) = matches.get::<PathBuf>("--pcap")? else {
            return Ok(Self(None));
        };
        match File::create(&path).and_then(pcap::Writer::new) {
            Ok(writer) => Ok(Self(Some((path, writer)))),
            Err(error) => Err(wrong(&path, &error)),
        }
    }

    /// Adds what has crossed the wire of the world `env`, each frame with the
    /// time at which it was sent.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn add(&mut self, env: &Env, crossings: &[Crossing]) -> Result<()> {
        let Some((path, writer)) = &mut self.0 else {
            return Ok(());
        };
        // The scene's clock, in the file's years.
        let epoch = env.unix_time() - env.now().since(Time::ZERO);
        for crossing in crossings {
            let time = epoch + crossing.sent.since(Time::ZERO);
            let written = writer.record(time, &crossing.frame);
            written.map_err(|error| wrong(path, &error))?;
        }
        Ok(())
    }
}

fn wrong(path: &Path, error: &io::Error) -> anyhow::Error {
    usage(format!("option --pcap: '{}': {error}", path.display()))
}

/// The first host: the stack of the guide, 192.0.2.2.
///
/// # Errors
/// None, as long as the texts are right.
pub fn config_a() -> Result<Config> {
    Config::new("00:00:5e:00:53:01", "192.0.2.2/24")
}

/// The second host, where the guide has the Linux kernel: 192.0.2.1.
///
/// # Errors
/// None, as long as the texts are right.
pub fn config_b() -> Result<Config> {
    Config::new("00:00:5e:00:53:02", "192.0.2.1/24")
}

/// A wire on which all goes well, and every frame takes a millisecond.
pub fn faults() -> Faults {
    Faults {
        delay: Duration::from_millis(1),
        ..Faults::default()
    }
}

/// The hosts `a` and `b`, opened, on a wire of their own.
///
/// # Errors
/// As [`Host::new`].
pub fn two_hosts(env: &Arc<Env>) -> Result<[(Host, Net); 2]> {
    two_hosts_on(&Wire::with_faults(env, faults()), env)
}

/// The hosts `a` and `b`, opened, on `wire`.
///
/// # Errors
/// As [`Host::new`].
pub fn two_hosts_on(wire: &Arc<Wire>, env: &Arc<Env>) -> Result<[(Host, Net); 2]> {
    let (a, mut a_net) = Host::new(&env.host("a", 1), wire.port(), &config_a()?)?;
    let (b, mut b_net) = Host::new(&env.host("b", 2), wire.port(), &config_b()?)?;
    a_net.open()?;
    b_net.open()?;
    Ok([(a, a_net), (b, b_net)])
}

//! Two hosts on one wire in memory: what the programs of this step play with.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;

use crate::env::Env;
use crate::host::{Config, Host};
use crate::net::Net;
use crate::wire::{Faults, Wire};

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
    let wire = Wire::with_faults(env, faults());
    let (a, mut a_net) = Host::new(&env.host("a", 1), wire.port(), &config_a()?)?;
    let (b, mut b_net) = Host::new(&env.host("b", 2), wire.port(), &config_b()?)?;
    a_net.open()?;
    b_net.open()?;
    Ok([(a, a_net), (b, b_net)])
}

//! Two hosts on one wire in memory: what the programs of this step play with.

use std::sync::Arc;

use anyhow::Result;

use crate::env::Env;
use crate::host::Host;
use crate::net::Net;
use crate::wire::Wire;

pub use step05_arp::scene::{Recording, config_a, config_b, faults, pcap_option};

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

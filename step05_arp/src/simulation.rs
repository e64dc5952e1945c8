//! Turns the cranks of several hosts, and the clock, until nothing happens any more.

use std::sync::Arc;
use std::time::Duration;

use crate::env::Env;
use crate::net::Net;
use crate::time::Time;

/// Lets `hosts` work until time `until`: whenever none has anything to do at
/// the present moment, the clock jumps to the next deadline of any. The clock
/// stands at `until` at the end.
pub fn run_until(env: &Arc<Env>, hosts: &mut [&mut Net], until: Time) {
    loop {
        settle(hosts);
        let next = hosts.iter().filter_map(|host| host.deadline()).min();
        match next {
            Some(next) if next <= until => env.advance_to(next),
            _ => break,
        }
    }
    env.advance_to(until);
}

/// Lets `hosts` work for the time `span`, as [`run_until`] does.
pub fn run_for(env: &Arc<Env>, hosts: &mut [&mut Net], span: Duration) {
    run_until(env, hosts, env.now() + span);
}

/// Lets `hosts` work until none has anything to do at the present moment.
pub fn settle(hosts: &mut [&mut Net]) {
    while hosts
        .iter_mut()
        .fold(false, |busy, host| host.step() | busy)
    {}
}

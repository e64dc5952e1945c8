//! A network of one's own: what the lab is built from.
//!
//! A network namespace has interfaces, addresses and routes that nobody outside
//! sees. To make one takes privilege, but not root's: in a *user namespace* of
//! its own, a process may call itself root, and is it as far as that namespace
//! and what belongs to it are concerned. Both vanish with the last process inside.

use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use log::debug;

use crate::frame::{failure, parse_name};
use crate::sys;

/// Moves this process, and all that it will start, into a new, empty network
/// namespace.
///
/// To be called at the start, while the process has one thread: a namespace is
/// a thread's, and threads that exist already would stay behind. If it fails,
/// the process should end: it may have left its old user namespace already.
///
/// # Errors
/// What in this system forbids it, in words. Or there are more threads.
pub fn enter() -> Result<()> {
    let threads = fs::read_dir("/proc/self/task").context("cannot read /proc/self/task")?;
    let threads = threads.count();
    ensure!(
        threads == 1,
        "a process with {threads} threads cannot enter a network namespace"
    );
    match sys::unshare(sys::CLONE_NEWNET) {
        Ok(()) => {
            debug!(target: "namespace::enter", "network namespace");
            return Ok(());
        }
        // Not root, or a root without rights, as in a container.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
        Err(error) => return Err(forbidden("unshare [CLONE_NEWNET]", &error)),
    }
    let (user, group) = sys::user_and_group();
    sys::unshare(sys::CLONE_NEWUSER | sys::CLONE_NEWNET)
        .map_err(|error| forbidden("unshare [CLONE_NEWUSER]", &error))?;
    // We are nobody in there, until the kernel knows who that is outside. A
    // process without privilege may map only itself, and its group only after
    // it has given up to change its set of groups.
    for (file, text) in [
        ("/proc/self/setgroups", "deny".to_owned()),
        ("/proc/self/uid_map", format!("0 {user} 1")),
        ("/proc/self/gid_map", format!("0 {group} 1")),
    ] {
        fs::write(file, text).map_err(|error| forbidden(&format!("write [{file}]"), &error))?;
    }
    debug!(target: "namespace::enter", "user and network namespace, uid={user}, gid={group}");
    Ok(())
}

/// Gives the interface `name` an address, and sets it up, and the loopback
/// interface too. Takes no `ip` program.
///
/// # Errors
/// The name or the prefix is wrong; there is no such interface; no permission.
pub fn configure(name: &str, addr: Ipv4Addr, prefix: u8) -> Result<()> {
    let name = parse_name(name)?;
    ensure!(prefix <= 32, "a prefix has at most 32 bits, not {prefix}");
    let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
    // Without IPv6 the kernel does not fill the lab with neighbour discovery.
    // Where that is impossible, there is only more to see.
    let disable = Path::new("/proc/sys/net/ipv6/conf").join(name.as_str());
    if let Err(error) = fs::write(disable.join("disable_ipv6"), "1") {
        debug!(target: "namespace::configure", "write [disable_ipv6]: {error}, dev={name}");
    }
    let socket = sys::control_socket().context("socket")?;
    let fd = socket.as_fd();
    let fail = |call| {
        let name = name.clone();
        move |error: io::Error| failure(call, &error, name.as_str(), "")
    };
    sys::set_address(fd, &name, addr).map_err(fail("ioctl [SIOCSIFADDR]"))?;
    sys::set_netmask(fd, &name, mask.into()).map_err(fail("ioctl [SIOCSIFNETMASK]"))?;
    sys::set_up(fd, &name).map_err(fail("ioctl [SIOCSIFFLAGS]"))?;
    let loopback = parse_name("lo")?;
    sys::set_up(fd, &loopback)
        .map_err(|error| failure("ioctl [SIOCSIFFLAGS]", &error, "lo", ""))?;
    debug!(target: "namespace::configure", "up, dev={name}, addr={addr}/{prefix}");
    Ok(())
}

/// What the user can type instead: makes a TAP that belongs to them.
pub fn sudo_instructions(device: &str, addr: Ipv4Addr, prefix: u8) -> String {
    format!(
        "sudo ip tuntap add mode tap user $USER name {device}\n\
         sudo ip addr add {addr}/{prefix} dev {device}\n\
         sudo ip link set {device} up"
    )
}

/// A failed call, with whatever in this system could be the reason.
fn forbidden(call: &str, error: &io::Error) -> anyhow::Error {
    let read = |path: &str| fs::read_to_string(path).ok();
    let obstacles = obstacles(Path::new("/proc/self/ns/user").exists(), read);
    anyhow!("{call}: {error}: {}", obstacles.join("; "))
}

/// The known obstacles to namespaces without root. `read` returns what is in a
/// file, if there is one.
fn obstacles(user_namespaces: bool, read: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut found = Vec::new();
    if !user_namespaces {
        found.push("this kernel has no user namespaces (CONFIG_USER_NS)".to_owned());
    }
    // The setting, the value that forbids, and the one that allows.
    for (setting, forbids, allows) in [
        ("kernel.unprivileged_userns_clone", "0", "1"),
        ("kernel.apparmor_restrict_unprivileged_userns", "1", "0"),
        ("user.max_user_namespaces", "0", "10000"),
        ("user.max_net_namespaces", "0", "10000"),
    ] {
        let path = format!("/proc/sys/{}", setting.replace('.', "/"));
        if read(&path).is_some_and(|text| text.trim() == forbids) {
            found.push(format!(
                "{setting} is {forbids}, which forbids it ('sudo sysctl {setting}={allows}' allows it)"
            ));
        }
    }
    if found.is_empty() {
        found.push(
            "no setting forbids it, so it is a sandbox around this process (a container's \
             seccomp filter, say); as root, or outside, it works"
                .to_owned(),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn obstacles_are_named_with_their_remedy() {
        let ubuntu = |path: &str| match path {
            "/proc/sys/kernel/apparmor_restrict_unprivileged_userns" => Some("1\n".to_owned()),
            "/proc/sys/user/max_user_namespaces" => Some("96365\n".to_owned()),
            _ => None,
        };
        assert_eq!(
            obstacles(true, ubuntu),
            [
                "kernel.apparmor_restrict_unprivileged_userns is 1, which forbids it \
              ('sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0' allows it)"
            ]
        );
        let hardened = |path: &str| {
            path.ends_with("max_user_namespaces")
                .then(|| "0\n".to_owned())
        };
        let found = obstacles(false, hardened);
        assert_eq!(found.len(), 2);
        assert!(found[0].contains("CONFIG_USER_NS"));
        assert!(found[1].contains("'sudo sysctl user.max_user_namespaces=10000'"));
        assert!(obstacles(true, |_| None)[0].contains("seccomp"));
    }

    #[test]
    fn a_process_with_threads_is_refused() {
        // The test runner has at least two: its own and this one.
        let error = enter().unwrap_err().to_string();
        assert!(
            error.ends_with("threads cannot enter a network namespace"),
            "{error}"
        );
    }

    #[test]
    fn what_to_type_instead() {
        assert_eq!(
            sudo_instructions("tap0", Ipv4Addr::new(192, 0, 2, 1), 24),
            "sudo ip tuntap add mode tap user $USER name tap0\n\
             sudo ip addr add 192.0.2.1/24 dev tap0\n\
             sudo ip link set tap0 up"
        );
    }

    #[test]
    fn wrong_settings_are_refused_before_anything_is_changed() {
        let addr = Ipv4Addr::new(192, 0, 2, 1);
        let error = configure("no-such-dev", addr, 33).unwrap_err();
        assert_eq!(error.to_string(), "a prefix has at most 32 bits, not 33");
        let error = configure("much-too-long-name", addr, 24).unwrap_err();
        assert!(error.is::<crate::cli::UsageError>());
    }
}

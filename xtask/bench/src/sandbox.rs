//! A network of one's own, and our host in it.

use std::env;
use std::process::{Command, ExitStatus};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use step07_tcp::env::Env;
use step07_tcp::host::{Config, Host};
use step07_tcp::net::Running;
use step07_tcp::tap::Tap;

/// Runs this program again, with `inside` and `args`, in namespaces of its own.
///
/// # Errors
/// It cannot be started.
pub fn again<'a>(args: impl IntoIterator<Item = &'a str>) -> Result<ExitStatus> {
    Command::new("unshare")
        .args(["--map-root-user", "--net", "--mount", "--pid", "--fork"])
        .arg("--kill-child")
        .arg(env::current_exe()?)
        .arg("inside")
        .args(args)
        .status()
        .context("unshare")
}

/// Runs a command of the system's.
///
/// # Errors
/// It fails.
pub fn sh(command: &str) -> Result<()> {
    let status = Command::new("sh").args(["-ec", command]).status()?;
    ensure!(status.success(), "{command}: {status}");
    Ok(())
}

/// Our host at 192.0.2.2, behind tap0. It lives until both are dropped.
///
/// # Errors
/// There is no tap0, or it is in use.
pub fn our_host(offload: bool) -> Result<(Arc<Host>, Running)> {
    let tap = if offload {
        Tap::open_offloading("tap0")?
    } else {
        Tap::open("tap0")?
    };
    let config = Config::new("00:00:5e:00:53:01", "192.0.2.2/24")?;
    let (host, net) = Host::new(&Env::system(), tap, &config)?;
    Ok((Arc::new(host), net.spawn()?))
}

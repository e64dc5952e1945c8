//! A thread of the kernel's behind a TAP.
//!
//! Whoever writes a frame to a TAP does the kernel's work as well: when `write`
//! returns, the kernel's IP and TCP are through with the frame, and the program
//! that reads there has been woken. All of that for each frame alone, as the
//! next one is not written yet. The drivers of network cards leave it to
//! *NAPI*: frames go into a queue, which is worked off many at a time. A TAP can
//! do that too, and the one who does it can be a thread of the kernel's, on
//! another processor:
//!
//! ```text
//!   write ──► queue ──► thread "napi/tap0-0" ──► IP ──► TCP ──► who reads there
//! ```
//!
//! A file in sysfs is the switch. To turn it takes CAP_NET_ADMIN, so a user's TAP
//! works as it always did.

use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use log::debug;

use crate::ethernet::MacAddr;
use crate::frame::DeviceName;
use crate::sys;

/// The switch of a TAP's thread.
#[derive(Debug)]
pub(crate) struct Switch(PathBuf);

impl Switch {
    /// The switch of the TAP `name`, if there is one and we may turn it. To be
    /// asked before anybody is attached to the TAP: a queue that no thread works
    /// off is slower than none.
    pub(crate) fn find(name: &DeviceName) -> Option<Self> {
        let folder = Path::new("/sys/class/net").join(name.as_str());
        let switch = Self(folder.join("threaded"));
        let ours = check_namespace(&folder, name).and_then(|()| switch.check());
        ours.inspect_err(|error| debug!(target: "tap::napi", "no thread: {error}, dev={name}"))
            .ok()
            .map(|()| switch)
    }

    /// From now on a thread works off what is written.
    pub(crate) fn turn_on(&self) -> io::Result<()> {
        fs::write(&self.0, "1")
    }

    /// May we turn it? As long as there is no queue the kernel refuses, but says
    /// so only to those whom it would obey.
    fn check(&self) -> io::Result<()> {
        match self.turn_on() {
            Err(error) if error.raw_os_error() == Some(sys::EOPNOTSUPP) => Ok(()),
            result => result,
        }
    }
}

/// The interface that sysfs shows in `folder` must be the one that we call
/// `name`: it shows those of the network namespace in which it was mounted.
fn check_namespace(folder: &Path, name: &DeviceName) -> io::Result<()> {
    let shown = |file| fs::read_to_string(folder.join(file));
    let socket = sys::control_socket()?;
    let index = sys::interface_index(socket.as_fd(), name)?;
    let (_, address) = sys::hardware_address(socket.as_fd(), name)?;
    let same = shown("ifindex")?.trim_end() == index.to_string()
        && shown("address")?.trim_end() == MacAddr(address).to_string();
    if same {
        Ok(())
    } else {
        Err(io::Error::other("sysfs is another namespace's"))
    }
}

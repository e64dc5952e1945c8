//! Threads that take turns at accepting: the kernel's peer and ours alike.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::thread;

/// As many as smoltcp's peer has sockets for each service.
const THREADS: usize = 16;

/// One thread accepts, and serves what it has accepted, while the next one
/// accepts: no thread is made for a connection, and no connection is handed
/// from one to another. Returns the first error of `accept`.
pub fn serve<S>(
    accept: impl Fn() -> io::Result<S> + Sync,
    service: impl Fn(S) -> io::Result<()> + Sync,
) -> io::Result<()> {
    let turn = Mutex::new(());
    let next = || {
        let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
        accept()
    };
    thread::scope(|scope| {
        let work = || {
            loop {
                let stream = next()?;
                // A client that goes away is none of the others' business.
                let _ = service(stream);
            }
        };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().unwrap_or(Ok(())))
    })
}

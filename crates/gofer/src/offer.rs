//! A tree for whoever connects to a socket: `casemate gofer serve`.
//!
//! Who may connect may do with the tree what this process may: the mode of the socket is what keeps others out.

use std::os::fd::OwnedFd;
use std::sync::{Arc, Barrier};

use host::seccomp::{AllowList, Mismatch, Row, Scope};
use rustix::net::{SocketFlags, accept_with};

use crate::session::Tree;
use crate::{Config, Error, connection, filter, make_room, session};

/// Clients at a time; further ones wait until one of them goes.
pub const CLIENTS_MAX: usize = 64;

/// What accepting connections takes besides [`filter::table`].
pub const FURTHER: &[Row] = &[Row::always(abi::nr::accept4, "takes up connections")];

/// Serves until the process is ended. The socket of each export is one that listens.
///
/// # Errors
/// If it could not begin; what goes wrong with one connection ends that one and is logged.
pub fn offer(config: Config) -> Result<(), Error> {
    make_room(&config.exports);
    rustix::process::umask(rustix::fs::Mode::empty());
    let chown = session::may_chown();
    let workers = config.exports.len() * CLIENTS_MAX;
    // As in `serve`: the filter forbids what a thread does at its start, and nothing is served without it.
    let start = Arc::new(Barrier::new(workers + 1));
    let mut threads = Vec::with_capacity(workers);
    for export in config.exports {
        let export = Arc::new(export);
        for _ in 0..CLIENTS_MAX {
            let (start, links, export) = (Arc::clone(&start), config.links.clone(), Arc::clone(&export));
            // Each has the root by a descriptor of its own, which its sessions copy.
            let root = export.tree.root.try_clone().map_err(Error::Thread)?;
            let thread = std::thread::Builder::new().name(String::from("client")).stack_size(256 << 10);
            threads.push(thread.spawn(move || {
                start.wait();
                start.wait();
                let place = Place { tree: export.tree.by(root), links, chown };
                while let Some(socket) = next(&export.socket) {
                    place.serve(&socket);
                }
            }));
        }
    }
    let threads = threads.into_iter().collect::<Result<Vec<_>, _>>().map_err(Error::Thread)?;
    start.wait();
    if config.filter {
        let rows: Vec<Row> = filter::table(config.reach).into_iter().chain(FURTHER.iter().copied()).collect();
        let installed = AllowList::new(&rows, Mismatch::Kill).and_then(|list| list.install(Scope::Process));
        // The threads still wait at the barrier, and end with the process: nothing was served.
        installed.map_err(Error::Filter)?;
    }
    start.wait();
    for thread in threads {
        if thread.join().is_err() {
            tracing::error!("a client's thread panicked");
        }
    }
    Ok(())
}

/// What a worker's clients get.
struct Place {
    tree: Tree,
    links: crate::Links,
    chown: bool,
}

impl Place {
    fn serve(&self, socket: &OwnedFd) {
        // Reopened, and not copied: no further system call for it is needed in the filter.
        let flags = rustix::fs::OFlags::PATH | rustix::fs::OFlags::CLOEXEC | rustix::fs::OFlags::DIRECTORY;
        let root = match rustix::fs::openat(&self.tree.root, ".", flags, rustix::fs::Mode::empty()) {
            Ok(root) => root,
            Err(error) => return tracing::warn!(%error, "the offered directory cannot be opened"),
        };
        let session = session::Session::new(self.tree.by(root), self.links.clone(), self.chown);
        if let Err(error) = connection::run(socket, session) {
            tracing::warn!(%error, "a client's connection ended");
        }
    }
}

/// The next client; nothing if the socket takes up no more.
fn next(listener: &OwnedFd) -> Option<OwnedFd> {
    loop {
        match accept_with(listener, SocketFlags::CLOEXEC) {
            Ok(socket) => return Some(socket),
            Err(rustix::io::Errno::INTR | rustix::io::Errno::CONNABORTED) => {}
            Err(error) => {
                tracing::error!(%error, "no further clients can be taken up");
                return None;
            }
        }
    }
}

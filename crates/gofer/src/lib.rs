//! The gofer process: serves the files of one container over 9P2000.L.
//!
//! It stands between a sentry, which must be assumed to be compromised, and the host's files. What a client can do is what the
//! messages say and no more: names are single components, never `.` or `..`; files are held by `O_PATH` descriptors and
//! found only by looking one name up in one directory, without following links; what is opened is a regular file or
//! a directory; a read-only mount refuses every change in the server too; tables and messages are bounded.
//!
//! There is one connection for each mount, each with its own thread and its own tables, so that one mount cannot name files of
//! another. The sentry's VFS joins the trees. [`confine`] builds the walls, [`serve`] works behind them, and
//! returns when all connections are closed.
#![forbid(unsafe_code)]

mod acl;
pub mod confine;
mod connection;
mod fids;
pub mod filter;
mod identity;
mod ids;
mod local;
mod names;
mod node;
mod offer;
mod serve;
mod session;

use std::os::fd::OwnedFd;
use std::sync::{Arc, Barrier};
use std::time::Duration;

pub use confine::{Source, confine};
use host::seccomp::{AllowList, Mismatch, Scope};
pub use ids::Ids;
pub use local::Local;
pub use ninep::Extent;
pub use node::Links;
pub use offer::{CLIENTS_MAX, FURTHER, offer};
pub use session::{Reach, Tree};

/// One tree to serve, and to whom.
#[derive(Debug)]
pub struct Export {
    /// A connected Unix stream socket; one that listens for [`offer`].
    pub socket: OwnedFd,
    /// What is served.
    pub tree: Tree,
}

/// What a gofer serves.
#[derive(Debug)]
pub struct Config {
    /// The trees, each with its connection.
    pub exports: Vec<Export>,
    /// Where this process's descriptors are found by name, to reopen what is held by an `O_PATH` descriptor.
    pub links: Links,
    /// Whether to install the seccomp filter ([`filter`]) before the first request is served.
    pub filter: bool,
    /// Whether a client may have the root of its tree itself (`--directfs`).
    pub hands_over: bool,
    /// What else of the host clients may reach.
    pub reach: Reach,
}

impl Config {
    /// For a process that is behind no walls of ours and can see its `/proc`: nothing but files is reached, and no filter is installed.
    #[must_use]
    pub fn without_walls(exports: Vec<Export>) -> Self {
        let links = Links::in_proc();
        Self { exports, links, filter: false, hands_over: false, reach: Reach::default() }
    }
}

/// Why a gofer cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A step of building the walls failed.
    #[error("the gofer cannot {step}: {source}")]
    Confine {
        /// What it was about to do.
        step: String,
        /// What the host said.
        source: std::io::Error,
    },
    /// A thread could not be made.
    #[error("the gofer cannot start a thread for a mount: {0}")]
    Thread(std::io::Error),
    /// The filter could not be installed.
    #[error("the gofer cannot install its system call filter: {0}")]
    Filter(abi::Errno),
}

/// When it lets go of the code that only its start needed.
const REST: Duration = Duration::from_secs(1);

/// Serves until all connections are closed.
///
/// # Errors
/// If it could not begin; what goes wrong with one connection ends that one and is logged.
pub fn serve(config: Config) -> Result<(), Error> {
    make_room(&config.exports);
    let umask = rustix::process::umask(rustix::fs::Mode::empty());
    let chown = session::may_chown();
    let (hands_over, reach) = (config.hands_over, config.reach);
    // Twice: when all threads run, for the filter does not allow what a thread does at its start; and when the filter is
    // there, for nothing may be served without it.
    let start = Arc::new(Barrier::new(config.exports.len() + 1));
    let mut threads = Vec::with_capacity(config.exports.len());
    for (index, export) in config.exports.into_iter().enumerate() {
        let start = Arc::clone(&start);
        let links = config.links.clone();
        let main = std::thread::current();
        let thread = std::thread::Builder::new().name(format!("mount {index}")).stack_size(256 << 10).spawn(
            move || {
                start.wait();
                start.wait();
                let mut session = session::Session::new(export.tree, links, chown);
                session.hands_over = hands_over;
                session.reach = reach;
                if let Err(error) = connection::run(&export.socket, session) {
                    tracing::warn!(mount = index, %error, "the connection of a mount ended");
                }
                main.unpark();
            },
        );
        threads.push(thread.map_err(Error::Thread)?);
    }
    start.wait();
    let filter = if config.filter { install_filter(reach) } else { Ok(()) };
    if let Err(error) = filter {
        // The threads still wait at the barrier, and end with the process: nothing was served.
        rustix::process::umask(umask);
        return Err(Error::Filter(error));
    }
    start.wait();
    // Until then, or until a mount ends.
    std::thread::park_timeout(REST);
    host::text::let_go();
    for thread in threads {
        if thread.join().is_err() {
            tracing::error!("a mount's thread panicked");
        }
    }
    Ok(())
}

fn install_filter(reach: Reach) -> Result<(), abi::Errno> {
    AllowList::new(&filter::table(reach), Mismatch::Kill)?.install(Scope::Process)
}

/// A descriptor is held for each file that the client knows: as many as the host gives.
fn make_room(exports: &[Export]) {
    let Some(export) = exports.first() else { return };
    if let Err(error) = host::descriptors::make_room(&export.socket) {
        tracing::warn!(%error, "the limit of open files stays where it is");
    }
}

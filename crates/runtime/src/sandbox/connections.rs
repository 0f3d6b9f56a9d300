//! What a sentry reaches files by: connections to its gofer and to file servers of others, and files themselves.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

use crate::config::Plan;
use crate::error::{Error, Trying};

/// Everything that a container's files come through.
pub(super) struct Connections {
    /// The gofer's ends, one for each export.
    pub(super) of_gofer: Vec<OwnedFd>,
    /// What the sentry gets, in the order of the numbers in its document: its ends, connections to file servers, and files.
    pub(super) of_sentry: Vec<OwnedFd>,
}

impl Connections {
    /// Opens what a plan names.
    pub(super) fn open(plan: &Plan) -> Result<Self, Error> {
        let (of_gofer, mut of_sentry) = pairs(plan.exports.len())?;
        of_sentry.extend(servers(&plan.servers)?);
        for file in &plan.files {
            of_sentry.push(file.open()?);
        }
        Ok(Self { of_gofer, of_sentry })
    }
}

/// Pairs of connected sockets: the gofer's ends and the sentry's.
fn pairs(count: usize) -> Result<(Vec<OwnedFd>, Vec<OwnedFd>), Error> {
    let mut pairs = Vec::with_capacity(count);
    for _ in 0..count {
        let pair = socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None);
        pairs.push(pair.trying("make a connection to the gofer")?);
    }
    Ok(pairs.into_iter().unzip())
}

/// Connections to file servers of others.
fn servers(sockets: &[PathBuf]) -> Result<Vec<OwnedFd>, Error> {
    let connect = |socket: &PathBuf| {
        let stream = UnixStream::connect(socket).trying_on("connect to the file server", socket)?;
        Ok(OwnedFd::from(stream))
    };
    sockets.iter().map(connect).collect()
}

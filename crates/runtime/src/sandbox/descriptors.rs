//! The descriptors that a container's process starts with.

use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::io::fcntl_dupfd_cloexec;

use crate::error::{Error, Trying};

/// The first number after the standard ones.
const FURTHER: i32 = 3;

/// The caller's standard descriptors.
pub(crate) fn standard() -> Result<Vec<OwnedFd>, Error> {
    let standard: [BorrowedFd<'_>; 3] =
        [rustix::stdio::stdin(), rustix::stdio::stdout(), rustix::stdio::stderr()];
    let copies = standard.into_iter().map(|fd| fcntl_dupfd_cloexec(fd, FURTHER)).collect::<Result<_, _>>();
    copies.trying("duplicate standard input and output")
}

/// What a socket-activating service manager says of them: sd_listen_fds(3).
const COUNT: &str = "LISTEN_FDS";

/// How many descriptors the caller's service manager has left open for the container: they come first.
pub(crate) fn handed_over() -> u32 {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u32>().ok());
    // They are for one process, and not for those that inherit its environment.
    let own = number("LISTEN_PID") == Some(std::process::id());
    number(COUNT).filter(|_| own).unwrap_or(0)
}

/// What the container's first process is told of those.
pub(crate) fn activation() -> Vec<String> {
    match handed_over() {
        0 => Vec::new(),
        count => vec![format!("{COUNT}={count}"), "LISTEN_PID=1".to_owned()],
    }
}

/// So many descriptors after them that the caller has left open for the process. To be called before this process opens anything.
pub(crate) fn preserved(count: u32) -> Result<Vec<OwnedFd>, Error> {
    let take = |number| {
        host::inherit::take(number)
            .map_err(|error| Error::Message(format!("--preserve-fds: descriptor {number}: {error}")))
    };
    (FURTHER..).take(usize::try_from(count).unwrap_or(usize::MAX)).map(take).collect()
}

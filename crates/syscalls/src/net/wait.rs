//! Waiting for sockets: `SO_RCVTIMEO`, `SO_SNDTIMEO`, and what signals do to them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use abi::Errno;
use kernel::{Task, wait};
use vfs::Events;

use super::descriptor::Open;

/// How long a call may wait.
#[derive(Clone, Copy)]
pub(super) enum Patience {
    /// Not at all.
    None,
    /// Until then.
    Until(Instant),
    /// For ever.
    Endless,
}

impl Patience {
    /// For receiving, accepting.
    pub(super) fn to_receive(open: Open<'_>, nonblocking: bool) -> Self {
        let timeout = open.socket().core().options.lock().receive_timeout;
        Self::new(nonblocking || open.is_nonblocking(), timeout)
    }

    /// For sending, connecting.
    pub(super) fn to_send(open: Open<'_>, nonblocking: bool) -> Self {
        let timeout = open.socket().core().options.lock().send_timeout;
        Self::new(nonblocking || open.is_nonblocking(), timeout)
    }

    fn new(nonblocking: bool, timeout: Option<Duration>) -> Self {
        match timeout {
            _ if nonblocking => Self::None,
            // A time that cannot be told is as good as none.
            Some(timeout) => Instant::now().checked_add(timeout).map_or(Self::Endless, Self::Until),
            None => Self::Endless,
        }
    }

    pub(super) const fn is_none(self) -> bool {
        matches!(self, Self::None)
    }
}

/// Tries until the socket is ready, as long as there is patience.
///
/// # Errors
/// `EAGAIN` when patience ends. After a signal `ERESTARTSYS`, or `EINTR` if there is a timeout: such calls are not restarted
/// (signal(7)). And what the attempt fails with.
pub(super) async fn patiently<T>(
    task: &Arc<Task>,
    open: Open<'_>,
    interest: Events,
    patience: Patience,
    mut attempt: impl FnMut() -> Result<T, Errno>,
) -> Result<T, Errno> {
    let queue = &open.socket().core().readiness;
    match patience {
        Patience::None => attempt(),
        Patience::Endless => wait::until(task, queue, interest, attempt).await,
        Patience::Until(deadline) => {
            let result = wait::until_deadline(task, queue, interest, Some(deadline), attempt).await;
            result.map_err(|errno| match errno {
                Errno::ETIMEDOUT => Errno::EAGAIN,
                Errno::ERESTARTSYS => Errno::EINTR,
                other => other,
            })
        }
    }
}

//! What processes have used: getrusage(2), times(2).

use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use platform::Thread;

/// CPU time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Consumption {
    /// In user mode.
    pub user: Duration,
    /// In the host's kernel for the guest.
    pub system: Duration,
}

impl Consumption {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { user: self.user.saturating_add(other.user), system: self.system.saturating_add(other.system) }
    }

    /// What is more than another one.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self { user: self.user.saturating_sub(other.user), system: self.system.saturating_sub(other.system) }
    }
}

impl From<(Duration, Duration)> for Consumption {
    fn from((user, system): (Duration, Duration)) -> Self {
        Self { user, system }
    }
}

/// The accounts of a process.
#[derive(Clone, Debug, Default)]
pub struct Usage {
    /// By host processes of earlier program images.
    pub past: Consumption,
    /// By children that were waited for, and their waited-for children.
    pub children: Consumption,
    /// The largest resident set among earlier program images.
    pub past_peak: Peak,
    /// That among children that were waited for, and their waited-for children.
    pub children_peak: Peak,
}

/// The largest resident set of several processes that have ended. The host tells it when it has taken a process apart, which
/// is after the guest's exit: nobody waits for that but those who ask.
#[derive(Clone, Default)]
pub struct Peak {
    /// In KiB.
    known: u64,
    /// Processes of which it is not known yet.
    dying: Vec<Arc<dyn Thread>>,
}

impl Peak {
    /// That of a process whose last thread this was.
    #[must_use]
    pub fn of(thread: Arc<dyn Thread>) -> Self {
        Self { known: 0, dying: vec![thread] }
    }

    /// Counts others in.
    pub fn include(&mut self, other: Self) {
        self.known = self.known.max(other.known);
        self.dying.extend(other.dying);
        self.ask(None);
    }

    fn ask(&mut self, waker: Option<&Waker>) {
        self.dying.retain(|thread| match thread.peak_resident(waker) {
            Some(peak) => {
                self.known = self.known.max(peak);
                false
            }
            None => true,
        });
    }

    /// The value in KiB, when it is certain: that takes no longer than the host needs for its work.
    pub async fn exact(mut self) -> u64 {
        std::future::poll_fn(|context| {
            self.ask(Some(context.waker()));
            if self.dying.is_empty() { Poll::Ready(self.known) } else { Poll::Pending }
        })
        .await
    }
}

impl core::fmt::Debug for Peak {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} KiB, {} unknown", self.known, self.dying.len())
    }
}

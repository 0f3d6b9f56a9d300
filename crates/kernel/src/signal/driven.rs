//! Signal-driven I/O: `O_ASYNC`, `F_SETOWN` and `F_SETSIG` of fcntl(2).

use std::sync::{Arc, Weak};

use abi::fcntl::{F_OWNER_PGRP, F_OWNER_PID, F_OWNER_TID};
use abi::signal::{SI_SIGIO, Siginfo, Signal, SignalSet};
use vfs::open_file::SignalOwner;
use vfs::{Credentials, Events, FileKind, Listener, OpenFile};

use super::{Origin, Target, send, send_to_group, send_to_task};
use crate::{Kernel, Task};

/// Whose `si_code` means something of its own, so that a file's signal has to say [`SI_SIGIO`].
const WITH_CODES: SignalSet = SignalSet::of(&[
    Signal::SIGILL,
    Signal::SIGFPE,
    Signal::SIGSEGV,
    Signal::SIGBUS,
    Signal::SIGTRAP,
    Signal::SIGCHLD,
    Signal::SIGSYS,
]);

/// Why a file sends a signal: `si_code` and `si_band` for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reason {
    code: i32,
    band: Events,
}

const INPUT: Reason = Reason { code: 1, band: Events::IN.union(Events::RDNORM) };
const OUTPUT: Reason = Reason { code: 2, band: Events::OUT.union(Events::WRNORM).union(Events::WRBAND) };
/// `POLL_MSG`: a lease is to be given up, something happened in a directory.
const MESSAGE: Reason = Reason { code: 3, band: Events::IN.union(Events::RDNORM).union(Events::MSG) };
const ENDED: Reason = Reason { code: 6, band: Events::HUP.union(Events::ERR) };

/// Has a file tell its owner of readiness from now on, under the number of this descriptor; or no longer.
pub fn set(task: &Task, file: &Arc<OpenFile>, fd: i32, on: bool) {
    let queue = file.file.readiness().filter(|_| on);
    let watcher = queue.map(|queue| {
        let file = Arc::downgrade(file);
        let watcher = Arc::new(Watcher { kernel: Arc::downgrade(&task.kernel), file, fd });
        queue.register(Events::IN | Events::OUT, watcher)
    });
    file.set_watcher(watcher);
}

/// Who hears that a lease of the file is to be given up: the file's owner for signals, which is the caller's process if it has none.
#[must_use]
pub fn lease_holder(task: &Task, file: &Arc<OpenFile>, fd: i32) -> Arc<dyn Listener> {
    Arc::new(Messages::new(task, file, fd))
}

/// Tells the owner of a file what is no readiness: `POLL_MSG`.
pub(super) struct Messages {
    kernel: Weak<Kernel>,
    file: Weak<OpenFile>,
    fd: i32,
}

impl Messages {
    /// The caller's process becomes the file's owner if it has none.
    pub(super) fn new(task: &Task, file: &Arc<OpenFile>, fd: i32) -> Self {
        let owner = file.signal_owner().unwrap_or_default();
        if owner.id == 0 {
            let credentials = task.credentials();
            let (uid, euid) = (credentials.uid, credentials.euid);
            let own = SignalOwner { kind: F_OWNER_PID, id: task.pid(), signal: owner.signal, uid, euid };
            file.set_signal_owner(Some(own));
        }
        Self { kernel: Arc::downgrade(&task.kernel), file: Arc::downgrade(file), fd }
    }

    pub(super) fn tell(&self) {
        let (Some(kernel), Some(file)) = (self.kernel.upgrade(), self.file.upgrade()) else { return };
        if let Some(owner) = file.signal_owner().filter(|owner| owner.id != 0) {
            tell(&kernel, &owner, self.fd, MESSAGE);
        }
    }
}

impl Listener for Messages {
    fn notify(&self, _: Events) {
        self.tell();
    }
}

struct Watcher {
    kernel: Weak<Kernel>,
    file: Weak<OpenFile>,
    fd: i32,
}

impl Listener for Watcher {
    fn notify(&self, events: Events) {
        let (Some(kernel), Some(file)) = (self.kernel.upgrade(), self.file.upgrade()) else { return };
        let Some(owner) = file.signal_owner().filter(|owner| owner.id != 0) else { return };
        let pipe = file.attributes().is_ok_and(|a| a.kind == FileKind::Fifo);
        let flags = file.flags();
        for reason in reasons(events, file.poll(), pipe, (flags.reads(), flags.writes())) {
            tell(&kernel, &owner, self.fd, reason);
        }
    }
}

/// What is to be told. A pipe's end that goes is input or output for the other one; elsewhere it is a reason of its own.
fn reasons(news: Events, state: Events, pipe: bool, (reads, writes): (bool, bool)) -> Vec<Reason> {
    let ended = Events::HUP | Events::ERR;
    if !pipe && news.intersects(ended) && state.contains(Events::HUP) {
        return vec![ENDED];
    }
    let input = reads && news.contains(Events::IN) && state.intersects(Events::IN | ended);
    let output = writes && news.contains(Events::OUT) && state.intersects(Events::OUT | ended);
    [(input, INPUT), (output, OUTPUT)]
        .into_iter()
        .filter_map(|(told, reason)| told.then_some(reason))
        .collect()
}

fn tell(kernel: &Arc<Kernel>, owner: &SignalOwner, fd: i32, reason: Reason) {
    match owner.kind {
        F_OWNER_TID => {
            let Some(task) = kernel.task(owner.id) else { return };
            if may(owner, &task.credentials()) {
                deliver(Target::Task(&task), owner, fd, reason);
            }
        }
        kind => {
            let groups = match kind {
                F_OWNER_PGRP => kernel.pids.process_group(owner.id),
                _ => kernel.group(owner.id).into_iter().collect(),
            };
            for group in groups {
                let allowed = group.representative().is_some_and(|task| may(owner, &task.credentials()));
                if allowed {
                    deliver(Target::Group(&group), owner, fd, reason);
                }
            }
        }
    }
}

/// Whether who set the owner may signal it: by the credentials of that time.
const fn may(owner: &SignalOwner, target: &Credentials) -> bool {
    owner.euid == 0
        || owner.euid == target.suid
        || owner.euid == target.uid
        || owner.uid == target.suid
        || owner.uid == target.uid
}

/// The signal that was asked for with its particulars; SIGIO alone if there is none, or no room for it.
fn deliver(target: Target<'_>, owner: &SignalOwner, fd: i32, reason: Reason) {
    if let Ok(signal) = Signal::new(owner.signal) {
        let code = if WITH_CODES.has(signal) { SI_SIGIO } else { reason.code };
        let info = Siginfo::poll(signal, code, i64::from(reason.band.bits()), fd);
        if send(target, info, Origin::Inside).is_ok() {
            return;
        }
    }
    let plain = Siginfo::kernel(Signal::SIGIO);
    match target {
        Target::Task(task) => send_to_task(task, plain),
        Target::Group(group) => send_to_group(group, plain),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_of_a_pipe_hears_only_of_its_own_direction() {
        let all = Events::ALWAYS | Events::HUP | Events::ERR;
        assert_eq!(reasons(Events::ALWAYS, Events::IN, true, (true, false)), [INPUT]);
        assert_eq!(reasons(all, Events::HUP, true, (true, false)), [INPUT]);
        assert_eq!(reasons(all, Events::OUT | Events::ERR, true, (false, true)), [OUTPUT]);
        assert_eq!(reasons(Events::OUT, Events::OUT, true, (true, false)), []);
    }

    #[test]
    fn news_without_readiness_are_none() {
        assert_eq!(reasons(Events::IN | Events::OUT, Events::empty(), false, (true, true)), []);
        assert_eq!(reasons(Events::HUP, Events::HUP | Events::IN, false, (true, true)), [ENDED]);
    }
}

//! What a signal tells of the process that sent it: with the numbers that its receiver knows users and processes by.

use std::sync::Arc;

use abi::signal::{Siginfo, Signal};

use super::Origin;
use crate::{Task, ThreadGroup};

/// The particulars of a signal that a task sends by kill(2) or tkill(2).
#[must_use]
pub fn particulars(sender: &Task, to: &ThreadGroup, signal: Signal, code: i32) -> Siginfo {
    Siginfo::user(signal, code, to.pids.shown(sender.pid()), shown_uid(to, sender.credentials().uid))
}

/// The numbers that a process knows a process and a user by.
#[must_use]
pub fn identity(to: &ThreadGroup, pid: i32, uid: u32) -> (i32, u32) {
    (to.pids.shown(pid), shown_uid(to, uid))
}

/// Particulars that a task has made up itself, with the numbers that it knows users by.
#[must_use]
pub fn adapted(sender: &Task, to: &ThreadGroup, info: Siginfo) -> Siginfo {
    if !info.names_sender() {
        return info;
    }
    let uid = sender.credentials().user.uid(info.uid());
    let uid = uid.map_or(vfs::user::OVERFLOW_ID, |uid| shown_uid(to, uid));
    let pid = if to.pids.is_within(sender.pids()) && !Arc::ptr_eq(&to.pids, sender.pids()) {
        0
    } else {
        info.pid()
    };
    info.with_sender(pid, uid)
}

/// Where a signal from a task comes from, as its receiver has it: what is above its pid namespace can kill and stop even its first process.
#[must_use]
pub fn origin(sender: &Task, to: &ThreadGroup) -> Origin {
    if to.pids.number(sender.pid()).is_some() { Origin::Inside } else { Origin::Outside }
}

/// The number that a process knows a user by.
pub(crate) fn shown_uid(to: &ThreadGroup, uid: u32) -> u32 {
    to.representative().map_or(uid, |task| task.credentials().user.shown_uid(uid))
}

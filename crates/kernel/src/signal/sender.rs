//! What a signal tells of the process that sent it: with the numbers that its receiver knows users by.

use abi::signal::{Siginfo, Signal};

use crate::{Task, ThreadGroup};

/// The particulars of a signal that a task sends by kill(2) or tkill(2).
#[must_use]
pub fn particulars(sender: &Task, to: &ThreadGroup, signal: Signal, code: i32) -> Siginfo {
    Siginfo::user(signal, code, sender.pid(), shown_uid(to, sender.credentials().uid))
}

/// Particulars that a task has made up itself, with the numbers that it knows users by.
#[must_use]
pub fn adapted(sender: &Task, to: &ThreadGroup, info: Siginfo) -> Siginfo {
    if !info.names_sender() {
        return info;
    }
    let uid = sender.credentials().user.uid(info.uid());
    let uid = uid.map_or(vfs::user::OVERFLOW_ID, |uid| shown_uid(to, uid));
    info.with_sender(info.pid(), uid)
}

/// The number that a process knows a user by.
pub(crate) fn shown_uid(to: &ThreadGroup, uid: u32) -> u32 {
    to.representative().map_or(uid, |task| task.credentials().user.shown_uid(uid))
}

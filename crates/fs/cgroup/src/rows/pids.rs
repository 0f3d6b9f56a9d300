//! `pids.*`: how many threads there may be.

use abi::Errno;
use kernel::control_group::{Controllers, TaskLimit, Writer};

use super::{Row, Subject};
use crate::counters;
use crate::values::{bound, limit, line};

pub(super) static ROWS: &[Row] = &[
    Row::text("pids.current", |subject| match subject.look(|group| (group.parent, group.tasks))? {
        (None, _) => counters::thread_count(subject),
        (Some(_), tasks) => line(tasks),
    })
    .of(Controllers::PIDS),
    Row::text("pids.events", |subject| line(format_args!("max {}", pids(subject)?.met)))
        .of(Controllers::PIDS)
        .told()
        .not_of_container(),
    Row::text("pids.events.local", |subject| line(format_args!("max {}", pids(subject)?.met_here)))
        .of(Controllers::PIDS)
        .told()
        .not_of_container(),
    Row::setting("pids.max", most, set_most).of(Controllers::PIDS),
    Row::text("pids.peak", |subject| line(pids(subject)?.peak)).of(Controllers::PIDS),
];

pub(super) fn pids(subject: &Subject) -> Result<TaskLimit, Errno> {
    subject.look(|group| group.pids)
}

pub(super) fn most(subject: &Subject) -> Result<Vec<u8>, Errno> {
    if subject.is_container() { counters::thread_limit(subject) } else { limit(pids(subject)?.most) }
}

pub(super) fn set_most(subject: &Subject, _: &Writer, text: &[u8]) -> Result<(), Errno> {
    /// Linux's `PIDS_MAX`, beyond which there is no number of a process.
    const MOST: u64 = 4_194_304;
    let most = match bound::<i64>(text)? {
        None => None,
        Some(most) => Some(u64::try_from(most).ok().filter(|most| *most <= MOST).ok_or(Errno::EINVAL)?),
    };
    subject.set(|group| group.pids.most = most)
}

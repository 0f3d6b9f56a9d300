//! `memory.*`. Nothing is ever reclaimed or swapped here, so there is nothing to be protected from that either.

use abi::Errno;
use kernel::control_group::{Charged, Controllers, MemoryEvents, Writer};

use super::{Row, Subject};
use crate::counters;
use crate::values::{integer, limit, line};

pub(super) static ROWS: &[Row] = &[
    Row::text("memory.current", |subject| {
        if subject.is_container() { counters::memory(subject) } else { line(charged(subject).total()) }
    })
    .of(Controllers::MEMORY),
    Row::text("memory.events", |subject| events(subject.look(|group| group.memory.events)?))
        .of(Controllers::MEMORY)
        .told()
        .not_of_container(),
    Row::text("memory.events.local", |subject| events(subject.look(|group| group.memory.events_here)?))
        .of(Controllers::MEMORY)
        .told()
        .not_of_container(),
    Row::setting("memory.max", most, set_most).of(Controllers::MEMORY),
    Row::setting(
        "memory.oom.group",
        |subject| line(u8::from(subject.look(|group| group.memory.together)?)),
        |subject, _, text| match integer::<u8>(text).map_err(|_| Errno::EINVAL)? {
            on @ 0..=1 => subject.set(|group| group.memory.together = on == 1),
            _ => Err(Errno::EINVAL),
        },
    )
    .of(Controllers::MEMORY)
    .not_of_container(),
    Row::text("memory.stat", |subject| {
        if subject.is_container() {
            return counters::memory_kinds(subject);
        }
        let Charged { anonymous, shared } = charged(subject);
        line(format_args!("anon {anonymous}\nfile {shared}\nshmem {shared}"))
    })
    .of(Controllers::MEMORY),
];

pub(super) fn charged(subject: &Subject) -> Charged {
    subject.kernel.charged(subject.group)
}

fn events(events: MemoryEvents) -> Result<Vec<u8>, Errno> {
    let MemoryEvents { max, oom, oom_kill, oom_group_kill } = events;
    line(format_args!(
        "low 0\nhigh 0\nmax {max}\noom {oom}\noom_kill {oom_kill}\noom_group_kill {oom_group_kill}"
    ))
}

fn most(subject: &Subject) -> Result<Vec<u8>, Errno> {
    if subject.is_container() {
        counters::memory_limit()
    } else {
        limit(subject.look(|group| group.memory.most)?)
    }
}

fn set_most(subject: &Subject, _: &Writer, text: &[u8]) -> Result<(), Errno> {
    let most = if text == b"max" { None } else { Some(bytes(text)?) };
    subject.limit(|group| group.memory.most = most)
}

/// Bytes, with a suffix for larger units, rounded down to pages.
pub(super) fn bytes(text: &[u8]) -> Result<u64, Errno> {
    const PAGE: u64 = 4096;
    let (digits, shift) = match text.split_last() {
        Some((b'k' | b'K', digits)) => (digits, 10),
        Some((b'm' | b'M', digits)) => (digits, 20),
        Some((b'g' | b'G', digits)) => (digits, 30),
        Some((b't' | b'T', digits)) => (digits, 40),
        _ => (text, 0),
    };
    let number: u64 = integer(digits).map_err(|_| Errno::EINVAL)?;
    Ok(number.saturating_mul(1 << shift) / PAGE * PAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_suffixes() {
        let texts: [&[u8]; 5] = [b"8192", b"64k", b"2M", b"1g", b"5000"];
        assert_eq!(texts.map(bytes), [8192, 64 << 10, 2 << 20, 1 << 30, 4096].map(Ok));
        assert_eq!([b"".as_slice(), b"-1", b"m", b"1x"].map(bytes), [Err(Errno::EINVAL); 4]);
    }
}

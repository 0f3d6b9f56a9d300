//! `cgroup.*`: what every group has.

use abi::Errno;
use kernel::control_group::{self, Group, SubtreeChange, What, Writer};

use super::{Row, Subject};
use crate::counters;
use crate::values::{bound, integer, limit, line};

pub(super) static ROWS: &[Row] = &[
    Row::text("cgroup.controllers", |subject| {
        subject.kernel.control_groups.with(|tree| words(&tree.controllers(subject.group).text()))
    }),
    Row::text("cgroup.events", |subject| {
        subject.look(|group| {
            let (populated, frozen) = (group.is_populated(), group.freezing.complete);
            line(format_args!("populated {}\nfrozen {}", u8::from(populated), u8::from(frozen)))
        })?
    })
    .told(),
    Row::setting(
        "cgroup.freeze",
        |subject| subject.look(|group| line(u8::from(group.freezing.wanted)))?,
        |subject, _, text| match integer::<u8>(text)? {
            on @ 0..=1 => subject.kernel.freeze_group(subject.group, on == 1),
            _ => Err(Errno::ERANGE),
        },
    ),
    Row {
        mode: 0o200,
        read: None,
        ..Row::setting(
            "cgroup.kill",
            |_| Err(Errno::EINVAL),
            |subject, _, text| match integer::<u8>(text)? {
                1 => subject.kernel.kill_group(subject.group),
                _ => Err(Errno::ERANGE),
            },
        )
    },
    Row::setting(
        "cgroup.max.depth",
        |subject| subject.look(|group| limit(group.max_depth))?,
        |subject, _, text| {
            let most = below_two_gibi(text)?;
            subject.set(|group| group.max_depth = most)
        },
    ),
    Row::setting(
        "cgroup.max.descendants",
        |subject| subject.look(|group| limit(group.max_descendants))?,
        |subject, _, text| {
            let most = below_two_gibi(text)?;
            subject.set(|group| group.max_descendants = most)
        },
    ),
    Row::setting("cgroup.procs", counters::processes, |subject, writer, text| {
        enter(subject, writer, text, What::Process)
    })
    .delegated(),
    Row::text("cgroup.stat", |subject| {
        let numbers = |group: &Group| (group.descendants, group.dying);
        let (descendants, dying) = subject.look(numbers)?;
        line(format_args!("nr_descendants {descendants}\nnr_dying_descendants {dying}"))
    }),
    Row::text("cgroup.stat.local", |subject| {
        let frozen = subject.look(|group| group.freezing.lasted())?;
        line(format_args!("frozen_usec {}", frozen.as_micros()))
    }),
    Row::setting(
        "cgroup.subtree_control",
        |subject| subject.look(|group| words(&group.subtree.text()))?,
        |subject, _, text| {
            let change = SubtreeChange::parse(text)?;
            subject
                .kernel
                .control_groups
                .change(|tree, notices| tree.change_subtree(subject.group, change, notices))
        },
    )
    .delegated(),
    Row::setting("cgroup.threads", counters::threads, |subject, writer, text| {
        enter(subject, writer, text, What::Thread)
    })
    .delegated(),
    Row::setting("cgroup.type", kind, |_, _, text| {
        // There are no groups whose threads are counted apart from their process.
        Err(if text == b"threaded" { Errno::EOPNOTSUPP } else { Errno::EINVAL })
    }),
];

/// Words in a line, or nothing at all.
fn words(text: &str) -> Result<Vec<u8>, Errno> {
    if text.is_empty() { Ok(Vec::new()) } else { line(text) }
}

fn below_two_gibi(text: &[u8]) -> Result<Option<u32>, Errno> {
    match bound::<u32>(text)? {
        Some(most) if i32::try_from(most).is_err() => Err(Errno::ERANGE),
        most => Ok(most),
    }
}

pub(super) fn enter(subject: &Subject, writer: &Writer, text: &[u8], what: What) -> Result<(), Errno> {
    let id = integer::<i32>(text).ok().filter(|id| *id >= 0).ok_or(Errno::EINVAL)?;
    control_group::move_to(&subject.kernel, writer, subject.group, id, what)
}

fn kind(subject: &Subject) -> Result<Vec<u8>, Errno> {
    subject.kernel.control_groups.with(|tree| {
        let group = tree.living(subject.group)?;
        line(match (tree.is_valid_domain(subject.group), group.is_thread_root()) {
            (false, _) => "domain invalid",
            (true, true) => "domain threaded",
            (true, false) => "domain",
        })
    })
}

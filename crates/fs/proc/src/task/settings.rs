//! Small files about a task's settings.

use std::sync::atomic::Ordering::Relaxed;

use abi::Errno;
use kernel::limits::{INFINITY, Resource};
use kernel::task::Comm;

use super::Subject;

/// The name; a zombie keeps none but what is known of it.
pub(super) fn comm(subject: &Subject) -> Result<Vec<u8>, Errno> {
    let mut name = subject.task()?.attributes().comm.as_bytes().to_vec();
    name.push(b'\n');
    Ok(name)
}

/// Only threads of the process itself may rename one of its threads.
pub(super) fn set_comm(subject: &Subject, text: &[u8]) -> Result<(), Errno> {
    let task = subject.task()?;
    if kernel::current::task().is_none_or(|caller| caller.pid() != task.pid()) {
        return Err(Errno::EINVAL);
    }
    let name = text.strip_suffix(b"\n").unwrap_or(text);
    task.attributes().comm = Comm::new(name);
    Ok(())
}

/// Its control groups: those of the first version, and the one of the unified hierarchy as seen from the root of the reader's cgroup namespace.
pub(super) fn cgroup(subject: &Subject) -> Result<Vec<u8>, Errno> {
    let group = subject.group()?;
    let own = subject.task().ok().map(|task| task.control_groups());
    let of = own.filter(|own| !own.is_empty()).unwrap_or_else(|| group.control_groups());
    let unified = *of.first().ok_or(Errno::ESRCH)?;
    let from = kernel::current::task().map_or(unified, |viewer| viewer.control_root());
    Ok(group.kernel.control_groups.with(|tree| {
        let mut text = Vec::new();
        for hierarchy in tree.first_versions(group.container.load(Relaxed)) {
            if let Some(at) = of.iter().find(|at| tree.is_within(**at, hierarchy.root)) {
                text.extend(format!("{}:", hierarchy.number).bytes());
                text.extend(
                    [&hierarchy.title(), &b":"[..], &tree.path(*at, hierarchy.root).0, b"\n"].concat(),
                );
            }
        }
        text.extend([b"0::", tree.path(unified, from).0.as_slice(), b"\n"].concat());
        text
    }))
}

/// Not to be written.
pub(super) fn refuse(_: &Subject, _: &[u8]) -> Result<(), Errno> {
    Err(Errno::EPERM)
}

/// Not set, as without audit: the number for "nobody".
pub(super) fn loginuid(subject: &Subject) -> Result<Vec<u8>, Errno> {
    subject.group().map(|_| u32::MAX.to_string().into_bytes())
}

pub(super) fn wchan(subject: &Subject) -> Result<Vec<u8>, Errno> {
    subject.group().map(|_| b"0".to_vec())
}

pub(super) fn personality(subject: &Subject) -> Result<Vec<u8>, Errno> {
    Ok(format!("{:08x}\n", subject.task()?.attributes().personality).into_bytes())
}

pub(super) fn timer_slack(subject: &Subject) -> Result<Vec<u8>, Errno> {
    Ok(format!("{}\n", subject.task()?.attributes().timer_slack).into_bytes())
}

pub(super) fn set_timer_slack(subject: &Subject, text: &[u8]) -> Result<(), Errno> {
    let slack = number(text)?.try_into().map_err(|_| Errno::EINVAL)?;
    subject.task()?.attributes().timer_slack = if slack == 0 { 50_000 } else { slack };
    Ok(())
}

pub(super) fn oom_score_adj(subject: &Subject) -> Result<Vec<u8>, Errno> {
    Ok(format!("{}\n", subject.task()?.group.oom_score_adjustment.load(Relaxed)).into_bytes())
}

pub(super) fn set_oom_score_adj(subject: &Subject, text: &[u8]) -> Result<(), Errno> {
    let value =
        i32::try_from(number(text)?).ok().filter(|v| (-1000..=1000).contains(v)).ok_or(Errno::EINVAL)?;
    let task = subject.task()?;
    let may = kernel::current::task().is_some_and(|c| c.credentials().has(vfs::Capability::SysResource));
    if value < task.group.oom_score_adjustment.load(Relaxed) && !may {
        return Err(Errno::EACCES);
    }
    task.group.oom_score_adjustment.store(value, Relaxed);
    Ok(())
}

fn number(text: &[u8]) -> Result<i64, Errno> {
    std::str::from_utf8(text).ok().and_then(|t| t.trim().parse().ok()).ok_or(Errno::EINVAL)
}

/// Names and units of the limits, in the order of their numbers.
const LIMITS: &[(Resource, &str, &str)] = &[
    (Resource::Cpu, "Max cpu time", "seconds"),
    (Resource::Fsize, "Max file size", "bytes"),
    (Resource::Data, "Max data size", "bytes"),
    (Resource::Stack, "Max stack size", "bytes"),
    (Resource::Core, "Max core file size", "bytes"),
    (Resource::Rss, "Max resident set", "bytes"),
    (Resource::Nproc, "Max processes", "processes"),
    (Resource::Nofile, "Max open files", "files"),
    (Resource::Memlock, "Max locked memory", "bytes"),
    (Resource::As, "Max address space", "bytes"),
    (Resource::Locks, "Max file locks", "locks"),
    (Resource::Sigpending, "Max pending signals", "signals"),
    (Resource::Msgqueue, "Max msgqueue size", "bytes"),
    (Resource::Nice, "Max nice priority", ""),
    (Resource::Rtprio, "Max realtime priority", ""),
    (Resource::Rttime, "Max realtime timeout", "us"),
];

pub(super) fn limits(subject: &Subject) -> Result<Vec<u8>, Errno> {
    let limits = subject.group()?.limits.lock().clone();
    let mut text = format!("{:<25} {:<20} {:<20} {:<10}\n", "Limit", "Soft Limit", "Hard Limit", "Units");
    let shown = |value: u64| if value == INFINITY { String::from("unlimited") } else { value.to_string() };
    for (resource, name, unit) in LIMITS {
        let limit = limits.get(*resource);
        text.push_str(&format!(
            "{name:<25} {:<20} {:<20} {unit:<10}\n",
            shown(limit.soft),
            shown(limit.hard)
        ));
    }
    Ok(text.into_bytes())
}

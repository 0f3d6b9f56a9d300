//! Files that show pieces of a task's memory, and how much it has.

use abi::Errno;
use kernel::memory::read_exact;
use kernel::{Task, UserAddr};

use super::Subject;

/// The most of a program's arguments or environment that is shown, in bytes.
const SHOWN_MAX: u64 = 1 << 20;

/// The argument strings, each with its NUL, as the program has left them. Empty for a zombie.
pub(super) fn cmdline(subject: &Subject) -> Result<Vec<u8>, Errno> {
    let Ok(task) = subject.task() else { return subject.group().map(|_| Vec::new()) };
    let range = task.space().image.lock().arguments.clone();
    strings(&task, &range)
}

pub(super) fn environ(subject: &Subject) -> Result<Vec<u8>, Errno> {
    let task = subject.task()?;
    let range = task.space().image.lock().environment.clone();
    strings(&task, &range)
}

fn strings(task: &Task, range: &core::ops::Range<u64>) -> Result<Vec<u8>, Errno> {
    let length = range.end.saturating_sub(range.start).min(SHOWN_MAX);
    let mut bytes = vec![0; usize::try_from(length).map_err(|_| Errno::ENOMEM)?];
    match read_exact(&*task.memory(), UserAddr(range.start), &mut bytes) {
        Ok(()) => Ok(bytes),
        // The program unmapped them.
        Err(_) => Ok(Vec::new()),
    }
}

pub(super) fn auxv(subject: &Subject) -> Result<Vec<u8>, Errno> {
    Ok(subject.task()?.space().image.lock().auxv.clone())
}

/// Sizes in pages, as the host accounts them.
pub(super) fn statm(subject: &Subject) -> Result<Vec<u8>, Errno> {
    let Ok(task) = subject.task() else { return Ok(b"0 0 0 0 0 0 0\n".to_vec()) };
    Ok(task.memory().host_text("statm")?.into_bytes())
}

/// The lines of the host's status file about memory.
pub(super) fn host_status(task: &Task) -> String {
    let text = task.memory().host_text("status").unwrap_or_default();
    let about_memory = text.lines().filter(|line| line.starts_with("Vm") || line.starts_with("Rss"));
    about_memory.fold(String::new(), |all, line| match line.strip_prefix("VmLck:") {
        Some(_) => all + &format!("VmLck:\t{:8} kB\n", locked(task) / 1024),
        None => all + line + "\n",
    })
}

/// Bytes that the program has locked, of which the host knows nothing.
fn locked(task: &Task) -> u64 {
    task.memory().mappings().map_or(0, |mappings| task.space().locks.total(&mappings))
}

/// One number of the host's status file, in KiB.
pub(super) fn host_size(task: &Task, name: &str) -> u64 {
    let text = task.memory().host_text("status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

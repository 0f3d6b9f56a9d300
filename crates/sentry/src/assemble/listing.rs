//! The container's processes, for ps(1) on the host.

use std::sync::Arc;

use kernel::ThreadGroup;
use kernel::namespace::Pids;

use super::container::Container;
use crate::control::ProcessEntry;

/// The most of a command line that is shown, in bytes.
const LONGEST_COMMAND: usize = 500;

/// All of them, by id.
pub(super) fn list(container: &Container) -> Vec<ProcessEntry> {
    let pids = &container.place().namespaces.pids;
    container.processes().iter().map(|group| entry(group, pids)).collect()
}

fn entry(group: &Arc<ThreadGroup>, pids: &Pids) -> ProcessEntry {
    let used = group.consumption();
    let (device, _) = group.kernel.pids.terminal_of(group.pid, group.session());
    ProcessEntry {
        pid: pids.shown(group.pid),
        parent: pids.shown(group.parent()),
        uid: group.representative().map_or(0, |task| task.credentials().euid),
        // The minor number of a pseudo-terminal, as its device number is encoded for user space.
        terminal: (device != 0)
            .then_some(u32::try_from(device & 0xff | (device >> 12) & 0xfff0_0000).unwrap_or(0)),
        age: group.started.elapsed().as_secs(),
        used: u64::try_from((used.user + used.system).as_millis()).unwrap_or(u64::MAX),
        command: command(group),
    }
}

/// The arguments as the program has left them, or its name where there are none. Whoever shows it may do so on a terminal: nothing
/// but printable ASCII is left.
fn command(group: &ThreadGroup) -> String {
    let Some(task) = group.representative() else {
        return format!("[{}] <defunct>", printable(group.last().comm.as_bytes()));
    };
    let range = task.space().image.lock().arguments.clone();
    let length = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(0).min(LONGEST_COMMAND);
    let mut text = vec![0; length];
    let read = if length == 0 { 0 } else { task.memory().read(range.start, &mut text).unwrap_or(0) };
    text.truncate(read);
    while text.last() == Some(&0) {
        text.pop();
    }
    if text.is_empty() {
        let name = task.attributes().comm;
        return format!("[{}]", printable(name.as_bytes()));
    }
    printable(&text)
}

fn printable(text: &[u8]) -> String {
    let shown = |byte: &u8| match byte {
        0 => ' ',
        b' '..=b'~' => char::from(*byte),
        _ => '?',
    };
    text.iter().map(shown).collect()
}

//! Mappings: the host's, with the guest's names.

use abi::Errno;
use kernel::{AddressSpace, Task};
use platform::Mapping;
use vfs::{Device, path_name};

use super::Subject;

/// One line a mapping, as proc_pid_maps(5) has its fields.
pub(super) fn maps(subject: &Subject) -> Result<Vec<u8>, Errno> {
    let Ok(task) = subject.task() else { return subject.group().map(|_| Vec::new()) };
    let space = task.space();
    let mut text = Vec::new();
    for mapping in space.memory.mappings()? {
        line(&task, &space, &mapping, &mut text);
    }
    Ok(text)
}

fn line(task: &Task, space: &AddressSpace, mapping: &Mapping, into: &mut Vec<u8>) {
    let bit = |bit: u32, letter: char| if mapping.protection & bit != 0 { letter } else { '-' };
    let shared = if mapping.shared { 's' } else { 'p' };
    let (device, inode, name) = origin(task, space, mapping);
    let fields = format!(
        "{:08x}-{:08x} {}{}{}{shared} {:08x} {:02x}:{:02x} {inode} ",
        mapping.start,
        mapping.end,
        bit(1, 'r'),
        bit(2, 'w'),
        bit(4, 'x'),
        mapping.offset,
        device.major,
        device.minor,
    );
    into.extend(fields.bytes());
    if !name.is_empty() {
        let column = 73_usize;
        into.extend(std::iter::repeat_n(b' ', column.saturating_sub(fields.len())));
        into.extend(name);
    }
    into.push(b'\n');
}

/// Device, inode and name of what is mapped, as the guest knows them.
fn origin(task: &Task, space: &AddressSpace, mapping: &Mapping) -> (Device, u64, Vec<u8>) {
    let unnamed = |name: &str| (Device::default(), 0, name.as_bytes().to_vec());
    if let Some(host) = mapping.host_file {
        let Some(path) = space.mapped_file(host) else { return unnamed("") };
        let inode = path.inode();
        let root = task.fs_now().root.clone();
        let number = inode.attributes().map_or(0, |a| a.inode);
        return (inode.filesystem().device(), number, path_name::name_of(&path, &root));
    }
    let heap = space.heap();
    if mapping.start < heap.end && mapping.end > heap.start {
        return unnamed("[heap]");
    }
    let image = space.image.lock();
    if (mapping.start..mapping.end).contains(&image.stack_start) {
        return unnamed("[stack]");
    }
    match mapping.host_name.as_str() {
        name @ ("[vdso]" | "[vvar]" | "[vvar_vclock]" | "[vsyscall]") => unnamed(name),
        _ => unnamed(""),
    }
}

/// As maps, with the host's accounts of each mapping.
pub(super) fn smaps(subject: &Subject) -> Result<Vec<u8>, Errno> {
    let task = subject.task()?;
    let space = task.space();
    let mappings = space.memory.mappings()?;
    let host = space.memory.host_text("smaps")?;
    let mut text = Vec::new();
    let mut shown: Option<&Mapping> = None;
    // Its proportional set size, KiB: what of it counts as locked.
    let mut share = 0;
    for host_line in host.lines() {
        match start_of(host_line) {
            Some(start) => {
                shown = mappings.iter().find(|m| m.start == start);
                if let Some(mapping) = shown {
                    line(&task, &space, mapping, &mut text);
                }
            }
            None => {
                if let Some(value) = host_line.strip_prefix("Pss:") {
                    share = value.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0);
                }
                let about = shown.map(|mapping| about(&space, mapping, host_line, share));
                text.extend(about.unwrap_or_default().bytes());
            }
        }
    }
    Ok(text)
}

/// A line about a mapping: the host's, unless it is about locks, of which it knows nothing.
fn about(space: &AddressSpace, mapping: &Mapping, host_line: &str, share: u64) -> String {
    let locked = space.locks.of(mapping);
    match host_line.split_once(':') {
        Some(("Locked", _)) if locked > 0 => {
            let share = share.min(locked / 1024);
            format!("Locked:         {share:8} kB\n")
        }
        Some(("VmFlags", flags)) if locked > 0 => format!("VmFlags:{flags}lo \n"),
        _ => format!("{host_line}\n"),
    }
}

/// The first address of a mapping's own line; nothing for the lines about it.
fn start_of(line: &str) -> Option<u64> {
    let (range, _) = line.split_once(' ')?;
    let (start, _) = range.split_once('-')?;
    u64::from_str_radix(start, 16).ok()
}

/// The sums, with the host's stub among them.
pub(super) fn smaps_rollup(subject: &Subject) -> Result<Vec<u8>, Errno> {
    let task = subject.task()?;
    Ok(task.memory().host_text("smaps_rollup")?.into_bytes())
}

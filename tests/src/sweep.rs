//! Control groups that are left where a test kills what would have removed them.

use std::fs::{self, DirEntry};
use std::time::Duration;

/// How old an empty group is before nobody can be about to enter it.
const OLD: Duration = Duration::from_secs(60);

/// Removes the empty groups of earlier tests, from all hierarchies of the host. Those that cannot be removed are in use.
pub fn control_groups() {
    let below = |directory: &str| fs::read_dir(directory).into_iter().flatten().flatten().collect::<Vec<_>>();
    let mut hierarchies: Vec<String> =
        below("/sys/fs/cgroup").iter().map(|entry| entry.path().display().to_string()).collect();
    hierarchies.push(String::from("/sys/fs/cgroup"));
    for group in hierarchies.iter().flat_map(|hierarchy| below(hierarchy)).filter(is_left) {
        let _ = fs::remove_dir(group.path());
    }
}

fn is_left(group: &DirEntry) -> bool {
    let age = group.metadata().and_then(|found| found.modified()).ok().and_then(|made| made.elapsed().ok());
    group.file_name().to_string_lossy().starts_with("casemate-e2e-") && age.is_some_and(|age| age > OLD)
}

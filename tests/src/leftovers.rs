//! What must not be left behind: processes and files.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// A process.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Process {
    /// Its id as the tests see it.
    pub pid: i32,
    /// Its parent's.
    pub parent: i32,
    /// `argv[0]`.
    pub name: String,
}

/// Processes, found again by [`Tree::alive`] after they lost their parents.
#[derive(Clone, Debug)]
pub struct Tree {
    members: BTreeSet<Process>,
}

impl Tree {
    /// The process and all its descendants.
    ///
    /// # Errors
    /// If `/proc` cannot be read.
    pub fn below(ancestor: i32) -> Result<Self> {
        let all = processes()?;
        let mut members: BTreeSet<Process> =
            all.iter().filter(|process| process.pid == ancestor).cloned().collect();
        loop {
            let more: Vec<Process> = all
                .iter()
                .filter(|p| members.iter().any(|m| m.pid == p.parent) && !members.contains(p))
                .cloned()
                .collect();
            if more.is_empty() {
                return Ok(Self { members });
            }
            members.extend(more);
        }
    }

    /// The members of both.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.members.extend(other.members);
        self
    }

    /// The members of this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Vec<i32> {
        self.members.iter().filter(|process| process.name.contains(name)).map(|process| process.pid).collect()
    }

    /// The children of a member.
    #[must_use]
    pub fn children(&self, parent: i32) -> Vec<i32> {
        self.members.iter().filter(|process| process.parent == parent).map(|process| process.pid).collect()
    }

    /// Those that still run under the same name.
    ///
    /// # Errors
    /// If `/proc` cannot be read.
    pub fn alive(&self) -> Result<Vec<Process>> {
        let same =
            |now: &Process| self.members.iter().any(|then| (then.pid, &then.name) == (now.pid, &now.name));
        Ok(processes()?.into_iter().filter(same).collect())
    }

    /// Waits until none is alive.
    ///
    /// # Errors
    /// If one still is at the limit.
    pub fn gone_within(&self, limit: Duration) -> Result<()> {
        let deadline = Instant::now() + limit;
        loop {
            let alive = self.alive()?;
            if alive.is_empty() {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("still there after {limit:?}: {alive:?}");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// All that run; zombies do not.
///
/// # Errors
/// If `/proc` cannot be read.
pub fn processes() -> Result<Vec<Process>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // Gone meanwhile is as good as never seen.
        let (Ok(status), Ok(arguments)) =
            (fs::read_to_string(entry.path().join("status")), fs::read(entry.path().join("cmdline")))
        else {
            continue;
        };
        let field = |key: &str| status.lines().find_map(|line| line.strip_prefix(key)).map(str::trim);
        if field("State:").is_some_and(|state| state.starts_with('Z')) {
            continue;
        }
        let parent = field("PPid:").and_then(|pid| pid.parse().ok()).unwrap_or(0);
        let first = arguments.split(|byte| *byte == 0).next().unwrap_or_default();
        found.push(Process { pid, parent, name: String::from_utf8_lossy(first).into_owned() });
    }
    Ok(found)
}

/// The names in a directory.
///
/// # Errors
/// If it cannot be read.
pub fn names(directory: &Path) -> Result<BTreeSet<String>> {
    let entries = fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))?;
    Ok(entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
}

//! One row of the tables: a program that must do in a sandbox what it does natively.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use libtest_mimic::{Completion, Trial};

use crate::crates::{self, Program};
use crate::failures;
use crate::native::native;
use crate::place::Place;
use crate::root::Root;
use crate::run::Outcome;
use crate::sandbox::sandboxed;
use crate::testroot::{self, Extra};
use crate::times;

/// A program, and how it is compared. Exit code and standard output always have to agree.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// Family and name, as the filter takes it.
    pub name: &'static str,
    /// Program and arguments, run in `/work`.
    pub args: &'static [&'static str],
    /// Standard input.
    pub stdin: &'static str,
    /// Whether standard error has to agree too.
    pub stderr: bool,
    /// Whether the program gets a root that it can write to.
    pub writable: bool,
    /// Seconds after which it counts as hung, natively and in a sandbox: many times what it needs, because a machine may have much else to do.
    pub seconds: u64,
    /// Which root it runs in, if not in the test root: one with more packages.
    pub extra: Option<&'static Extra<'static>>,
    /// Programs of the crate registry that it needs in `/cases/bin`.
    pub crates: &'static [&'static Program],
    /// With this, an empty directory of the host's disk is at `/mnt`, bound there with these further options.
    pub disk: Option<&'static [&'static str]>,
    /// Whether the host's kernel must have FUSE for it.
    pub fuse: bool,
    /// Whether it must have EROFS, of images in files.
    pub erofs: bool,
    /// The host's kernel that has what it shows: major and minor version.
    pub since: (u32, u32),
    /// Options of casemate's own.
    pub options: &'static [&'static str],
    /// What is missing for it, if it cannot agree yet: then it is not run, counted as skipped, and the reason is shown.
    pub gap: Option<&'static str>,
}

/// In the environment: the second run is native too, and the first is shown. Rows that differ then are at fault themselves.
const NATIVE_TWICE: &str = "CASEMATE_NATIVE_TWICE";

/// What a row is unless it says otherwise.
pub const DEFAULT: Case = Case {
    name: "",
    args: &[],
    stdin: "",
    stderr: true,
    writable: false,
    seconds: 120,
    extra: None,
    crates: &[],
    disk: None,
    fuse: false,
    erofs: false,
    since: (0, 0),
    options: &[],
    gap: None,
};

impl Case {
    /// The row as a test.
    #[must_use]
    pub fn trial(self, place: &Arc<Place>) -> Trial {
        let place = Arc::clone(place);
        let check = move || {
            if self.fuse && std::fs::File::open("/dev/fuse").is_err() {
                return Ok(Completion::ignored_with("the host's kernel has no FUSE to compare with"));
            }
            let known = std::fs::read_to_string("/proc/filesystems").unwrap_or_default();
            if self.erofs && !known.split_whitespace().any(|name| name == "erofs") {
                return Ok(Completion::ignored_with("the host's kernel has no EROFS to compare with"));
            }
            if kernel_version() < self.since {
                let (major, minor) = self.since;
                let reason = format!("the host's kernel is older than {major}.{minor}");
                return Ok(Completion::ignored_with(reason));
            }
            times::taken(self.name, || self.check(&place))
                .map(|()| Completion::Completed)
                .map_err(|error| failures::failed(self.name, &error))
        };
        Trial::ignorable_test(self.name, check).with_ignored_flag(self.gap.is_some())
    }

    fn check(&self, place: &Place) -> Result<()> {
        let limit = Duration::from_secs(self.seconds);
        for program in self.crates {
            crates::ensure(place, program)?;
        }
        let expected = native(place, &self.root(place)?, self.args, self.stdin.as_bytes(), limit)?;
        let root = self.root(place)?;
        let (found, log) = if std::env::var_os(NATIVE_TWICE).is_some() {
            eprintln!("=== {}: {}", self.name, expected.shown());
            (native(place, &root, self.args, self.stdin.as_bytes(), limit)?, String::new())
        } else {
            sandboxed(place, self, &root)?
        };
        if expected.code.is_none() {
            bail!("natively: {}", expected.shown());
        }
        if self.agree(&expected, &found) {
            return Ok(());
        }
        bail!("=== natively: {}\n=== in the sandbox: {}\n--- log\n{log}", expected.shown(), found.shown())
    }

    fn root(&self, place: &Place) -> Result<Root> {
        let base = match self.extra {
            Some(extra) => testroot::ensure_with(extra)?,
            None => place.root.clone(),
        };
        let root = if self.writable { Root::own(place, &base, self.name)? } else { Root::at(base) };
        if self.disk.is_some() { root.with_disk(self.name) } else { Ok(root) }
    }

    fn agree(&self, expected: &Outcome, found: &Outcome) -> bool {
        expected.code == found.code
            && expected.stdout == found.stdout
            && (!self.stderr || without_pids(&expected.stderr) == without_pids(&found.stderr))
    }
}

/// Major and minor version of the host's kernel.
fn kernel_version() -> (u32, u32) {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map_while(|part| part.parse().ok());
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

/// Standard error without the process ids that bash names: `script: line 3:   46 Killed`.
fn without_pids(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let lines = text.lines().map(|line| match line.split_once(": line ") {
        Some((script, rest)) => {
            let kept = rest.split_whitespace().filter(|word| !word.chars().all(|c| c.is_ascii_digit()));
            format!("{script}: {}", kept.collect::<Vec<_>>().join(" "))
        }
        None => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn process_ids_in_messages_do_not_matter() {
        assert_eq!(
            without_pids(b"s.sh: line 3:    46 Killed   x\n"),
            without_pids(b"s.sh: line 3: 7 Killed x\n")
        );
        assert_ne!(
            without_pids(b"s.sh: line 3: 7 Killed x\n"),
            without_pids(b"s.sh: line 3: 7 Terminated x\n")
        );
    }
}

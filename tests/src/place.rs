//! Where things are during a run.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};

use crate::{enclosure, testroot};

/// The directories of a run. By default they are nowhere, for whoever only asks what tests there are.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// The `casemate` binary under test.
    pub casemate: PathBuf,
    /// The Debian root. Nobody writes to it.
    pub root: PathBuf,
    /// The programs of `tests/cases`, and those compiled from there: `/cases` in a container.
    pub cases: PathBuf,
    /// A file system in memory for all else.
    pub scratch: PathBuf,
}

impl Place {
    /// Builds what is not there yet. To be called inside the enclosure.
    ///
    /// # Errors
    /// If something cannot be built or mounted.
    pub fn prepare() -> Result<Self> {
        let casemate = std::env::var_os("CASEMATE").map(PathBuf::from);
        let casemate =
            casemate.context("CASEMATE does not name the binary under test: run cargo xtask test")?;
        let casemate =
            casemate.canonicalize().with_context(|| format!("there is no {}", casemate.display()))?;
        let root = testroot::ensure()?;
        let scratch = PathBuf::from("/tmp/casemate-e2e");
        enclosure::scratch(&scratch)?;
        let place = Self { casemate, root, cases: scratch.join("cases"), scratch };
        crate::cases::build(&place)?;
        Ok(place)
    }

    /// A directory of one test's own.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn directory(&self, name: &str) -> Result<PathBuf> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let unique = format!("{name}-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let directory = self.scratch.join("tests").join(unique.replace('/', "-"));
        std::fs::create_dir_all(&directory)?;
        Ok(directory)
    }
}

/// The top of the work tree.
#[must_use]
pub fn top() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

//! A program under `casemate run`.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use crate::bundle;
use crate::place::Place;
use crate::root::Root;
use crate::run::{Outcome, excerpt, run};

/// A bundle with a state directory of its own, and the command that runs it.
#[derive(Debug)]
pub struct Sandbox {
    casemate: PathBuf,
    /// `--root`.
    pub state: PathBuf,
    /// `--bundle`.
    pub bundle: PathBuf,
}

impl Sandbox {
    /// For a program in the read-only test root.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn new(place: &Place, name: &str, args: &[&str]) -> Result<Self> {
        Self::with_config(place, name, &bundle::config(&place.root, place, args, true))
    }

    /// For any configuration.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn with_config(place: &Place, name: &str, config: &Value) -> Result<Self> {
        let directory = place.directory(name)?;
        let bundle = bundle::write(&directory.join("bundle"), config)?;
        let state = directory.join("state");
        std::fs::create_dir(&state)?;
        Ok(Self { casemate: place.casemate.clone(), state, bundle })
    }

    /// `casemate --root STATE run --bundle BUNDLE ID`.
    #[must_use]
    pub fn command(&self, id: &str) -> Command {
        let mut command = Command::new(&self.casemate);
        command.arg("--root").arg(&self.state).arg("--log").arg(self.log());
        command.arg("run").arg("--bundle").arg(&self.bundle).arg(id);
        command
    }

    /// `--log`: what casemate itself has to say is not the program's standard error.
    fn log(&self) -> PathBuf {
        self.bundle.with_file_name("log")
    }

    /// The log so far, for a message.
    #[must_use]
    pub fn logged(&self) -> String {
        excerpt(&std::fs::read(self.log()).unwrap_or_default())
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn run(&self, stdin: &[u8], limit: Duration) -> Result<Outcome> {
        run(&mut self.command("test"), stdin, limit)
    }
}

/// Runs a program in a sandbox on a root. Returns also what was logged.
///
/// # Errors
/// If it cannot be started.
pub fn sandboxed(
    place: &Place,
    name: &str,
    root: &Root,
    args: &[&str],
    stdin: &[u8],
    limit: Duration,
) -> Result<(Outcome, String)> {
    let config = bundle::config(root.path(), place, args, root.read_only());
    let sandbox = Sandbox::with_config(place, name, &config)?;
    let outcome = sandbox.run(stdin, limit)?;
    Ok((outcome, sandbox.logged()))
}

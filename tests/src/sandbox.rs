//! A program under `casemate run`.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::bundle;
use crate::case::Case;
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
    /// Options before the command.
    pub options: &'static [&'static str],
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
        let bundle = bundle::write(&directory.join("bundle"), &bundle::apart(config, &directory))?;
        let state = directory.join("state");
        std::fs::create_dir(&state)?;
        Ok(Self { casemate: place.casemate.clone(), state, bundle, options: &[] })
    }

    /// `casemate --root STATE OPTIONS run --bundle BUNDLE ID`.
    #[must_use]
    pub fn command(&self, id: &str) -> Command {
        let mut command = self.casemate();
        command.arg("run").arg("--bundle").arg(&self.bundle).arg(id);
        command
    }

    /// `casemate --root STATE`, for any command.
    #[must_use]
    pub fn casemate(&self) -> Command {
        let mut command = Command::new(&self.casemate);
        command.arg("--root").arg(&self.state).arg("--log").arg(self.log());
        command.args(self.options);
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

/// Runs a row's program in a sandbox on a root. Returns also what was logged.
///
/// # Errors
/// If it cannot be started.
pub fn sandboxed(place: &Place, case: &Case, root: &Root) -> Result<(Outcome, String)> {
    let mut config = bundle::config(root.path(), place, case.args, root.read_only());
    if let (Some(disk), Some(options)) = (root.disk(), case.disk) {
        let options: Vec<&str> = ["rbind"].iter().chain(options).copied().collect();
        let mounts = config.pointer_mut("/mounts").and_then(Value::as_array_mut).context("no mounts")?;
        mounts.push(json!({"destination": "/mnt", "type": "bind", "source": disk, "options": options}));
    }
    let mut sandbox = Sandbox::with_config(place, case.name, &config)?;
    sandbox.options = case.options;
    let outcome = sandbox.run(case.stdin.as_bytes(), Duration::from_secs(case.seconds))?;
    Ok((outcome, sandbox.logged()))
}

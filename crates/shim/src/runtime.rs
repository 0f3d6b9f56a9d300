//! The `casemate` command, as the shim runs it.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Read, Seek, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use rustix::fs::{MemfdFlags, memfd_create};
use serde::Deserialize;

use crate::failure::{Failure, Trying};
use crate::reaper::Reaper;
use crate::settings::Settings;

/// The most that is read of what a command says, in bytes.
const LONGEST: u64 = 4 << 20;

/// Runs commands for one container.
#[derive(Debug)]
pub(crate) struct Runtime {
    settings: Settings,
    reaper: Arc<Reaper>,
    bundle: PathBuf,
    id: String,
}

/// The standard descriptors of a process, for the command that starts it.
pub(crate) type Standard = [OwnedFd; 3];

/// What a command that starts a process is told.
#[derive(Debug)]
pub(crate) struct Launch<'a> {
    /// What files about it are called.
    pub(crate) name: &'a str,
    pub(crate) words: &'a [&'a OsStr],
    pub(crate) standard: Standard,
    /// Who gets its terminal.
    pub(crate) console: Option<&'a Path>,
}

impl Runtime {
    pub(crate) fn new(settings: Settings, reaper: Arc<Reaper>, bundle: PathBuf, id: String) -> Self {
        Self { settings, reaper, bundle, id }
    }

    /// Runs a command that leaves a process behind. Returns the process, which is to be waited for.
    pub(crate) fn launch(&self, launch: Launch<'_>) -> Result<i32, Failure> {
        let file = |kind: &str| self.bundle.join(format!("{}.{kind}", launch.name));
        let (log, pid) = (file("log.json"), file("pid"));
        let mut command = self.command();
        command.arg("--log").arg(&log).args(["--log-format", "json"]).args(launch.words);
        command.arg("--pid-file").arg(&pid);
        if let Some(console) = launch.console {
            command.arg("--console-socket").arg(console);
        }
        let [stdin, stdout, stderr] = launch.standard;
        command.arg(&self.id).stdin(stdin).stdout(stdout).stderr(stderr);
        let adoption = self.reaper.adoption();
        let (own, _child) = self.reaper.spawn(&mut command).trying_on("run", &self.settings.program)?;
        // With it the descriptors of the process, or their readers would never see an end.
        drop(command);
        let exit = self.reaper.wait(own);
        if exit.status != 0 {
            let message =
                last_error(&log).unwrap_or_else(|| format!("it ended with exit code {}", exit.status));
            return Err(Failure::unknown(format!("casemate: {message}")));
        }
        let text = fs::read_to_string(&pid).trying_on("read", &pid)?;
        let left =
            text.trim().parse().map_err(|_| Failure::unknown(format!("{text:?} is not a process id")))?;
        adoption.claim(left);
        Ok(left)
    }

    /// Removes the files about a process.
    pub(crate) fn forget(&self, name: &str) {
        for kind in ["log.json", "pid", "json"] {
            let _ = fs::remove_file(self.bundle.join(format!("{name}.{kind}")));
        }
    }

    /// Runs a command about the container to its end. Returns what it says.
    pub(crate) fn ask(&self, words: &[&str], input: &[u8]) -> Result<Vec<u8>, Failure> {
        self.ask_with(words, &[], input)
    }

    /// As [`Self::ask`], with words behind the container's name.
    pub(crate) fn ask_with(&self, words: &[&str], behind: &[&str], input: &[u8]) -> Result<Vec<u8>, Failure> {
        let mut stdin = memory_file()?;
        stdin.write_all(input).and_then(|()| stdin.rewind()).trying("fill a memory file")?;
        let (mut stdout, mut stderr) = (memory_file()?, memory_file()?);
        let copy = |file: &File| file.try_clone().trying("duplicate a descriptor");
        let mut command = self.command();
        command
            .args(words)
            .arg(&self.id)
            .args(behind)
            .stdin(stdin)
            .stdout(copy(&stdout)?)
            .stderr(copy(&stderr)?);
        let (own, _child) = self.reaper.spawn(&mut command).trying_on("run", &self.settings.program)?;
        let exit = self.reaper.wait(own);
        if exit.status == 0 {
            return contents(&mut stdout);
        }
        let said = contents(&mut stderr)?;
        Err(refused(&String::from_utf8_lossy(&said), exit.status))
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.settings.program);
        command.arg("--root").arg(&self.settings.root).current_dir(&self.bundle).stdin(Stdio::null());
        command
    }
}

/// Why a command about a container was not carried out.
fn refused(said: &str, status: u32) -> Failure {
    let said = said.trim_end();
    let message = match said.rsplit('\n').next().unwrap_or_default() {
        "" => format!("casemate: it ended with exit code {status}"),
        line => line.to_owned(),
    };
    if message.ends_with("container not running") || message.ends_with("does not exist") {
        return Failure::not_found(format!("process already finished: {message}"));
    }
    Failure::unknown(message)
}

/// The last error in a log: that for which the command ended.
fn last_error(log: &Path) -> Option<String> {
    #[derive(Deserialize)]
    struct Line {
        level: String,
        msg: String,
    }
    let text = fs::read_to_string(log).ok()?;
    let mut lines = text.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok());
    lines.rfind(|line| line.level == "error").map(|line| line.msg)
}

fn memory_file() -> Result<File, Failure> {
    memfd_create("shim", MemfdFlags::CLOEXEC).trying("make a memory file").map(File::from)
}

fn contents(file: &mut File) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    file.rewind()
        .and_then(|()| file.take(LONGEST).read_to_end(&mut bytes))
        .trying("read what a command said")?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Code;

    #[test]
    fn the_command_line_is_runcs() {
        let settings = Settings { program: "casemate".into(), root: "/state".into() };
        let runtime = Runtime::new(settings, Arc::default(), "/".into(), "id".to_owned());
        let mut command = runtime.command();
        let words = command.args(["state", "x"]).get_args().map(|word| word.to_string_lossy().into_owned());
        assert_eq!(words.collect::<Vec<_>>(), ["--root", "/state", "state", "x"]);
    }

    #[test]
    fn what_has_ended_is_not_found() {
        assert_eq!(refused("casemate: container not running\n", 1).code, Code::NotFound);
        assert_eq!(refused("casemate: container \"x\" does not exist\n", 1).code, Code::NotFound);
        let other = refused("a warning\ncasemate: cannot do it\n", 1);
        assert_eq!((other.code, other.message.as_str()), (Code::Unknown, "casemate: cannot do it"));
        assert!(refused("", 3).message.contains("exit code 3"));
    }

    #[test]
    fn the_last_error_of_a_log_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("log");
        assert_eq!(last_error(&log), None);
        let lines = [
            r#"{"level":"error","msg":"first"}"#,
            r#"{"level":"error","msg":"second"}"#,
            r#"{"level":"warning","msg":"third"}"#,
            "{",
        ];
        fs::write(&log, lines.join("\n")).unwrap();
        assert_eq!(last_error(&log).as_deref(), Some("second"));
    }
}

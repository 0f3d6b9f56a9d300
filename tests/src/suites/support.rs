//! What several suites need.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::bundle;
use crate::leftovers::Tree;
use crate::place::Place;
use crate::run::{Outcome, wait};

/// How long something small may take before it counts as hung, on a machine that has much else to do.
pub(super) const LIMIT: Duration = Duration::from_secs(120);

/// A container's configuration on the read-only test root.
pub(super) fn config(place: &Place, args: &[&str]) -> Value {
    bundle::config(&place.root, place, args, true)
}

/// Replaces a field of a configuration, named as `/outer/inner`.
pub(super) fn set(config: &mut Value, field: &str, value: Value) -> Result<()> {
    *config.pointer_mut(field).with_context(|| format!("no field {field}"))? = value;
    Ok(())
}

/// A program that runs while the test talks to it.
pub(super) struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
    heard: String,
}

impl Running {
    pub(super) fn start(command: &mut Command) -> Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("cannot run {command:?}"))?;
        let stdin = child.stdin.take();
        let stdout = lines(child.stdout.take().context("no standard output")?);
        let stderr = lines(child.stderr.take().context("no standard error")?);
        Ok(Self { child, stdin, stdout, stderr, heard: String::new() })
    }

    pub(super) fn pid(&self) -> Result<i32> {
        Ok(i32::try_from(self.child.id())?)
    }

    /// All its processes, as they are now.
    pub(super) fn tree(&self) -> Result<Tree> {
        Tree::below(self.pid()?)
    }

    /// Waits for this line.
    pub(super) fn expect(&mut self, wanted: &str) -> Result<()> {
        self.expect_within(LIMIT, wanted)
    }

    /// As [`Self::expect`], for what may take longer.
    pub(super) fn expect_within(&mut self, limit: Duration, wanted: &str) -> Result<()> {
        let deadline = Instant::now() + limit;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.stdout.recv_timeout(left) {
                Ok(line) if line == wanted => return Ok(()),
                Ok(line) => self.heard.push_str(&format!("{line}\n")),
                Err(_) => {
                    let _ = self.child.kill();
                    let said: Vec<String> = self.stderr.iter().collect();
                    bail!("waited for {wanted:?}; heard {:?}, and on standard error {said:?}", self.heard);
                }
            }
        }
    }

    pub(super) fn say(&mut self, text: &str) -> Result<()> {
        let stdin = self.stdin.as_mut().context("standard input is closed")?;
        Ok(stdin.write_all(text.as_bytes())?)
    }

    pub(super) fn signal(&self, signal: Signal) -> Result<()> {
        send(self.pid()?, signal)
    }

    /// Waits for its end.
    pub(super) fn finish(mut self) -> Result<Outcome> {
        drop(self.stdin.take());
        let code = wait(&mut self.child, LIMIT)?;
        let text = |lines: &Receiver<String>| {
            let mut text = String::new();
            while let Ok(line) = lines.recv_timeout(Duration::from_secs(20)) {
                text.push_str(&line);
                text.push('\n');
            }
            text
        };
        let stdout = self.heard.clone() + &text(&self.stdout);
        Ok(Outcome { code, stdout: stdout.into_bytes(), stderr: text(&self.stderr).into_bytes() })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(super) fn send(pid: i32, signal: Signal) -> Result<()> {
    let pid = Pid::from_raw(pid).context("no such process id")?;
    kill_process(pid, signal).with_context(|| format!("cannot signal {pid:?}"))
}

fn lines(stream: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

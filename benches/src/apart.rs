//! Containers of which all processes can be told: in a pid namespace of their own none becomes the child of somebody else.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result};

/// A container whose program prints lines, and goes on when it is sent one.
pub(crate) struct Apart {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Apart {
    /// Runs a command.
    ///
    /// # Errors
    /// If it cannot be run.
    pub(crate) fn start(command: &Command) -> Result<Self> {
        let mut apart = Command::new("unshare");
        apart
            .args(["--pid", "--fork", "--kill-child", "--mount-proc"])
            .arg(command.get_program())
            .args(command.get_args());
        apart.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = apart.spawn().context("cannot run unshare")?;
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().context("no standard output")?);
        Ok(Self { child, input, output })
    }

    /// The next line: a name and a number. Nothing after the last.
    ///
    /// # Errors
    /// If something else is printed.
    pub(crate) fn hear(&mut self) -> Result<Option<(String, f64)>> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let (name, number) = line.trim().split_once(' ').with_context(|| format!("it printed {line:?}"))?;
        Ok(Some((name.to_owned(), number.parse()?)))
    }

    /// Lets the program go on.
    ///
    /// # Errors
    /// If it is gone.
    pub(crate) fn go_on(&mut self) -> Result<()> {
        let input = self.input.as_mut().context("it was told to end")?;
        input.write_all(b"\n").context("it has ended")
    }

    /// Its processes, the runtime's among them, without the first, which only waits.
    pub(crate) fn processes(&self) -> BTreeSet<u32> {
        let parents = parents();
        let ours = |pid: &u32| {
            let above = std::iter::successors(Some(*pid), |pid| parents.get(pid).copied());
            above.skip(1).any(|pid| pid == self.child.id())
        };
        parents.keys().copied().filter(ours).collect()
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        // The program ends with its input; who does not is killed with its namespace.
        drop(self.input.take());
        std::thread::sleep(std::time::Duration::from_millis(100));
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The parent of each process. The links end at a process without one.
fn parents() -> HashMap<u32, u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(|pid| Some((pid, parent(pid)?))).filter(|(pid, parent)| pid != parent).collect()
}

fn parent(pid: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}

//! Running one program to its end or to its time limit, with all that it says.

use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process_group};

/// The most output that is kept of one stream, in bytes.
const LONGEST: u64 = 4 << 20;

/// How a program ended, and what it wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// As a shell counts: the code, or 128 plus the signal. Nothing if it had to be killed at its time limit.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
}

impl Outcome {
    /// Everything, for a message.
    #[must_use]
    pub fn shown(&self) -> String {
        let code =
            self.code.map_or("killed at its time limit".to_owned(), |code| format!("exit code {code}"));
        format!("{code}\n--- stdout\n{}--- stderr\n{}", excerpt(&self.stdout), excerpt(&self.stderr))
    }
}

/// Both ends of a long text.
#[must_use]
pub fn excerpt(bytes: &[u8]) -> String {
    const KEPT: usize = 2000;
    let text = String::from_utf8_lossy(bytes);
    let count = text.chars().count();
    if count <= 2 * KEPT {
        return text.into_owned();
    }
    let head: String = text.chars().take(KEPT).collect();
    let tail: String = text.chars().skip(count - KEPT).collect();
    format!("{head}\n[... {} characters ...]\n{tail}", count - 2 * KEPT)
}

/// Runs a command with this standard input.
///
/// # Errors
/// If it cannot be started.
pub fn run(command: &mut Command, stdin: &[u8], limit: Duration) -> Result<Outcome> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn().with_context(|| format!("cannot run {command:?}"))?;
    let stdin_pipe = child.stdin.take().context("no standard input")?;
    let input = stdin.to_vec();
    // A program need not read all that it is given.
    std::thread::spawn(move || {
        let mut pipe = stdin_pipe;
        let _ = pipe.write_all(&input);
    });
    let stdout = collect(child.stdout.take().context("no standard output")?);
    let stderr = collect(child.stderr.take().context("no standard error")?);
    let code = wait(&mut child, limit)?;
    // Whoever else still holds the pipes was left behind: that is the leak tests' concern, not a reason to hang here.
    let patience = Duration::from_secs(20);
    let stdout = stdout.recv_timeout(patience).unwrap_or_else(|_| b"[still open]".to_vec());
    let stderr = stderr.recv_timeout(patience).unwrap_or_else(|_| b"[still open]".to_vec());
    Ok(Outcome { code, stdout, stderr })
}

/// Waits for a child; kills its process group at the limit.
///
/// # Errors
/// Those of wait(2).
pub fn wait(child: &mut Child, limit: Duration) -> Result<Option<i32>> {
    let deadline = Instant::now() + limit;
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(shell_code(status)));
        }
        if Instant::now() > deadline {
            let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw).context("no process id")?;
            let _ = kill_process_group(group, Signal::KILL);
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

fn shell_code(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| signal + 128)).unwrap_or(-1)
}

fn collect(stream: impl Read + Send + 'static) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        let mut stream = stream;
        let _ = stream.by_ref().take(LONGEST).read_to_end(&mut kept);
        // Drained, so that the program does not stop for us.
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
        let _ = sender.send(kept);
    });
    receiver
}

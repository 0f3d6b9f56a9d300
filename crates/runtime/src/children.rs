//! The processes of a sandbox, as they come out of their exec: the same program under another name.
//!
//! They are told what to do by descriptors at fixed numbers, never by arguments, which every user of the host can read.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd, RawFd};
use std::process::ExitCode;

use abi::Errno;
use host::inherit::take;
use rustix::process::{Signal, set_parent_process_death_signal};
use sentry::control::{Channel, Recipients, Request};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::config::Export;
use crate::sandbox::{Forwarded, attached};
use crate::{log, systemd};

/// `argv[0]` of init and sentry, which `ps` shows.
pub(crate) const SANDBOX: &CStr = c"casemate-sandbox";
/// `argv[0]` of the gofer.
pub(crate) const GOFER: &CStr = c"casemate-gofer";
/// `argv[0]` of what stands on the host for a process that was started by a detached `exec`.
pub(crate) const WAITER: &CStr = c"casemate-exec";

/// `argv[0]` of a process that a unit of systemd begins with.
pub(crate) const HOLDER: &str = "casemate-hold";

/// Where each child finds its [`SandboxDocument`] or [`GoferDocument`], a memory file.
pub(crate) const DOCUMENT: RawFd = 3;
/// Sandbox: a pipe that ends when the runtime does. Gofer: the other end of one that ends when the gofer does.
pub(crate) const LIFE: RawFd = 4;
/// The log file, or standard error once more.
pub(crate) const LOG: RawFd = 5;
/// Gofer: its first connection.
pub(crate) const GOFER_CONNECTIONS: RawFd = 6;
/// Sandbox: the channel to the runtime that starts it.
const CONTROL: RawFd = 6;
/// Sandbox: the socket that later runtimes connect to.
const LISTENER: RawFd = 7;
/// Sandbox: a pipe that ends when the gofer does.
const GOFER_LIFE: RawFd = 8;
/// Sandbox: further descriptors of the container's first process, and then the connections to the gofer.
const FURTHER: RawFd = 9;
/// A runtime that waits for a process on behalf of one that has left: its connection.
const WAITER_CONNECTION: RawFd = 3;
/// `SIGWINCH`.
const RESIZED: i32 = 28;
/// The host's side of the process's terminal, if it has one.
const WAITER_TERMINAL: RawFd = 4;

/// What a sandbox is told.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SandboxDocument {
    pub(crate) log: log::Options,
    pub(crate) sentry: sentry::Document,
}

/// What a gofer is told.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct GoferDocument {
    pub(crate) log: log::Options,
    pub(crate) exports: Vec<Export>,
    /// Whether the sentry may have the roots of the trees (`--directfs`).
    pub(crate) hands_over: bool,
    /// What else clients may reach.
    pub(crate) reach: gofer::Reach,
    /// Whether it is to end with the runtime, and not only with the sandbox.
    pub(crate) attached: bool,
}

/// If this process was started as one of a sandbox, does its work and returns its exit code.
pub(crate) fn enter_if_asked() -> Option<ExitCode> {
    let name = std::env::args_os().next()?;
    let outcome = if name == SANDBOX.to_str().ok()? {
        sandbox()
    } else if name == GOFER.to_str().ok()? {
        gofer()
    } else if name == WAITER.to_str().ok()? {
        waiter()
    } else if name == HOLDER {
        systemd::hold();
        Ok(ExitCode::SUCCESS)
    } else {
        return None;
    };
    Some(outcome.unwrap_or_else(|problem| {
        eprintln!("casemate: {problem}");
        ExitCode::FAILURE
    }))
}

fn sandbox() -> Result<ExitCode, String> {
    let standard = [inherited(0)?, inherited(1)?, inherited(2)?];
    let document: SandboxDocument = document()?;
    let runtime = inherited(LIFE)?;
    resume_log(document.log, "sentry")?;
    let control = Channel::new(inherited(CONTROL)?);
    let listener = inherited(LISTENER)?;
    let life = sentry::Life { runtime, gofer: inherited(GOFER_LIFE)? };
    let further = document.sentry.further_descriptors;
    let behind = RawFd::try_from(further).map_err(|error| error.to_string())?.saturating_add(FURTHER);
    // The numbers 0 to 2 stay in use, or the first files that are opened would become standard error.
    let mut descriptors = duplicates(standard)?;
    descriptors.extend(connections(further, FURTHER)?);
    let connections = connections(document.sentry.connections, behind)?;
    let boot = sentry::Boot { document: document.sentry, descriptors, control, listener, life, connections };
    Ok(sentry::enter(boot))
}

/// Copies of the standard descriptors to hand to the container, while the process keeps its own.
fn duplicates(standard: [OwnedFd; 3]) -> Result<Vec<OwnedFd>, String> {
    let duplicate = |fd: &OwnedFd| {
        rustix::io::fcntl_dupfd_cloexec(fd.as_fd(), 3)
            .map_err(|e| format!("cannot keep standard input or output: {e}"))
    };
    let copies = standard.iter().map(duplicate).collect();
    std::mem::forget(standard);
    copies
}

fn gofer() -> Result<ExitCode, String> {
    let document: GoferDocument = document()?;
    resume_log(document.log, "gofer")?;
    if document.attached {
        // Even if a host file system keeps it from seeing that its connections are closed.
        set_parent_process_death_signal(Some(Signal::KILL))
            .map_err(|e| format!("cannot follow the runtime: {e}"))?;
    }
    let _life = inherited(LIFE)?;
    let sockets = connections(document.exports.len(), GOFER_CONNECTIONS)?;
    let source = |(export, socket): (Export, OwnedFd)| {
        let overlay = export.overlay.map(CString::new).transpose();
        Ok(gofer::Source {
            socket,
            root: export.path,
            overlay: overlay.map_err(|error| error.to_string())?,
            read_only: export.read_only,
            recursive: export.recursive,
            ids: export.ids,
        })
    };
    let sources: Result<Vec<gofer::Source>, String> =
        document.exports.into_iter().zip(sockets).map(source).collect();
    let mut config = gofer::confine(sources?).map_err(|error| error.to_string())?;
    config.hands_over = document.hands_over;
    config.reach = document.reach;
    gofer::serve(config).map_err(|error| error.to_string())?;
    Ok(ExitCode::SUCCESS)
}

fn waiter() -> Result<ExitCode, String> {
    let channel = Channel::new(inherited(WAITER_CONNECTION)?);
    // Before anything is opened that could get its number.
    let terminal = take(WAITER_TERMINAL).ok();
    let signals = Forwarded::divert().map_err(|error| error.to_string())?;
    if let Some(terminal) = terminal {
        sentry::take_terminal(&terminal).map_err(|error| format!("cannot watch the terminal: {error}"))?;
        // What has changed until now was told to nobody. A process that has ended need not know.
        let _ = channel.send(&Request::Signal { number: RESIZED, to: Recipients::Foreground });
    }
    let status = attached::until_the_end(&channel, &signals).map_err(|error| error.to_string())?;
    Ok(ExitCode::from(status.shell_code()))
}

fn inherited(number: RawFd) -> Result<OwnedFd, String> {
    take(number).map_err(|error: Errno| format!("descriptor {number} was not handed over: {error}"))
}

fn connections(count: usize, first: RawFd) -> Result<Vec<OwnedFd>, String> {
    (first..).take(count).map(inherited).collect()
}

fn document<D: DeserializeOwned>() -> Result<D, String> {
    let mut text = Vec::new();
    let read = File::from(inherited(DOCUMENT)?).read_to_end(&mut text);
    read.map_err(|error| format!("cannot read what to do: {error}"))?;
    serde_json::from_slice(&text).map_err(|error| format!("cannot understand what to do: {error}"))
}

fn resume_log(options: log::Options, process: &'static str) -> Result<(), String> {
    let file = inherited(LOG)?;
    log::resume(options, options.to_file().then_some(file), process);
    Ok(())
}

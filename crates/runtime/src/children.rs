//! The processes of a sandbox, as they come out of their exec: the same program under another name.
//!
//! They are told what to do by descriptors at fixed numbers, never by arguments, which every user of the host can read.

use std::ffi::CStr;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd, RawFd};
use std::process::ExitCode;

use abi::Errno;
use host::inherit::take;
use rustix::process::{Signal, set_parent_process_death_signal};
use sentry::control::Channel;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::config::Export;
use crate::log;

/// `argv[0]` of init and sentry, which `ps` shows.
pub(crate) const SANDBOX: &CStr = c"casemate-sandbox";
/// `argv[0]` of the gofer.
pub(crate) const GOFER: &CStr = c"casemate-gofer";

/// Where each child finds its [`SandboxDocument`] or [`GoferDocument`], a memory file.
pub(crate) const DOCUMENT: RawFd = 3;
/// A pipe that ends when the runtime does.
pub(crate) const LIFE: RawFd = 4;
/// The log file, or standard error once more.
pub(crate) const LOG: RawFd = 5;
/// Sandbox: the control channel. Gofer: its first connection.
pub(crate) const FIRST_SOCKET: RawFd = 6;

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
}

/// If this process was started as one of a sandbox, does its work and returns its exit code.
pub(crate) fn enter_if_asked() -> Option<ExitCode> {
    let name = std::env::args_os().next()?;
    let outcome = if name == SANDBOX.to_str().ok()? {
        sandbox()
    } else if name == GOFER.to_str().ok()? {
        gofer()
    } else {
        return None;
    };
    Some(outcome.unwrap_or_else(|problem| {
        eprintln!("casemate: {problem}");
        ExitCode::FAILURE
    }))
}

fn sandbox() -> Result<ExitCode, String> {
    let stdio = [inherited(0)?, inherited(1)?, inherited(2)?];
    let document: SandboxDocument = document()?;
    let life = inherited(LIFE)?;
    resume_log(document.log, "sentry")?;
    let control = Channel::new(inherited(FIRST_SOCKET)?);
    let connections = connections(document.sentry.connections, FIRST_SOCKET + 1)?;
    // The numbers 0 to 2 stay in use, or the first files that are opened would become standard error.
    let boot =
        sentry::Boot { document: document.sentry, stdio: duplicates(stdio)?, control, life, connections };
    Ok(sentry::enter(boot))
}

/// Copies of the standard descriptors to hand to the container, while the process keeps its own.
fn duplicates(stdio: [OwnedFd; 3]) -> Result<[OwnedFd; 3], String> {
    let duplicate = |fd: &OwnedFd| {
        rustix::io::fcntl_dupfd_cloexec(fd.as_fd(), 3)
            .map_err(|e| format!("cannot keep standard input or output: {e}"))
    };
    let copies = [duplicate(&stdio[0])?, duplicate(&stdio[1])?, duplicate(&stdio[2])?];
    std::mem::forget(stdio);
    Ok(copies)
}

fn gofer() -> Result<ExitCode, String> {
    let document: GoferDocument = document()?;
    resume_log(document.log, "gofer")?;
    // Ends with the runtime even if a host file system keeps it from seeing that its connections are closed.
    set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|e| format!("cannot follow the runtime: {e}"))?;
    let _life = inherited(LIFE)?;
    let sockets = connections(document.exports.len(), FIRST_SOCKET)?;
    let sources = document.exports.into_iter().zip(sockets).map(|(export, socket)| gofer::Source {
        socket,
        root: export.path,
        read_only: export.read_only,
        recursive: export.recursive,
    });
    let config = gofer::confine(sources.collect()).map_err(|error| error.to_string())?;
    gofer::serve(config).map_err(|error| error.to_string())?;
    Ok(ExitCode::SUCCESS)
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

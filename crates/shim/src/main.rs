//! `containerd-shim-casemate-v1`: what stands between containerd and a container that casemate runs.
//!
//! Containerd starts one of these for each container (`io.containerd.casemate.v1` is the runtime's name there), and talks to it over a
//! socket, also after containerd itself was started anew. The shim runs `casemate` for what is to be done, waits for the container's end,
//! and tells of it. See docs/decisions/0009-containerd-shim.md.
#![forbid(unsafe_code)]

mod arguments;
mod cleanup;
mod console;
mod container;
mod failure;
mod log;
mod logger;
mod messages;
mod oom;
mod process;
mod publisher;
mod reaper;
mod rootfs;
mod runtime;
mod server;
mod service;
mod settings;
mod start;
mod stats;
mod streams;
mod wire;

use std::io::Write;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use crate::arguments::{Action, Arguments};
use crate::container::Surroundings;
use crate::failure::{Failure, Trying};
use crate::messages::{RuntimeInfo, RuntimeVersion};
use crate::publisher::Publisher;
use crate::reaper::Reaper;
use crate::service::Service;
use crate::wire::Message;

/// The runtime's name in containerd.
const RUNTIME: &str = "io.containerd.casemate.v1";
const VERSION: &str = env!("CARGO_PKG_VERSION");

fn main() -> ExitCode {
    let outcome =
        Arguments::parse(std::env::args().skip(1)).map_err(Failure::unknown).and_then(|arguments| {
            let answer = match arguments.action {
                Action::Start => start::start(&arguments)?.into_bytes(),
                Action::Delete => cleanup::delete(&arguments),
                Action::Info => info(),
                Action::Version => format!("containerd-shim-casemate-v1 {VERSION}\n").into_bytes(),
                Action::Serve => return serve(&arguments),
            };
            std::io::stdout().write_all(&answer).trying("answer")
        });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            log::warn(&failure.message);
            ExitCode::FAILURE
        }
    }
}

fn info() -> Vec<u8> {
    let version = Some(RuntimeVersion { version: VERSION.to_owned() });
    RuntimeInfo { name: RUNTIME.to_owned(), version }.encode()
}

/// Serves until containerd says that nothing is left to do. The listening socket is standard input.
fn serve(arguments: &Arguments) -> Result<(), Failure> {
    // What commands leave behind becomes a child of this process, which learns of its end.
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).trying("collect orphans")?;
    let listener =
        UnixListener::from(rustix::stdio::stdin().try_clone_to_owned().trying("take over the socket")?);
    let own = listener.local_addr().trying("find the socket")?;
    let socket = own.as_pathname().map(PathBuf::from).unwrap_or_default();
    let reaper = Reaper::start().trying("start a thread")?;
    let publisher = Publisher::start(&arguments.namespace, events(arguments)).trying("start a thread")?;
    let surroundings = Surroundings {
        namespace: arguments.namespace.clone(),
        address: arguments.address.clone(),
        socket,
        reaper,
        publisher,
    };
    server::serve(&listener, &Arc::new(Service::new(surroundings)))
}

/// Where containerd takes events: it says so, and newer ones do not any more.
fn events(arguments: &Arguments) -> PathBuf {
    match std::env::var_os("TTRPC_ADDRESS") {
        Some(address) if !address.is_empty() => {
            let text = address.to_string_lossy();
            text.strip_prefix("unix://").unwrap_or(&text).into()
        }
        _ => {
            let mut address = arguments.address.clone().into_os_string();
            address.push(".ttrpc");
            address.into()
        }
    }
}

//! Puts the kernel together from its parts and runs it.

mod control;
mod devices;
mod host_files;
mod identity;
mod mounts;
mod terminal;

use std::sync::Arc;

use abi::Errno;
use hostfd::{Importer, Poller};
use kernel::exec::Strings;
use kernel::spawn::{self, Spawn};
use kernel::{ExitStatus as Ended, Kernel, executor};
use network::Networks;
use platform::stubs::{Mechanisms, Options, StubPlatform, Zygote};
use vfs::FdTable;

use crate::boot::{Document, Materials};
use crate::control::{Channel, Event, ExitStatus};
use crate::failure::{Failure, Trying};
use crate::spec::ProcessSpec;
use host_files::HostProc;

/// Forks the zygote, while the sentry has one thread and can still choose the user that it runs as.
pub(crate) fn fork_zygote(materials: &Materials) -> Result<Zygote, Failure> {
    let procfs = materials.proc.try_clone().map_err(|e| Errno::from_raw(e.raw_os_error().unwrap_or(0)));
    let procfs = procfs.trying("keep a descriptor of /proc")?;
    let identity = materials.document.stub_user.map(|id| (id, id));
    Zygote::start(Options { procfs, identity, withheld: Mechanisms::empty() })
        .map_err(|error| Failure::Message(error.to_string()))
}

/// Assembles the kernel, starts the container's first process and waits for the container to end.
pub(crate) fn run(
    zygote: Zygote,
    materials: Materials,
    control: &Arc<Channel>,
) -> Result<ExitStatus, Failure> {
    let Materials { document, stdio, connections, proc } = materials;
    let Document { container, strace, .. } = document;
    let platform = StubPlatform::start(zygote).map_err(|error| Failure::Message(error.to_string()))?;
    let kernel = Kernel::new(Arc::new(platform), Box::new(syscalls::Table::new()), strace);
    {
        let mut names = kernel.names.lock();
        names.host = container.hostname.clone().into_bytes();
        names.domain = container.domainname.clone().into_bytes();
    }
    kernel.set_network(Networks::new().loopback_only());
    let host_files = Arc::new(HostProc::new(proc));
    let devices = devices::register(&kernel, host::machine::memory())?;
    let poller = Poller::start(|work| executor::turn(work))
        .map_err(|e| Errno::from_raw(e.raw_os_error().unwrap_or(0)));
    let importer = Importer::new(poller.trying("start the poller of host descriptors")?);

    let fs = mounts::build(&kernel, &container, connections, &host_files, &devices)?;
    let credentials = Arc::new(identity::credentials(&container.process));
    let files = FdTable::new();
    let opened =
        importer.import(stdio.into(), &credentials).trying("import standard input, output and error")?;
    for file in &opened {
        files.install(Arc::clone(file), false, 0, usize::MAX).trying("install standard descriptors")?;
    }
    let what = Spawn {
        strings: strings(&container.process),
        fs,
        files,
        credentials: (*credentials).clone(),
        limits: identity::limits(&container.process),
        terminal: terminal::of(&opened),
    };
    let started = spawn::spawn(&kernel, what).trying("start the first process")?;
    control::serve(Arc::clone(control), Arc::clone(&started.group));
    started.wait().map_err(|errno| cannot_execute(&container.process, errno))?;
    // Without a runtime there is nobody to tell; init ends the sandbox then.
    let _ = control.send(&Event::Started);
    Ok(match kernel.wait_for_end(started.group.pid) {
        Ended::Exited(code) => ExitStatus::Code(code),
        Ended::Signaled { signal, .. } => ExitStatus::Signal(signal),
    })
}

fn strings(process: &ProcessSpec) -> Strings {
    let bytes = |list: &[String]| list.iter().map(|text| text.clone().into_bytes()).collect();
    Strings { arguments: bytes(&process.args), environment: bytes(&process.env) }
}

/// Why the container's program did not start, as runc words it.
fn cannot_execute(process: &ProcessSpec, errno: Errno) -> Failure {
    let name = process.args.first().map_or("", String::as_str);
    let reason = match errno {
        Errno::ENOENT if !name.contains('/') => "executable file not found in $PATH",
        Errno::ENOEXEC => {
            "exec format error: not a program of this machine, nor a script with an interpreter"
        }
        other => other.description(),
    };
    Failure::Message(format!("process.args: exec {name:?}: {reason}"))
}

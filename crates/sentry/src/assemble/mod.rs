//! Puts the kernel together from its parts and runs it.

mod bridge;
mod console;
mod container;
mod control;
mod devices;
mod filesystems;
mod home;
mod hooks;
mod host_ends;
mod host_files;
mod images;
mod listing;
mod lone_file;
mod mounts;
mod ninep_type;
mod overlay_options;
mod paths;
mod process;
mod sandbox;
mod setup;
mod shield;

use std::sync::Arc;

use abi::Errno;
use hostfd::{Importer, Poller};
use kernel::{Kernel, executor};
use network::Networks;
use platform::stubs::{Mechanisms, Options, StubPlatform, Zygote};

use crate::boot::{Document, Materials};
use crate::control::{Channel, Event, ExitStatus};
use crate::failure::{Failure, Trying};
use crate::spec::LimitSpec;
use container::Container;
use filesystems::FileSystems;
use host_files::HostProc;
use sandbox::Sandbox;

/// Forks the zygote, while the sentry has one thread and can still choose the user that it runs as.
pub(crate) fn fork_zygote(materials: &Materials) -> Result<Zygote, Failure> {
    let procfs = materials.proc.try_clone().map_err(|e| Errno::from_raw(e.raw_os_error().unwrap_or(0)));
    let procfs = procfs.trying("keep a descriptor of /proc")?;
    let identity = materials.document.stub_user.map(|id| (id, id));
    let patching = materials.document.patching;
    Zygote::start(Options { procfs, identity, withheld: Mechanisms::empty(), patching })
        .map_err(|error| Failure::Message(error.to_string()))
}

/// Assembles the kernel and the container, serves runtimes, and waits for the container to end.
pub(crate) fn run(
    zygote: Zygote,
    materials: Materials,
    control: &Arc<Channel>,
) -> Result<ExitStatus, Failure> {
    let Materials { document, descriptors, listener, connections, proc, resized } = materials;
    let Document { container: spec, strace, direct, reach, .. } = document;
    let platform = StubPlatform::start(zygote).map_err(|error| Failure::Message(error.to_string()))?;
    let kernel = Kernel::new(Arc::new(platform), Box::new(syscalls::Table::new()), strace);
    {
        let mut names = kernel.namespaces.uts.names.lock();
        names.host = spec.hostname.clone().into_bytes();
        names.domain = spec.domainname.clone().into_bytes();
    }
    kernel.set_network(Arc::new(Networks::new()));
    tell_limits(&kernel, spec.limits);
    let poller = Poller::start(|work| executor::turn(work))
        .map_err(|e| Errno::from_raw(e.raw_os_error().unwrap_or(0)));
    let importer = Arc::new(Importer::new(poller.trying("start the poller of host descriptors")?));
    kernel.set_host_ends(Box::new(host_ends::Ends(Arc::clone(&importer))));
    let devices = devices::register(&kernel, host::machine::memory(), &importer)?;
    let host_proc = HostProc::new(proc, Arc::downgrade(&kernel));
    let filesystems = FileSystems::new(&kernel, host_proc, &devices, (direct, reach));
    filesystems::register(&kernel, &filesystems);
    let namespaces = sandbox::namespaces_of_the_first(&kernel, &spec)?;
    let place = process::Place::first(&kernel, &namespaces);
    let mut built = mounts::build(place, (&filesystems, &importer), &spec, connections, &devices)?;
    setup::make_devices(&built.context, &spec.devices)?;
    setup::set(&built.context, kernel.special(), &spec.sysctl)?;
    shield::shield(&mut built.context, &spec, &devices)?;
    process::find_program(&built.context, &spec.process)?;
    let container = Container::new(place, built, importer, spec, descriptors, resized)?;
    // Without a runtime there is nobody to tell; init ends the sandbox then.
    let _ = control.send(&Event::Created);
    let sandbox = Sandbox::new(container, filesystems, devices);
    control::serve(control, &sandbox);
    control::listen(listener, Arc::clone(&sandbox))?;
    sandbox.wait()
}

/// What the container may use: memory and processors are only told, threads are counted here.
fn tell_limits(kernel: &Kernel, limits: LimitSpec) {
    host::machine::limit_memory(limits.memory.unwrap_or(u64::MAX));
    host::machine::limit_time(limits.time.map(|time| (time.quota, time.period)));
    kernel.pids.set_limit(0, limits.threads);
}

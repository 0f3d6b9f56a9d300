//! The containers of a sandbox: the first, which it lives and ends with, and further ones of the same pod.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use abi::Errno;
use abi::clone::CloneFlags;
use devtmpfs::Devtmpfs;
use kernel::Kernel;
use kernel::namespace::Namespaces;
use parking_lot::Mutex;
use vfs::{CapabilitySet, Credentials};

use super::container::Container;
use super::filesystems::FileSystems;
use super::process::Place;
use super::{mounts, process, setup, shield};
use crate::control::ExitStatus;
use crate::failure::{Failure, Trying};
use crate::spec::{ContainerSpec, Further, OwnSpec, PidsOf};

/// The most further containers that a sandbox takes.
const MOST: usize = 1024;

/// A sandbox.
pub(super) struct Sandbox {
    pub(super) first: Arc<Container>,
    further: Mutex<Vec<Arc<Container>>>,
    filesystems: Arc<FileSystems>,
    devices: Devtmpfs,
    /// The number of the next container.
    next: AtomicU32,
}

/// The namespaces of a sandbox's first container: the initial ones, but for pids if those of further containers are to be apart from its own. They lie beside each other then.
pub(super) fn namespaces_of_the_first(
    kernel: &Kernel,
    spec: &ContainerSpec,
) -> Result<Arc<Namespaces>, Failure> {
    if !spec.pids_apart {
        return Ok(Arc::clone(&kernel.namespaces));
    }
    let maker = Credentials::root(CapabilitySet::FULL);
    let made = kernel.namespaces.copied(&kernel.ipcs, CloneFlags::NEWPID, &maker);
    made.map(Arc::new).trying("make a pid namespace")
}

impl Sandbox {
    pub(super) fn new(first: Arc<Container>, filesystems: Arc<FileSystems>, devices: Devtmpfs) -> Arc<Self> {
        Arc::new(Self { first, further: Mutex::default(), filesystems, devices, next: AtomicU32::new(1) })
    }

    /// A container that has not ended.
    pub(super) fn find(&self, id: &str) -> Option<Arc<Container>> {
        if self.first.id() == id {
            return Some(Arc::clone(&self.first));
        }
        self.further.lock().iter().find(|container| container.id() == id).cloned()
    }

    /// Makes one more container, which waits to be started.
    pub(super) fn create(
        &self,
        what: Further,
        mut descriptors: Vec<OwnedFd>,
    ) -> Result<Arc<Container>, Failure> {
        let Further { container: spec, descriptors: count, pids, own } = what;
        if count > descriptors.len() {
            return Err(Errno::EBADF).trying("take over descriptors");
        }
        if self.find(&spec.id).is_some() || self.further.lock().len() >= MOST {
            return Err(Failure::Message(format!("the sandbox has no room for a container {:?}", spec.id)));
        }
        let connections = descriptors.split_off(count);
        let kernel = &self.first.kernel;
        let namespaces = self.namespaces(&spec, &pids, own)?;
        let container = self.next.fetch_add(1, Ordering::Relaxed);
        let place = Place { kernel, container, namespaces: &namespaces };
        let mut built = mounts::build(
            place,
            (&self.filesystems, self.first.importer()),
            &spec,
            connections,
            &self.devices,
        )?;
        setup::make_devices(&built.context, &spec.devices)?;
        setup::set(&built.context, kernel.special(), &spec.sysctl)?;
        shield::shield(&mut built.context, &spec, &self.devices)?;
        process::find_program(&built.context, &spec.process)?;
        let threads = spec.limits.threads;
        let container = Container::further(&self.first, place, built, spec, descriptors)?;
        container.limit_threads(threads);
        self.further.lock().push(Arc::clone(&container));
        Ok(container)
    }

    /// The namespaces of one more container: the sandbox's, but for those of its own and what it shares with another.
    fn namespaces(
        &self,
        spec: &ContainerSpec,
        pids: &PidsOf,
        own: OwnSpec,
    ) -> Result<Arc<Namespaces>, Failure> {
        let kernel = &self.first.kernel;
        let mut flags = CloneFlags::empty();
        flags.set(CloneFlags::NEWPID, *pids == PidsOf::Own);
        flags.set(CloneFlags::NEWUTS, own.names);
        flags.set(CloneFlags::NEWIPC, own.ipc);
        let maker = Credentials::root(CapabilitySet::FULL);
        let made = kernel.namespaces.copied(&kernel.ipcs, flags, &maker);
        let mut namespaces = made.trying("make namespaces")?;
        if own.network {
            let network = kernel.new_network(&maker).trying("make a network")?;
            network.net.set_up(true);
            namespaces.network = Some(network);
        }
        if own.names {
            let mut names = namespaces.uts.names.lock();
            names.host = spec.hostname.clone().into_bytes();
            names.domain = spec.domainname.clone().into_bytes();
        }
        let other = match pids {
            PidsOf::Own => None,
            PidsOf::Sandbox => Some(Arc::clone(&self.first)),
            PidsOf::Container(id) => {
                let other = self.find(id);
                Some(other.ok_or_else(|| Failure::Message(format!("container {id:?} has ended")))?)
            }
        };
        if let Some(other) = other {
            namespaces.pids = Arc::clone(&other.place().namespaces.pids);
        }
        Ok(Arc::new(namespaces))
    }

    /// Waits for the end of the first container, and with it of the sandbox. The further ones end meanwhile, each when its first process does.
    pub(super) fn wait(self: &Arc<Self>) -> Result<ExitStatus, Failure> {
        let sandbox = Arc::clone(self);
        self.first.wait(move |pid, status| {
            let first_of =
                |container: &&Arc<Container>| container.first().is_some_and(|group| group.pid == pid);
            let ended = sandbox.further.lock().iter().find(first_of).cloned();
            if let Some(container) = ended {
                sandbox.finish(&container, status);
            }
        })
    }

    /// A further container has ended: what is left of it is killed, and then its end is told.
    pub(super) fn finish(self: &Arc<Self>, container: &Arc<Container>, status: ExitStatus) {
        let (sandbox, ended) = (Arc::clone(self), Arc::clone(container));
        let body = move || {
            ended.kill_rest();
            ended.limit_threads(None);
            ended.forget_groups();
            ended.keep_layer();
            sandbox.further.lock().retain(|other| !Arc::ptr_eq(other, &ended));
            ended.tell_end(status);
        };
        // Not by the thread that waits for ends: those of the rest are told by it too.
        if let Err(error) = super::control::thread("end", body) {
            tracing::error!("container {:?} has ended, and nobody is told: {error}", container.id());
        }
    }
}

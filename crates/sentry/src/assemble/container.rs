//! The container: what its processes start from, and what it is at.

use std::os::fd::OwnedFd;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use abi::Errno;
use abi::signal::{SI_USER, Siginfo, Signal};
use hostfd::Importer;
use kernel::namespace::Namespaces;
use kernel::pids::{INIT, Reservation};
use kernel::seccomp::Seccomp;
use kernel::signal::{self, Origin, Target};
use kernel::{FsContext, Kernel, ThreadGroup, executor};
use overlay::Overlay;
use parking_lot::{Condvar, Mutex, RwLock, RwLockReadGuard};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use vfs::{Credentials, FdTable, FileSystem, OpenFile};

use super::bridge::Bridge;
use super::mounts::Built;
use super::process::Beginning;
use super::{console, home, hooks, process};
use crate::archive;
use crate::control::{Channel, Event, ExitStatus, Status, Used};
use crate::failure::{Failure, Trying};
use crate::spec::{ContainerSpec, ProcessSpec};

/// How long processes may take to stop for a pause, or to end.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long is waited before it is looked again whether they have ended.
const PAUSE: Duration = Duration::from_millis(5);
/// How long answers may take when the container has ended.
const LAST_ANSWERS: Duration = Duration::from_secs(1);
/// What init's exit code is if its program could not be started: as runc's.
const NOT_STARTED: ExitStatus = ExitStatus::Code(1);

/// A container in its sandbox.
pub(super) struct Container {
    pub(super) kernel: Arc<Kernel>,
    /// Where its processes start from: its root and mounts.
    pub(super) context: FsContext,
    /// What its root is, if what is written there is kept in a layer.
    layer: Option<Arc<Overlay>>,
    /// What the layer is written to at its end.
    archive: Mutex<Option<OwnedFd>>,
    /// The gofer's files, if its root is an image: as long as somebody is connected to it the gofer goes on.
    _beside: Option<Arc<dyn FileSystem>>,
    /// Which one of the sandbox's: 0 for the first. Its processes have this number.
    number: u32,
    /// Those that its processes begin in.
    namespaces: Arc<Namespaces>,
    spec: ContainerSpec,
    stage: Mutex<Stage>,
    stage_changed: Condvar,
    shared: Arc<Shared>,
    /// Held for reading while a request is answered: the sentry does not end in the middle of an answer.
    answering: RwLock<()>,
    /// What applies to the system calls of its processes from their start.
    seccomp: Seccomp,
    /// Tells that the window of its first process's terminal has another size, until that process is started.
    resized: Mutex<Option<OwnedFd>>,
}

/// What all containers of a sandbox share.
struct Shared {
    importer: Arc<Importer>,
    ends: Mutex<Ends>,
    /// Terminals that are carried to the host, by the process that has them.
    bridges: Mutex<Vec<(i32, Arc<Bridge>)>>,
}

/// What it is at.
enum Stage {
    /// It waits to be started, with the first process's descriptors, and its id if it is the first of its pid namespace.
    Created(Vec<OwnedFd>, Option<Reservation>),
    Starting,
    Running(Arc<ThreadGroup>),
    Ended(ExitStatus),
}

/// Who wants to know of the end of which process. Whatever comes first, the end or the question, waits for the other.
#[derive(Default)]
struct Ends {
    watched: Vec<(Of, Watcher)>,
    unclaimed: Vec<(i32, ExitStatus)>,
}

/// Who is told of an end.
enum Watcher {
    /// A runtime.
    Runtime(Weak<Channel>),
    /// A thread of the sentry.
    Here(Sender<ExitStatus>),
}

impl Watcher {
    /// Whoever has gone need not know.
    fn tell(&self, status: ExitStatus) {
        match self {
            Self::Runtime(channel) => {
                if let Some(channel) = channel.upgrade() {
                    let _ = channel.send(&Event::Exited(status));
                }
            }
            Self::Here(sender) => {
                let _ = sender.send(status);
            }
        }
    }
}

/// Whose end is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    Process(i32),
    Container(u32),
}

/// The files that a process starts with, by their numbers.
type Opened = Vec<Arc<OpenFile>>;

impl Container {
    pub(super) fn new(
        place: process::Place<'_>,
        built: Built,
        importer: Arc<Importer>,
        spec: ContainerSpec,
        descriptors: Vec<OwnedFd>,
        resized: Option<OwnedFd>,
    ) -> Result<Arc<Self>, Failure> {
        let shared = Shared { importer, ends: Mutex::default(), bridges: Mutex::default() };
        let seccomp = process::seccomp(spec.seccomp.as_ref())?;
        let (kernel, pids) = (place.kernel, &place.namespaces.pids);
        let init = if pids.is_initial() {
            kernel.pids.reserve_init(kernel)
        } else {
            // There too, and in the initial namespace, it is the first.
            kernel.pids.reserve(kernel, pids, place.container, &[INIT, INIT])
        };
        let init = init.trying("keep an id for the first process")?;
        Ok(Arc::new(Self {
            kernel: Arc::clone(kernel),
            context: built.context,
            layer: built.layer,
            archive: Mutex::new(built.archive),
            _beside: built.beside,
            number: place.container,
            namespaces: Arc::clone(place.namespaces),
            spec,
            stage: Mutex::new(Stage::Created(descriptors, Some(init))),
            stage_changed: Condvar::new(),
            shared: Arc::new(shared),
            answering: RwLock::default(),
            seccomp,
            resized: Mutex::new(resized),
        }))
    }

    /// One more in the sandbox of the first.
    pub(super) fn further(
        first: &Self,
        place: process::Place<'_>,
        built: Built,
        spec: ContainerSpec,
        descriptors: Vec<OwnedFd>,
    ) -> Result<Arc<Self>, Failure> {
        let seccomp = process::seccomp(spec.seccomp.as_ref())?;
        let (kernel, pids) = (&first.kernel, &place.namespaces.pids);
        // Hooks and processes that are executed before it are not to become the first of a pid namespace.
        let init = if pids.init() == 0 {
            let taken = kernel.pids.reserve(kernel, pids, place.container, &[]);
            Some(taken.trying("keep an id for the first process")?)
        } else {
            None
        };
        Ok(Arc::new(Self {
            kernel: Arc::clone(kernel),
            context: built.context,
            layer: built.layer,
            archive: Mutex::new(built.archive),
            _beside: built.beside,
            number: place.container,
            namespaces: Arc::clone(place.namespaces),
            spec,
            stage: Mutex::new(Stage::Created(descriptors, init)),
            stage_changed: Condvar::new(),
            shared: Arc::clone(&first.shared),
            answering: RwLock::default(),
            seccomp,
            resized: Mutex::new(None),
        }))
    }

    /// What makes files of descriptors of the host.
    pub(super) fn importer(&self) -> &Importer {
        &self.shared.importer
    }

    pub(super) fn id(&self) -> &str {
        &self.spec.id
    }

    /// The layer that keeps what is written to its root, if there is one.
    pub(super) const fn layer(&self) -> Option<&Arc<Overlay>> {
        self.layer.as_ref()
    }

    /// Keeps the layer of its root in a file, if that is wanted. Its processes have ended, and nobody has been told yet.
    pub(super) fn keep_layer(&self) {
        let (Some(layer), Some(file)) = (&self.layer, self.archive.lock().take()) else { return };
        if let Err(error) = archive::keep(layer, file) {
            tracing::error!("container {:?}: {error}", self.id());
        }
    }

    /// Whether it is not the one that the sandbox lives with.
    pub(super) fn is_further(&self) -> bool {
        self.number != 0
    }

    /// Where its processes are started.
    pub(super) fn place(&self) -> process::Place<'_> {
        process::Place { kernel: &self.kernel, container: self.number, namespaces: &self.namespaces }
    }

    /// What all of its processes begin with.
    pub(super) fn beginning(&self) -> Beginning {
        let (seccomp, personality) = (self.seccomp.clone(), self.spec.personality);
        Beginning { seccomp, personality, id: None, program: None }
    }

    /// Bounds the threads that it may have.
    pub(super) fn limit_threads(&self, limit: Option<usize>) {
        self.kernel.pids.set_limit(self.number, limit);
    }

    /// Forgets its control groups.
    pub(super) fn forget_groups(&self) {
        self.kernel.control_groups.with(|tree| tree.forget_container(self.number));
    }

    /// Its processes.
    pub(super) fn processes(&self) -> Vec<Arc<ThreadGroup>> {
        self.kernel.members(Some(self.number))
    }

    /// What they use.
    pub(super) fn used(&self) -> Used {
        let (time, memory) = (self.kernel.used(Some(self.number)), self.kernel.resident(Some(self.number)));
        let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        Used {
            user: nanoseconds(time.user),
            system: nanoseconds(time.system),
            anonymous: memory.anonymous,
            shared: memory.shared,
        }
    }

    /// Kills its processes until none runs any more.
    pub(super) fn kill_rest(&self) {
        let deadline = Instant::now() + PATIENCE;
        // Again, because one that is killed may just have made another.
        loop {
            let mut left = self.processes();
            left.retain(|group| group.representative().is_some());
            if left.is_empty() {
                return;
            }
            if Instant::now() > deadline {
                tracing::warn!("container {:?}: {} of its processes do not end", self.id(), left.len());
                return;
            }
            executor::turn(|| left.iter().for_each(|group| send(group, Signal::SIGKILL)));
            self.resume();
            std::thread::sleep(PAUSE);
        }
    }

    /// Starts the first process. Returns its id, or 0: one that cannot be started has ended: as with runc, whose process says by itself
    /// why it could not become the program, its standard error tells.
    pub(super) fn start(&self) -> Result<i32, Failure> {
        let (descriptors, id) = {
            let mut stage = self.stage.lock();
            match std::mem::replace(&mut *stage, Stage::Starting) {
                Stage::Created(descriptors, id) => (descriptors, id),
                other => {
                    *stage = other;
                    return Err(Failure::Message("cannot start an already running container".to_owned()));
                }
            }
        };
        let stderr = descriptors.get(2).and_then(|stderr| stderr.try_clone().ok());
        let started = hooks::run(self, &self.spec)
            .and_then(|()| self.spawn(&self.spec.process, &self.context, descriptors, id, true));
        let (stage, id) = match started {
            Ok(group) => (Stage::Running(Arc::clone(&group)), group.pid),
            Err(failure) => {
                tell_failure(stderr, &failure);
                (Stage::Ended(NOT_STARTED), 0)
            }
        };
        self.enter(stage);
        Ok(id)
    }

    /// Starts one more process, on behalf of a channel that hears of its end. Returns the process.
    pub(super) fn execute(
        &self,
        process: &ProcessSpec,
        descriptors: Vec<OwnedFd>,
    ) -> Result<Arc<ThreadGroup>, Failure> {
        if matches!(*self.stage.lock(), Stage::Ended(_)) {
            return Err(Failure::Message("cannot exec in a container that is not running".to_owned()));
        }
        let mut context = self.context.clone();
        context.umask = process.umask;
        context.cwd = process::working_directory(&self.context, process)?;
        self.spawn(process, &context, descriptors, None, false)
    }

    fn spawn(
        &self,
        process: &ProcessSpec,
        context: &FsContext,
        descriptors: Vec<OwnedFd>,
        id: Option<Reservation>,
        first: bool,
    ) -> Result<Arc<ThreadGroup>, Failure> {
        let process = &*home::complete(context, process);
        let credentials = Arc::new(process::credentials(process));
        let files = FdTable::new();
        let (opened, bridge) = self.open(process, context, descriptors, &credentials, first)?;
        for file in &opened {
            files.install(Arc::clone(file), false, 0, usize::MAX).trying("install descriptors")?;
        }
        let terminal = opened.iter().find_map(|file| file.file.terminal());
        drop(opened);
        let place = self.place();
        let beginning = Beginning { id, ..self.beginning() };
        let group = process::start(place, process, context.clone(), files, credentials, terminal, beginning)?;
        if let Some(bridge) = bridge {
            self.shared.bridges.lock().push((group.pid, bridge));
        }
        Ok(group)
    }

    /// The files that a process starts with: the host's, or a terminal of its own.
    fn open(
        &self,
        process: &ProcessSpec,
        context: &FsContext,
        mut descriptors: Vec<OwnedFd>,
        credentials: &Arc<Credentials>,
        first: bool,
    ) -> Result<(Opened, Option<Arc<Bridge>>), Failure> {
        if !process.terminal {
            let opened =
                self.shared.importer.import(descriptors, credentials).trying("import descriptors")?;
            return Ok((opened, None));
        }
        let further = descriptors.split_off(descriptors.len().min(3));
        let resized = if first { self.resized.lock().take() } else { None };
        let console = console::make(&self.shared.importer, context, process, descriptors, resized)?;
        if first {
            console::show(context, &console.slave)?;
        }
        let mut opened = vec![console.slave; 3];
        opened.extend(self.shared.importer.import(further, credentials).trying("import descriptors")?);
        Ok((opened, Some(console.bridge)))
    }

    /// The window of a process's terminal may have another size. Whether it has a terminal whose window that could be.
    pub(super) fn follow_size(&self, pid: i32) -> bool {
        self.bridge(pid).inspect(|bridge| bridge.follow_size()).is_some()
    }

    /// Whoever has started a process at a terminal went before it has ended.
    pub(super) fn put_modes_back(&self, pid: i32) {
        if let Some(bridge) = self.bridge(pid) {
            bridge.put_modes_back();
        }
    }

    fn bridge(&self, pid: i32) -> Option<Arc<Bridge>> {
        let bridges = self.shared.bridges.lock();
        bridges.iter().find(|(of, _)| *of == pid).map(|(_, bridge)| Arc::clone(bridge))
    }

    /// A process has ended: what it wrote on its terminal is carried out.
    fn end_bridge(&self, pid: i32) {
        let ended = {
            let mut bridges = self.shared.bridges.lock();
            bridges.iter().position(|(of, _)| *of == pid).map(|at| bridges.swap_remove(at).1)
        };
        if let Some(bridge) = ended {
            bridge.finish();
        }
    }

    /// The first process, while it runs.
    pub(super) fn first(&self) -> Option<Arc<ThreadGroup>> {
        match &*self.stage.lock() {
            Stage::Running(group) => Some(Arc::clone(group)),
            _ => None,
        }
    }

    pub(super) fn status(&self) -> Status {
        match &*self.stage.lock() {
            Stage::Created(..) | Stage::Starting => Status::Created,
            _ if self.kernel.freezer.holds(self.number) => Status::Paused,
            _ => Status::Running,
        }
    }

    /// A signal for a container that waits to be started does what it does to a process without handlers.
    /// How it has ended then.
    pub(super) fn end_unstarted(&self, signal: Signal) -> Option<ExitStatus> {
        let harmless = signal.stops()
            || [Signal::SIGCHLD, Signal::SIGCONT, Signal::SIGURG, Signal::SIGWINCH].contains(&signal);
        if harmless || !matches!(&*self.stage.lock(), Stage::Created(..)) {
            return None;
        }
        let status = ExitStatus::Signal(u8::try_from(signal.number()).unwrap_or(0));
        self.enter(Stage::Ended(status));
        Some(status)
    }

    /// Whether it has ended.
    pub(super) fn end(&self) -> Option<ExitStatus> {
        match &*self.stage.lock() {
            Stage::Ended(status) => Some(*status),
            _ => None,
        }
    }

    pub(super) fn pause(&self) -> Result<(), Errno> {
        if self.first().is_none() {
            return Err(Errno::ESRCH);
        }
        self.kernel.freeze(self.number, PATIENCE)
    }

    pub(super) fn resume(&self) {
        self.kernel.thaw(self.number);
    }

    /// To be held while a request is carried out and answered.
    pub(super) fn answering(&self) -> RwLockReadGuard<'_, ()> {
        self.answering.read()
    }

    /// Has a channel told of a process's end, perhaps at once.
    pub(super) fn watch(&self, pid: i32, channel: &Arc<Channel>) {
        self.add_watcher(Of::Process(pid), Watcher::Runtime(Arc::downgrade(channel)));
    }

    /// As [`Self::watch`], for a thread of the sentry.
    pub(super) fn end_of(&self, pid: i32) -> Receiver<ExitStatus> {
        let (sender, receiver) = channel();
        self.add_watcher(Of::Process(pid), Watcher::Here(sender));
        receiver
    }

    fn add_watcher(&self, whose: Of, watcher: Watcher) {
        let mut ends = self.shared.ends.lock();
        match ends.unclaimed.iter().position(|(of, _)| Of::Process(*of) == whose) {
            Some(at) => watcher.tell(ends.unclaimed.swap_remove(at).1),
            None => ends.watched.push((whose, watcher)),
        }
    }

    /// Has a channel told of its end, perhaps at once.
    pub(super) fn watch_end(&self, channel: &Arc<Channel>) {
        let mut ends = self.shared.ends.lock();
        let watcher = Watcher::Runtime(Arc::downgrade(channel));
        match self.end() {
            Some(status) => watcher.tell(status),
            None => ends.watched.push((Of::Container(self.number), watcher)),
        }
    }

    /// It has ended: whoever waits for that is told.
    pub(super) fn tell_end(&self, status: ExitStatus) {
        self.enter(Stage::Ended(status));
        tell_all(&self.shared.ends, Of::Container(self.number), status);
    }

    /// Waits for the end of the container. The channels of other processes hear of theirs meanwhile.
    /// `others` hears of ends of processes that are not its first.
    pub(super) fn wait(
        self: &Arc<Self>,
        others: impl Fn(i32, ExitStatus) + Send + 'static,
    ) -> Result<ExitStatus, Failure> {
        let container = Arc::clone(self);
        let started =
            std::thread::Builder::new().name("ends".to_owned()).spawn(move || container.tell_ends(others));
        started.map_err(|e| Errno::from_raw(e.raw_os_error().unwrap_or(0))).trying("start a thread")?;
        let mut stage = self.stage.lock();
        let status = loop {
            match &*stage {
                Stage::Ended(status) => break *status,
                _ => self.stage_changed.wait(&mut stage),
            }
        };
        drop(stage);
        self.everybody(status);
        Ok(status)
    }

    /// Tells of the ends of processes, up to the first one's.
    fn tell_ends(&self, others: impl Fn(i32, ExitStatus)) {
        loop {
            let (pid, status) = self.kernel.wait_for_an_end();
            let status = process::status(status);
            self.process_ended(pid, status);
            if pid == INIT {
                return self.first_ended(status);
            }
            others(pid, status);
        }
    }

    /// What could not become the program has ended too: how the container ends then is for [`Self::start`] to say.
    fn first_ended(&self, status: ExitStatus) {
        self.keep_layer();
        let mut stage = self.stage.lock();
        while matches!(*stage, Stage::Starting) {
            self.stage_changed.wait(&mut stage);
        }
        if !matches!(*stage, Stage::Ended(_)) {
            *stage = Stage::Ended(status);
            self.stage_changed.notify_all();
        }
    }

    fn process_ended(&self, pid: i32, status: ExitStatus) {
        self.end_bridge(pid);
        tell_all(&self.shared.ends, Of::Process(pid), status);
    }

    /// The container has ended, and every process with it.
    fn everybody(&self, status: ExitStatus) {
        let answered = self.answering.try_write_for(LAST_ANSWERS);
        if answered.is_none() {
            tracing::warn!("the container ended before a command was answered");
        }
        let told = std::mem::take(&mut self.shared.ends.lock().watched);
        for (whose, watcher) in told {
            // All others were killed with the first.
            let first = matches!(whose, Of::Process(INIT) | Of::Container(0));
            watcher.tell(if first { status } else { ExitStatus::Signal(9) });
        }
    }

    fn enter(&self, stage: Stage) {
        *self.stage.lock() = stage;
        self.stage_changed.notify_all();
    }
}

/// Tells of an end. That of a process is kept if nobody has asked.
fn tell_all(ends: &Mutex<Ends>, whose: Of, status: ExitStatus) {
    let mut ends = ends.lock();
    let all = std::mem::take(&mut ends.watched);
    let (told, kept) = all.into_iter().partition::<Vec<_>, _>(|(of, _)| *of == whose);
    ends.watched = kept;
    if let (Of::Process(pid), []) = (whose, told.as_slice()) {
        ends.unclaimed.push((pid, status));
    }
    told.iter().for_each(|(_, watcher)| watcher.tell(status));
}

/// Tells why a process was not started where it would have written itself, unless nobody reads there.
fn tell_failure(stderr: Option<OwnedFd>, failure: &Failure) {
    tracing::debug!("{failure}");
    let Some(stderr) = stderr else { return };
    let ready = poll(&mut [PollFd::new(&stderr, PollFlags::OUT)], Some(&Timespec::default()));
    if ready == Ok(1) {
        let _ = rustix::io::write(&stderr, format!("casemate: {failure}\n").as_bytes());
    }
}

/// A signal that cannot be queued any more is lost, as it would be on Linux.
pub(super) fn send(group: &Arc<ThreadGroup>, signal: Signal) {
    let info = Siginfo::user(signal, SI_USER, 0, 0);
    let _ = signal::send(Target::Group(group), info, Origin::Outside);
}

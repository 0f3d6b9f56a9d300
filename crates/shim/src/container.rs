//! One container: from its bundle to its end, by commands of the runtime.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::arguments::is_name;
use crate::console::{Copier, Socket, unique};
use crate::failure::{Code, Failure, Trying};
use crate::messages::{
    Any, CreateTaskRequest, ExecProcessRequest, ProcessDetails, ProcessInfo, TaskCreate, TaskExecAdded,
    TaskExecStarted, TaskExit, TaskIo, TaskOom, TaskPaused, TaskResumed, TaskStart,
};
use crate::process::{Process, Stage};
use crate::publisher::Publisher;
use crate::reaper::{Exit, Reaper};
use crate::runtime::{Launch, Runtime};
use crate::settings::Settings;
use crate::start::sockets;
use crate::streams::{self, Held, Identity};
use crate::{log, oom, rootfs, stats};

/// What files about the first process are called in the bundle.
const FIRST: &str = "init";
/// Where its root is mounted there.
const ROOT: &str = "rootfs";
/// How long a container may take to end when it was deleted.
const PATIENCE: Duration = Duration::from_secs(10);

/// What all containers of a shim share.
#[derive(Debug)]
pub(crate) struct Surroundings {
    pub(crate) namespace: String,
    /// Containerd's socket.
    pub(crate) address: PathBuf,
    /// The shim's.
    pub(crate) socket: PathBuf,
    pub(crate) reaper: Arc<Reaper>,
    pub(crate) publisher: Arc<Publisher>,
}

/// A container.
#[derive(Debug)]
pub(crate) struct Container {
    pub(crate) id: String,
    pub(crate) bundle: PathBuf,
    pub(crate) first: Arc<Process>,
    further: Mutex<HashMap<String, Arc<Process>>>,
    runtime: Runtime,
    surroundings: Arc<Surroundings>,
    paused: AtomicBool,
    /// For names of files about further processes.
    next: AtomicU64,
    /// Held while something is done, so that what comes of it is told after it.
    operation: Mutex<()>,
}

impl Container {
    /// Makes one. If that fails nothing is left.
    pub(crate) fn create(
        request: CreateTaskRequest,
        surroundings: &Arc<Surroundings>,
    ) -> Result<Arc<Self>, Failure> {
        if !request.checkpoint.is_empty() {
            return Err(not_yet("restore"));
        }
        if !is_name(&request.id) {
            return Err(Failure::new(Code::InvalidArgument, format!("{:?} is not a name", request.id)));
        }
        let bundle = PathBuf::from(&request.bundle);
        let Surroundings { namespace, address, reaper, publisher, .. } = &**surroundings;
        let settings = Settings::of(request.options.as_ref(), address, namespace)?;
        settings.save(&bundle)?;
        let io = TaskIo {
            stdin: request.stdin,
            stdout: request.stdout,
            stderr: request.stderr,
            terminal: request.terminal,
        };
        let root = bundle.join(ROOT);
        if !request.rootfs.is_empty() {
            std::fs::create_dir_all(&root).trying_on("make", &root)?;
        }
        rootfs::mount_all(&request.rootfs, &root)?;
        let runtime = Runtime::new(settings, Arc::clone(reaper), bundle.clone(), request.id.clone());
        let words = ["create", "--bundle"].map(OsStr::new);
        let words: Vec<&OsStr> = words.into_iter().chain([bundle.as_os_str()]).collect();
        let begun = begin(&runtime, surroundings, &request.id, FIRST, &words, &io);
        let (pid, held) = begun.inspect_err(|_| rootfs::unmount_all(&root))?;
        let container = Arc::new(Self {
            id: request.id,
            first: Arc::new(Process::new(String::new(), io.clone(), Vec::new(), Stage::Created(pid), held)),
            further: Mutex::default(),
            runtime,
            surroundings: Arc::clone(surroundings),
            paused: AtomicBool::new(false),
            next: AtomicU64::new(0),
            operation: Mutex::default(),
            bundle,
        });
        publisher.publish(&TaskCreate {
            container_id: container.id.clone(),
            bundle: request.bundle,
            rootfs: request.rootfs,
            io: Some(io),
            checkpoint: String::new(),
            pid: container.first.stage().pid(),
        });
        let watched = container.watch(&container.first, pid);
        if let Err(failure) = watched {
            container.destroy();
            return Err(failure);
        }
        container.watch_memory(pid);
        Ok(container)
    }

    /// Its first process, or a further one.
    pub(crate) fn process(&self, exec_id: &str) -> Result<Arc<Process>, Failure> {
        if exec_id.is_empty() {
            return Ok(Arc::clone(&self.first));
        }
        let found = self.further().get(exec_id).cloned();
        found
            .ok_or_else(|| Failure::not_found(format!("process {exec_id:?} of {:?} does not exist", self.id)))
    }

    /// Runs the program of a process.
    pub(crate) fn start(self: &Arc<Self>, exec_id: &str) -> Result<u32, Failure> {
        let process = self.process(exec_id)?;
        let _operation = self.operation();
        match process.stage() {
            Stage::Created(pid) => {
                self.runtime.ask(&["start"], b"")?;
                process.enter(Stage::Running(pid));
                let pid = process.stage().pid();
                self.surroundings.publisher.publish(&TaskStart { container_id: self.id.clone(), pid });
                Ok(pid)
            }
            Stage::Described => self.start_further(&process),
            Stage::Running(_) => Err(Failure::precondition("the process runs already")),
            Stage::Ended(..) => Err(Failure::precondition("the process has ended")),
        }
    }

    fn start_further(self: &Arc<Self>, process: &Arc<Process>) -> Result<u32, Failure> {
        let name = format!("exec-{}", self.next.fetch_add(1, Ordering::Relaxed));
        let description = self.bundle.join(format!("{name}.json"));
        std::fs::write(&description, &process.spec).trying_on("write", &description)?;
        let words = ["exec", "--detach", "--process"].map(OsStr::new);
        let words: Vec<&OsStr> = words.into_iter().chain([description.as_os_str()]).collect();
        let begun = begin(&self.runtime, &self.surroundings, &self.id, &name, &words, &process.io);
        self.runtime.forget(&name);
        let (pid, held) = begun?;
        *process.held() = held;
        process.enter(Stage::Running(pid));
        let started = TaskExecStarted {
            container_id: self.id.clone(),
            exec_id: process.exec_id.clone(),
            pid: process.stage().pid(),
        };
        self.surroundings.publisher.publish(&started);
        self.watch(process, pid)?;
        Ok(started.pid)
    }

    /// Describes a further process.
    pub(crate) fn add(&self, request: ExecProcessRequest) -> Result<(), Failure> {
        if self.first.stage().exit().is_some() {
            return Err(Failure::precondition("the container has ended"));
        }
        let exec_id = request.exec_id;
        if exec_id.is_empty() {
            return Err(Failure::new(Code::InvalidArgument, "the process has no name"));
        }
        let spec = description(request.spec.as_ref(), request.terminal)?;
        let io = TaskIo {
            stdin: request.stdin,
            stdout: request.stdout,
            stderr: request.stderr,
            terminal: request.terminal,
        };
        let process = Process::new(exec_id.clone(), io, spec, Stage::Described, Held::default());
        {
            let mut further = self.further();
            if further.contains_key(&exec_id) {
                let message = format!("process {exec_id:?} of {:?} exists already", self.id);
                return Err(Failure::new(Code::AlreadyExists, message));
            }
            further.insert(exec_id.clone(), Arc::new(process));
        }
        self.surroundings.publisher.publish(&TaskExecAdded { container_id: self.id.clone(), exec_id });
        Ok(())
    }

    /// Sends a signal to a process, or to all.
    pub(crate) fn kill(&self, exec_id: &str, signal: u32, all: bool) -> Result<(), Failure> {
        let process = self.process(exec_id)?;
        let ended = || Failure::not_found("process already finished");
        match process.stage() {
            Stage::Ended(..) => Err(ended()),
            Stage::Described => Err(Failure::precondition("the process was not started")),
            Stage::Running(pid) if !process.exec_id.is_empty() => {
                // What stands for it on the host passes the signal on.
                let number = i32::try_from(signal).ok().and_then(rustix::process::Signal::from_named_raw);
                let invalid =
                    || Failure::new(Code::InvalidArgument, format!("signal {signal} cannot be sent"));
                let pid = rustix::process::Pid::from_raw(pid).ok_or_else(ended)?;
                match rustix::process::kill_process(pid, number.ok_or_else(invalid)?) {
                    Err(rustix::io::Errno::SRCH) => Err(ended()),
                    sent => sent.trying("send a signal"),
                }
            }
            Stage::Created(_) | Stage::Running(_) => {
                let signal = signal.to_string();
                let words = if all { &["kill", "--all"][..] } else { &["kill"] };
                self.runtime.ask_with(words, &[&signal], b"").map(drop)
            }
        }
    }

    /// Stops all processes where they are.
    pub(crate) fn pause(&self) -> Result<(), Failure> {
        let _operation = self.operation();
        self.runtime.ask(&["pause"], b"")?;
        self.paused.store(true, Ordering::Relaxed);
        self.surroundings.publisher.publish(&TaskPaused { container_id: self.id.clone() });
        Ok(())
    }

    /// Lets them go on.
    pub(crate) fn resume(&self) -> Result<(), Failure> {
        let _operation = self.operation();
        self.runtime.ask(&["resume"], b"")?;
        self.paused.store(false, Ordering::Relaxed);
        self.surroundings.publisher.publish(&TaskResumed { container_id: self.id.clone() });
        Ok(())
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Relaxed)
    }

    /// What stands on the host for the processes that were started in the container. Whoever asks takes the numbers for the host's (Docker shows what
    /// ps(1) says of them), and others have none there.
    pub(crate) fn pids(&self) -> Vec<ProcessInfo> {
        let number = |process: &Process| match process.stage() {
            stage @ (Stage::Created(_) | Stage::Running(_)) => Some(stage.pid()),
            Stage::Described | Stage::Ended(..) => None,
        };
        let first = number(&self.first).map(|pid| ProcessInfo { pid, info: None });
        let further = self.further();
        let further = further.values().filter_map(|process| {
            let details = ProcessDetails { exec_id: process.exec_id.clone() };
            Some(ProcessInfo { pid: number(process)?, info: Some(Any::of(&details)) })
        });
        first.into_iter().chain(further).collect()
    }

    /// What it uses.
    pub(crate) fn stats(&self) -> Result<Any, Failure> {
        stats::metrics(&self.runtime.ask(&["events", "--stats"], b"")?)
    }

    /// Changes limits.
    pub(crate) fn update(&self, resources: &[u8]) -> Result<(), Failure> {
        let _operation = self.operation();
        self.runtime.ask(&["update", "--resources", "-"], resources).map(drop)
    }

    /// Forgets a process that does not run. Returns its number and how it had ended.
    pub(crate) fn delete(&self, exec_id: &str) -> Result<(u32, Exit), Failure> {
        let process = self.process(exec_id)?;
        {
            let _operation = self.operation();
            match process.stage() {
                Stage::Running(_) => return Err(Failure::precondition("the process still runs")),
                Stage::Described => process.never_ran(),
                // One that was never started is killed.
                Stage::Created(_) | Stage::Ended(..) if exec_id.is_empty() => {
                    self.runtime.ask(&["delete", "--force"], b"")?;
                }
                Stage::Created(_) | Stage::Ended(..) => {}
            }
        }
        let unknown = || Failure::unknown("the container does not end");
        let exit = process.wait_for(PATIENCE).ok_or_else(unknown)?;
        process.release();
        if exec_id.is_empty() {
            self.further().drain().for_each(|(_, process)| process.release());
            rootfs::unmount_all(&self.bundle.join(ROOT));
        } else {
            self.further().remove(exec_id);
        }
        Ok((process.stage().pid(), exit))
    }

    fn destroy(&self) {
        if let Err(failure) = self.runtime.ask(&["delete", "--force"], b"") {
            log::warn(&format!("{}: {failure}", self.id));
        }
        self.first.release();
        rootfs::unmount_all(&self.bundle.join(ROOT));
    }

    /// Tells of the end of a process.
    fn watch(self: &Arc<Self>, process: &Arc<Process>, pid: i32) -> Result<(), Failure> {
        let (container, process) = (Arc::clone(self), Arc::clone(process));
        let body = move || {
            let exit = container.surroundings.reaper.wait(pid);
            let _operation = container.operation();
            process.enter(Stage::Ended(pid, exit));
            let id = if process.exec_id.is_empty() { &container.id } else { &process.exec_id };
            container.surroundings.publisher.publish(&TaskExit {
                container_id: container.id.clone(),
                id: id.clone(),
                pid: process.stage().pid(),
                exit_status: exit.status,
                exited_at: Some(exit.at.into()),
            });
        };
        let started = std::thread::Builder::new().name("end".to_owned()).stack_size(128 << 10).spawn(body);
        started.map(drop).trying("start a thread")
    }

    /// Tells of processes that are killed because memory has run out.
    fn watch_memory(self: &Arc<Self>, pid: i32) {
        let (publisher, id) = (Arc::clone(&self.surroundings.publisher), self.id.clone());
        oom::watch(pid, move || publisher.publish(&TaskOom { container_id: id.clone() }));
    }

    fn operation(&self) -> MutexGuard<'_, ()> {
        self.operation.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn further(&self) -> MutexGuard<'_, HashMap<String, Arc<Process>>> {
        self.further.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What nothing of this can do.
pub(crate) fn not_yet(what: &str) -> Failure {
    Failure::new(Code::Unimplemented, format!("casemate cannot {what} containers yet"))
}

/// Opens what a process starts with, and has it made.
fn begin(
    runtime: &Runtime,
    surroundings: &Surroundings,
    id: &str,
    name: &str,
    words: &[&OsStr],
    io: &TaskIo,
) -> Result<(i32, Held), Failure> {
    let (standard, mut held) = streams::open(io, Identity { namespace: &surroundings.namespace, id })?;
    if !io.terminal {
        let pid = runtime.launch(Launch { name, words, standard, console: None })?;
        return Ok((pid, held));
    }
    let [typed, shown, null] = standard;
    let socket = Socket::new(unique(&sockets(&surroundings.address)?)?)?;
    let copy = || null.try_clone().trying("duplicate a descriptor");
    let standard = [copy()?, copy()?, copy()?];
    let pid = runtime.launch(Launch { name, words, standard, console: Some(&socket.path) })?;
    let carried = socket.receive().and_then(|master| Copier::start(master, typed, shown));
    match carried {
        Ok(copier) => held.copier = Some(copier),
        Err(failure) => {
            if name == FIRST {
                let _ = runtime.ask(&["delete", "--force"], b"");
            }
            return Err(failure);
        }
    }
    Ok((pid, held))
}

/// A further process as the runtime reads it. Whether it has a terminal stands in the request, and counts.
fn description(spec: Option<&Any>, terminal: bool) -> Result<Vec<u8>, Failure> {
    let malformed = || Failure::new(Code::InvalidArgument, "the process is not described");
    let value = spec.map(|any| any.value.as_slice()).unwrap_or_default();
    let mut process: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(value).map_err(|_| malformed())?;
    process.insert("terminal".to_owned(), terminal.into());
    serde_json::to_vec(&process).map_err(|_| malformed())
}

/// The root of a bundle, for whoever cleans up.
pub(crate) fn root_of(bundle: &Path) -> PathBuf {
    bundle.join(ROOT)
}

/// The number of the first process in a bundle.
pub(crate) fn pid_in(bundle: &Path) -> u32 {
    let text = std::fs::read_to_string(bundle.join(format!("{FIRST}.pid"))).unwrap_or_default();
    text.trim().parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_says_whether_there_is_a_terminal() {
        let spec = |text: &str| Some(Any { value: text.into(), ..Any::default() });
        let of = |text: &str, terminal| description(spec(text).as_ref(), terminal);
        assert_eq!(of(r#"{"terminal":true}"#, false).unwrap(), br#"{"terminal":false}"#);
        assert_eq!(of("{}", true).unwrap(), br#"{"terminal":true}"#);
        assert_eq!(of("[]", true).unwrap_err().code, Code::InvalidArgument);
        assert!(description(None, true).is_err());
    }
}

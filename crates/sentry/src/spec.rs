//! What a sentry is told to run: the container's description after the runtime has checked and resolved it.
//!
//! This is what the sentry understands, not what an OCI configuration may say; the runtime translates.

use serde::{Deserialize, Serialize};

/// One container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerSpec {
    /// The container's ID, for messages.
    pub id: String,
    /// Host name in its UTS namespace.
    pub hostname: String,
    /// NIS domain name.
    pub domainname: String,
    /// The first process.
    pub process: ProcessSpec,
    /// The root file system.
    pub root: RootSpec,
    /// What is mounted on it, in this order.
    pub mounts: Vec<MountSpec>,
    /// Paths that a container must not see into.
    pub masked_paths: Vec<String>,
    /// Paths that a container must not change.
    pub readonly_paths: Vec<String>,
    /// Settings of /proc/sys, by their names with dots, to be made before the first process runs.
    pub sysctl: Vec<(String, String)>,
    /// Device nodes to make.
    pub devices: Vec<DeviceSpec>,
    /// What the container may use. The host's control groups see to it that it does not use more memory; it is also told.
    pub limits: LimitSpec,
    /// The filter of its processes' system calls: seccomp(2).
    pub seccomp: Option<SeccompSpec>,
    /// Programs of the container that are run before its first process, one after the other.
    pub start_hooks: Vec<HookSpec>,
    /// personality(2) of its processes.
    pub personality: u32,
    /// Whether the first container of a sandbox sees none of the processes of further ones but those that join it.
    pub pids_apart: bool,
}

/// A program that is run in the container as its first process would be, with the container's state on standard input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookSpec {
    /// Where it stands in the configuration, for messages.
    pub place: String,
    /// The file to execute, absolute.
    pub path: String,
    /// `argv`.
    pub args: Vec<String>,
    /// `environ`.
    pub env: Vec<String>,
    /// How many seconds it may take.
    pub timeout: Option<u64>,
    /// What it reads.
    pub state: String,
}

/// A filter of system calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeccompSpec {
    /// The program: one `struct sock_filter` per word.
    pub filter: Vec<u64>,
    /// `SECCOMP_FILTER_FLAG_LOG`.
    pub logs: bool,
}

/// A device node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceSpec {
    /// Where, absolute, as seen in the container.
    pub path: String,
    /// What.
    pub kind: DeviceKind,
    /// Major number.
    pub major: u32,
    /// Minor number.
    pub minor: u32,
    /// Permissions.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

/// Kinds of device nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceKind {
    /// A character device.
    Character,
    /// A block device.
    Block,
    /// A named pipe.
    Fifo,
}

/// Limits of a whole container. Nothing: as much as the host has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitSpec {
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// Threads.
    pub threads: Option<usize>,
    /// Processor time.
    pub time: Option<TimeLimit>,
}

/// So much processor time in each period, microseconds: `cpu.max` of control groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeLimit {
    /// What all processors together may give.
    pub quota: u64,
    /// Not 0.
    pub period: u64,
}

/// A program to start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessSpec {
    /// `argv`, never empty. Without a slash the first is looked for in the directories of `PATH` in `env`.
    pub args: Vec<String>,
    /// `environ`, each `NAME=value`.
    pub env: Vec<String>,
    /// Working directory, absolute.
    pub cwd: String,
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Supplementary groups.
    pub groups: Vec<u32>,
    /// File creation mask.
    pub umask: u32,
    /// Capability sets.
    pub capabilities: CapabilitySpec,
    /// Limits other than the default ones.
    pub rlimits: Vec<RlimitSpec>,
    /// `PR_SET_NO_NEW_PRIVS`.
    pub no_new_privileges: bool,
    /// Whether a terminal of its own is asked for, instead of the descriptors that the runtime was given.
    pub terminal: bool,
    /// How that terminal is.
    #[serde(default)]
    pub console: ConsoleSpec,
    /// `/proc/self/oom_score_adj`.
    pub oom_score_adj: i32,
    /// How it is scheduled.
    #[serde(default)]
    pub scheduling: SchedulingSpec,
    /// As ioprio_set(2) takes it.
    #[serde(default)]
    pub io_priority: i32,
}

/// How a process is scheduled: sched_setattr(2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchedulingSpec {
    /// The number of `SCHED_*`.
    pub policy: i32,
    /// The static priority of real-time policies.
    pub priority: i32,
    /// Niceness, -20 to 19.
    pub nice: i32,
    /// Whether children start as `SCHED_OTHER`.
    pub reset_on_fork: bool,
    /// Of `SCHED_DEADLINE`, in nanoseconds.
    pub runtime: u64,
    /// As [`Self::runtime`].
    pub deadline: u64,
    /// As [`Self::runtime`].
    pub period: u64,
    /// `SCHED_FLAG_RECLAIM` and `SCHED_FLAG_DL_OVERRUN`.
    pub deadline_flags: u64,
}

/// A terminal of the container's own, carried to the first two descriptors that come with the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsoleSpec {
    /// Rows and columns at first.
    pub size: Option<(u16, u16)>,
    /// Whether nobody on the host tells of changes of the window: its other side went to somebody else. A process of ours then has to have
    /// the terminal as its controlling one.
    pub watch: bool,
}

/// A further container for a sandbox that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Further {
    /// The container.
    pub container: ContainerSpec,
    /// How many descriptors of its first process were handed over; behind them come the connections to its gofer.
    pub descriptors: usize,
    /// Which processes it sees.
    pub pids: PidsOf,
    /// What else it has of its own.
    pub own: OwnSpec,
}

/// Namespaces of a further container that are not the sandbox's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnSpec {
    /// Host and domain name.
    pub names: bool,
    /// System V IPC and message queues.
    pub ipc: bool,
    /// A network, of which there is the loopback.
    pub network: bool,
}

/// The pid namespace of a further container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PidsOf {
    /// One of its own.
    Own,
    /// That of the sandbox's first container.
    Sandbox,
    /// That of another container, by its ID.
    Container(String),
}

/// Capability sets, one bit for each capability number of capability(7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapabilitySpec {
    /// Bounding set.
    pub bounding: u64,
    /// Effective set.
    pub effective: u64,
    /// Inheritable set.
    pub inheritable: u64,
    /// Permitted set.
    pub permitted: u64,
    /// Ambient set.
    pub ambient: u64,
}

/// One resource limit, as setrlimit(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RlimitSpec {
    /// The number of `RLIMIT_*`.
    pub resource: u32,
    /// What applies.
    pub soft: u64,
    /// How far it can be raised.
    pub hard: u64,
}

/// The root file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootSpec {
    /// Which of the gofer's connections serves it.
    pub connection: usize,
    /// Whether it refuses writes.
    pub read_only: bool,
    /// The layer that keeps what is written, if not the host's files do.
    pub overlay: Option<LayerSpec>,
    /// Who else changes the files, [`FileAccess::All`] unless told.
    pub access: Option<FileAccess>,
    /// What the layer is written to when the container has ended, as an archive: a new file that was handed over with this index.
    pub archive: Option<usize>,
    /// The image (EROFS) that is the root instead, as a file that was handed over with this index among the connections to the gofer.
    pub image: Option<usize>,
}

/// A layer that keeps what is written, over files that stay as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerSpec {
    /// The file that it lies in, which was handed over with this index among the connections to the gofer. Without one it is in memory.
    pub file: Option<usize>,
    /// The most that it may hold, in bytes.
    pub size: Option<u64>,
}

/// Who else changes files of the host, and so how long what is known of them stays true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileAccess {
    /// Nobody: names and attributes are kept.
    All,
    /// Anybody: what is known is used only after the host has confirmed it.
    Revalidating,
    /// Anybody, and nothing is kept.
    None,
}

/// One mount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MountSpec {
    /// Where, absolute, as seen in the container.
    pub destination: String,
    /// What.
    pub kind: MountKind,
    /// What /proc/mounts calls it. Nothing: by its type.
    pub source: String,
    /// How.
    pub flags: MountFlags,
    /// Who hears of mounts below it, each change after the one before.
    pub propagation: Vec<PropagationSpec>,
}

/// A change of a mount's propagation: mount_namespaces(7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PropagationSpec {
    /// What it becomes.
    pub kind: PropagationKind,
    /// With all mounts below it.
    pub recursive: bool,
}

/// Kinds of propagation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PropagationKind {
    /// `MS_SHARED`.
    Shared,
    /// `MS_SLAVE`.
    Slave,
    /// `MS_PRIVATE`.
    Private,
    /// `MS_UNBINDABLE`.
    Unbindable,
}

/// What is mounted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MountKind {
    /// Files of the host, served by the gofer over this connection. `overlay` as in [`RootSpec`].
    Gofer {
        /// Index of the connection.
        connection: usize,
        /// The layer that keeps what is written.
        overlay: Option<LayerSpec>,
        /// Who else changes the files, [`FileAccess::Revalidating`] unless told.
        access: Option<FileAccess>,
    },
    /// Files in memory.
    Tmpfs(TmpfsOptions),
    /// Processes.
    Proc,
    /// Devices and kernel objects.
    Sysfs,
    /// The standard devices.
    Devtmpfs,
    /// Pseudo-terminals.
    Devpts(DevptsOptions),
    /// POSIX message queues.
    Mqueue,
    /// The container's control group, as version 2 shows it.
    Cgroup,
    /// Files of somebody else's 9P2000.L server.
    Ninep {
        /// Index of the connection to it, among those to the gofer.
        connection: usize,
        /// Options of `mount -t 9p`: names, and what stands behind the equals sign.
        options: Vec<(String, Option<String>)>,
    },
    /// Nothing new: what is mounted there gets other flags.
    Remount,
}

/// tmpfs(5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TmpfsOptions {
    /// Bytes.
    pub size: Option<u64>,
    /// Inodes.
    pub inodes: Option<u64>,
    /// Mode of the root directory.
    pub mode: Option<u32>,
    /// Its owner.
    pub uid: Option<u32>,
    /// Its group.
    pub gid: Option<u32>,
    /// Whether it begins with what the directory that it is mounted on holds.
    pub copy_up: bool,
}

/// devpts(5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DevptsOptions {
    /// Mode of new terminals.
    pub mode: Option<u32>,
    /// Mode of `ptmx`.
    pub ptmx_mode: Option<u32>,
    /// Owner of new terminals.
    pub uid: Option<u32>,
    /// Group of new terminals.
    pub gid: Option<u32>,
    /// How many there may be.
    pub max: Option<u32>,
}

/// Flags of mount(2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is one independent flag of mount(2)")]
pub struct MountFlags {
    /// `MS_RDONLY`.
    pub read_only: bool,
    /// `MS_NOSUID`.
    pub no_suid: bool,
    /// `MS_NODEV`.
    pub no_dev: bool,
    /// `MS_NOEXEC`.
    pub no_exec: bool,
    /// `MS_NOATIME`.
    pub no_atime: bool,
    /// `MS_NODIRATIME`.
    pub no_dir_atime: bool,
    /// `MS_STRICTATIME`.
    pub strict_atime: bool,
    /// `MS_NOSYMFOLLOW`.
    pub no_sym_follow: bool,
}

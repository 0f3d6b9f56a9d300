//! What each command takes.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::values::{self, UserArgument};
use crate::signal_names;

/// An engine that runs containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    /// /etc/docker/daemon.json
    Docker,
    /// /etc/containers/containers.conf.d
    Podman,
}

/// Of `install`.
#[derive(Debug, Args)]
pub(crate) struct Install {
    /// The engine
    pub(crate) engine: Engine,
    /// What the runtime is called
    #[arg(long, default_value = "casemate")]
    pub(crate) name: String,
    /// The engine's configuration file, if it is another than usual
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Take it out again
    #[arg(long)]
    pub(crate) remove: bool,
    /// Options that the engine gives with each command (Docker)
    #[arg(last = true)]
    pub(crate) runtime_args: Vec<String>,
}

/// Of commands that take a container and nothing else.
#[derive(Debug, Args)]
pub(crate) struct Id {
    /// The container
    pub(crate) id: String,
}

/// Of commands that are not there yet: whatever is said to them.
#[derive(Debug, Args)]
pub(crate) struct Reserved {
    /// Not looked at
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    pub(crate) arguments: Vec<String>,
}

/// What all commands that start a process take.
#[derive(Debug, Args)]
pub(crate) struct StartOptions {
    /// Write the process id that stands for the process on the host to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) pid_file: Option<PathBuf>,
    /// Unix socket that gets the terminal of the process, if it wants one
    #[arg(long, value_name = "SOCKET")]
    pub(crate) console_socket: Option<PathBuf>,
    /// Hand over so many descriptors after the standard ones
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) preserve_fds: u32,
}

/// `casemate create`.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Directory of the bundle
    #[arg(long, short, value_name = "DIR", default_value = ".")]
    pub(crate) bundle: PathBuf,
    #[command(flatten)]
    pub(crate) process: StartOptions,
    /// Without effect: the container's root is a kernel's of its own
    #[arg(long, hide = true)]
    pub(crate) no_pivot: bool,
    /// Without effect: there are no keyrings
    #[arg(long, hide = true)]
    pub(crate) no_new_keyring: bool,
    /// A name for the container, unique on this host
    pub(crate) id: String,
}

/// `casemate debug`.
#[derive(Debug, Args)]
pub(crate) struct Debug {
    /// Show how system calls were handed to the sandbox's kernel so far
    #[arg(long, required = true)]
    pub(crate) platform: bool,
    /// How
    #[arg(long, short, value_enum, default_value_t = ListFormat::Table)]
    pub(crate) format: ListFormat,
    /// The container
    pub(crate) id: String,
}

/// `casemate delete`.
#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// Kill it first if it still runs, and do not mind if it does not exist
    #[arg(long, short)]
    pub(crate) force: bool,
    /// The container
    pub(crate) id: String,
}

/// `casemate events`.
#[derive(Debug, Args)]
pub(crate) struct Events {
    /// Show what it uses, once
    #[arg(long)]
    pub(crate) stats: bool,
    /// Time between two messages about what it uses, as in 1m30s or 500ms
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = values::duration)]
    pub(crate) interval: Duration,
    /// The container
    pub(crate) id: String,
}

/// `casemate exec`.
#[derive(Debug, Args)]
pub(crate) struct Exec {
    #[command(flatten)]
    pub(crate) process: StartOptions,
    /// Description of the process, as the `process` of a configuration
    #[arg(long = "process", short = 'p', value_name = "FILE", conflicts_with = "command")]
    pub(crate) file: Option<PathBuf>,
    /// Working directory [default: that of the container's configuration]
    #[arg(long, value_name = "DIR")]
    pub(crate) cwd: Option<PathBuf>,
    /// Set an environment variable
    #[arg(long, short, value_name = "K=V")]
    pub(crate) env: Vec<String>,
    /// Give it a terminal of its own
    #[arg(long, short)]
    pub(crate) tty: bool,
    /// Run as this user and group
    #[arg(long, short, value_name = "UID[:GID]")]
    pub(crate) user: Option<UserArgument>,
    /// Further groups
    #[arg(long, short = 'g', value_name = "GID", value_delimiter = ',')]
    pub(crate) additional_gids: Vec<u32>,
    /// Do not wait for its end
    #[arg(long, short)]
    pub(crate) detach: bool,
    /// Forbid new privileges
    #[arg(long)]
    pub(crate) no_new_privs: bool,
    /// Add a capability
    #[arg(long, short, value_name = "CAP_NAME")]
    pub(crate) cap: Vec<String>,
    /// Refused: the sandbox's kernel has no SELinux
    #[arg(long, value_name = "LABEL", hide = true)]
    pub(crate) process_label: Option<String>,
    /// Refused: the sandbox's kernel has no AppArmor
    #[arg(long, value_name = "PROFILE", hide = true)]
    pub(crate) apparmor: Option<String>,
    /// Control group below the container's, which has none but itself
    #[arg(long, value_name = "[CONTROLLER:]GROUP", hide = true)]
    pub(crate) cgroup: Vec<String>,
    /// Also in a container that is paused; the program then begins when it is resumed
    #[arg(long)]
    pub(crate) ignore_paused: bool,
    /// The container
    pub(crate) id: String,
    /// The command and its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "CMD")]
    pub(crate) command: Vec<String>,
}

/// `casemate gofer`.
#[derive(Debug, Subcommand)]
pub(crate) enum Gofer {
    /// Offer a directory to 9P2000.L clients, until it is ended
    Serve(GoferServe),
}

/// `casemate gofer serve`.
#[derive(Debug, Args)]
pub(crate) struct GoferServe {
    /// Unix socket to make; whoever may connect to it may do with the directory what the caller may
    #[arg(long, value_name = "SOCKET")]
    pub(crate) socket: PathBuf,
    /// Refuse all writes
    #[arg(long)]
    pub(crate) read_only: bool,
    /// Offer what is mounted below the directory too
    #[arg(long)]
    pub(crate) recursive: bool,
    /// The directory
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
}

/// `casemate kill`.
#[derive(Debug, Args)]
pub(crate) struct Kill {
    /// Send it to all processes of the container
    #[arg(long, short)]
    pub(crate) all: bool,
    /// The container
    pub(crate) id: String,
    /// Name or number
    #[arg(default_value = "SIGTERM", value_parser = signal_names::parse)]
    pub(crate) signal: i32,
}

/// `casemate list`.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// How
    #[arg(long, short, value_enum, default_value_t = ListFormat::Table)]
    pub(crate) format: ListFormat,
    /// Only their names
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// For people or programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormat {
    /// Columns.
    Table,
    /// One line of JSON.
    Json,
}

/// `casemate ps`.
#[derive(Debug, Args)]
pub(crate) struct Ps {
    /// How
    #[arg(long, short, value_enum, default_value_t = ListFormat::Table)]
    pub(crate) format: ListFormat,
    /// The container
    pub(crate) id: String,
    /// What to show, as ps(1) takes it: -e, -f, -o COLUMNS
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "PS-OPTION")]
    pub(crate) options: Vec<String>,
}

/// `casemate do`.
#[derive(Debug, Args)]
pub(crate) struct Do {
    /// Root directory of the sandbox
    #[arg(long, value_name = "DIR", default_value = "/")]
    pub(crate) root: PathBuf,
    /// Refuse all writes to the root
    #[arg(long, conflicts_with = "overlay")]
    pub(crate) ro: bool,
    /// Keep writes in memory and leave the files as they are (the default)
    #[arg(long)]
    pub(crate) overlay: bool,
    /// Working directory [default: the current one if the root has it, else /]
    #[arg(long, value_name = "DIR")]
    pub(crate) cwd: Option<PathBuf>,
    /// Set an environment variable, in addition to those of the caller
    #[arg(long, value_name = "K=V")]
    pub(crate) env: Vec<String>,
    /// Run as this user and group
    #[arg(long, value_name = "UID[:GID]")]
    pub(crate) uid: Option<UserArgument>,
    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "CMD")]
    pub(crate) command: Vec<String>,
}

/// `casemate run`.
#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) create: Create,
    /// Do not wait for its end
    #[arg(long, short)]
    pub(crate) detach: bool,
    /// Keep it after its end, to be deleted later
    #[arg(long)]
    pub(crate) keep: bool,
    /// Without effect: nothing has to be reaped
    #[arg(long, hide = true)]
    pub(crate) no_subreaper: bool,
}

/// `casemate tar`.
#[derive(Debug, Subcommand)]
pub(crate) enum Tar {
    /// What the container has written to its root, where that is kept in a layer (--overlay2): a layer of an OCI image
    RootfsUpper(TarRootfsUpper),
}

/// `casemate tar rootfs-upper`.
#[derive(Debug, Args)]
pub(crate) struct TarRootfsUpper {
    /// The archive [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// The container
    pub(crate) id: String,
}

/// `casemate spec`.
#[derive(Debug, Args)]
pub(crate) struct Spec {
    /// Directory of the bundle
    #[arg(long, short, value_name = "DIR", default_value = ".")]
    pub(crate) bundle: PathBuf,
    /// For a caller who is not root
    #[arg(long)]
    pub(crate) rootless: bool,
}

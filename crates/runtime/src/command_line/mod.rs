//! What can be typed. Global options come before the command, as runc's do.

mod arguments;
mod update;
mod values;

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use sentry::spec::FileAccess;

use crate::config::layers::Layers;
pub(crate) use arguments::{
    Create, Debug, Delete, Do, Engine, Events, Exec, Gofer, GoferServe, Id, Install, Kill, List, ListFormat,
    Ps, Reserved, Run, Spec, Tar, TarRootfsUpper,
};
pub(crate) use update::Update;
pub(crate) use values::UserArgument;

/// What engines read: the program's version, and on a line of its own that of the specification.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\nspec: 1.2.1");

/// Runs Linux programs on a kernel of their own.
#[derive(Debug, Parser)]
#[command(name = "casemate", version = VERSION, disable_version_flag = true)]
pub(crate) struct CommandLine {
    #[command(flatten)]
    pub(crate) global: Global,
    /// Print version
    #[arg(long, short = 'v', visible_short_alias = 'V', action = ArgAction::Version)]
    version: Option<bool>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Clone, Debug, Args)]
pub(crate) struct Global {
    /// Directory for the state of containers [default: /run/casemate, or casemate in $XDG_RUNTIME_DIR]
    #[arg(long = "root", id = "state_root", value_name = "DIR")]
    pub(crate) state_root: Option<PathBuf>,
    /// Log more, and report host calls that the sentry's filter denies instead of ending it
    #[arg(long)]
    pub(crate) debug: bool,
    /// Log the system calls of the container's programs
    #[arg(long)]
    pub(crate) strace: bool,
    /// Append the log to a file instead of standard error
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,
    /// How the log is written
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,
    /// Whether the call sites of programs that make many system calls are patched, which makes these calls faster
    #[arg(long, value_name = "WHETHER", value_enum, default_value_t = Toggle::On)]
    pub(crate) patch: Toggle,
    /// Whether the sentry works on the container's files itself, and not by messages to the gofer: faster where there are many small files, but one
    /// wall less between a sentry that is taken over and these files
    #[arg(long, value_name = "WHETHER", value_enum, default_value_t = Toggle::Off, num_args = 0..=1, require_equals = true, default_missing_value = "on")]
    pub(crate) directfs: Toggle,
    /// Which sockets of the host containers may reach through their mounts: none, those that are there (open), those that they bind themselves,
    /// for the host to connect to (create), or both (all)
    #[arg(long, value_name = "POLICY", value_enum, default_value_t = Sockets::None)]
    pub(crate) host_uds: Sockets,
    /// Which FIFOs of the host containers may reach through their mounts: none, or those that are there (open)
    #[arg(long, value_name = "POLICY", value_enum, default_value_t = Reached::None)]
    pub(crate) host_fifo: Reached,
    /// For engines: groups of systemd are told by the form of linux.cgroupsPath alone, SLICE:PREFIX:NAME
    #[arg(long)]
    pub(crate) systemd_cgroup: bool,
    /// Whether containers do without control groups that the caller may not make: auto, if the caller is not root
    #[arg(long, value_name = "WHETHER", value_enum, default_value_t = Rootless::Auto)]
    pub(crate) rootless: Rootless,
    /// Without effect: the program that writes containers of other runtimes to files
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) criu: Option<PathBuf>,
    /// What is kept of the root's files
    #[arg(long, value_name = "POLICY", value_enum, default_value_t = Keeping::All)]
    pub(crate) file_access: Keeping,
    /// What is kept of the files of bind mounts that have no option cache=POLICY
    #[arg(long, value_name = "POLICY", value_enum, default_value_t = Keeping::Revalidating)]
    pub(crate) file_access_mounts: Keeping,
    /// Where what a container writes is kept: none (in its files), or (root|all):(memory|self|dir=/PATH)[,size=SIZE][,archive]: in a layer that
    /// ends with it, over its root or its bind mounts too, in memory, or in a file in the layer's own directory or another; the root's is written
    /// to the container's directory at its end for `tar rootfs-upper`, until it is deleted [default: none; root:memory for do]
    #[arg(long, value_name = "CHOICE")]
    pub(crate) overlay2: Option<Layers>,
}

impl Global {
    /// As sentry and gofer are told.
    pub(crate) fn reach(&self) -> gofer::Reach {
        gofer::Reach {
            sockets: matches!(self.host_uds, Sockets::Open | Sockets::All),
            binds: matches!(self.host_uds, Sockets::Create | Sockets::All),
            fifos: self.host_fifo == Reached::Open,
        }
    }
}

/// Which sockets are both the container's and the host's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Sockets {
    /// None
    None,
    /// Those that are there
    Open,
    /// Those that the container binds
    Create,
    /// Both
    All,
}

/// What of the host is within reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Reached {
    /// Nothing
    None,
    /// What is there
    Open,
}

/// How long what is known of the host's files is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Keeping {
    /// As long as the container lives: nobody else changes them. `writethrough` is the same: what is written is the host's at once
    #[value(aliases = ["writethrough", "exclusive"])]
    All,
    /// Until it is used again: the host is asked whether it still is so
    #[value(alias = "shared")]
    Revalidating,
    /// Nothing is kept
    None,
}

impl Keeping {
    /// As the sentry is told.
    pub(crate) const fn access(self) -> FileAccess {
        match self {
            Self::All => FileAccess::All,
            Self::Revalidating => FileAccess::Revalidating,
            Self::None => FileAccess::None,
        }
    }
}

/// Whether something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Toggle {
    /// It is.
    #[value(alias = "true")]
    On,
    /// It is not.
    #[value(alias = "false")]
    Off,
}

/// Whether what only root may do is left out instead of failing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Rootless {
    /// It is.
    True,
    /// It is not.
    False,
    /// It is unless the caller is root.
    Auto,
}

impl Rootless {
    /// For this caller.
    pub(crate) fn applies(self) -> bool {
        match self {
            Self::True => true,
            Self::False => false,
            Self::Auto => !rustix::process::geteuid().is_root(),
        }
    }
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// One line of `key=value` pairs.
    Text,
    /// One JSON object in a line, with the keys `time`, `level` and `msg` as runc writes them.
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Suspend a container and write it to files (not yet)
    Checkpoint(Reserved),
    /// Write a script that completes this command's words in a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Create a container from an OCI bundle, to be started later
    Create(Create),
    /// Show the inside of a running sandbox
    Debug(Debug),
    /// Remove a container that has ended
    Delete(Delete),
    /// Run a command in a sandbox, on the host's own files
    #[command(name = "do")]
    Do(Do),
    /// Show what a container uses, again and again
    Events(Events),
    /// Run another program in a container
    Exec(Exec),
    /// Show what this runtime can do, as JSON
    Features,
    /// Serve files to others
    #[command(subcommand)]
    Gofer(Gofer),
    /// Make this program known to an engine as a runtime
    Install(Install),
    /// Send a signal to a container's first process
    Kill(Kill),
    /// Show all containers
    List(List),
    /// Write manual pages
    Man {
        /// Where to
        directory: PathBuf,
    },
    /// Stop all processes of a container where they are
    Pause(Id),
    /// Show the processes of a container
    Ps(Ps),
    /// Bring back a container from files (not yet)
    Restore(Reserved),
    /// Let the processes of a paused container go on
    Resume(Id),
    /// Create and run a container from an OCI bundle
    Run(Run),
    /// Write a configuration to start from
    Spec(Spec),
    /// Start a container that was created
    Start(Id),
    /// Show what a container is at, as JSON
    State(Id),
    /// Write files of a container to an archive
    #[command(subcommand)]
    Tar(Tar),
    /// Change the limits of a container
    Update(Update),
    /// Wait for the end of a container, and end as it does
    Wait(Id),
}

impl Command {
    /// How many of the caller's descriptors, from 3 on, are meant for the container's process.
    pub(crate) fn preserved(&self) -> u32 {
        match self {
            Self::Create(create) => create.process.preserve_fds,
            Self::Run(run) => run.create.process.preserve_fds,
            Self::Exec(exec) => exec.process.preserve_fds,
            _ => 0,
        }
    }

    /// Whether its container gets the sockets that a service manager has handed over.
    pub(crate) const fn takes_sockets(&self) -> bool {
        matches!(self, Self::Create(_) | Self::Run(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        CommandLine::command().debug_assert();
    }

    #[test]
    fn options_may_stand_where_runc_takes_them() {
        let parsed = CommandLine::try_parse_from([
            "casemate",
            "--root",
            "/s",
            "--log",
            "/l",
            "--log-format",
            "json",
            "run",
            "--bundle",
            "/b",
            "id",
        ]);
        let CommandLine { global, command: Command::Run(run), .. } = parsed.unwrap() else {
            panic!("not run")
        };
        assert_eq!(global.state_root, Some("/s".into()));
        assert_eq!((run.create.bundle, run.create.id), ("/b".into(), "id".into()));
    }

    #[test]
    fn what_follows_the_command_is_the_commands() {
        for line in [
            &["casemate", "do", "--root", "/r", "ls", "-l", "--root"][..],
            &["casemate", "do", "--root", "/r", "--", "ls", "-l", "--root"],
        ] {
            let CommandLine { global, command: Command::Do(arguments), .. } =
                CommandLine::try_parse_from(line).unwrap()
            else {
                panic!("not do")
            };
            assert_eq!((global.state_root, arguments.root), (None, "/r".into()));
            assert_eq!(arguments.command, ["ls", "-l", "--root"]);
        }
    }

    #[test]
    fn what_follows_the_container_is_the_programs() {
        let line = ["casemate", "exec", "--env", "A=1", "-d", "id", "ls", "--color", "-l"];
        let CommandLine { command: Command::Exec(exec), .. } = CommandLine::try_parse_from(line).unwrap()
        else {
            panic!("not exec")
        };
        assert_eq!((exec.id.as_str(), exec.detach, exec.env.len()), ("id", true, 1));
        assert_eq!(exec.command, ["ls", "--color", "-l"]);
    }

    #[test]
    fn the_specification_is_the_one_that_is_followed() {
        assert_eq!(VERSION.split_once("spec: ").unwrap().1, crate::config::initial::OCI_VERSION);
    }
}

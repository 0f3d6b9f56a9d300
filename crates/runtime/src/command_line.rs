//! What can be typed. Global options come before the command, as runc's do.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Runs Linux programs on a kernel of their own.
#[derive(Debug, Parser)]
#[command(name = "casemate", version, disable_help_subcommand = true)]
pub(crate) struct CommandLine {
    #[command(flatten)]
    pub(crate) global: Global,
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
    /// Run a command in a sandbox, on the host's own files
    #[command(name = "do")]
    Do(Do),
    /// Run a container from an OCI bundle in the foreground
    Run(Run),
    /// Write a configuration to start from
    Spec(Spec),
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

/// `UID[:GID]`; the group is the user's number unless given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UserArgument {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl std::str::FromStr for UserArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (uid, gid) = text.split_once(':').unwrap_or((text, text));
        let number = |part: &str| part.parse::<u32>().map_err(|_| format!("{part:?} is not a numeric id"));
        Ok(Self { uid: number(uid)?, gid: number(gid)? })
    }
}

/// `casemate run`.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Directory of the bundle
    #[arg(long, short, value_name = "DIR", default_value = ".")]
    pub(crate) bundle: PathBuf,
    /// A name for the container, unique on this host
    pub(crate) id: String,
}

/// `casemate spec`.
#[derive(Debug, Args)]
pub(crate) struct Spec {
    /// Directory of the bundle
    #[arg(long, short, value_name = "DIR", default_value = ".")]
    pub(crate) bundle: PathBuf,
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
        let CommandLine { global, command: Command::Run(run) } = parsed.unwrap() else { panic!("not run") };
        assert_eq!(global.state_root, Some("/s".into()));
        assert_eq!((run.bundle, run.id), ("/b".into(), "id".into()));
    }

    #[test]
    fn what_follows_the_command_is_the_commands() {
        for line in [
            &["casemate", "do", "--root", "/r", "ls", "-l", "--root"][..],
            &["casemate", "do", "--root", "/r", "--", "ls", "-l", "--root"],
        ] {
            let CommandLine { global, command: Command::Do(arguments) } =
                CommandLine::try_parse_from(line).unwrap()
            else {
                panic!("not do")
            };
            assert_eq!((global.state_root, arguments.root), (None, "/r".into()));
            assert_eq!(arguments.command, ["ls", "-l", "--root"]);
        }
    }

    #[test]
    fn users_are_numbers() {
        assert_eq!("7".parse(), Ok(UserArgument { uid: 7, gid: 7 }));
        assert_eq!("7:8".parse(), Ok(UserArgument { uid: 7, gid: 8 }));
        assert!("root".parse::<UserArgument>().is_err());
        assert!("1:".parse::<UserArgument>().is_err());
    }
}

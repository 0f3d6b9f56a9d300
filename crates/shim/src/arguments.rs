//! The command line, as containerd writes it: options with one or two dashes, then what to do.

use std::path::PathBuf;

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Leave a shim behind that serves, and say where.
    Start,
    /// Clean up after a shim that is gone.
    Delete,
    /// Serve, as the shim that was left behind.
    Serve,
    /// Say who this is, to a program.
    Info,
    /// And to a person.
    Version,
}

/// The command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) action: Action,
    pub(crate) namespace: String,
    pub(crate) id: String,
    /// The socket of containerd.
    pub(crate) address: PathBuf,
    /// The bundle, where it is not the working directory.
    pub(crate) bundle: Option<PathBuf>,
}

/// Options that are followed by a value.
const WITH_VALUE: [&str; 6] = ["namespace", "id", "address", "bundle", "publish-binary", "socket"];
/// Options that are not.
const WITHOUT_VALUE: [&str; 4] = ["debug", "info", "v", "version"];

impl Arguments {
    /// Reads it. The error is a sentence.
    pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut arguments = Self {
            action: Action::Serve,
            namespace: String::new(),
            id: String::new(),
            address: PathBuf::new(),
            bundle: None,
        };
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let Some(option) = word.strip_prefix('-').filter(|option| !option.is_empty()) else {
                arguments.action = match word.as_str() {
                    "start" => Action::Start,
                    "delete" => Action::Delete,
                    _ => return Err(format!("{word:?} is nothing that a shim can do")),
                };
                break;
            };
            let option = option.strip_prefix('-').unwrap_or(option);
            let (name, given) =
                option.split_once('=').map_or((option, None), |(n, v)| (n, Some(v.to_owned())));
            if WITHOUT_VALUE.contains(&name) {
                match name {
                    "info" => arguments.action = Action::Info,
                    "v" | "version" => arguments.action = Action::Version,
                    _ => {}
                }
                continue;
            }
            if !WITH_VALUE.contains(&name) {
                return Err(format!("there is no option -{name}"));
            }
            let value = given.or_else(|| words.next()).ok_or_else(|| format!("-{name} has no value"))?;
            match name {
                "namespace" => arguments.namespace = value,
                "id" => arguments.id = value,
                "address" => arguments.address = value.into(),
                "bundle" => arguments.bundle = Some(value.into()),
                // How to publish events by a command, and the socket of older shims: of no use here.
                _ => {}
            }
        }
        if matches!(arguments.action, Action::Start | Action::Delete | Action::Serve) {
            for (name, value) in [("namespace", &arguments.namespace), ("id", &arguments.id)] {
                if !is_name(value) {
                    return Err(format!("-{name}: {value:?} is not a name"));
                }
            }
        }
        Ok(arguments)
    }
}

/// Whether a name can be part of a path without leading elsewhere. Containerd allows no others.
pub(crate) fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    !name.is_empty() && name.chars().all(allowed) && name != "." && name != ".."
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, String> {
        Arguments::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn containerds_command_lines_are_read() {
        let line = "-namespace default -address /run/c.sock -publish-binary /usr/bin/c -id x -debug start";
        let parsed = parse(line).unwrap();
        assert_eq!(parsed.action, Action::Start);
        assert_eq!((parsed.namespace.as_str(), parsed.id.as_str()), ("default", "x"));
        assert_eq!(parsed.address, PathBuf::from("/run/c.sock"));
        let parsed = parse("--namespace=n -id=x -bundle /b delete").unwrap();
        assert_eq!((parsed.action, parsed.bundle), (Action::Delete, Some("/b".into())));
        assert_eq!(parse("-namespace n -id x").unwrap().action, Action::Serve);
        assert_eq!(parse("-info").unwrap().action, Action::Info);
        assert_eq!(parse("-v").unwrap().action, Action::Version);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for line in [
            "",
            "start",
            "-namespace n -id .. start",
            "-namespace a/b -id x",
            "-namespace n -id x stop",
            "-other",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}

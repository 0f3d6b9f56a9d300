//! Which `casemate` a container is run with, and where its state is.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::failure::{Code, Failure, Trying};
use crate::messages::{Any, FileOptions, RuncOptions};
use crate::wire::Message;

/// The command.
const PROGRAM: &str = "casemate";
/// Where settings are kept in a bundle, for whoever cleans up after a shim that was killed.
const FILE: &str = "casemate-shim.json";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// A path, or a name to be looked for in `PATH`.
    pub(crate) program: PathBuf,
    /// Its state directory.
    pub(crate) root: PathBuf,
}

/// What a user may set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Chosen {
    program: String,
    root: String,
}

impl Settings {
    /// From the options of a container's runtime, and containerd's socket, beside which the state is unless they say otherwise. As with
    /// runc's shim, each namespace has a directory below.
    pub(crate) fn of(options: Option<&Any>, address: &Path, namespace: &str) -> Result<Self, Failure> {
        let chosen = options.map(Chosen::read).transpose()?.unwrap_or_default();
        let program = if chosen.program.is_empty() { default_program() } else { chosen.program.into() };
        let root = if chosen.root.is_empty() { beside(address).join(PROGRAM) } else { chosen.root.into() };
        Ok(Self { program, root: root.join(namespace) })
    }

    /// Keeps them in a bundle.
    pub(crate) fn save(&self, bundle: &Path) -> Result<(), Failure> {
        let text = serde_json::to_vec(self).trying("describe the runtime")?;
        fs::write(bundle.join(FILE), text).trying_on("write", &bundle.join(FILE))
    }

    /// Those that were kept. Nothing if no container was ever made from the bundle.
    pub(crate) fn load(bundle: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(bundle.join(FILE)).ok()?).ok()
    }
}

/// The directory of containerd's socket: its state directory, as it is usually set up.
pub(crate) fn beside(address: &Path) -> PathBuf {
    let directory = address.parent().filter(|directory| directory.is_absolute());
    directory.unwrap_or(Path::new("/run/containerd")).to_owned()
}

/// The one that was installed with the shim, or else any.
fn default_program() -> PathBuf {
    let beside = std::env::current_exe().ok().map(|own| own.with_file_name(PROGRAM));
    beside.filter(|path| path.is_file()).unwrap_or_else(|| OsString::from(PROGRAM).into())
}

impl Chosen {
    fn read(options: &Any) -> Result<Self, Failure> {
        let name = options.type_url.rsplit('/').next().unwrap_or_default();
        if name == RuncOptions::NAME {
            let options = RuncOptions::decode(&options.value)?;
            Ok(Self { program: options.binary_name, root: options.root })
        } else if name.ends_with(FileOptions::NAME) {
            let options = FileOptions::decode(&options.value)?;
            let text = if options.config_path.is_empty() {
                String::from_utf8(options.config_body).map_err(|_| Failure::from(crate::wire::Malformed))?
            } else {
                let path = PathBuf::from(options.config_path);
                fs::read_to_string(&path).trying_on("read", &path)?
            };
            Self::parse(&text).map_err(|problem| Failure::new(Code::InvalidArgument, problem))
        } else {
            let message = format!("there are no options of the type {name:?} for this runtime");
            Err(Failure::new(Code::InvalidArgument, message))
        }
    }

    /// Lines of `Key = "value"`, a small part of TOML.
    fn parse(text: &str) -> Result<Self, String> {
        let mut chosen = Self::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let wrong = || format!("the runtime's options: {line:?} is not Key = \"value\"");
            let (key, value) = line.split_once('=').ok_or_else(wrong)?;
            let value =
                value.trim().strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).ok_or_else(wrong)?;
            match key.trim() {
                "BinaryName" => value.clone_into(&mut chosen.program),
                "Root" => value.clone_into(&mut chosen.root),
                other => return Err(format!("the runtime's options: there is no {other:?}")),
            }
        }
        Ok(chosen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_say_which_program_and_where() {
        let address = Path::new("/run/containerd/containerd.sock");
        let settings = |options: Option<Any>| Settings::of(options.as_ref(), address, "ns");
        assert_eq!(settings(None).unwrap().root, Path::new("/run/containerd/casemate/ns"));
        let options = RuncOptions { binary_name: "/bin/c".to_owned(), root: "/r".to_owned() };
        let expected = Settings { program: "/bin/c".into(), root: "/r/ns".into() };
        assert_eq!(settings(Some(Any::of(&options))), Ok(expected.clone()));
        let body = b"# here\nBinaryName = \"/bin/c\"\n\nRoot=\"/r\"\n".to_vec();
        let file = FileOptions { config_body: body, ..Default::default() };
        assert_eq!(settings(Some(Any::of(&file))), Ok(expected));
        let file = FileOptions { config_body: b"Other = \"x\"".to_vec(), ..Default::default() };
        assert!(settings(Some(Any::of(&file))).is_err());
        let other = Any { type_url: "x".to_owned(), value: Vec::new() };
        assert!(settings(Some(other)).is_err());
    }

    #[test]
    fn settings_are_kept_in_the_bundle() {
        let bundle = tempfile::tempdir().unwrap();
        assert_eq!(Settings::load(bundle.path()), None);
        let settings = Settings { program: "p".into(), root: "/r".into() };
        settings.save(bundle.path()).unwrap();
        assert_eq!(Settings::load(bundle.path()), Some(settings));
    }
}

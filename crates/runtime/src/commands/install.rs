//! `casemate install`: makes this program known to engines.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::command_line::{Engine, Install};
use crate::error::{Error, Trying};
use crate::state::write_atomically;

impl Engine {
    /// Where it reads which runtimes there are.
    fn configuration(self) -> &'static Path {
        Path::new(match self {
            Self::Docker => "/etc/docker/daemon.json",
            Self::Podman => "/etc/containers/containers.conf.d/casemate.conf",
        })
    }

    /// What its user does next.
    const fn advice(self) -> &'static str {
        match self {
            Self::Docker => "restart its daemon, then: docker run --runtime",
            Self::Podman => "podman --runtime",
        }
    }
}

/// Enters this program into an engine's configuration, or takes it out again.
pub(crate) fn execute(arguments: &Install) -> Result<(), Error> {
    let engine = arguments.engine;
    let path = arguments.config.clone().unwrap_or_else(|| engine.configuration().to_owned());
    let program = std::env::current_exe().trying("find this program")?;
    let before = match fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        other => Some(other.trying_on("open", &path)?),
    };
    let name = &arguments.name;
    let after = match engine {
        Engine::Docker => {
            let text = before.as_deref().unwrap_or_default();
            let wrong = |problem| Error::Config { path: path.clone(), problem };
            Some(docker(text, name, &program, &arguments.runtime_args, arguments.remove).map_err(wrong)?)
        }
        Engine::Podman if arguments.remove => None,
        Engine::Podman => Some(podman(name, &program)),
    };
    match after {
        Some(text) => {
            let directory = path.parent().unwrap_or(Path::new("/"));
            fs::create_dir_all(directory).trying_on("make", directory)?;
            write_atomically(&path, text.as_bytes())?;
        }
        None if before.is_some() => fs::remove_file(&path).trying_on("remove", &path)?,
        None => {}
    }
    let path = path.display();
    if arguments.remove {
        println!("{path}: {name} is no runtime any more");
    } else {
        println!("{path}: {name} is a runtime now; {} {name} ...", engine.advice());
    }
    Ok(())
}

/// Docker's configuration with one runtime more or less. All else in it stays.
fn docker(text: &str, name: &str, program: &Path, args: &[String], remove: bool) -> Result<String, String> {
    let mut whole: Map<String, Value> = match text.trim() {
        "" => Map::new(),
        text => serde_json::from_str(text).map_err(|error| error.to_string())?,
    };
    let runtimes = whole.entry("runtimes").or_insert_with(|| json!({}));
    let runtimes = runtimes.as_object_mut().ok_or("runtimes: is not an object")?;
    if remove {
        runtimes.remove(name);
        if runtimes.is_empty() {
            whole.remove("runtimes");
        }
    } else {
        runtimes.insert(name.to_owned(), json!({"path": program, "runtimeArgs": args}));
    }
    serde_json::to_string_pretty(&whole).map(|text| text + "\n").map_err(|error| error.to_string())
}

/// A file of ours beside Podman's own. Its strings are those of TOML, which are JSON's.
fn podman(name: &str, program: &Path) -> String {
    let (name, paths) = (json!(name), json!([program]));
    format!("[engine.runtimes]\n{name} = {paths}\n")
}

/// Writes a script that completes words in a shell.
pub(crate) fn completions(shell: clap_complete::Shell, mut command: clap::Command) -> Result<(), Error> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "casemate", &mut script);
    std::io::stdout().write_all(&script).trying("write the script")
}

/// Writes manual pages, one for each command.
pub(crate) fn manual(directory: &PathBuf, command: clap::Command) -> Result<(), Error> {
    fs::create_dir_all(directory).trying_on("make", directory)?;
    clap_mangen::generate_to(command, directory).trying_on("write to", directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dockers_other_settings_stay() {
        let before = r#"{"debug": true, "runtimes": {"other": {"path": "/bin/other"}}}"#;
        let with =
            docker(before, "casemate", Path::new("/bin/casemate"), &["--debug".to_owned()], false).unwrap();
        let value: Value = serde_json::from_str(&with).unwrap();
        assert_eq!(
            value,
            json!({"debug": true, "runtimes": {
                "other": {"path": "/bin/other"}, "casemate": {"path": "/bin/casemate", "runtimeArgs": ["--debug"]}}})
        );
        let without = docker(&with, "casemate", Path::new("/"), &[], true).unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(&without).unwrap(),
            serde_json::from_str::<Value>(before).unwrap()
        );
        let empty = docker("", "c", Path::new("/c"), &[], false).unwrap();
        assert_eq!(docker(&empty, "c", Path::new("/c"), &[], true).unwrap(), "{}\n");
        assert!(docker("[]", "c", Path::new("/c"), &[], false).is_err());
    }

    #[test]
    fn podmans_file_names_the_program() {
        assert_eq!(podman("c", Path::new("/a b")), "[engine.runtimes]\n\"c\" = [\"/a b\"]\n");
    }
}

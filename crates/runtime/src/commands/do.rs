//! `casemate do`: a command in a sandbox, without a bundle.

use std::path::{Path, PathBuf};

use gofer::Ids;
use sentry::spec::{
    ConsoleSpec, ContainerSpec, DevptsOptions, LimitSpec, MountFlags, MountKind, MountSpec, ProcessSpec,
    RootSpec, SchedulingSpec, TmpfsOptions,
};

use crate::cgroups::Cgroups;
use crate::command_line::{Do, Global, UserArgument};
use crate::config::layers::{Layers, Medium};
use crate::config::{Export, Plan, capabilities};
use crate::error::{Error, Trying};
use crate::log::Log;
use crate::sandbox::{self, Launch, descriptors};
use crate::state::Root;

/// Runs the command. Returns the exit code for the caller's shell.
pub(crate) fn execute(global: &Global, arguments: Do, log: &Log) -> Result<u8, Error> {
    let id = format!("do-{}", std::process::id());
    let entry = Root::of(global).create(&id)?;
    let memory = Layers::Over { all: false, medium: Medium::Memory, size: None, archive: false };
    let launch = Launch {
        plan: plan(arguments, id.clone())?
            .layered(global.overlay2.as_ref().unwrap_or(&memory), None)?
            .keeping(global.file_access.access(), global.file_access_mounts.access()),
        global,
        log,
        listener: entry.listen()?,
        descriptors: descriptors::standard()?,
        attached: true,
        cgroups: Cgroups::default(),
        pod: None,
    };
    let code = sandbox::run(&id, launch, &mut sandbox::Nobody)?;
    drop(entry);
    Ok(code)
}

fn plan(arguments: Do, id: String) -> Result<Plan, Error> {
    let root = arguments.root.canonicalize().trying_on("open the root directory", &arguments.root)?;
    if !root.is_dir() {
        return Err(abi::Errno::ENOTDIR).trying_on("open the root directory", &arguments.root);
    }
    let cwd = working_directory(&root, arguments.cwd)?;
    let UserArgument { uid, gid } = arguments.uid.unwrap_or_else(caller);
    let gid = gid.unwrap_or(uid);
    let capabilities = if uid == 0 { capabilities::ROOT } else { sentry::spec::CapabilitySpec::default() };
    let process = ProcessSpec {
        args: arguments.command,
        env: environment(arguments.env)?,
        cwd,
        uid,
        gid,
        groups: Vec::new(),
        umask: 0o022,
        capabilities,
        rlimits: Vec::new(),
        no_new_privileges: false,
        terminal: false,
        console: ConsoleSpec::default(),
        oom_score_adj: 0,
        scheduling: SchedulingSpec::default(),
        io_priority: 0,
    };
    Ok(Plan {
        container: ContainerSpec {
            id,
            hostname: "casemate".to_owned(),
            domainname: "(none)".to_owned(),
            process,
            root: RootSpec {
                connection: 0,
                read_only: arguments.ro,
                overlay: None,
                archive: None,
                access: None,
                image: None,
            },
            mounts: mounts(!arguments.ro),
            masked_paths: Vec::new(),
            readonly_paths: Vec::new(),
            sysctl: Vec::new(),
            devices: Vec::new(),
            seccomp: None,
            start_hooks: Vec::new(),
            personality: 0,
            pids_apart: false,
            limits: LimitSpec::default(),
        },
        network: None,
        exports: vec![Export {
            path: root,
            overlay: None,
            read_only: arguments.ro,
            recursive: true,
            ids: Ids::default(),
        }],
        servers: Vec::new(),
        layers: None,
        files: Vec::new(),
        patching: true,
        pod: None,
    })
}

/// Root inside if the caller is root, the caller's own numbers otherwise.
fn caller() -> UserArgument {
    UserArgument { uid: rustix::process::geteuid().as_raw(), gid: Some(rustix::process::getegid().as_raw()) }
}

/// The caller's directory as the sandbox sees it, if its root has it.
fn working_directory(root: &Path, chosen: Option<PathBuf>) -> Result<String, Error> {
    let directory = match chosen {
        Some(directory) if directory.is_absolute() => directory,
        Some(directory) => {
            return Err(Error::Message(format!("--cwd: {} is not an absolute path", directory.display())));
        }
        None => {
            let current = std::env::current_dir().trying("find the current directory")?;
            match current.strip_prefix(root) {
                Ok(below) => Path::new("/").join(below),
                Err(_) => PathBuf::from("/"),
            }
        }
    };
    directory
        .into_os_string()
        .into_string()
        .map_err(|name| Error::Message(format!("--cwd: {name:?} is not UTF-8")))
}

/// The caller's environment with changes. Entries that are not UTF-8 cannot be described, and are left out.
fn environment(changes: Vec<String>) -> Result<Vec<String>, Error> {
    let names =
        |entry: &str| entry.split_once('=').map(|(name, _)| name.to_owned()).filter(|n| !n.is_empty());
    let mut env: Vec<String> = Vec::new();
    for (name, value) in std::env::vars_os() {
        match (name.to_str(), value.to_str()) {
            (Some(name), Some(value)) => env.push(format!("{name}={value}")),
            _ => tracing::warn!("the variable {name:?} is left out: it is not UTF-8"),
        }
    }
    for change in changes {
        let name =
            names(&change).ok_or_else(|| Error::Message(format!("--env: {change:?} is not NAME=VALUE")))?;
        env.retain(|entry| names(entry).as_deref() != Some(&name));
        env.push(change);
    }
    Ok(env)
}

fn mounts(writable: bool) -> Vec<MountSpec> {
    let standard = MountFlags { no_suid: true, no_dev: true, no_exec: true, ..MountFlags::default() };
    let at = |destination: &str, kind, flags| MountSpec {
        destination: destination.to_owned(),
        kind,
        source: String::new(),
        flags,
        propagation: Vec::new(),
    };
    let sticky = TmpfsOptions { mode: Some(0o1777), ..TmpfsOptions::default() };
    let mut mounts = vec![
        at("/proc", MountKind::Proc, standard),
        at("/dev", MountKind::Devtmpfs, MountFlags { no_dev: false, ..standard }),
        at(
            "/dev/pts",
            MountKind::Devpts(DevptsOptions {
                mode: Some(0o620),
                ptmx_mode: Some(0o666),
                ..DevptsOptions::default()
            }),
            MountFlags { no_dev: false, ..standard },
        ),
        at("/dev/shm", MountKind::Tmpfs(sticky), standard),
        at("/sys", MountKind::Sysfs, MountFlags { read_only: true, ..standard }),
    ];
    if !writable {
        // Programs need some place to write to; otherwise the root's own /tmp is one.
        let flags = MountFlags { no_exec: false, ..standard };
        mounts.push(at("/tmp", MountKind::Tmpfs(sticky), flags));
    }
    mounts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callers_directory_is_kept_where_the_root_has_it() {
        let here = std::env::current_dir().unwrap();
        assert_eq!(working_directory(Path::new("/"), None).unwrap(), here.to_str().unwrap());
        assert_eq!(working_directory(&here, None).unwrap(), "/");
        assert_eq!(working_directory(Path::new("/proc/self/fd"), None).unwrap(), "/");
        assert_eq!(working_directory(&here, Some("/x".into())).unwrap(), "/x");
        assert!(working_directory(&here, Some("x".into())).is_err());
    }

    #[test]
    fn a_variable_is_set_once() {
        let env = environment(vec!["PATH=/nowhere".to_owned(), "NEW=a=b".to_owned()]).unwrap();
        assert_eq!(
            env.iter().filter(|entry| entry.starts_with("PATH=")).collect::<Vec<_>>(),
            ["PATH=/nowhere"]
        );
        assert!(env.contains(&"NEW=a=b".to_owned()));
        assert!(environment(vec!["=x".to_owned()]).is_err());
        assert!(environment(vec!["x".to_owned()]).is_err());
    }
}

//! `casemate exec`.

use std::fs;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Component, Path};

use oci_spec::runtime::Process;
use sentry::control::{Channel, Event, Request};
use sentry::spec::ProcessSpec;
use serde_json::{Value, json};

use super::creation::write_pid_file;
use crate::command_line::{Exec, Global, UserArgument};
use crate::config::{capabilities, fields, lenient, process};
use crate::error::{Error, Trying};
use crate::sandbox::terminal::Raw;
use crate::sandbox::{Forwarded, attached, console, memory_file};
use crate::state::{self, Container, Root, Status};

/// Runs another program in a container. Returns its exit code.
pub(crate) fn execute(global: &Global, arguments: &Exec, preserved: Vec<OwnedFd>) -> Result<u8, Error> {
    let run = || run(&Root::of(global).open(&arguments.id)?, arguments, preserved);
    run().map_err(|error| Error::Exec(Box::new(error)))
}

fn run(container: &Container, arguments: &Exec, preserved: Vec<OwnedFd>) -> Result<u8, Error> {
    match container.status()? {
        // As runc: also beside a program that waits to be started.
        Status::Running | Status::Created => {}
        Status::Paused if arguments.ignore_paused => {}
        Status::Paused => {
            return Err(Error::refused("exec in a paused container (use --ignore-paused to override)"));
        }
        Status::Stopped => return Err(Error::refused("exec in a stopped container")),
        status => return Err(Error::Message(format!("cannot exec in a {} container", status.name()))),
    }
    let mut spec = describe(container, arguments)?;
    // First, so that no signal is lost between here and the program's start.
    let signals = if arguments.detach { None } else { Some(Forwarded::divert()?) };
    let socket = arguments.process.console_socket.as_deref();
    let mut descriptors = console::standard(&mut spec, socket, !arguments.detach)?;
    let watched = descriptors.first().filter(|_| spec.console.watch);
    let terminal = watched.map(OwnedFd::try_clone).transpose().trying("keep the terminal")?;
    descriptors.extend(preserved);
    let channel = start(container, &spec, descriptors)?;
    match signals {
        None => leave_waiter(&channel, terminal.as_ref(), arguments.process.pid_file.as_deref()).map(|()| 0),
        Some(signals) => {
            let own = rustix::process::getpid().as_raw_nonzero().get();
            write_pid_file(arguments.process.pid_file.as_deref(), own)?;
            let _raw = spec.terminal.then(Raw::start);
            attached::until_the_end(&channel, &signals).map(|status| status.shell_code())
        }
    }
}

/// Has the sentry start it. The channel is then about the new process.
fn start(container: &Container, spec: &ProcessSpec, of_process: Vec<OwnedFd>) -> Result<Channel, Error> {
    let channel = container.connect()?.ok_or(Error::NotRunning)?;
    let mut descriptors = vec![memory_file(spec)?];
    descriptors.extend(of_process);
    let borrowed: Vec<BorrowedFd<'_>> = descriptors.iter().map(AsFd::as_fd).collect();
    channel.send_with(&Request::Exec, &borrowed).trying("start the program")?;
    drop(descriptors);
    match state::answer(&channel)? {
        Event::Started { .. } => Ok(channel),
        other => Err(state::unexpected(&other)),
    }
}

/// Leaves a process that stands for the container's on the host: it waits for its end, passes signals on to it, and ends as it does.
fn leave_waiter(channel: &Channel, terminal: Option<&OwnedFd>, pid_file: Option<&Path>) -> Result<(), Error> {
    let child = attached::leave(channel, terminal, |_| Ok(()))?;
    write_pid_file(pid_file, child.pid.as_raw_nonzero().get())
}

fn describe(container: &Container, arguments: &Exec) -> Result<ProcessSpec, Error> {
    let described = match &arguments.file {
        Some(path) => read(path)?,
        None => from_command_line(container, arguments)?,
    };
    // What a configuration may not ask for, nobody may ask for beside it.
    fields::check(&json!({"process": described})).map_err(Error::Message)?;
    if let Some(group) = arguments.cgroup.iter().find(|group| !is_containers_own(group)) {
        return Err(Error::Message(format!(
            "--cgroup {group}: the container has no control group below its own"
        )));
    }
    process::translate(&described).map_err(Error::Message)
}

/// Whether a group, perhaps of one controller, is the container's itself.
fn is_containers_own(group: &str) -> bool {
    let path = group.split_once(':').map_or(group, |(_, path)| path);
    Path::new(path).components().all(|part| matches!(part, Component::RootDir | Component::CurDir))
}

fn read(path: &Path) -> Result<Process, Error> {
    let text = fs::read(path).trying_on("open", path)?;
    let wrong = |problem: String| Error::Config { path: path.to_owned(), problem };
    let mut whole: Value = serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
    if let Some(process) = whole.as_object_mut() {
        lenient::spell_flags(process);
    }
    serde_path_to_error::deserialize(&whole).map_err(|error| wrong(error.to_string()))
}

/// The container's own process with another program, and with what the options say.
fn from_command_line(container: &Container, arguments: &Exec) -> Result<Process, Error> {
    if arguments.command.is_empty() {
        return Err(Error::Message("exec: there is no program to run".to_owned()));
    }
    let mut process = container.spec().process().clone().unwrap_or_default();
    process.set_args(Some(arguments.command.clone()));
    process.set_terminal(Some(arguments.tty));
    if let Some(cwd) = &arguments.cwd {
        process.set_cwd(cwd.clone());
    }
    let mut env = process.env().clone().unwrap_or_default();
    env.extend(arguments.env.iter().cloned());
    process.set_env(Some(env));
    let mut user = process.user().clone();
    if let Some(UserArgument { uid, gid }) = arguments.user {
        user.set_uid(uid);
        user.set_gid(gid.unwrap_or(user.gid()));
    }
    if !arguments.additional_gids.is_empty() {
        let mut groups = user.additional_gids().clone().unwrap_or_default();
        groups.extend(&arguments.additional_gids);
        user.set_additional_gids(Some(groups));
    }
    process.set_user(user);
    if let Some(profile) = &arguments.apparmor {
        process.set_apparmor_profile(Some(profile.clone()));
    }
    if let Some(label) = &arguments.process_label {
        process.set_selinux_label(Some(label.clone()));
    }
    if arguments.no_new_privs {
        process.set_no_new_privileges(Some(true));
    }
    if !arguments.cap.is_empty() {
        let sets = capabilities::with(process.capabilities().as_ref(), &arguments.cap);
        process.set_capabilities(Some(sets.map_err(Error::Message)?));
    }
    Ok(process)
}

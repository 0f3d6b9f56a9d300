//! The `casemate` command.
//!
//! It carries the OCI lifecycle: reads and checks a configuration, keeps the state directory, and starts and watches the processes of a
//! sandbox. Those are the same program, started under names of their own (see [`children`]).
#![forbid(unsafe_code)]

mod cgroups;
mod children;
mod command_line;
mod commands;
mod config;
mod error;
mod hooks;
mod log;
mod sandbox;
mod signal_names;
mod sizes;
mod state;
mod systemd;
mod user_names;

use std::os::fd::OwnedFd;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::command_line::{Command, CommandLine, Global, Gofer, Tar};
use crate::log::Log;

/// Exit code of our own failures, as runc's.
const FAILURE: u8 = 1;

fn main() -> ExitCode {
    if let Some(code) = children::enter_if_asked() {
        return code;
    }
    let CommandLine { global, command, .. } = match CommandLine::try_parse() {
        Ok(parsed) => parsed,
        Err(usage) => {
            // Help and version are "errors" too, which go to standard output and are none.
            let code = if usage.use_stderr() { FAILURE } else { 0 };
            let _ = usage.print();
            return ExitCode::from(code);
        }
    };
    // Before anything is opened that could get their numbers.
    let handed = if command.takes_sockets() { sandbox::descriptors::handed_over() } else { 0 };
    let preserved = match sandbox::descriptors::preserved(command.preserved().saturating_add(handed)) {
        Ok(preserved) => preserved,
        Err(error) => return fail(&error),
    };
    let log = match log::start(&global) {
        Ok(log) => log,
        Err(error) => return fail(&error),
    };
    let outcome = carry_out(command, &global, preserved, &log);
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            if log.is_file() {
                tracing::error!("{error}");
            }
            fail(&error)
        }
    }
}

fn carry_out(
    command: Command,
    global: &Global,
    preserved: Vec<OwnedFd>,
    log: &Log,
) -> Result<u8, error::Error> {
    use commands::{
        create, debug, delete, r#do, events, exec, features, gofer_serve, install, kill, list, pause, ps,
        reserved, run, spec, start, state, tar, update, wait,
    };
    let nothing = |()| 0;
    match command {
        Command::Checkpoint(_) => Err(reserved::checkpoint()),
        Command::Completions { shell } => install::completions(shell, CommandLine::command()).map(nothing),
        Command::Create(arguments) => create::execute(global, &arguments, preserved, log).map(nothing),
        Command::Debug(arguments) => debug::execute(global, &arguments).map(nothing),
        Command::Delete(arguments) => delete::execute(global, &arguments).map(nothing),
        Command::Do(arguments) => r#do::execute(global, arguments, log),
        Command::Events(arguments) => events::execute(global, &arguments).map(nothing),
        Command::Exec(arguments) => exec::execute(global, &arguments, preserved),
        Command::Gofer(Gofer::Serve(arguments)) => gofer_serve::execute(&arguments).map(nothing),
        Command::Features => features::execute().map(nothing),
        Command::Install(arguments) => install::execute(&arguments).map(nothing),
        Command::Kill(arguments) => kill::execute(global, &arguments).map(nothing),
        Command::List(arguments) => list::execute(global, &arguments).map(nothing),
        Command::Man { directory } => install::manual(&directory, CommandLine::command()).map(nothing),
        Command::Pause(arguments) => pause::pause(global, &arguments).map(nothing),
        Command::Ps(arguments) => ps::execute(global, &arguments).map(nothing),
        Command::Restore(_) => Err(reserved::restore()),
        Command::Resume(arguments) => pause::resume(global, &arguments).map(nothing),
        Command::Run(arguments) => run::execute(global, &arguments, preserved, log),
        Command::Spec(arguments) => spec::execute(&arguments).map(nothing),
        Command::Start(arguments) => start::execute(global, &arguments).map(nothing),
        Command::State(arguments) => state::execute(global, &arguments).map(nothing),
        Command::Tar(Tar::RootfsUpper(arguments)) => tar::execute(global, &arguments).map(nothing),
        Command::Update(arguments) => update::execute(global, &arguments).map(nothing),
        Command::Wait(arguments) => wait::execute(global, &arguments),
    }
}

fn fail(error: &error::Error) -> ExitCode {
    eprintln!("casemate: {error}");
    ExitCode::from(error.exit_code())
}

//! The `casemate` command.
//!
//! It carries the OCI lifecycle: reads and checks a configuration, keeps the state directory, and starts and watches the processes of a
//! sandbox. Those are the same program, started under names of their own (see [`children`]).
#![forbid(unsafe_code)]

mod children;
mod command_line;
mod commands;
mod config;
mod error;
mod log;
mod sandbox;
mod state;

use std::process::ExitCode;

use clap::Parser;

use crate::command_line::{Command, CommandLine};

/// Exit code of our own failures, as runc's.
const FAILURE: u8 = 1;

fn main() -> ExitCode {
    if let Some(code) = children::enter_if_asked() {
        return code;
    }
    let CommandLine { global, command } = match CommandLine::try_parse() {
        Ok(parsed) => parsed,
        Err(usage) => {
            // Help and version are "errors" too, which go to standard output and are none.
            let code = if usage.use_stderr() { FAILURE } else { 0 };
            let _ = usage.print();
            return ExitCode::from(code);
        }
    };
    let log = match log::start(&global) {
        Ok(log) => log,
        Err(error) => return fail(&error),
    };
    let outcome = match command {
        Command::Do(arguments) => commands::r#do::execute(&global, arguments, &log),
        Command::Run(arguments) => commands::run::execute(&global, &arguments, &log),
        Command::Spec(arguments) => commands::spec::execute(&arguments).map(|()| 0),
    };
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

fn fail(error: &error::Error) -> ExitCode {
    eprintln!("casemate: {error}");
    ExitCode::from(FAILURE)
}

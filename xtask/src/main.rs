//! The project's own commands: `cargo xtask COMMAND`.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use integration_tests::tools::{available, output, succeed};

const USAGE: &str = "usage: cargo xtask COMMAND
  test              all tests: of the crates, then end to end
  e2e [FILTER]...   end-to-end tests whose names contain one of the filters (--list shows them); the binary
                    is the release build, or what CASEMATE names
  bench [OPTION]... [GROUP]...
                    compares the speed of the host, this build and other runtimes (--help shows the options)
  costs [FILTER]... what system calls cost inside the kernel, without the hand-off between guest and sentry
  check             formatting and lints
  testroot          build the Debian root that the end-to-end tests run in, and print its path";

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = arguments.split_first().map_or(("", &[][..]), |(first, rest)| (first, rest));
    match command {
        "test" => {
            crate_tests()?;
            return end_to_end(&[]);
        }
        "e2e" => return end_to_end(rest),
        "bench" => return bench(rest),
        "costs" => return costs(rest),
        "check" => check()?,
        "testroot" => println!("{}", integration_tests::testroot::ensure()?.display()),
        "help" | "--help" => println!("{USAGE}"),
        _ => bail!("{USAGE}"),
    }
    Ok(ExitCode::SUCCESS)
}

fn cargo(arguments: &[&str]) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(arguments);
    cargo
}

/// The crates' own tests: with nextest where it is installed, which ends a test that hangs.
fn crate_tests() -> Result<()> {
    if available("cargo-nextest") {
        succeed(&mut cargo(&["nextest", "run", "--workspace", "--no-fail-fast"]))
    } else {
        succeed(&mut cargo(&["test", "--workspace", "--no-fail-fast"]))
    }
}

/// Builds the binary as users get it, unless `CASEMATE` names another, and runs the end-to-end tests with it. To list them takes neither.
fn end_to_end(arguments: &[String]) -> Result<ExitCode> {
    let asks = arguments.iter().any(|argument| argument == "--list");
    let casemate = if asks { PathBuf::new() } else { casemate()? };
    succeed(&mut cargo(&["build", "--package", "integration-tests"]))?;
    run(Command::new(target_directory()?.join("debug/e2e")).args(arguments).env("CASEMATE", casemate))
}

/// The binary to test or measure: what `CASEMATE` names, or a build as users get it.
fn casemate() -> Result<PathBuf> {
    if let Some(chosen) = std::env::var_os("CASEMATE") {
        return Ok(PathBuf::from(chosen));
    }
    succeed(&mut cargo(&["build", "--release", "--package", "casemate", "--package", "shim"]))?;
    Ok(target_directory()?.join("release/casemate"))
}

fn run(command: &mut Command) -> Result<ExitCode> {
    let status = command.status().with_context(|| format!("cannot run {command:?}"))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Compares, with a binary that measures others and needs no speed of its own.
fn bench(arguments: &[String]) -> Result<ExitCode> {
    let asks = arguments.iter().any(|argument| argument == "--help" || argument == "-h");
    let casemate = if asks { PathBuf::new() } else { casemate()? };
    succeed(&mut cargo(&["build", "--package", "benches"]))?;
    run(Command::new(target_directory()?.join("debug/bench")).args(arguments).env("CASEMATE", casemate))
}

fn costs(arguments: &[String]) -> Result<ExitCode> {
    succeed(&mut cargo(&["build", "--release", "--package", "costs"]))?;
    run(Command::new(target_directory()?.join("release/costs")).args(arguments))
}

fn target_directory() -> Result<PathBuf> {
    let metadata = output(&mut cargo(&["metadata", "--format-version", "1", "--no-deps"]))?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata)?;
    let directory = metadata.get("target_directory").and_then(|path| path.as_str());
    Ok(directory.context("cargo names no target directory")?.into())
}

fn check() -> Result<()> {
    succeed(&mut cargo(&["fmt", "--all", "--check"]))?;
    succeed(&mut cargo(&["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]))
}

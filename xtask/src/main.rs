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

/// Builds the binary as users get it, unless `CASEMATE` names another, and runs the end-to-end tests with it.
fn end_to_end(filters: &[String]) -> Result<ExitCode> {
    let target = target_directory()?;
    let casemate = match std::env::var_os("CASEMATE") {
        Some(chosen) => PathBuf::from(chosen),
        None => {
            succeed(&mut cargo(&["build", "--release", "--package", "casemate"]))?;
            target.join("release/casemate")
        }
    };
    succeed(&mut cargo(&["build", "--package", "integration-tests"]))?;
    let mut e2e = Command::new(target.join("debug/e2e"));
    e2e.args(filters).env("CASEMATE", casemate);
    let status = e2e.status().with_context(|| format!("cannot run {e2e:?}"))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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

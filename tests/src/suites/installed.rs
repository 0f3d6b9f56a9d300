//! What `casemate` writes for others to read: configurations of engines, completions of shells, manual pages.
#![expect(clippy::indexing_slicing, reason = "an absent member of a JSON value reads as null")]

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::support::LIMIT;
use crate::place::Place;
use crate::run::run;

fn says(place: &Place, arguments: &[&str]) -> Result<String> {
    let outcome = run(Command::new(&place.casemate).args(arguments), b"", LIMIT)?;
    ensure!(outcome.code == Some(0), "{arguments:?}: {}", outcome.shown());
    Ok(String::from_utf8(outcome.stdout)?)
}

/// The names of all commands, from the help.
fn commands(place: &Place) -> Result<Vec<String>> {
    let help = says(place, &["--help"])?;
    let listed = help.split("Commands:\n").nth(1).context("no commands")?;
    let lines = listed.lines().take_while(|line| !line.trim().is_empty());
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next());
    Ok(names.filter(|name| *name != "help").map(str::to_owned).collect())
}

/// Each command has a manual page, and the script completes its name.
pub(super) fn pages_and_completions(place: &Place) -> Result<()> {
    let names = commands(place)?;
    ensure!(names.len() > 20, "{names:?}");
    let pages = place.directory("pages")?.join("man1");
    says(place, &["man", pages.to_str().context("path")?])?;
    for name in &names {
        let page =
            fs::read_to_string(pages.join(format!("casemate-{name}.1"))).with_context(|| name.clone())?;
        ensure!(
            page.contains(".TH") && page.contains("DESCRIPTION") && page.contains(name.as_str()),
            "{page}"
        );
    }
    ensure!(fs::read_to_string(pages.join("casemate.1"))?.contains("casemate\\-run(1)"));
    for shell in ["bash", "zsh", "fish"] {
        let script = says(place, &["completions", shell])?;
        ensure!(names.iter().all(|name| script.contains(name.as_str())), "{shell}: {script}");
    }
    // What a user sees after pressing Tab.
    let script = says(place, &["completions", "bash"])?;
    let asks = "COMP_WORDS=(casemate ch); COMP_CWORD=1; _casemate casemate ch casemate; echo ${COMPREPLY[*]}";
    let program = format!("{script}\n{asks}\n");
    let outcome = run(Command::new("bash").args(["--norc", "-c", &program]), b"", LIMIT)?;
    ensure!(outcome.stdout == b"checkpoint\n", "{}", outcome.shown());
    Ok(())
}

/// Docker's configuration keeps what it had, and runs the program that wrote it.
pub(super) fn for_docker(place: &Place) -> Result<()> {
    let path = place.directory("docker")?.join("daemon.json");
    let config = path.to_str().context("path")?;
    fs::write(&path, r#"{"debug": true, "runtimes": {"other": {"path": "/bin/other"}}}"#)?;
    let read = || -> Result<Value> { Ok(serde_json::from_slice(&fs::read(&path)?)?) };
    says(place, &["install", "docker", "--config", config, "--name", "sandboxed"])?;
    let written = read()?;
    let program = written["runtimes"]["sandboxed"]["path"].as_str().context("no path")?;
    ensure!(fs::canonicalize(program)? == fs::canonicalize(&place.casemate)?, "{written}");
    ensure!(written["debug"] == true && written["runtimes"]["other"]["path"] == "/bin/other", "{written}");
    says(place, &["install", "docker", "--config", config, "--name", "sandboxed", "--remove"])?;
    ensure!(
        read()?
            == serde_json::from_str::<Value>(
                r#"{"debug": true, "runtimes": {"other": {"path": "/bin/other"}}}"#
            )?
    );
    fs::write(&path, "{")?;
    let outcome =
        run(Command::new(&place.casemate).args(["install", "docker", "--config", config]), b"", LIMIT)?;
    ensure!(outcome.code == Some(1) && outcome.shown().contains(config), "{}", outcome.shown());
    ensure!(fs::read(&path)? == b"{", "a file that is not understood is left alone");
    Ok(())
}

//! Good and bad bundles: runc and casemate have to give the same answers to them.
#![expect(clippy::indexing_slicing, reason = "an absent member of a JSON value reads as null")]

mod list;

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::Value;

use super::lifecycle::within;
use super::support::{LIMIT, config};
use crate::bundle;
use crate::place::Place;
use crate::run::{run, wait};
use crate::skip::skip;
use crate::tools::available;

/// A bundle: what its configuration has different from a plain one, and what is known of the answers.
struct Bundle {
    name: &'static str,
    /// A merge patch (RFC 7386), but that mounts are added to those that are there. `BUNDLE` and `ROOT` stand for directories.
    patch: &'static str,
    expected: Expected,
}

/// What casemate's answers should be.
#[derive(Clone, Copy)]
enum Expected {
    /// Those of runc.
    Same,
    /// Others, and why.
    Other(&'static str),
    /// That it runs, and why nobody is misled by that.
    Taken(&'static str),
}

/// One a test.
pub(super) fn trials(place: &Arc<Place>) -> impl Iterator<Item = Trial> {
    list::BUNDLES.iter().map(|bundle| {
        let place = Arc::clone(place);
        super::trial(&format!("bundles/{}", bundle.name), move || bundle.check(&place))
    })
}

/// How many there are.
pub(super) const COUNT: usize = list::BUNDLES.len();

impl Bundle {
    fn check(&self, place: &Place) -> Result<()> {
        let why = match self.expected {
            Expected::Same => None,
            Expected::Other(why) => Some(why),
            Expected::Taken(why) => return self.is_taken(place, why),
        };
        if !available("runc") {
            return skip("needs runc");
        }
        let runc = Asked::new(self, place, "runc".into())?.answers()?;
        let own = Asked::new(self, place, place.casemate.clone())?.answers()?;
        let shown = || format!("=== runc\n{}=== casemate\n{}", lines(&runc), lines(&own));
        let same = runc.iter().map(|answer| &answer.what).eq(own.iter().map(|answer| &answer.what));
        match why {
            None => ensure!(same, "{}", shown()),
            Some(why) => ensure!(!same, "they give the same answers, and should not: {why}\n{}", shown()),
        }
        Ok(())
    }

    fn is_taken(&self, place: &Place, why: &str) -> Result<()> {
        let own = Asked::new(self, place, place.casemate.clone())?.answers()?;
        let runs = own.iter().any(|answer| answer.what.starts_with("run: 0 "));
        ensure!(runs, "it is refused, although {why}\n{}", lines(&own));
        Ok(())
    }
}

/// What is compared, and what was said with it.
struct Answer {
    what: String,
    said: String,
}

fn lines(answers: &[Answer]) -> String {
    answers.iter().map(|Answer { what, said }| format!("{what}\n  {}\n", said.trim())).collect()
}

/// A runtime with a state directory and the bundle.
struct Asked {
    program: PathBuf,
    state: PathBuf,
    bundle: PathBuf,
    id: String,
}

impl Asked {
    fn new(bundle: &Bundle, place: &Place, program: PathBuf) -> Result<Self> {
        let directory = place.directory("bundle")?;
        let at = directory.join("bundle");
        furnish(&at, place)?;
        let patch = bundle.patch.replace("BUNDLE", &at.display().to_string());
        let patch = patch.replace("ROOT", &place.root.display().to_string());
        let mut plain = config(place, &["true"]);
        merge(&mut plain, &serde_json::from_str(&patch)?);
        bundle::write(&at, &bundle::apart(&plain, &directory))?;
        let id = directory.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { program, state: directory.join("state"), bundle: at, id })
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--root").arg(&self.state).args(words);
        if matches!(words, ["create" | "run"]) {
            command.arg("--bundle").arg(&self.bundle);
        }
        command.arg(&self.id);
        command
    }

    /// First step by step, and then at once.
    fn answers(&self) -> Result<Vec<Answer>> {
        let mut answers = Vec::new();
        let created = self.create()?;
        let stands = created.what.starts_with("create: 0");
        answers.push(created);
        if stands {
            answers.push(self.status("created")?);
            answers.push(self.done("start")?);
            answers.push(self.status("stopped")?);
            answers.push(self.done("delete")?);
        }
        answers.push(self.done("state")?);
        let outcome = run(&mut self.command(&["run"]), b"", LIMIT)?;
        let said = String::from_utf8_lossy(&outcome.stderr).into_owned();
        let (code, stdout) = (outcome.code.unwrap_or(-1), String::from_utf8_lossy(&outcome.stdout));
        answers.push(Answer { what: format!("run: {code} {stdout:?} {}", class(code, &said)), said });
        answers.push(self.done("state")?);
        Ok(answers)
    }

    /// What it leaves behind must not hold our pipes.
    fn create(&self) -> Result<Answer> {
        let path = self.bundle.with_file_name("said");
        let stderr = File::create(&path)?;
        let mut command = self.command(&["create"]);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr).spawn()?;
        let code = wait(&mut child, LIMIT)?.unwrap_or(-1);
        let said = fs::read_to_string(path)?;
        Ok(Answer { what: format!("create: {code} {}", class(code, &said)), said })
    }

    fn done(&self, word: &str) -> Result<Answer> {
        let outcome = run(&mut self.command(&[word]), b"", LIMIT)?;
        let said = String::from_utf8_lossy(&outcome.stderr).into_owned();
        let code = outcome.code.unwrap_or(-1);
        Ok(Answer { what: format!("{word}: {code} {}", class(code, &said)), said })
    }

    /// The status, once it is this or no other any more.
    fn status(&self, wanted: &str) -> Result<Answer> {
        let mut found = String::new();
        let reached = within(LIMIT, || {
            let said = run(&mut self.command(&["state"]), b"", LIMIT)?.stdout;
            let state: Value = serde_json::from_slice(&said)?;
            found = state["status"].as_str().unwrap_or_default().to_owned();
            Ok(found == wanted)
        });
        let said = reached.map_or_else(|error| error.to_string(), |()| String::new());
        Ok(Answer { what: format!("status: {found}"), said })
    }
}

/// What kind of failure was told: of the last line, which is the one that ended it.
fn class(code: i32, said: &str) -> &'static str {
    const CLASSES: &[(&str, &str)] = &[
        ("no such file or directory", "not found"),
        ("not found", "not found"),
        ("permission denied", "denied"),
        ("not a directory", "not a directory"),
        ("exec format error", "no program"),
        ("read-only file system", "read-only"),
        ("is a directory", "denied"),
    ];
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default().to_lowercase();
    let found = CLASSES.iter().find(|(words, _)| last.contains(words)).map(|(_, class)| *class);
    match found {
        _ if code == 0 => "",
        Some(class) => class,
        None if last.is_empty() => "silent",
        None => "invalid",
    }
}

/// What the bundles' directories hold besides the configuration.
fn furnish(directory: &Path, place: &Place) -> Result<()> {
    fs::create_dir_all(directory.join("dir"))?;
    for layer in ["upper/files", "upper/work"] {
        fs::create_dir_all(directory.join(layer))?;
    }
    fs::write(directory.join("file"), "content\n")?;
    symlink(&place.root, directory.join("link"))?;
    fs::write(directory.join("of-another"), "")?;
    chown(directory.join("of-another"), Some(5007), Some(200))?;
    for (name, text) in [
        ("no-format", "frob"),
        ("no-interpreter", "#!/no/such/interpreter\n"),
        ("script", "#!/bin/sh\nexit 3\n"),
    ] {
        fs::write(directory.join(name), text)?;
        fs::set_permissions(directory.join(name), fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(members) = patch else { return target.clone_from(patch) };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    for (name, value) in members {
        match (target.get_mut(name).and_then(Value::as_array_mut), value) {
            (Some(mounts), Value::Array(more)) if name == "mounts" => mounts.extend(more.iter().cloned()),
            (_, Value::Null) => drop(target.as_object_mut().and_then(|target| target.remove(name))),
            _ => merge(&mut target[name], value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a configuration has a field: names with dots between, and `[]` for elements of a list.
    fn has(value: &Value, path: &str) -> bool {
        let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
        let below = |value: &Value| rest.map_or(!value.is_null(), |rest| has(value, rest));
        match first.strip_suffix("[]") {
            Some(list) => value[list].as_array().is_some_and(|all| all.iter().any(below)),
            None => value.get(first).is_some_and(below),
        }
    }

    #[test]
    fn every_field_of_the_specification_is_in_a_bundle() {
        let table = include_str!("../../../../docs/oci-fields.md");
        let fields: Vec<&str> =
            table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
        assert!(fields.len() > 90, "{fields:?}");
        let patches = list::BUNDLES.iter().map(|bundle| serde_json::from_str(bundle.patch).unwrap());
        let patches: Vec<Value> = patches.collect();
        // What every bundle has, as `merge` starts from it.
        let plain = ["ociVersion", "linux.namespaces[].type", "linux.cgroupsPath", "root.readonly"];
        let missing: Vec<&str> = fields
            .into_iter()
            .filter(|field| !plain.contains(field) && !patches.iter().any(|patch| has(patch, field)))
            .collect();
        assert!(missing.is_empty(), "no bundle asks for {missing:?}");
    }
}

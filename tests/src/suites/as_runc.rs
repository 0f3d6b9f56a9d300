//! The same commands to runc and to casemate: exit codes and states have to be the same.
#![expect(clippy::indexing_slicing, reason = "an absent member of a JSON value reads as null")]

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::lifecycle::within;
use super::support::{LIMIT, config};
use crate::bundle;
use crate::place::Place;
use crate::run::{Outcome, run};
use crate::skip::skip;
use crate::tools::available;

/// A runtime with a state directory and a bundle of its own.
pub(super) struct Runtime {
    program: PathBuf,
    state: PathBuf,
    bundle: PathBuf,
}

impl Runtime {
    pub(super) fn both(place: &Place, name: &str, config: &Value) -> Result<[Self; 2]> {
        if !available("runc") {
            return skip("needs runc");
        }
        let make = |program: PathBuf| {
            let directory = place.directory(name)?;
            let bundle = bundle::write(&directory.join("bundle"), &bundle::apart(config, &directory))?;
            Ok::<_, anyhow::Error>(Self { program, state: directory.join("state"), bundle })
        };
        Ok([make("runc".into())?, make(place.casemate.clone())?])
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Result<Outcome> {
        let mut command = Command::new(&self.program);
        command.arg("--root").arg(&self.state);
        let bundle = self.bundle.display().to_string();
        command.args(arguments.iter().map(|word| if *word == "BUNDLE" { bundle.as_str() } else { word }));
        if arguments.contains(&"create") || arguments.contains(&"--detach") {
            // What it leaves behind must not hold our pipes.
            command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null());
            command.stderr(std::process::Stdio::null());
            let code = command.status().context("cannot run it")?.code();
            return Ok(Outcome { code, stdout: Vec::new(), stderr: Vec::new() });
        }
        run(&mut command, b"", LIMIT)
    }

    fn state(&self) -> Result<Value> {
        Ok(serde_json::from_slice(&self.run(&["state", "c"])?.stdout)?)
    }
}

fn keys(value: &Value) -> Vec<&String> {
    value.as_object().map(|object| object.keys().collect()).unwrap_or_default()
}

fn compare(runtimes: &[Runtime; 2], steps: &[&[&str]]) -> Result<()> {
    let [oracle, ours] = runtimes;
    for (index, step) in steps.iter().enumerate() {
        if let ["reaches", status] = step {
            for runtime in runtimes {
                within(LIMIT, || Ok(runtime.state()?["status"] == *status))?;
            }
            let (theirs, own) = (oracle.state()?, ours.state()?);
            ensure!(keys(&theirs) == keys(&own), "step {index}: {theirs} and {own}");
            ensure!((theirs["pid"] == 0) == (own["pid"] == 0), "step {index}: {theirs} and {own}");
            continue;
        }
        let (theirs, own) = (oracle.run(step)?, ours.run(step)?);
        ensure!(
            theirs.code == own.code,
            "step {index}, {step:?}:\n=== runc: {}\n=== casemate: {}",
            theirs.shown(),
            own.shown()
        );
    }
    Ok(())
}

pub(super) fn commands(place: &Place) -> Result<()> {
    let runtimes = Runtime::both(place, "as-runc", &config(place, &["sleep", "1000"]))?;
    compare(
        &runtimes,
        &[
            &["state", "c"],
            &["list"],
            &["delete", "c"],
            &["delete", "--force", "c"],
            &["create", "--bundle", "BUNDLE", "a/b"],
            &["create", "--bundle", "/nowhere", "c"],
            &["create", "--bundle", "BUNDLE", "c"],
            &["create", "--bundle", "BUNDLE", "c"],
            &["reaches", "created"],
            &["exec", "c", "sh", "-c", "exit 3"],
            &["exec", "--detach", "c", "sleep", "1000"],
            &["kill", "c", "0"],
            &["pause", "absent"],
            &["start", "c"],
            &["reaches", "running"],
            &["start", "c"],
            &["exec", "c", "sh", "-c", "exit 7"],
            &["exec", "c", "sh", "-c", "kill -9 $$"],
            &["exec", "c", "no-such-program"],
            &["exec", "c", "/etc/passwd"],
            &["exec", "--cwd", "/nowhere", "c", "true"],
            &["exec", "--user", "1:2", "c", "true"],
            &["exec", "--user", "5", "c", "sh", "-c", "exit $(id -g)"],
            &["exec", "--cgroup", "/", "c", "true"],
            &["exec", "--cgroup", "/below", "c", "true"],
            &["exec", "--process-label", "label", "c", "true"],
            &["exec", "--apparmor", "profile", "c", "true"],
            &["ps", "c"],
            &["ps", "--format", "json", "c"],
            &["ps", "c", "-o", "pid,args"],
            &["ps", "absent"],
            &["update", "c"],
            &["update", "--memory", "100m", "c"],
            &["update", "--memory", "lots", "c"],
            &["update", "--cpu-share", "512", "--pids-limit", "100", "c"],
            &["update", "absent"],
            &["events", "--stats", "c"],
            &["events", "--stats", "absent"],
            &["events", "--interval", "0s", "c"],
            &["list", "--format", "table"],
            &["list", "--format", "frob"],
            &["--log-format", "frob", "list"],
            &["checkpoint", "absent"],
            &["restore", "absent"],
            &["exec", "absent", "true"],
            &["delete", "c"],
            &["kill", "c", "FROB"],
            &["resume", "c"],
            &["pause", "c"],
            &["reaches", "paused"],
            &["exec", "c", "true"],
            &["resume", "c"],
            &["reaches", "running"],
            &["kill", "c", "KILL"],
            &["reaches", "stopped"],
            &["kill", "c", "KILL"],
            &["kill", "c", "0"],
            &["exec", "c", "true"],
            &["start", "c"],
            &["delete", "c"],
            &["delete", "c"],
            // One that was never started, and one that stands still.
            &["create", "--bundle", "BUNDLE", "c"],
            &["reaches", "created"],
            &["checkpoint", "c"],
            &["delete", "c"],
            &["state", "c"],
            &["run", "--detach", "--bundle", "BUNDLE", "c"],
            &["reaches", "running"],
            &["pause", "c"],
            &["reaches", "paused"],
            &["delete", "c"],
            &["delete", "--force", "c"],
            &["state", "c"],
            &["create", "--bundle", "BUNDLE", "c"],
            &["delete", "--force", "c"],
            &["delete", "--force", "c"],
            &["list", "--quiet"],
        ],
    )
}

/// Hooks that are the container's own programs: where they run, what they are told, and that a failure ends the container.
pub(super) fn start_hooks(place: &Place) -> Result<()> {
    let hook = |script: &str| json!({"path": "/bin/sh", "args": ["hook", "-c", script], "env": ["WHO=me", "PATH=/bin"], "timeout": 100});
    let first = "cat > /work/state; echo $0 $WHO $(id -u) $(pwd) > /work/first";
    let second = "cat /work/first > /work/second; echo again >> /work/second";
    let program = "cat /work/second; python3 -c 'import json; s = json.load(open(\"/work/state\")); print(s[\"id\"], s[\"status\"], s[\"pid\"])'; echo $$";
    let mut good = config(place, &["sh", "-c", program]);
    good["hooks"] = json!({"startContainer": [hook(first), hook(second)]});
    let mut bad = config(place, &["echo", "unreached"]);
    bad["hooks"] = json!({"startContainer": [hook("echo sorry >&2; exit 4"), hook(second)]});
    let mut slow = bad.clone();
    slow["hooks"]["startContainer"][0] =
        json!({"path": "/bin/sleep", "args": ["sleep", "1000"], "env": ["A=b"], "timeout": 1});
    for config in [good, bad, slow] {
        let [oracle, ours] = Runtime::both(place, "start-hooks", &config)?;
        let command = ["run", "--bundle", "BUNDLE", "c"];
        let (theirs, own) = (oracle.run(&command)?, ours.run(&command)?);
        ensure!(
            theirs.code == own.code && theirs.stdout == own.stdout,
            "=== runc: {}\n=== casemate: {}",
            theirs.shown(),
            own.shown()
        );
        let told = String::from_utf8_lossy(&own.stderr).contains("hooks.startContainer[0]");
        ensure!(told == (own.code != Some(0)), "{}", own.shown());
        ensure!(ours.run(&["list", "--quiet"])?.stdout.is_empty());
    }
    Ok(())
}

/// Sockets that a service manager has handed over are the container's, which is told so.
pub(super) fn handed_over_sockets(place: &Place) -> Result<()> {
    let program = "echo $LISTEN_FDS $LISTEN_PID $$; cat <&3; cat <&4";
    let runtimes = Runtime::both(place, "listen-fds", &config(place, &["sh", "-c", program]))?;
    let mut said = Vec::new();
    for runtime in &runtimes {
        let mut command = Command::new("sh");
        command.args(["-c", "exec 3<<A 4<<B; export LISTEN_PID=$$; exec \"$@\"\none\nA\ntwo\nB\n", "sh"]);
        command.arg(&runtime.program).arg("--root").arg(&runtime.state).args(["run", "--bundle"]);
        command.arg(&runtime.bundle).arg("c").env("LISTEN_FDS", "2");
        said.push(run(&mut command, b"", LIMIT)?);
    }
    ensure!(
        said[0].code == said[1].code && said[0].stdout == said[1].stdout,
        "{} {}",
        said[0].shown(),
        said[1].shown()
    );
    ensure!(said[1].stdout == b"2 1 1\none\ntwo\n", "{}", said[1].shown());
    Ok(())
}

/// Values that are right for options that do not take just anything.
const VALUES: &[(&str, &str)] = &[
    ("--rootless", "auto"),
    ("--log-format", "json"),
    ("--format", "json"),
    ("--interval", "1m30s"),
    ("--memory", "100m"),
    ("--user", "5:6"),
];

/// What `--help` shows of runc's options: all spellings of each, and whether a value follows.
fn options_in(help: &str) -> Vec<(Vec<String>, bool)> {
    let options = help.lines().filter(|line| line.starts_with("   --"));
    options
        .map(|line| {
            let described = line.trim_start().split("  ").next().unwrap_or_default();
            let spellings = described.split(", ").filter_map(|one| one.split(' ').next()).map(str::to_owned);
            (spellings.collect(), described.contains(" value"))
        })
        .collect()
}

/// Each option of runc's is known to the same command of ours. That one is asked for help behind it, and would complain first.
pub(super) fn options(place: &Place) -> Result<()> {
    if !available("runc") {
        return skip("needs runc");
    }
    let said = |program: &std::path::Path, words: &[&str]| run(Command::new(program).args(words), b"", LIMIT);
    let runc = PathBuf::from("runc");
    let listed = said(&runc, &["--help"])?.stdout;
    let listed = String::from_utf8(listed)?;
    let commands = listed.split("COMMANDS:").nth(1).context("no commands")?.split("GLOBAL").next();
    let commands: Vec<&str> =
        commands.unwrap_or_default().lines().filter_map(|l| l.split_whitespace().next()).collect();
    ensure!(commands.len() > 15, "{listed}");
    let mut wrong = Vec::new();
    let mut tried = 0;
    for command in std::iter::once(None).chain(commands.into_iter().map(Some)) {
        let help = match command {
            None => listed.clone(),
            // Its own has no options.
            Some("help,") => String::new(),
            Some(command) => String::from_utf8(said(&runc, &[command, "--help"])?.stdout)?,
        };
        for (spellings, with_value) in options_in(&help) {
            for option in &spellings {
                let value =
                    VALUES.iter().find(|(name, _)| *name == spellings[0]).map_or("1", |(_, value)| value);
                let mut words: Vec<&str> = command.into_iter().collect();
                words.push(option);
                words.extend(with_value.then_some(value));
                // What is not there yet takes anything, and says so.
                let reserved = matches!(command, Some("checkpoint" | "restore"));
                words.extend((!reserved && option != "--help").then_some("--help"));
                let outcome = said(&place.casemate, &words)?;
                tried += 1;
                let known = if reserved {
                    outcome.shown().contains("not there yet")
                } else {
                    outcome.code == Some(0)
                };
                if !known {
                    wrong.push(format!("{words:?}: {}", outcome.shown()));
                }
            }
        }
    }
    ensure!(
        wrong.is_empty() && tried > 80,
        "{tried} were tried, of which these are unknown:\n{}",
        wrong.join("\n")
    );
    Ok(())
}

/// What runc says that it can do, casemate says too, but for what is known to be missing.
pub(super) fn features(place: &Place) -> Result<()> {
    const MISSING: &[&str] = &["SCMP_ACT_NOTIFY"];
    let [oracle, ours] = Runtime::both(place, "features", &config(place, &["true"]))?;
    let read = |runtime: &Runtime| -> Result<Value> {
        Ok(serde_json::from_slice(&runtime.run(&["features"])?.stdout)?)
    };
    let (theirs, own) = (read(&oracle)?, read(&ours)?);
    ensure!(own["ociVersionMin"] == theirs["ociVersionMin"], "{own}");
    for list in [
        "/hooks",
        "/mountOptions",
        "/linux/namespaces",
        "/linux/capabilities",
        "/linux/seccomp/actions",
        "/linux/seccomp/operators",
    ] {
        let of = |features: &Value| features.pointer(list).and_then(Value::as_array).cloned().context(list);
        let (theirs, own) = (of(&theirs)?, of(&own)?);
        let lacks: Vec<&Value> = theirs
            .iter()
            .filter(|word| !own.contains(word) && !MISSING.iter().any(|known| *word == known))
            .collect();
        ensure!(lacks.is_empty(), "{list} lacks {lacks:?}");
    }
    for part in ["/linux/cgroup", "/linux/seccomp", "/linux/apparmor", "/linux/selinux"] {
        let of = |features: &Value| features.pointer(part).cloned().context(part);
        let (theirs, own) = (of(&theirs)?, of(&own)?);
        ensure!(keys(&theirs).iter().all(|key| keys(&own).contains(key)), "{part}: {own}");
    }
    Ok(())
}

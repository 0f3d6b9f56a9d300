//! Further programs in a container that runs.
#![expect(clippy::indexing_slicing, reason = "an absent member of a JSON value reads as null")]

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::lifecycle::{self, casemate, create, done, reaches, state, within};
use super::support::{LIMIT, Running, config};
use crate::leftovers::processes;
use crate::place::Place;
use crate::sandbox::Sandbox;

fn start(place: &Place, name: &str) -> Result<Sandbox> {
    let sandbox = Sandbox::new(place, name, &["sleep", "1000"])?;
    create(&sandbox)?;
    done(&sandbox, &["start", "c"])?;
    Ok(sandbox)
}

fn end(sandbox: &Sandbox) -> Result<()> {
    done(sandbox, &["delete", "--force", "c"]).map(drop)
}

/// Options, exit codes and errors.
pub(super) fn options(place: &Place) -> Result<()> {
    let sandbox = start(place, "exec-options")?;
    let says = |arguments: &[&str], expected: &str| {
        let said = done(&sandbox, &[&["exec"], arguments].concat())?;
        ensure!(said == expected, "{arguments:?}: {said:?}, expected {expected:?}");
        Ok(())
    };
    says(&["c", "sh", "-c", "echo $HOME; pwd; id -u"], "/root\n/work\n0\n")?;
    says(&["--env", "HOME=/x", "--cwd", "/etc", "c", "sh", "-c", "echo $HOME; pwd"], "/x\n/etc\n")?;
    says(&["--user", "7:8", "-g", "9,10", "c", "sh", "-c", "id -u; id -G"], "7\n8 9 10\n")?;
    says(&["--user", "7", "-g", "9", "c", "sh", "-c", "id -u; id -G"], "7\n0 9\n")?;
    says(&["--cgroup", "cpu:/", "c", "echo", "there"], "there\n")?;
    says(&["--user", "7", "c", "grep", "-c", "^CapEff:\t0000000000000000$", "/proc/self/status"], "1\n")?;
    says(&["--no-new-privs", "c", "grep", "NoNewPrivs", "/proc/self/status"], "NoNewPrivs:\t1\n")?;
    // The container's processes are seen, and those that are executed are among them.
    says(&["c", "sh", "-c", "tr '\\0' ' ' </proc/1/cmdline; echo; echo $PPID"], "sleep 1000 \n0\n")?;
    for (arguments, code, words) in [
        (&["c", "sh", "-c", "exit 7"][..], 7, ""),
        (&["c", "sh", "-c", "kill -TERM $$"], 143, ""),
        (&["c", "no-such-program"], 255, "not found in $PATH"),
        (&["c", "/etc/passwd"], 255, "permission denied"),
        (&["--cwd", "/nowhere", "c", "true"], 255, "/nowhere"),
        (&["absent", "true"], 255, "does not exist"),
        (&["c"], 255, "no program"),
        (&["--apparmor", "x", "c", "true"], 255, "AppArmor"),
        (&["--process-label", "x", "c", "true"], 255, "SELinux"),
    ] {
        let outcome = casemate(&sandbox, &[&["exec"], arguments].concat())?;
        ensure!(
            outcome.code == Some(code) && outcome.shown().contains(words),
            "{arguments:?}: {}",
            outcome.shown()
        );
    }
    let description = sandbox.bundle.join("process.json");
    let process = json!({"user": {"uid": 5, "gid": 6}, "args": ["sh", "-c", "id -u; echo $A"], "cwd": "/", "env": ["A=b", "PATH=/usr/bin:/bin"]});
    fs::write(&description, process.to_string())?;
    says(&["--process", description.to_str().context("path")?, "c"], "5\nb\n")?;
    end(&sandbox)
}

/// Policy, niceness, I/O priority and personality are those that the configuration asks for, of its process and of those that are executed.
pub(super) fn scheduling(place: &Place) -> Result<()> {
    let mut spec = config(place, &["sleep", "1000"]);
    spec["process"]["scheduler"] =
        json!({"policy": "SCHED_BATCH", "nice": 5, "flags": ["SCHED_FLAG_RESET_ON_FORK"]});
    spec["process"]["ioPriority"] = json!({"class": "IOPRIO_CLASS_BE", "priority": 6});
    spec["linux"]["personality"] = json!({"domain": "LINUX32"});
    let sandbox = Sandbox::with_config(place, "exec-scheduling", &spec)?;
    create(&sandbox)?;
    done(&sandbox, &["start", "c"])?;
    let asks = |of: &str| {
        format!(
            "import os; print(os.sched_getscheduler({of}) & ~os.SCHED_RESET_ON_FORK, os.getpriority(0, {of}), os.uname().machine)"
        )
    };
    for of in ["1", "0"] {
        let said = done(&sandbox, &["exec", "c", "python3", "-c", &asks(of)])?;
        ensure!(said == "3 5 i686\n", "{of}: {said:?}");
    }
    // ioprio_get(2) has no function in Python.
    let said = done(
        &sandbox,
        &["exec", "c", "sh", "-c", "ionice -p 1; ionice -p $$; cut -d' ' -f 19,41 /proc/1/stat"],
    )?;
    ensure!(said == "best-effort: prio 6\nbest-effort: prio 6\n5 3\n", "{said:?}");
    // One of its own.
    let process = sandbox.bundle.join("process.json");
    let description = json!({"user": {}, "args": ["chrt", "-p", "0"], "cwd": "/", "env": ["PATH=/usr/bin:/bin"],
        "scheduler": {"policy": "SCHED_FIFO", "priority": 9}});
    fs::write(&process, description.to_string())?;
    let said = done(&sandbox, &["exec", "--process", process.to_str().context("path")?, "c"])?;
    ensure!(said.contains("SCHED_FIFO") && said.contains("priority: 9"), "{said:?}");
    end(&sandbox)?;
    for (field, value) in [
        ("scheduler", json!({"policy": "SCHED_FIFO"})),
        ("scheduler", json!({"policy": "SCHED_DEADLINE", "runtime": 9, "deadline": 5})),
        ("ioPriority", json!({"class": "IOPRIO_CLASS_BE", "priority": 9})),
    ] {
        let mut spec = config(place, &["true"]);
        spec["process"][field] = value;
        let outcome = Sandbox::with_config(place, "exec-scheduling-wrong", &spec)?.run(b"", LIMIT)?;
        ensure!(outcome.code == Some(1) && outcome.shown().contains(field), "{}", outcome.shown());
    }
    Ok(())
}

/// Standard input reaches it, signals reach it, and it may have further descriptors.
pub(super) fn descriptors_and_signals(place: &Place) -> Result<()> {
    let sandbox = start(place, "exec-signals")?;
    let program = "trap 'echo term; exit 5' TERM; echo ready; while :; do sleep 0.05; done";
    let mut running = Running::start(sandbox.casemate().args(["exec", "c", "sh", "-c", program]))?;
    running.expect("ready")?;
    running.signal(rustix::process::Signal::TERM)?;
    let outcome = running.finish()?;
    ensure!(outcome.code == Some(5) && outcome.shown().contains("term"), "{}", outcome.shown());
    let shell = "exec 3<$1; shift; exec \"$@\"";
    let mut command = std::process::Command::new("sh");
    command.args(["-c", shell, "sh"]).arg(sandbox.bundle.join("config.json"));
    let inner = sandbox.casemate();
    command.arg(inner.get_program()).args(inner.get_args());
    command.args(["exec", "--preserve-fds", "1", "c", "sh", "-c", "cat <&3"]);
    let outcome = crate::run::run(&mut command, b"", LIMIT)?;
    ensure!(outcome.stdout == fs::read(sandbox.bundle.join("config.json"))?, "{}", outcome.shown());
    end(&sandbox)
}

/// A detached one has a process on the host that stands for it.
pub(super) fn detached(place: &Place) -> Result<()> {
    let sandbox = start(place, "exec-detached")?;
    let pid_file = sandbox.bundle.join("exec-pid");
    let path = pid_file.to_str().context("path")?;
    lifecycle::detached(&sandbox, &["exec", "--detach", "--pid-file", path, "c", "sleep", "2000"])?;
    let pid: i32 = fs::read_to_string(&pid_file)?.parse()?;
    ensure!(done(&sandbox, &["ps", "c"])?.contains("sleep 2000"), "it does not run");
    // Killed, it takes along what it stands for.
    super::support::send(pid, rustix::process::Signal::KILL)?;
    within(LIMIT, || Ok(!done(&sandbox, &["ps", "c"])?.contains("sleep 2000")))?;
    lifecycle::detached(&sandbox, &["exec", "--detach", "--pid-file", path, "c", "sleep", "3000"])?;
    let pid: i32 = fs::read_to_string(&pid_file)?.parse()?;
    done(&sandbox, &["kill", "c", "KILL"])?;
    reaches(&sandbox, "stopped")?;
    within(LIMIT, || Ok(processes()?.iter().all(|process| process.pid != pid)))?;
    end(&sandbox)
}

/// A hundred in a row leave no thread, no descriptor and no process.
pub(super) fn hundred(place: &Place) -> Result<()> {
    let sandbox = start(place, "exec-hundred")?;
    let init = state(&sandbox)?["pid"].as_i64().context("no pid")?;
    let sentry = processes()?.into_iter().find(|p| i64::from(p.parent) == init).context("no sentry")?.pid;
    let count = |what: &str| {
        Ok::<_, anyhow::Error>(fs::read_dir(Path::new("/proc").join(sentry.to_string()).join(what))?.count())
    };
    done(&sandbox, &["exec", "c", "true"])?;
    let before = (count("fd")?, count("task")?);
    for round in 0..100 {
        let said = done(&sandbox, &["exec", "c", "sh", "-c", "echo $$ >/dev/null; echo x"])?;
        ensure!(said == "x\n", "round {round}: {said:?}");
    }
    let after = (count("fd")?, count("task")?);
    // Stubs that wait for a program are made in the background.
    ensure!(
        after.0 <= before.0 + 8 && after.1 <= before.1 + 4,
        "descriptors and threads: {before:?}, then {after:?}"
    );
    ensure!(done(&sandbox, &["ps", "--format", "json", "c"])? == "[1]\n");
    end(&sandbox)
}

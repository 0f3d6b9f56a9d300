//! A container's life over several commands.
#![expect(clippy::indexing_slicing, reason = "an absent member of a JSON value reads as null")]

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::support::{LIMIT, config, set};
use crate::enclosure;
use crate::leftovers::{Tree, names};
use crate::place::Place;
use crate::run::{Outcome, run};
use crate::sandbox::Sandbox;

/// `casemate COMMAND...` to its end.
pub(super) fn casemate(sandbox: &Sandbox, arguments: &[&str]) -> Result<Outcome> {
    run(sandbox.casemate().args(arguments), b"", LIMIT)
}

/// As [`casemate`], for what has to succeed. Returns standard output.
pub(super) fn done(sandbox: &Sandbox, arguments: &[&str]) -> Result<String> {
    let outcome = casemate(sandbox, arguments)?;
    ensure!(outcome.code == Some(0), "{arguments:?}: {}\n{}", outcome.shown(), sandbox.logged());
    Ok(String::from_utf8(outcome.stdout)?)
}

/// As [`done`], for what leaves a program behind: that must not hold our pipes.
pub(super) fn detached(sandbox: &Sandbox, arguments: &[&str]) -> Result<()> {
    let mut command = sandbox.casemate();
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let code = crate::run::wait(&mut command.process_group(0).spawn()?, LIMIT)?;
    ensure!(code == Some(0), "{arguments:?}: {code:?}\n{}", sandbox.logged());
    Ok(())
}

/// Creates the container `c`, whose output goes to a file.
pub(super) fn create(sandbox: &Sandbox) -> Result<()> {
    let output = fs::File::create(sandbox.bundle.join("output"))?;
    let mut command = sandbox.casemate();
    command.args(["create", "--pid-file"]).arg(sandbox.bundle.join("pid"));
    command.arg("--bundle").arg(&sandbox.bundle).arg("c");
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    let status = command.status()?;
    ensure!(status.success(), "create: {status}, {}\n{}", output_of(sandbox)?, sandbox.logged());
    Ok(())
}

pub(super) fn output_of(sandbox: &Sandbox) -> Result<String> {
    Ok(fs::read_to_string(sandbox.bundle.join("output"))?)
}

pub(super) fn state(sandbox: &Sandbox) -> Result<Value> {
    Ok(serde_json::from_str(&done(sandbox, &["state", "c"])?)?)
}

/// Waits until the container has this status.
pub(super) fn reaches(sandbox: &Sandbox, status: &str) -> Result<()> {
    within(LIMIT, || Ok(state(sandbox)?["status"] == status)).with_context(|| format!("waiting for {status}"))
}

pub(super) fn within(limit: Duration, mut holds: impl FnMut() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + limit;
    while !holds()? {
        ensure!(Instant::now() < deadline, "not within {limit:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// No process of these may run any more, nor may a container be recorded.
fn nothing_left(sandbox: &Sandbox, tree: &Tree) -> Result<()> {
    tree.gone_within(LIMIT)?;
    let left = names(&sandbox.state)?;
    ensure!(left.is_empty(), "left in the state directory: {left:?}");
    Ok(())
}

pub(super) fn from_create_to_delete(place: &Place) -> Result<()> {
    let sandbox = Sandbox::new(place, "lifecycle", &["sh", "-c", "echo out; echo err >&2; exit 3"])?;
    create(&sandbox)?;
    let created = state(&sandbox)?;
    ensure!(created["status"] == "created" && created["id"] == "c", "{created}");
    let pid = fs::read_to_string(sandbox.bundle.join("pid"))?;
    ensure!(created["pid"].to_string().as_str() == pid.as_str(), "{created}, but the pid file says {pid}");
    ensure!(output_of(&sandbox)?.is_empty(), "it ran before it was started");
    let listed: Value = serde_json::from_str(&done(&sandbox, &["list", "--format", "json"])?)?;
    ensure!(listed[0]["pid"] == created["pid"] && listed[0]["owner"] == "root", "{listed}");
    ensure!(done(&sandbox, &["list", "-q"])? == "c\n");
    done(&sandbox, &["start", "c"])?;
    reaches(&sandbox, "stopped")?;
    ensure!(output_of(&sandbox)? == "out\nerr\n", "{:?}", output_of(&sandbox));
    done(&sandbox, &["delete", "c"])?;
    let outcome = casemate(&sandbox, &["state", "c"])?;
    ensure!(outcome.code == Some(1) && outcome.shown().contains("does not exist"), "{}", outcome.shown());
    Ok(())
}

/// What engines rely on: init's own end tells how the container ended.
pub(super) fn wait_tells_the_end(place: &Place) -> Result<()> {
    for (program, kill, code) in
        [("exit 3", None, 3), ("sh -c 'kill $$'", None, 143), ("sleep 1000", Some("KILL"), 137)]
    {
        let sandbox = Sandbox::new(place, "wait", &["sh", "-c", program])?;
        create(&sandbox)?;
        let mut waiting = sandbox.casemate().args(["wait", "c"]).process_group(0).spawn()?;
        // Asked before its start; a later question could find it gone.
        std::thread::sleep(Duration::from_millis(200));
        done(&sandbox, &["start", "c"])?;
        if let Some(signal) = kill {
            done(&sandbox, &["kill", "c", signal])?;
        }
        let ended = crate::run::wait(&mut waiting, LIMIT)?;
        ensure!(ended == Some(code), "{program}: {ended:?}, expected {code}\n{}", sandbox.logged());
        done(&sandbox, &["delete", "--force", "c"])?;
    }
    Ok(())
}

/// In namespaces of its own, where every process that is left is one of these containers'. What is wrong is printed.
const KILLED_CREATORS: &str = r#"
bundle=$1
shift
for pause in 0 0.002 0.005 0.01 0.015 0.02 0.025 0.03 0.04 0.05 0.06 0.08 0.1 0.15; do
  "$@" create --bundle $bundle c </dev/null >/dev/null 2>&1 &
  sleep $pause
  kill -9 $! 2>/dev/null
  wait $! 2>/dev/null
  "$@" list >/dev/null || echo "list after $pause"
  "$@" delete --force c || echo "delete after $pause"
  "$@" create --bundle $bundle c </dev/null >/dev/null 2>&1 || echo "create after $pause"
  "$@" delete --force c || echo "delete the second after $pause"
done
"#;

/// Killed at any point, `create` leaves nothing that the next command does not find or remove.
pub(super) fn killed_creators(place: &Place) -> Result<()> {
    let sandbox = Sandbox::new(place, "killed-creators", &["sleep", "1000"])?;
    leaves_nothing(&sandbox, KILLED_CREATORS, "", Duration::from_secs(240))
}

/// As [`KILLED_CREATORS`]: the container is deleted while it is made, and whoever makes it goes on.
const DELETED_CREATIONS: &str = r#"
bundle=$1
shift
for pause in 0 0.002 0.005 0.01 0.015 0.02 0.025 0.03 0.04 0.06 0.1; do
  for how in create run; do
    "$@" $how --bundle $bundle c </dev/null >/dev/null 2>&1 &
    sleep $pause
    "$@" delete --force c || echo "delete while it is made by $how, after $pause"
    # Had it not begun, it is made after all.
    [ $how = create ] && wait $!
    "$@" delete --force c || echo "delete when it was made by $how, after $pause"
    [ $how = run ] && kill -9 $! 2>/dev/null
    wait $! 2>/dev/null
    "$@" delete --force c
    "$@" list -q
    find /sys/fs/cgroup -name "$MADE_GROUPS" 2>/dev/null
  done
done
"#;

/// Deleted at any point of its creation, a container leaves nothing.
pub(super) fn deleted_creations(place: &Place) -> Result<()> {
    let (spec, groups) = with_groups(place, "deleted");
    let sandbox = Sandbox::with_config(place, "deleted-creations", &spec)?;
    leaves_nothing(&sandbox, DELETED_CREATIONS, &groups, Duration::from_secs(600))
}

/// A container that sleeps, and the name of its control groups where the host has some.
fn with_groups(place: &Place, name: &str) -> (Value, String) {
    let mut spec = config(place, &["sleep", "1000"]);
    let groups = format!("casemate-e2e-{}-{name}", enclosure::run());
    if std::path::Path::new("/sys/fs/cgroup").is_dir() {
        spec["linux"]["cgroupsPath"] = json!(format!("/{groups}"));
        spec["linux"]["resources"] = json!({"pids": {"limit": 100}});
    }
    (spec, groups)
}

/// As [`KILLED_CREATORS`], for the other commands: what is killed, then `list` and `delete --force`, and the next container of that name.
const KILLED_COMMANDS: &str = r#"
bundle=$1
shift
exec 3>&1
said() { "$@" >/tmp/said 2>&1 </dev/null || { echo "$what, killed after $pause: $*: $?"; cat /tmp/said; } >&3; }
for pause in 0 0.005 0.015 0.03 0.08; do
  for what in run detach start exec kill delete; do
    case $what in
      start) said "$@" create --bundle $bundle c ;;
      exec | kill | delete) said "$@" run --detach --bundle $bundle c ;;
    esac
    case $what in
      run) command="run --bundle $bundle c" ;;
      detach) command="run --detach --bundle $bundle c" ;;
      start) command="start c" ;;
      exec) command="exec c sleep 1000" ;;
      kill) command="kill c KILL" ;;
      delete) command="delete --force c" ;;
    esac
    "$@" $command </dev/null >/dev/null 2>&1 &
    sleep $pause
    kill -9 $! 2>/dev/null
    wait $! 2>/dev/null
    said "$@" list
    said "$@" delete --force c
    left=$("$@" list -q)
    [ -z "$left" ] || echo "$what, killed after $pause: $left is left"
    said "$@" run --detach --bundle $bundle c
    said "$@" delete --force c
    find /sys/fs/cgroup -name "$MADE_GROUPS" 2>/dev/null
  done
done
"#;

/// Killed at any point, no command leaves a process, a mount, a control group or a record that the next does not find and remove.
pub(super) fn killed_commands(place: &Place) -> Result<()> {
    let (spec, groups) = with_groups(place, "killed");
    let sandbox = Sandbox::with_config(place, "killed-commands", &spec)?;
    leaves_nothing(&sandbox, KILLED_COMMANDS, &groups, Duration::from_secs(900))
}

/// What stands before each script, and what looks for processes and mounts behind it.
const BEFORE: &str = "mounts=$(cat /proc/self/mounts)\n";
const LEFT: &str = r#"
for try in $(seq 300); do
  left=$(grep -l ^casemate- /proc/[0-9]*/cmdline 2>/dev/null)
  [ -z "$left" ] && break
  sleep 0.2
done
for file in $left; do [ -e $file ] && tr '\0' ' ' <$file; done
# Others may vanish: the host takes a mount away when somebody removes its directory elsewhere.
grep -vxF -- "$mounts" /proc/self/mounts
exit 0
"#;

/// Runs a script that prints what is wrong, and prints what is left behind it, with pids of its own. `MADE_GROUPS` is the control group that it looks for.
fn leaves_nothing(sandbox: &Sandbox, script: &str, groups: &str, deadline: Duration) -> Result<()> {
    let mut command = std::process::Command::new("unshare");
    command.args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]);
    let script = [BEFORE, script, LEFT].concat();
    command.args(["bash", "-c", &script, "sh"]).arg(&sandbox.bundle).env("MADE_GROUPS", groups);
    let inner = sandbox.casemate();
    command.arg(inner.get_program()).args(inner.get_args());
    let outcome = run(&mut command, b"", deadline)?;
    let left = names(&sandbox.state)?;
    ensure!(
        outcome.code == Some(0) && outcome.stdout.is_empty() && left.is_empty(),
        "{}\nleft in the state directory: {left:?}\n{}",
        outcome.shown(),
        sandbox.logged()
    );
    Ok(())
}

/// The processes of a detached container: init with all below it, and the gofer.
fn tree(sandbox: &Sandbox) -> Result<(Tree, i32, i32)> {
    let record: Value = serde_json::from_str(&fs::read_to_string(sandbox.state.join("c/state.json"))?)?;
    let pid =
        |field: &str| record[field]["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok()).context("no pid");
    let (init, gofer) = (pid("init")?, pid("gofer")?);
    Ok((Tree::below(init)?.and(Tree::below(gofer)?), init, gofer))
}

/// Whatever of a detached sandbox is killed, all of it ends, and it can be deleted.
pub(super) fn killed_parts(place: &Place) -> Result<()> {
    for part in ["gofer", "sentry", "init"] {
        let sandbox = Sandbox::new(place, "killed-parts", &["sleep", "1000"])?;
        create(&sandbox)?;
        done(&sandbox, &["start", "c"])?;
        let (tree, init, gofer) = tree(&sandbox)?;
        let victim = match part {
            "init" => Some(init),
            "sentry" => tree.children(init).first().copied(),
            _ => Some(gofer),
        };
        super::support::send(victim.context(part)?, rustix::process::Signal::KILL)?;
        reaches(&sandbox, "stopped").context(part)?;
        done(&sandbox, &["delete", "c"])?;
        nothing_left(&sandbox, &tree).context(part)?;
    }
    Ok(())
}

pub(super) fn pause_stops_everything(place: &Place) -> Result<()> {
    let busy = "i=0; (while :; do i=$((i+1)); echo b $i; done) & while :; do i=$((i+1)); echo a $i; done";
    let sandbox = Sandbox::new(place, "pause", &["sh", "-c", busy])?;
    create(&sandbox)?;
    done(&sandbox, &["start", "c"])?;
    let size = || Ok::<_, anyhow::Error>(fs::metadata(sandbox.bundle.join("output"))?.len());
    within(LIMIT, || Ok(size()? > 100))?;
    for _ in 0..3 {
        done(&sandbox, &["pause", "c"])?;
        ensure!(state(&sandbox)?["status"] == "paused");
        let then = size()?;
        std::thread::sleep(Duration::from_millis(200));
        ensure!(size()? == then, "it goes on while it is paused");
        done(&sandbox, &["resume", "c"])?;
        within(LIMIT, || Ok(size()? > then)).context("it does not go on after it was resumed")?;
    }
    done(&sandbox, &["pause", "c"])?;
    done(&sandbox, &["kill", "c", "KILL"])?;
    reaches(&sandbox, "stopped")?;
    done(&sandbox, &["delete", "c"]).map(drop)
}

/// A sandbox whose processes were stopped by a signal of the host is listed at once, as far as it is known, hinders nobody, and goes on when it is let.
pub(super) fn stopped_from_outside(place: &Place) -> Result<()> {
    let sandbox = Sandbox::new(place, "stopped", &["sh", "-c", "while :; do echo up; sleep 0.05; done"])?;
    create(&sandbox)?;
    let bundle = sandbox.bundle.display().to_string();
    let everything = |signal| {
        let (all, _, _) = tree(&sandbox)?;
        all.alive()?.iter().try_for_each(|process| super::support::send(process.pid, signal))
    };
    let listed = |id: &str| -> Result<String> {
        let all: Value = serde_json::from_str(&done(&sandbox, &["list", "--format", "json"])?)?;
        let found = all.as_array().into_iter().flatten().find(|container| container["id"] == id);
        Ok(found.context("it is not listed")?["status"].as_str().unwrap_or_default().to_owned())
    };
    let signals = (rustix::process::Signal::STOP, rustix::process::Signal::CONT);
    for status in ["created", "running"] {
        everything(signals.0)?;
        detached(&sandbox, &["run", "--detach", "--bundle", &bundle, "other"])?;
        // More than may wait for an answer.
        for _ in 0..70 {
            ensure!(listed("c")? == status && listed("other")? == "running");
        }
        ensure!(state(&sandbox)?["status"] == status);
        let outcome = casemate(&sandbox, &["exec", "c", "true"])?;
        ensure!(outcome.code == Some(255) && outcome.shown().contains("SIGCONT"), "{}", outcome.shown());
        everything(signals.1)?;
        done(&sandbox, &["delete", "--force", "other"])?;
        if status == "created" {
            done(&sandbox, &["start", "c"])?;
        }
    }
    let said = output_of(&sandbox)?.len();
    within(LIMIT, || Ok(output_of(&sandbox)?.len() > said)).context("it does not go on")?;
    everything(signals.0)?;
    let (tree, _, _) = tree(&sandbox)?;
    done(&sandbox, &["kill", "c", "KILL"])?;
    reaches(&sandbox, "stopped")?;
    done(&sandbox, &["delete", "c"])?;
    nothing_left(&sandbox, &tree)
}

/// Hooks of all kinds run in their order with the state on standard input, and one that fails stops the container.
pub(super) fn hooks(place: &Place) -> Result<()> {
    let mut spec = config(place, &["true"]);
    let log = place.directory("hooks")?.join("log");
    let hook = |name: &str, then: &str| {
        let script = format!("read state; echo {name} \"$state\" >> {}; {then}", log.display());
        json!([{"path": "/bin/sh", "args": ["sh", "-c", script], "timeout": 100}])
    };
    let kinds = ["prestart", "createRuntime", "createContainer", "poststart", "poststop"];
    let all: serde_json::Map<String, Value> =
        kinds.iter().map(|kind| ((*kind).to_owned(), hook(kind, ":"))).collect();
    spec["hooks"] = Value::Object(all);
    spec["annotations"] = json!({"key": "value"});
    let sandbox = Sandbox::with_config(place, "hooks", &spec)?;
    create(&sandbox)?;
    done(&sandbox, &["start", "c"])?;
    reaches(&sandbox, "stopped")?;
    done(&sandbox, &["delete", "c"])?;
    let text = fs::read_to_string(&log)?;
    let ran: Vec<&str> = text.lines().filter_map(|line| line.split(' ').next()).collect();
    ensure!(ran == kinds, "{text}");
    let states: Vec<Value> =
        text.lines().filter_map(|line| serde_json::from_str(line.split_once(' ')?.1).ok()).collect();
    let statuses: Vec<&str> = states.iter().filter_map(|state| state["status"].as_str()).collect();
    ensure!(statuses == ["creating", "creating", "creating", "running", "stopped"], "{text}");
    ensure!(
        states.iter().all(|state| state["id"] == "c" && state["annotations"]["key"] == "value"),
        "{text}"
    );

    set(&mut spec, "/hooks/createRuntime", hook("createRuntime", "echo sorry >&2; exit 4"))?;
    let sandbox = Sandbox::with_config(place, "hooks", &spec)?;
    let bundle = sandbox.bundle.display().to_string();
    let outcome = casemate(&sandbox, &["create", "--bundle", &bundle, "c"])?;
    let message = outcome.shown();
    if outcome.code != Some(1) || !message.contains("hooks.createRuntime[0]") || !message.contains("sorry") {
        bail!("{message}");
    }
    let left = names(&sandbox.state)?;
    ensure!(left.is_empty(), "left in the state directory: {left:?}");
    Ok(())
}

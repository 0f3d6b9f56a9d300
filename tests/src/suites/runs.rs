//! Many runs, and what they leave.

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};
use rustix::process::Signal;

use super::support::{LIMIT, Running};
use crate::leftovers::names;
use crate::place::Place;
use crate::run::run;
use crate::sandbox::Sandbox;

/// In namespaces where nothing else happens, with empty directories for temporary files: the command 200 times, and what is there after
/// but was not before. `$1` is the scratch directory, which the bundle lies in.
const TWO_HUNDRED: &str = r#"
scratch=$1; shift
mount --bind "$scratch" /mnt
mount -t tmpfs empty /tmp; mkdir -p "$scratch"; mount --move /mnt "$scratch"
# The last is where mount keeps notes of its own.
for d in /var/tmp /dev/shm /run; do mount -t tmpfs empty $d; done
before=$(cat /proc/self/mounts; cat /proc/net/unix | wc -l)
i=0; while [ $i -lt 200 ]; do "$@" || { echo "run $i: exit code $?"; exit 1; }; i=$((i + 1)); done
after=$(cat /proc/self/mounts; cat /proc/net/unix | wc -l)
[ "$before" = "$after" ] || echo "mounts and sockets before: $before, after: $after"
find /tmp /var/tmp /run /dev/shm -mindepth 1 -path "$scratch" -prune -o -mindepth 1 -print
for p in /proc/[0-9]*; do [ $p = /proc/1 ] || tr '\0' ' ' <$p/cmdline 2>/dev/null; done
"#;

/// 200 runs in a row, under one name: no process, mount, temporary file or socket is left.
pub(super) fn two_hundred(place: &Place) -> Result<()> {
    let sandbox = Sandbox::new(place, "two-hundred", &["true"])?;
    let inside = sandbox.command("again");
    // The binary itself may lie below a directory that is covered.
    let binary = place.directory("two-hundred-binary")?.join("casemate");
    std::fs::copy(inside.get_program(), &binary)?;
    let inside = std::iter::once(binary.as_os_str()).chain(inside.get_args());
    let mut command = Command::new("unshare");
    command.args(["--mount", "--pid", "--net", "--fork", "--kill-child", "--mount-proc", "--"]);
    command.args(["sh", "-c", TWO_HUNDRED, "sh"]).arg(&place.scratch).args(inside);
    let outcome = run(&mut command, b"", Duration::from_secs(600))?;
    let state = names(&sandbox.state)?;
    if outcome.code != Some(0)
        || !outcome.stdout.is_empty()
        || !outcome.stderr.is_empty()
        || !state.is_empty()
    {
        bail!("{}, state {state:?}", outcome.shown());
    }
    Ok(())
}

/// What a killed runtime left is found and removed by the next, under the same name and under another.
pub(super) fn state_of_a_killed_run(place: &Place) -> Result<()> {
    let sandbox = Sandbox::new(place, "stale", &["sh", "-c", "echo ready; read line"])?;
    for next in ["same", "other"] {
        let mut running = Running::start(&mut sandbox.command("same"))?;
        running.expect("ready")?;
        let tree = running.tree()?;
        running.signal(Signal::KILL)?;
        running.finish()?;
        tree.gone_within(LIMIT)?;
        let outcome = run(&mut sandbox.command(next), b"\n", LIMIT)?;
        let left = names(&sandbox.state)?;
        if outcome.code != Some(0) || !left.is_empty() {
            bail!("{next}: left {left:?}, {}", outcome.shown());
        }
    }
    Ok(())
}

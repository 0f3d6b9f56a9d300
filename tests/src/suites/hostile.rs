//! Containers that take all they can get: neither the host nor a neighbour is harmed.
#![expect(clippy::indexing_slicing, reason = "an absent member of a JSON value is made")]

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use rustix::process::Signal;
use serde_json::{Value, json};

use super::support::{LIMIT, Running, config};
use crate::enclosure;
use crate::place::Place;
use crate::sandbox::Sandbox;
use crate::skip::skip;

/// How long the hostile one has, before the neighbour has to be there.
const HEADSTART: Duration = Duration::from_secs(2);
/// How long a neighbour may take beside it: starting, 200 programs, ending. On a machine that has nothing else to do it takes two seconds.
const NEIGHBOUR: Duration = Duration::from_secs(100);

/// Runs `program` under these limits, and a neighbour beside it. Returns how the hostile one ended once it was killed, or by itself.
fn beside(place: &Place, name: &str, program: &str, resources: Value, args: &[&str]) -> Result<String> {
    if !Path::new("/sys/fs/cgroup").is_dir() {
        return skip("the host has no control groups");
    }
    let args: Vec<&str> = if args.is_empty() { vec!["sh", "-c", program] } else { args.to_vec() };
    let mut spec = config(place, &args);
    spec["linux"]["cgroupsPath"] = json!(format!("/casemate-e2e-{}-{name}", enclosure::run()));
    spec["linux"]["resources"] = resources;
    spec["process"]["rlimits"] = json!([{"type": "RLIMIT_NOFILE", "soft": 1_000_000, "hard": 1_000_000}]);
    let hostile = Sandbox::with_config(place, name, &spec)?;
    let mut running = Running::start(&mut hostile.command("h"))?;
    running.expect("begins")?;
    let tree = running.tree()?;
    sleep(HEADSTART);
    let peaceful = "i=0; while [ $i -lt 200 ]; do /bin/true || exit 1; i=$((i + 1)); done; echo done";
    let neighbour = Sandbox::new(place, &format!("{name}-neighbour"), &["sh", "-c", peaceful])?;
    let began = Instant::now();
    let outcome = neighbour.run(b"", LIMIT)?;
    if outcome.code != Some(0) || outcome.stdout != b"done\n" {
        bail!("the neighbour: {}", outcome.shown());
    }
    ensure!(began.elapsed() < NEIGHBOUR, "the neighbour took {:?}", began.elapsed());
    running.signal(Signal::TERM)?;
    let outcome = running.finish()?;
    tree.gone_within(LIMIT)?;
    Ok(outcome.shown())
}

/// Forks without end, up to its limit: each child does as its parent.
pub(super) fn forks(place: &Place) -> Result<()> {
    let program = "import os, signal\n\
        print('begins', flush=True)\n\
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n\
        signal.signal(signal.SIGTERM, lambda *_: os._exit(7))\n\
        while True:\n    \
            try: os.fork()\n    \
            except OSError: pass\n";
    let said = beside(place, "forks", "", json!({"pids": {"limit": 100}}), &["python3", "-c", program])?;
    ensure!(said.starts_with("exit code 7"), "{said}");
    Ok(())
}

/// Fills a tmpfs that has a size, and then one that has none but a container with a limit.
pub(super) fn fills_its_tmpfs(place: &Place) -> Result<()> {
    let program = "echo begins; trap 'exit 7' TERM; while :; do cat /dev/zero > /tmp/file; cat /dev/zero > /work/file; sleep 0.1; done";
    let limits = json!({"memory": {"limit": 256 << 20, "swap": 256 << 20}});
    beside(place, "fills", program, limits, &[]).map(drop)
}

/// Opens descriptors of several kinds until it gets no more. It is told that there are none, by the errors that Linux has for it.
pub(super) fn opens_without_end(place: &Place) -> Result<()> {
    let program = "import os, errno, signal, socket, time\n\
        print('begins', flush=True)\n\
        signal.signal(signal.SIGTERM, lambda *_: os._exit(7))\n\
        kept, failed = [], set()\n\
        makers = [lambda: os.open('/etc/passwd', 0), lambda: os.pipe(), lambda: socket.socketpair(), lambda: os.eventfd(0), lambda: os.open('/dev/ptmx', 2)]\n\
        for make in makers:\n    \
            for _ in range(30000):\n        \
                try: kept.append(make())\n        \
                except OSError as error:\n            failed.add(errno.errorcode[error.errno]); break\n\
        print(sorted(failed), flush=True)\n\
        while True: time.sleep(1)\n";
    let limits = json!({"memory": {"limit": 1 << 30, "swap": 1 << 30}});
    let said = beside(place, "opens", "", limits, &["python3", "-c", program])?;
    let known = ["EMFILE", "ENFILE", "ENOSPC", "ENOMEM", "EIO", "EAGAIN"];
    let errors = said.split('\'').skip(1).step_by(2).filter(|word| word.starts_with('E'));
    for error in errors {
        ensure!(known.contains(&error), "{said}");
    }
    Ok(())
}

/// Takes memory without end: its limit ends it, or it alone.
pub(super) fn eats_memory(place: &Place) -> Result<()> {
    let program = "echo begins; trap 'exit 7' TERM; while :; do \
        python3 -c 'x = []\nwhile True: x.append(bytearray(1 << 20))' 2>/dev/null; sleep 0.1; done";
    let limits = json!({"memory": {"limit": 256 << 20, "swap": 256 << 20}});
    beside(place, "eats", program, limits, &[]).map(drop)
}

/// A hundred containers at once: all run, and all go.
pub(super) fn hundred_at_once(place: &Place) -> Result<()> {
    const COUNT: usize = 100;
    let sandbox = Sandbox::new(place, "hundred-at-once", &["sh", "-c", "echo up; read line; echo $line"])?;
    let start = |number: usize| Running::start(&mut sandbox.command(&format!("c{number}")));
    let mut all = (0..COUNT).map(start).collect::<Result<Vec<_>>>()?;
    // Nobody goes before all are there.
    for running in &mut all {
        running.expect("up")?;
    }
    for running in &mut all {
        running.say("go\n")?;
    }
    for running in all {
        let outcome = running.finish()?;
        ensure!(outcome.code == Some(0) && outcome.stdout.ends_with(b"go\n"), "{}", outcome.shown());
    }
    let left = crate::leftovers::names(&sandbox.state)?;
    ensure!(left.is_empty(), "left in the state directory: {left:?}");
    Ok(())
}

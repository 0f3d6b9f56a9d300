//! Several containers in one sandbox.
#![expect(clippy::indexing_slicing, reason = "an absent member of a JSON value reads as null")]

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;
use serde_json::{Value, json};

use super::lifecycle::{casemate, detached, done, within};
use super::support::{LIMIT, config, send};
use crate::bundle;
use crate::leftovers::{Tree, names};
use crate::place::Place;
use crate::run::Outcome;
use crate::sandbox::Sandbox;

/// The program of a sandbox itself: it lets orphans end.
const PAUSE: &[&str] = &["sh", "-c", "while :; do sleep 0.1; done"];
/// The annotations of an engine: the kind of a container, and its sandbox.
type Engine = (&'static str, &'static str);
const CONTAINERD: Engine = ("io.kubernetes.cri.container-type", "io.kubernetes.cri.sandbox-id");
const CRI_O: Engine = ("io.kubernetes.cri-o.ContainerType", "io.kubernetes.cri-o.SandboxID");

/// A sandbox with the container `pod`, and a state directory for all.
struct Pod {
    first: Sandbox,
    directory: PathBuf,
    engine: Engine,
}

impl Pod {
    fn new(place: &Place, name: &str, engine: Engine) -> Result<Self> {
        Self::with(place, name, engine, |_| ())
    }

    /// One whose own container sees all processes, as it asks for no pid namespace.
    fn overseen(place: &Place, name: &str, engine: Engine) -> Result<Self> {
        Self::with(place, name, engine, |description| {
            let namespaces = ["mount", "network", "ipc", "uts"].map(|kind| json!({"type": kind}));
            description["linux"]["namespaces"] = json!(namespaces);
        })
    }

    fn with(place: &Place, name: &str, engine: Engine, change: impl FnOnce(&mut Value)) -> Result<Self> {
        let mut description = config(place, PAUSE);
        change(&mut description);
        description["annotations"] = json!({engine.0: "sandbox", engine.1: "pod"});
        let first = Sandbox::with_config(place, name, &description)?;
        let pod = Self { first, directory: place.directory(name)?, engine };
        pod.launch(&["run", "--detach"], "pod", &pod.first.bundle)?;
        Ok(pod)
    }

    /// Makes one more container, with processes of its own. Its output goes to a file.
    fn add(&self, place: &Place, id: &str, program: &str) -> Result<()> {
        self.add_with(place, id, program, &json!({"type": "pid"}), |_| ())
    }

    /// The namespace of a container, as a further one joins it.
    fn joined(&self, id: &str, kind: &str, file: &str) -> Result<Value> {
        let pid = self.state(id)?["pid"].clone();
        Ok(json!({"type": kind, "path": format!("/proc/{pid}/ns/{file}")}))
    }

    /// The same in a pid namespace, and with changes to its description.
    fn add_with(
        &self,
        place: &Place,
        id: &str,
        program: &str,
        pids: &Value,
        change: impl FnOnce(&mut Value),
    ) -> Result<()> {
        let mut description = config(place, &["sh", "-c", program]);
        description["annotations"] = json!({self.engine.0: "container", self.engine.1: "pod"});
        // As engines have it: what is shared is joined by path.
        let joined = |kind: &str, file: &str| self.joined("pod", kind, file);
        description["linux"]["namespaces"] = json!([{"type": "mount"}, pids, joined("network", "net")?, joined("ipc", "ipc")?, joined("uts", "uts")?]);
        change(&mut description);
        let bundle = self.directory.join(id);
        bundle::write(&bundle, &bundle::apart(&description, &bundle))?;
        self.launch(&["create"], id, &bundle)
    }

    /// Whether one more container can be made that joins a namespace by this path. It is removed again.
    fn try_joining(&self, place: &Place, kind: &str, file: &str, path: &str) -> Result<Outcome> {
        let mut description = config(place, &["true"]);
        description["annotations"] = json!({self.engine.0: "container", self.engine.1: "pod"});
        let mut joined =
            vec![json!({"type": "mount"}), json!({"type": "pid"}), json!({"type": kind, "path": path})];
        for (other, own) in [("network", "net"), ("ipc", "ipc"), ("uts", "uts")] {
            if own != file {
                joined.push(self.joined("pod", other, own)?);
            }
        }
        description["linux"]["namespaces"] = json!(joined);
        let bundle = self.directory.join("joins");
        bundle::write(&bundle, &bundle::apart(&description, &bundle))?;
        let said = self.directory.join("said");
        let mut command = self.first.casemate();
        command.args(["create", "--bundle"]).arg(&bundle).arg("joins");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(fs::File::create(&said)?);
        let code = command.status()?.code();
        done(&self.first, &["delete", "--force", "joins"])?;
        Ok(Outcome { code, stdout: Vec::new(), stderr: fs::read(said)? })
    }

    fn launch(&self, words: &[&str], id: &str, bundle: &PathBuf) -> Result<()> {
        let output = fs::File::create(self.directory.join(id).with_extension("out"))?;
        let mut command = self.first.casemate();
        command.args(words).arg("--bundle").arg(bundle).arg(id);
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let status = command.status()?;
        ensure!(status.success(), "{words:?} {id}: {status}, {}\n{}", self.output(id)?, self.first.logged());
        Ok(())
    }

    fn output(&self, id: &str) -> Result<String> {
        Ok(fs::read_to_string(self.directory.join(id).with_extension("out"))?)
    }

    fn state(&self, id: &str) -> Result<Value> {
        Ok(serde_json::from_str(&done(&self.first, &["state", id])?)?)
    }

    fn reaches(&self, id: &str, status: &str) -> Result<()> {
        within(LIMIT, || Ok(self.state(id)?["status"] == status))
            .with_context(|| format!("{id}: waiting for {status}"))
    }

    fn says(&self, id: &str, program: &str) -> Result<String> {
        done(&self.first, &["exec", id, "sh", "-c", program])
    }

    /// Ends all, and looks whether something is left.
    fn end(self, tree: &Tree) -> Result<()> {
        for id in done(&self.first, &["list", "-q"])?.split_whitespace().rev() {
            done(&self.first, &["delete", "--force", id])?;
        }
        tree.gone_within(LIMIT)?;
        let left = names(&self.first.state)?;
        ensure!(left.is_empty(), "left in the state directory: {left:?}");
        Ok(())
    }

    /// What stands for a container on the host, and its gofer.
    fn tree(&self, id: &str) -> Result<Tree> {
        let record: Value = serde_json::from_slice(&fs::read(self.first.state.join(id).join("state.json"))?)?;
        let pid = |which: &str| record[which]["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok());
        let init = Tree::below(pid("init").context("no process")?)?;
        Ok(init.and(Tree::below(pid("gofer").context("no gofer")?)?))
    }
}

/// Each has its files, processes and ends; the network is one.
pub(super) fn several_containers(place: &Place) -> Result<()> {
    for engine in [CONTAINERD, CRI_O] {
        let pod = Pod::overseen(place, "pod", engine)?;
        let waits = "trap 'echo got term; exit 3' TERM; echo up; while :; do sleep 0.05; done";
        pod.add(place, "a", waits)?;
        ensure!(pod.state("a")?["status"] == "created" && pod.output("a")?.is_empty());
        pod.add(place, "b", waits)?;
        for id in ["a", "b"] {
            done(&pod.first, &["start", id])?;
            pod.reaches(id, "running")?;
            within(LIMIT, || Ok(pod.output(id)? == "up\n"))?;
        }
        let tree = pod.tree("pod")?.and(pod.tree("a")?).and(pod.tree("b")?);
        ensure!(
            tree.named("casemate-gofer").len() == 3 && tree.named("casemate-exec").len() == 2,
            "{tree:?}"
        );

        pod.says("a", "echo mine > /tmp/file; hostname")?;
        ensure!(pod.says("a", "cat /tmp/file")? == "mine\n");
        ensure!(pod.says("b", "cat /tmp/file 2>/dev/null || echo absent")? == "absent\n");
        let listens =
            "import socket; s = socket.create_server(('127.0.0.1', 7)); c, _ = s.accept(); c.send(b'hello')";
        detached(&pod.first, &["exec", "--detach", "a", "python3", "-c", listens])?;
        let hears = "import socket; print(socket.create_connection(('127.0.0.1', 7)).recv(9).decode())";
        let heard = || Ok(casemate(&pod.first, &["exec", "b", "python3", "-c", hears])?.stdout == b"hello\n");
        within(LIMIT, heard).context("b does not reach a")?;

        let of = |id: &str| -> Result<usize> { Ok(done(&pod.first, &["ps", id])?.lines().skip(1).count()) };
        detached(&pod.first, &["exec", "--detach", "a", "sh", "-c", "sleep 1001 & sleep 1002 & wait"])?;
        within(LIMIT, || Ok(of("a")? >= 4))?;
        ensure!(of("b")? <= 2 && of("pod")? <= 2, "{} {}", of("b")?, of("pod")?);
        // One stands still, and the other does not.
        done(&pod.first, &["pause", "a"])?;
        pod.reaches("a", "paused")?;
        ensure!(pod.state("b")?["status"] == "running" && pod.says("b", "echo on")? == "on\n");
        done(&pod.first, &["resume", "a"])?;
        pod.reaches("a", "running")?;

        done(&pod.first, &["kill", "a", "TERM"])?;
        pod.reaches("a", "stopped")?;
        ensure!(pod.output("a")? == "up\ngot term\n", "{:?}", pod.output("a")?);
        let everything = pod.says("pod", "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '")?;
        ensure!(!everything.contains("sleep 100"), "something of a runs: {everything}");
        ensure!(casemate(&pod.first, &["exec", "a", "true"])?.code == Some(255));
        ensure!(pod.state("b")?["status"] == "running" && pod.state("pod")?["status"] == "running");
        done(&pod.first, &["delete", "a"])?;

        // The name is free, and a new one has its own files.
        pod.add(place, "a", "cat /tmp/file 2>/dev/null; exit 6")?;
        let mut waits = pod.first.casemate().args(["wait", "a"]).spawn()?;
        std::thread::sleep(std::time::Duration::from_millis(200));
        done(&pod.first, &["start", "a"])?;
        ensure!(crate::run::wait(&mut waits, LIMIT)? == Some(6));
        pod.reaches("a", "stopped")?;
        ensure!(pod.output("a")?.is_empty(), "{:?}", pod.output("a")?);
        pod.end(&tree)?;
    }
    Ok(())
}

/// Each sees its own processes and no others, unless it joins the sandbox's or another's.
pub(super) fn processes(place: &Place) -> Result<()> {
    let pod = Pod::new(place, "pod-processes", CONTAINERD)?;
    let seen = |id: &str| pod.says(id, "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '");
    // What is orphaned becomes the child of the container's own first process.
    let adopts = r#"echo $$; (sleep 2001 &); trap 'exit 4' TERM; while :; do sleep 0.05; done"#;
    pod.add(place, "a", adopts)?;
    pod.add(place, "b", "echo $$; sleep 2002 & wait")?;
    // Before their first processes: others are not it.
    ensure!(pod.says("a", "echo $$")? != "1\n");
    for id in ["a", "b"] {
        done(&pod.first, &["start", id])?;
        within(LIMIT, || Ok(pod.output(id)? == "1\n")).with_context(|| format!("{id} is not the first"))?;
    }
    within(LIMIT, || Ok(seen("a")?.contains("sleep 2001") && seen("b")?.contains("sleep 2002")))?;
    ensure!(!seen("a")?.contains("sleep 2002") && !seen("b")?.contains("sleep 2001"), "{}", seen("a")?);
    let orphan =
        "for p in /proc/[0-9]*; do grep -qa '^sleep.2001' $p/cmdline && grep PPid $p/status; done; true";
    within(LIMIT, || Ok(pod.says("a", orphan)? == "PPid:\t1\n")).context("nobody adopts")?;
    // A signal for all reaches one's own; what is sent to 1 by itself does nothing it has no handler for.
    pod.says("b", "kill -KILL 1; kill -s CONT -- -1")?;
    let first = done(&pod.first, &["ps", "--format", "json", "b"])?;
    ensure!(first.starts_with("[1,"), "{first}");
    ensure!(done(&pod.first, &["ps", "b"])?.contains("sleep 2002"));

    // One that is to see a's, as for debugging, and one that shares the sandbox's.
    let (of_a, of_pod) = (pod.joined("a", "pid", "pid")?, pod.joined("pod", "pid", "pid")?);
    let waits = "echo $$; while :; do sleep 0.05; done";
    pod.add_with(place, "looks", waits, &of_a, |_| ())?;
    pod.add_with(place, "shares", waits, &of_pod, |_| ())?;
    for id in ["looks", "shares"] {
        done(&pod.first, &["start", id])?;
        within(LIMIT, || Ok(pod.output(id)?.ends_with('\n')))?;
        ensure!(pod.output(id)? != "1\n", "{id} is the first");
    }
    ensure!(seen("looks")?.contains("sleep 2001") && !seen("looks")?.contains("sleep 2002"));
    // The sandbox's own container has processes of its own too: it sees those that join it, and no others.
    pod.says("shares", "sleep 2003 >/dev/null 2>&1 &")?;
    for id in ["shares", "pod"] {
        within(LIMIT, || Ok(seen(id)?.contains("sleep 2003")))?;
        ensure!(!seen(id)?.contains("sleep 2001") && !seen(id)?.contains("sleep 2002"), "{}", seen(id)?);
    }
    ensure!(pod.says("pod", "tr '\\0' ' ' </proc/1/cmdline")?.starts_with("sh -c while"));
    let own = |id: &str| pod.says(id, "readlink /proc/self/ns/pid");
    ensure!(own("looks")? == own("a")? && own("shares")? == own("pod")? && own("b")? != own("a")?);

    // The end of a's first process is the end of all in its namespace, and of nobody else.
    done(&pod.first, &["kill", "a", "TERM"])?;
    pod.reaches("a", "stopped")?;
    pod.reaches("looks", "stopped")?;
    let listed = |id: &str| done(&pod.first, &["ps", id]);
    ensure!(listed("b")?.contains("sleep 2002") && listed("shares")?.contains("sleep 2003"));
    for id in ["b", "shares", "pod"] {
        ensure!(pod.state(id)?["status"] == "running", "{id}");
    }
    let tree = pod.tree("pod")?.and(pod.tree("b")?).and(pod.tree("shares")?);
    pod.end(&tree)
}

/// What is asked for without a path is its own: names, IPC, and a network that has the loopback and nothing else.
pub(super) fn namespaces(place: &Place) -> Result<()> {
    let pod = Pod::new(place, "pod-namespaces", CONTAINERD)?;
    pod.add(place, "shares", "sleep 1000")?;
    pod.add_with(place, "own", "sleep 1000", &json!({"type": "pid"}), |description| {
        let kinds = ["mount", "pid", "ipc", "uts", "network"].map(|kind| json!({"type": kind}));
        description["linux"]["namespaces"] = json!(kinds);
        description["hostname"] = json!("mine");
    })?;
    for id in ["shares", "own"] {
        done(&pod.first, &["start", id])?;
        pod.reaches(id, "running")?;
    }
    for kind in ["net", "ipc", "uts"] {
        let of = |id: &str| pod.says(id, &format!("readlink /proc/self/ns/{kind}"));
        ensure!(of("shares")? == of("pod")? && of("own")? != of("pod")?, "{kind}");
    }
    // A path means the sandbox's, and is another's by mistake only.
    let others = |kind: &str, file: &str, path: &str| -> Result<()> {
        let outcome = pod.try_joining(place, kind, file, path)?;
        ensure!(outcome.code == Some(1) && outcome.shown().contains(path), "{}", outcome.shown());
        ensure!(outcome.shown().contains("of its sandbox"), "{}", outcome.shown());
        Ok(())
    };
    others("network", "net", "/proc/self/ns/net")?;
    others("uts", "uts", "/proc/self/ns/uts")?;
    let pid = pod.state("own")?["pid"].clone();
    others("network", "net", &format!("/proc/{pid}/ns/net"))?;
    let pid = pod.state("shares")?["pid"].clone();
    let outcome = pod.try_joining(place, "network", "net", &format!("/proc/{pid}/ns/net"))?;
    ensure!(outcome.code == Some(0), "{}", outcome.shown());
    ensure!(pod.says("own", "hostname")? == "mine\n" && pod.says("shares", "hostname")? != "mine\n");
    let listens = "import socket, time\ns = socket.create_server(('127.0.0.1', 9))\ntime.sleep(1000)";
    detached(&pod.first, &["exec", "--detach", "shares", "python3", "-c", listens])?;
    let reaches = |id: &str| {
        let program = "import socket\ntry: socket.create_connection(('127.0.0.1', 9)); print('reached')\nexcept OSError as e: print(e.errno)";
        done(&pod.first, &["exec", id, "python3", "-c", program])
    };
    within(LIMIT, || Ok(reaches("pod")? == "reached\n")).context("the pod's network is not one")?;
    // 111 is ECONNREFUSED: it has a loopback, and nobody listens there.
    ensure!(reaches("own")? == "111\n", "{}", reaches("own")?);
    pod.says("shares", "ipcmk -M 4096 >/dev/null")?;
    let segments = |id: &str| pod.says(id, "ipcs -m | grep -c ^0x");
    ensure!(
        segments("pod")? == "1\n"
            && casemate(&pod.first, &["exec", "own", "sh", "-c", "ipcs -m | grep -c ^0x"])?.stdout == b"0\n"
    );
    let tree = pod.tree("pod")?.and(pod.tree("shares")?).and(pod.tree("own")?);
    pod.end(&tree)
}

/// Makes sixty processes, and says why it could not.
const FORKS: &str = "import os, signal\n\
    kept = []\n\
    try:\n    \
        while len(kept) < 60:\n        \
            pid = os.fork()\n        \
            if pid == 0: signal.pause()\n        \
            kept.append(pid)\n\
    except OSError as error: print(error.errno)\n\
    else: print('all')\n\
    for pid in kept: os.kill(pid, 9)\n";

/// Of the limits of one container that of processes holds, from its start and when it is changed; the others are the pod's.
pub(super) fn limits(place: &Place) -> Result<()> {
    let pod = Pod::new(place, "pod-limits", CONTAINERD)?;
    for (id, resources) in [("a", json!({"pids": {"limit": 20}})), ("b", json!({}))] {
        let limited = |description: &mut Value| description["linux"]["resources"] = resources;
        pod.add_with(place, id, "while :; do sleep 0.05; done", &json!({"type": "pid"}), limited)?;
        done(&pod.first, &["start", id])?;
        pod.reaches(id, "running")?;
    }
    let forks = |id: &str| done(&pod.first, &["exec", id, "python3", "-c", FORKS]);
    ensure!(forks("a")? == "11\n" && forks("b")? == "all\n", "{} {}", forks("a")?, forks("b")?);
    done(&pod.first, &["update", "--pids-limit", "200", "a"])?;
    ensure!(forks("a")? == "all\n");
    done(&pod.first, &["update", "--pids-limit", "20", "b"])?;
    ensure!(forks("b")? == "11\n" && forks("a")? == "all\n");
    let outcome = casemate(&pod.first, &["update", "--memory", "100000000", "a"])?;
    ensure!(outcome.code == Some(1) && outcome.shown().contains("shares its sandbox"), "{}", outcome.shown());
    let tree = pod.tree("pod")?.and(pod.tree("a")?).and(pod.tree("b")?);
    pod.end(&tree)
}

/// What one uses is told of it alone.
pub(super) fn usage(place: &Place) -> Result<()> {
    let pod = Pod::new(place, "pod-usage", CONTAINERD)?;
    for id in ["a", "b"] {
        pod.add(place, id, "sleep 1000")?;
        done(&pod.first, &["start", id])?;
        pod.reaches(id, "running")?;
    }
    let stats = |id: &str| -> Result<(u64, u64)> {
        let said: Value = serde_json::from_str(&done(&pod.first, &["events", "--stats", id])?)?;
        let number = |field: &str| said.pointer(field).and_then(Value::as_u64).context("no number");
        Ok((number("/data/cpu/usage/total")?, number("/data/memory/usage/usage")?))
    };
    // Time that is used by what has ended counts too; memory does not.
    let works = "import time\nwhile time.process_time() < 1: pass";
    done(&pod.first, &["exec", "a", "python3", "-c", works])?;
    done(&pod.first, &["exec", "a", "sh", "-c", "(python3 -c \"$1\"); true", "sh", works])?;
    let holds = "import time\nx = b'x' * (100 << 20)\ntime.sleep(1000)";
    done(&pod.first, &["exec", "--detach", "a", "python3", "-c", holds])?;
    within(LIMIT, || Ok(stats("a")?.1 > 100 << 20)).context("memory")?;
    let (used, other) = (stats("a")?, stats("b")?);
    ensure!(used.0 >= 1_900_000_000 && other.0 < used.0 / 2 && other.1 < 50 << 20, "{used:?} {other:?}");
    let tree = pod.tree("pod")?.and(pod.tree("a")?).and(pod.tree("b")?);
    pod.end(&tree)
}

/// However one ends the others go on; with the sandbox's own all end.
pub(super) fn ends(place: &Place) -> Result<()> {
    let pod = Pod::overseen(place, "pod-ends", CONTAINERD)?;
    let sleeps = "sleep 1003 & sleep 1004 & sleep 1005";
    for id in ["a", "b", "c", "d"] {
        pod.add(place, id, sleeps)?;
    }
    for id in ["a", "b", "d"] {
        done(&pod.first, &["start", id])?;
        pod.reaches(id, "running")?;
    }
    let trees = ["pod", "a", "b", "c", "d"].map(|id| pod.tree(id));
    let tree = trees.into_iter().reduce(|all, tree| Ok(all?.and(tree?))).context("no containers")??;
    let sleeping = || -> Result<usize> {
        Ok(pod.says("pod", "cat /proc/[0-9]*/cmdline 2>/dev/null; true")?.matches("sleep\x00100").count())
    };
    within(LIMIT, || Ok(sleeping()? == 9))?;
    // By what stands for it on the host.
    let pid = pod.state("a")?["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok()).context("no pid")?;
    send(pid, Signal::KILL)?;
    within(LIMIT, || Ok(sleeping()? == 6))?;
    ensure!(pod.state("a")?["status"] == "stopped");
    // All of its processes at once.
    done(&pod.first, &["kill", "--all", "b", "KILL"])?;
    within(LIMIT, || Ok(sleeping()? == 3))?;
    pod.reaches("b", "stopped")?;
    // One that was never started, and one that cannot be.
    done(&pod.first, &["kill", "c"])?;
    pod.reaches("c", "stopped")?;
    ensure!(pod.add(place, "e", "true").is_ok());
    done(&pod.first, &["delete", "e"])?;
    let mut missing = config(place, &["no-such-program"]);
    missing["annotations"] = json!({CONTAINERD.0: "container", CONTAINERD.1: "pod"});
    let bundle = bundle::write(&pod.directory.join("missing"), &missing)?;
    let bundle = bundle.to_string_lossy().into_owned();
    let outcome = casemate(&pod.first, &["create", "--bundle", &bundle, "missing"])?;
    ensure!(outcome.code == Some(1) && outcome.shown().contains("not found in $PATH"), "{}", outcome.shown());
    ensure!(casemate(&pod.first, &["state", "missing"])?.code == Some(1));
    ensure!(pod.state("pod")?["status"] == "running" && pod.state("d")?["status"] == "running");
    // The sandbox itself.
    done(&pod.first, &["kill", "pod", "KILL"])?;
    for id in ["pod", "d"] {
        pod.reaches(id, "stopped")?;
    }
    let outcome = casemate(&pod.first, &["create", "--bundle", &bundle, "late"])?;
    ensure!(outcome.code == Some(1) && outcome.shown().contains("has ended"), "{}", outcome.shown());
    pod.end(&tree)
}

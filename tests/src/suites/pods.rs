//! Several containers in one sandbox.
#![expect(clippy::indexing_slicing, reason = "an absent member of a JSON value reads as null")]

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;
use serde_json::{Value, json};

use super::lifecycle::{casemate, done, within};
use super::support::{LIMIT, config, send};
use crate::bundle;
use crate::leftovers::{Tree, names};
use crate::place::Place;
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
        let mut description = config(place, PAUSE);
        description["annotations"] = json!({engine.0: "sandbox", engine.1: "pod"});
        let first = Sandbox::with_config(place, name, &description)?;
        let pod = Self { first, directory: place.directory(name)?, engine };
        pod.launch(&["run", "--detach"], "pod", &pod.first.bundle)?;
        Ok(pod)
    }

    /// Makes one more container. Its output goes to a file.
    fn add(&self, place: &Place, id: &str, program: &str) -> Result<()> {
        let mut description = config(place, &["sh", "-c", program]);
        description["annotations"] = json!({self.engine.0: "container", self.engine.1: "pod"});
        // As engines have it: what is shared is joined by path.
        let pid = self.state("pod")?["pid"].clone();
        let joined = |kind: &str, file: &str| json!({"type": kind, "path": format!("/proc/{pid}/ns/{file}")});
        description["linux"]["namespaces"] = json!([{"type": "mount"}, {"type": "pid"}, joined("network", "net"), joined("ipc", "ipc"), joined("uts", "uts")]);
        let bundle = self.directory.join(id);
        bundle::write(&bundle, &bundle::apart(&description, &bundle))?;
        self.launch(&["create"], id, &bundle)
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
        let pod = Pod::new(place, "pod", engine)?;
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
        done(&pod.first, &["exec", "--detach", "a", "python3", "-c", listens])?;
        let hears = "import socket; print(socket.create_connection(('127.0.0.1', 7)).recv(9).decode())";
        let heard = || Ok(casemate(&pod.first, &["exec", "b", "python3", "-c", hears])?.stdout == b"hello\n");
        within(LIMIT, heard).context("b does not reach a")?;

        let of = |id: &str| -> Result<usize> { Ok(done(&pod.first, &["ps", id])?.lines().skip(1).count()) };
        done(&pod.first, &["exec", "--detach", "a", "sh", "-c", "sleep 1001 & sleep 1002 & wait"])?;
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
        let everything = pod.says("b", "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '")?;
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

/// However one ends the others go on; with the sandbox's own all end.
pub(super) fn ends(place: &Place) -> Result<()> {
    let pod = Pod::new(place, "pod-ends", CONTAINERD)?;
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

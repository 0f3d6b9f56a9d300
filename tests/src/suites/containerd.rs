//! Containerd with the shim of casemate: an instance of its own for each test, asked by `ctr`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;

use super::lifecycle::within;
use super::small_image;
use super::support::send;
use super::terminal::Terminal;
use crate::enclosure;
use crate::leftovers::{Tree, names};
use crate::place::Place;
use crate::run::{Outcome, excerpt, run as run_command};
use crate::skip::skip;
use crate::tools::{available, output, succeed};

const IMAGE: &str = "localhost/small:latest";
const RUNTIME: &str = "io.containerd.casemate.v1";
const SHIM: &str = "containerd-shim-casemate-v1";
const LIMIT: Duration = Duration::from_secs(240);
/// The program of a pod itself.
const PAUSE: &str = r#"["sh","-c","trap 'exit 0' TERM; while :; do sleep 0.1; done"]"#;
/// A program that ends when it is told to.
const WAITS: &str = "trap 'echo got term; exit 3' TERM; echo up; while :; do sleep 0.1; done";

/// Containerd with a store of its own, and one small image.
pub(super) struct Containerd {
    pub(super) store: PathBuf,
    /// One of its own, because control groups are named after it.
    namespace: String,
    /// The directory of the binaries under test.
    binaries: PathBuf,
    daemon: Child,
}

/// For whom containerd works.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Client {
    Ctr,
    Kubernetes,
}

/// Pods whose own container is of the test's image.
const CRI: &str = r#"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "localhost/small:latest"
disable_tcp_service = true
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "native"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.casemate]
runtime_type = "io.containerd.casemate.v1"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
"#;

impl Containerd {
    fn new(place: &Place, name: &str) -> Result<Self> {
        Self::of(Client::Ctr, place, name)
    }

    /// As a kubelet wants it.
    pub(super) fn of_kubernetes(place: &Place, name: &str) -> Result<Self> {
        Self::of(Client::Kubernetes, place, name)
    }

    fn of(client: Client, place: &Place, name: &str) -> Result<Self> {
        let cri = client == Client::Kubernetes;
        for tool in ["containerd", "ctr", "busybox"] {
            if !available(tool) {
                return skip(&format!("needs {tool}"));
            }
        }
        let binaries = place.casemate.parent().context("casemate is in no directory")?.to_owned();
        if !binaries.join(SHIM).is_file() {
            return skip(&format!("needs {SHIM} beside {}", place.casemate.display()));
        }
        let store = place.directory(name)?;
        // Without what needs more of the machine: networks, and file systems for snapshots.
        let config = format!(
            "version = 2\nroot = \"{0}/root\"\nstate = \"{0}/state\"\n\
             disabled_plugins = [{1}\"io.containerd.snapshotter.v1.aufs\", \
             \"io.containerd.snapshotter.v1.btrfs\", \"io.containerd.snapshotter.v1.devmapper\", \
             \"io.containerd.snapshotter.v1.zfs\", \"io.containerd.internal.v1.opt\"]\n\
             [grpc]\naddress = \"{0}/c.sock\"\n{2}",
            store.display(),
            if cri { "" } else { "\"io.containerd.grpc.v1.cri\", " },
            if cri { CRI } else { "" },
        );
        fs::write(store.join("config.toml"), config)?;
        let daemon = start(&store, &binaries)?;
        let own =
            format!("e2e-{}-{}", enclosure::run(), store.file_name().unwrap_or_default().to_string_lossy());
        let namespace = if cri { "k8s.io".to_owned() } else { own };
        let containerd = Self { store, namespace, binaries, daemon };
        containerd.is_up()?;
        containerd.import(if cri { PAUSE } else { r#"["sh"]"# })?;
        Ok(containerd)
    }

    fn is_up(&self) -> Result<()> {
        within(LIMIT, || Ok(self.ctr(&["version"])?.code == Some(0)))
    }

    /// An archive as `docker save` makes it.
    fn import(&self, program: &str) -> Result<()> {
        let archive = self.store.join("archive");
        fs::create_dir(&archive)?;
        small_image::make(&self.store.join("image"), &archive.join("layer.tar"))?;
        let sum = output(Command::new("sha256sum").arg(archive.join("layer.tar")))?;
        let sum = sum.split(' ').next().unwrap_or_default();
        let config = format!(
            r#"{{"architecture":"amd64","os":"linux","config":{{"Env":["PATH=/bin"],"Cmd":{program}}},
            "rootfs":{{"type":"layers","diff_ids":["sha256:{sum}"]}}}}"#
        );
        fs::write(archive.join("config.json"), config)?;
        let manifest =
            format!(r#"[{{"Config":"config.json","RepoTags":["{IMAGE}"],"Layers":["layer.tar"]}}]"#);
        fs::write(archive.join("manifest.json"), manifest)?;
        let image = self.store.join("image.tar");
        let mut tar = Command::new("tar");
        tar.arg("-C").arg(&archive).arg("-cf").arg(&image).args([
            "manifest.json",
            "config.json",
            "layer.tar",
        ]);
        ensure!(tar.status()?.success());
        self.says(&["images", "import", "--snapshotter", "native", &image.display().to_string()])?;
        Ok(())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("ctr");
        command
            .arg("--address")
            .arg(self.store.join("c.sock"))
            .args(["--namespace", &self.namespace])
            .args(arguments);
        command
    }

    fn ctr(&self, arguments: &[&str]) -> Result<Outcome> {
        run_command(&mut self.command(arguments), b"", LIMIT)
    }

    /// Standard output of what has to succeed.
    fn says(&self, arguments: &[&str]) -> Result<String> {
        let outcome = self.ctr(arguments)?;
        ensure!(outcome.code == Some(0), "{arguments:?}: {}\n{}", outcome.shown(), self.logged());
        Ok(String::from_utf8(outcome.stdout)?)
    }

    /// `ctr run OPTIONS IMAGE ID COMMAND`.
    fn run_words(&self, options: &[&str], id: &str, command: &[&str]) -> Vec<String> {
        let fifos = self.fifos();
        let run = ["run", "--runtime", RUNTIME, "--snapshotter", "native", "--fifo-dir", fifos.as_str()];
        let words = [&run[..], options, &[IMAGE, id], command].concat();
        words.into_iter().map(str::to_owned).collect()
    }

    fn run(&self, options: &[&str], id: &str, command: &[&str]) -> Result<Outcome> {
        let words = self.run_words(options, id, command);
        self.ctr(&words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// In the background.
    fn runs(&self, options: &[&str], id: &str, command: &[&str]) -> Result<()> {
        let log = format!("file://{}", self.store.join(id).with_extension("log").display());
        let outcome = self.run(&[&["--detach", "--log-uri", &log], options].concat(), id, command)?;
        ensure!(outcome.code == Some(0), "{}\n{}", outcome.shown(), self.logged());
        Ok(())
    }

    fn exec(&self, options: &[&str], id: &str, exec_id: &str, command: &[&str]) -> Result<Outcome> {
        let fifos = self.fifos();
        let exec = ["tasks", "exec", "--fifo-dir", &fifos, "--exec-id", exec_id];
        self.ctr(&[&exec[..], options, &[id], command].concat())
    }

    fn fifos(&self) -> String {
        self.store.join("fifos").display().to_string()
    }

    /// What a container has written.
    fn log_of(&self, id: &str) -> Result<String> {
        Ok(fs::read_to_string(self.store.join(id).with_extension("log"))?)
    }

    /// What containerd says it is at, in its own word.
    fn status(&self, id: &str) -> Result<String> {
        let list = self.says(&["tasks", "list"])?;
        let line = list.lines().find(|line| line.split_whitespace().next() == Some(id));
        Ok(line.and_then(|line| line.split_whitespace().nth(2)).unwrap_or("none").to_owned())
    }

    fn is(&self, id: &str, status: &str) -> Result<()> {
        within(LIMIT, || Ok(self.status(id)? == status)).with_context(|| format!("{id} is not {status}"))
    }

    /// The process of a container's shim, and all below.
    fn shim(&self, id: &str) -> Result<(i32, Tree)> {
        let pid = output(
            Command::new("pgrep").args(["--full", &format!("{SHIM} .*-id {id} .*{}", self.store.display())]),
        )?;
        let pid = pid.trim().parse().with_context(|| format!("one shim for {id}: {pid:?}"))?;
        Ok((pid, Tree::below(pid)?))
    }

    /// Everything about containers is gone.
    pub(super) fn nothing_is_left(&self) -> Result<()> {
        within(LIMIT, || Ok(self.says(&["tasks", "list", "--quiet"])?.is_empty()))?;
        let bundles = self.store.join("state/io.containerd.runtime.v2.task").join(&self.namespace);
        let containers = self.store.join("casemate").join(&self.namespace);
        let empty =
            |directory: &Path| -> Result<bool> { Ok(!directory.exists() || names(directory)?.is_empty()) };
        for directory in [bundles, containers, self.store.join("s"), self.store.join("fifos")] {
            within(LIMIT, || empty(&directory))
                .with_context(|| format!("{} is not empty", directory.display()))?;
        }
        let mounts = fs::read_to_string("/proc/self/mounts")?;
        ensure!(!mounts.contains(&*self.store.to_string_lossy()), "{mounts}");
        Ok(())
    }

    /// Waits until whoever writes to `events` hears what happens.
    fn is_heard(&self) -> Result<()> {
        let mut round = 0;
        within(LIMIT, || {
            round += 1;
            self.says(&["images", "label", IMAGE, &format!("round={round}")])?;
            Ok(fs::read_to_string(self.store.join("events"))?.contains("/images/update"))
        })
        .context("no events are heard")
    }

    pub(super) fn logged(&self) -> String {
        let log = fs::read(self.store.join("log")).unwrap_or_default();
        format!("--- containerd\n{}", excerpt(&log))
    }
}

impl Drop for Containerd {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
        // The group above those of its containers, in each hierarchy.
        let hierarchies = fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten();
        for mount in hierarchies.map(|entry| entry.path()).chain([PathBuf::from("/sys/fs/cgroup")]) {
            let _ = fs::remove_dir(mount.join(&self.namespace));
        }
    }
}

/// Its shims are found in `PATH`.
fn start(store: &Path, binaries: &Path) -> Result<Child> {
    let log = fs::File::options().append(true).create(true).open(store.join("log"))?;
    let path = format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap_or_default());
    let mut command = Command::new("containerd");
    command.arg("--config").arg(store.join("config.toml")).env("PATH", path);
    Ok(command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?)
}

/// In the foreground: output, exit codes and input are the program's, and after each nothing is left.
pub(super) fn run(place: &Place) -> Result<()> {
    let containerd = Containerd::new(place, "containerd-run")?;
    for (id, command, code, stdout, stderr) in [
        ("output", &["sh", "-c", "echo out; echo err >&2; exit 7"][..], 7, "out\n", "err\n"),
        ("signal", &["sh", "-c", "(sh -c 'kill -9 $$'); exit $?"], 137, "", "Killed\n"),
        ("much", &["sh", "-c", "i=0; while [ $i -lt 20000 ]; do echo line; i=$((i+1)); done"], 0, "", ""),
    ] {
        let outcome = containerd.run(&["--rm"], id, command)?;
        let said =
            [&outcome.stdout, &outcome.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let expected = if id == "much" {
            ["line\n".repeat(20_000), String::new()]
        } else {
            [stdout, stderr].map(str::to_owned)
        };
        ensure!(
            outcome.code == Some(code) && said == expected,
            "{id}: {}\n{}",
            outcome.shown(),
            containerd.logged()
        );
    }
    for (id, program, reason) in [
        ("missing", "no-such-program", "executable file not found in $PATH"),
        ("plain", "/etc/passwd", "permission denied"),
    ] {
        let outcome = containerd.run(&["--rm"], id, &[program])?;
        let said = String::from_utf8_lossy(&outcome.stderr).into_owned();
        ensure!(outcome.code == Some(1) && said.contains(reason), "{id}: {}", outcome.shown());
    }
    // ctr tells of the end of its input only once the container runs.
    let words = containerd.run_words(&["--rm"], "input", &["cat"]);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut child = containerd
        .command(&words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    containerd.is("input", "RUNNING")?;
    child.stdin.take().context("no input")?.write_all(b"typed\n")?;
    let outcome = child.wait_with_output()?;
    ensure!(outcome.status.success() && outcome.stdout == b"typed\n", "{outcome:?}");
    containerd.nothing_is_left()
}

/// One container through its life, and what containerd tells of it.
pub(super) fn life(place: &Place) -> Result<()> {
    let containerd = Containerd::new(place, "containerd-life")?;
    let events = fs::File::create(containerd.store.join("events"))?;
    let mut listener = containerd.command(&["events"]).stdout(events).stderr(Stdio::null()).spawn()?;
    containerd.is_heard()?;
    containerd.runs(&[], "w", &["sh", "-c", WAITS])?;
    within(LIMIT, || Ok(containerd.log_of("w")? == "up\n"))?;
    ensure!(containerd.status("w")? == "RUNNING");
    let (_, tree) = containerd.shim("w")?;
    ensure!(
        !tree.named("casemate-sandbox").is_empty() && !tree.named("casemate-gofer").is_empty(),
        "{tree:?}"
    );
    // By the host's numbers: of what stands there for the container.
    let processes = containerd.says(&["tasks", "ps", "w"])?;
    let pids: Vec<i32> =
        processes.lines().filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect();
    let sandbox = tree.named("casemate-sandbox");
    ensure!(pids.len() == 1 && pids.iter().all(|pid| sandbox.contains(pid)), "{processes} {tree:?}");

    let metrics = containerd.says(&["tasks", "metrics", "w"])?;
    let metric = |name: &str| {
        let line = metrics.lines().find(|line| line.split_whitespace().next() == Some(name));
        line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).unwrap_or(0)
    };
    // By version 1 of control groups, or version 2.
    let memory = metric("memory.usage_in_bytes") + metric("memory.usage");
    let time = metric("cpuacct.usage") + metric("cpu.usage_usec");
    ensure!(memory > 1 << 20 && time > 1000 && (1..5).contains(&metric("pids.current")), "{metrics}");

    containerd.says(&["tasks", "pause", "w"])?;
    ensure!(containerd.status("w")? == "PAUSED");
    containerd.says(&["tasks", "resume", "w"])?;
    ensure!(containerd.status("w")? == "RUNNING");
    let outcome = containerd.ctr(&["tasks", "checkpoint", "w"])?;
    let said = String::from_utf8_lossy(&outcome.stderr).into_owned();
    ensure!(
        outcome.code == Some(1) && said.contains("cannot checkpoint containers yet"),
        "{}",
        outcome.shown()
    );
    let outcome = containerd.ctr(&["tasks", "rm", "w"])?;
    ensure!(outcome.code == Some(1), "one that runs was removed: {}", outcome.shown());

    containerd.says(&["tasks", "kill", "w"])?;
    containerd.is("w", "STOPPED")?;
    ensure!(containerd.log_of("w")? == "up\ngot term\n");
    ensure!(containerd.ctr(&["tasks", "kill", "w"])?.code == Some(1), "one that has ended was sent a signal");
    let outcome = containerd.ctr(&["tasks", "rm", "w"])?;
    ensure!(String::from_utf8_lossy(&outcome.stderr).contains("exit code 3"), "{}", outcome.shown());
    containerd.says(&["containers", "rm", "w"])?;
    tree.gone_within(LIMIT)?;
    containerd.nothing_is_left()?;

    // For a checkpoint containerd pauses too, before it asks for one.
    let wanted = ["create", "start", "paused", "resumed", "paused", "resumed", "exit", "delete"]
        .map(|topic| format!("/tasks/{topic}"));
    let seen = || -> Result<Vec<String>> {
        let text = fs::read_to_string(containerd.store.join("events"))?;
        Ok(text.split_whitespace().filter(|word| word.starts_with("/tasks/")).map(str::to_owned).collect())
    };
    within(LIMIT, || Ok(seen()?.len() >= wanted.len()))?;
    listener.kill()?;
    listener.wait()?;
    ensure!(seen()? == wanted, "{:?}", seen()?);
    Ok(())
}

/// Programs that are started in a container: their exit codes, signals, and ends.
pub(super) fn further_processes(place: &Place) -> Result<()> {
    let containerd = Containerd::new(place, "containerd-exec")?;
    containerd.runs(&[], "w", &["sh", "-c", WAITS])?;
    for number in 0..10 {
        let outcome = containerd.exec(
            &["--user", "5:6"],
            "w",
            &format!("e{number}"),
            &["sh", "-c", "id -u; exit 4"],
        )?;
        ensure!(
            outcome.code == Some(4) && outcome.stdout == b"5\n",
            "{}\n{}",
            outcome.shown(),
            containerd.logged()
        );
    }
    let outcome = containerd.exec(&[], "w", "missing", &["no-such-program"])?;
    ensure!(String::from_utf8_lossy(&outcome.stderr).contains("not found in $PATH"), "{}", outcome.shown());
    ensure!(containerd.exec(&["--detach"], "w", "term", &["sh", "-c", WAITS])?.code == Some(0));
    ensure!(containerd.exec(&["--detach"], "w", "kill", &["sleep", "1000"])?.code == Some(0));
    let processes = containerd.says(&["tasks", "ps", "w"])?;
    let (_, tree) = containerd.shim("w")?;
    for id in ["term", "kill"] {
        let line = processes.lines().find(|line| line.contains(id)).with_context(|| processes.clone())?;
        let pid: i32 = line.split_whitespace().next().unwrap_or_default().parse()?;
        ensure!(tree.named("casemate-exec").contains(&pid), "{processes} {tree:?}");
    }
    let running = |program: &str| -> Result<bool> {
        let found = containerd.exec(&[], "w", "look", &["sh", "-c", "cat /proc/[0-9]*/cmdline"])?;
        Ok(String::from_utf8_lossy(&found.stdout).contains(program))
    };
    ensure!(running("sleep\x001000")?);
    containerd.says(&["tasks", "kill", "--exec-id", "kill", "--signal", "SIGKILL", "w"])?;
    within(LIMIT, || Ok(!running("sleep\x001000")?))?;
    ensure!(containerd.status("w")? == "RUNNING");
    containerd.says(&["tasks", "kill", "--exec-id", "term", "w"])?;
    let (_, tree) = containerd.shim("w")?;
    containerd.says(&["tasks", "kill", "--signal", "SIGKILL", "w"])?;
    containerd.is("w", "STOPPED")?;
    containerd.says(&["containers", "list"])?;
    ensure!(containerd.ctr(&["tasks", "rm", "w"])?.shown().contains("exit code 137"));
    containerd.says(&["containers", "rm", "w"])?;
    tree.gone_within(LIMIT)?;
    // ctr leaves the pipes of processes that it has started and not waited for.
    fs::remove_dir_all(containerd.fifos())?;
    containerd.nothing_is_left()
}

/// Shells at terminals, in the container and beside its first process.
pub(super) fn terminal(place: &Place) -> Result<()> {
    let containerd = Containerd::new(place, "containerd-terminal")?;
    let terminal = Terminal::start(place, "containerd-tmux")?;
    let typed = |words: &[String]| {
        let command = containerd.command(&words.iter().map(String::as_str).collect::<Vec<_>>());
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
    };
    let session = |line: &str, code: u32| -> Result<()> {
        terminal.type_line(&format!("{line}; echo outer=$?"))?;
        terminal.expect("\n~ #")?;
        terminal.type_line("ls -l /proc/self/fd/0 | grep -o /dev/pts/0; echo a$((20+3))")?;
        terminal.expect("/dev/pts/0\na23")?;
        // The window is looked at each second.
        terminal.ask("stty size", "50 200")?;
        succeed(terminal.tmux().args(["resize-window", "-x", "120", "-y", "40"]))?;
        terminal.ask("stty size", "40 120")?;
        succeed(terminal.tmux().args(["resize-window", "-x", "200", "-y", "50"]))?;
        terminal.ask("clear; stty size", "50 200")?;
        terminal.foreground("sleep 100")?;
        terminal.press(&["C-c"])?;
        terminal.type_line(&format!("clear; exit {code}"))?;
        terminal.expect(&format!("outer={code}"))
    };
    session(&typed(&containerd.run_words(&["--rm", "--tty"], "t", &["sh"])), 6)?;
    containerd.runs(&[], "w", &["sh", "-c", WAITS])?;
    let fifos = containerd.fifos();
    let exec =
        ["tasks", "exec", "--tty", "--fifo-dir", &fifos, "--exec-id", "x", "w", "sh"].map(str::to_owned);
    session(&typed(&exec), 9)?;
    containerd.says(&["tasks", "rm", "--force", "w"]).or_else(|_| containerd.says(&["tasks", "list"]))?;
    containerd.says(&["containers", "rm", "w"])?;
    containerd.nothing_is_left()
}

/// A container whose memory runs out is told of, with its end.
pub(super) fn memory_runs_out(place: &Place) -> Result<()> {
    let containerd = Containerd::new(place, "containerd-memory")?;
    let events = fs::File::create(containerd.store.join("events"))?;
    let mut listener = containerd.command(&["events"]).stdout(events).stderr(Stdio::null()).spawn()?;
    containerd.is_heard()?;
    let grows = "x=0123456789abcdef; while :; do x=$x$x; done";
    let outcome = containerd.run(
        &["--rm", "--memory-limit", "67108864"],
        "m",
        &["sh", "-c", &format!("sh -c '{grows}'; exit 5")],
    )?;
    let told = || Ok(fs::read_to_string(containerd.store.join("events"))?.contains("/tasks/oom"));
    let heard = within(LIMIT, told);
    listener.kill()?;
    listener.wait()?;
    heard.with_context(|| outcome.shown())?;
    containerd.nothing_is_left()
}

/// A shim that is killed takes its container along, and containerd cleans up.
pub(super) fn shim_killed(place: &Place) -> Result<()> {
    let containerd = Containerd::new(place, "containerd-shim")?;
    containerd.runs(&[], "w", &["sh", "-c", WAITS])?;
    containerd.runs(&[], "other", &["sh", "-c", WAITS])?;
    let (shim, tree) = containerd.shim("w")?;
    send(shim, Signal::KILL)?;
    tree.gone_within(LIMIT)?;
    containerd.is("w", "none")?;
    containerd.says(&["containers", "rm", "w"])?;
    ensure!(containerd.status("other")? == "RUNNING", "another container went too");
    let (_, tree) = containerd.shim("other")?;
    containerd.says(&["tasks", "kill", "other"])?;
    containerd.is("other", "STOPPED")?;
    containerd.ctr(&["tasks", "rm", "other"])?;
    containerd.says(&["containers", "rm", "other"])?;
    tree.gone_within(LIMIT)?;
    containerd.nothing_is_left()
}

/// Containers outlive containerd, and a new one finds them as they are.
pub(super) fn new_containerd(place: &Place) -> Result<()> {
    let mut containerd = Containerd::new(place, "containerd-new")?;
    containerd.runs(&[], "runs", &["sh", "-c", WAITS])?;
    containerd.runs(&[], "ends", &["sh", "-c", "while [ ! -e /tmp/end ]; do sleep 0.1; done; exit 8"])?;
    ensure!(
        containerd.exec(&["--detach"], "ends", "later", &["sh", "-c", "sleep 2; touch /tmp/end"])?.code
            == Some(0)
    );
    let (_, tree) = containerd.shim("ends")?;
    containerd.daemon.kill()?;
    containerd.daemon.wait()?;
    within(LIMIT, || Ok(tree.alive()?.iter().all(|process| !process.name.contains("casemate-sandbox"))))?;
    containerd.daemon = start(&containerd.store, &containerd.binaries)?;
    containerd.is_up()?;
    containerd.is("runs", "RUNNING")?;
    containerd.is("ends", "STOPPED")?;
    let outcome = containerd.exec(&[], "runs", "after", &["sh", "-c", "echo still; exit 2"])?;
    ensure!(outcome.code == Some(2) && outcome.stdout == b"still\n", "{}", outcome.shown());
    containerd.says(&["tasks", "kill", "runs"])?;
    containerd.is("runs", "STOPPED")?;
    for (id, code) in [("runs", "exit code 3"), ("ends", "exit code 8")] {
        let outcome = containerd.ctr(&["tasks", "rm", id])?;
        ensure!(String::from_utf8_lossy(&outcome.stderr).contains(code), "{id}: {}", outcome.shown());
        containerd.says(&["containers", "rm", id])?;
    }
    fs::remove_dir_all(containerd.fifos())?;
    containerd.nothing_is_left()
}

/// Two containers of a pod: one sandbox and one shim, and each ends by itself.
pub(super) fn pod(place: &Place) -> Result<()> {
    let containerd = Containerd::new(place, "containerd-pod")?;
    let (kind, id) = ("io.kubernetes.cri.container-type", "io.kubernetes.cri.sandbox-id=pod");
    for (name, kind_of) in [("pod", "sandbox"), ("a", "container"), ("b", "container")] {
        let kind = format!("{kind}={kind_of}");
        containerd.runs(&["--annotation", &kind, "--annotation", id], name, &["sh", "-c", WAITS])?;
        within(LIMIT, || Ok(containerd.log_of(name)? == "up\n"))?;
    }
    let (_, tree) = containerd.shim("pod")?;
    ensure!(tree.named("casemate-sandbox").len() == 2 && tree.named("casemate-gofer").len() == 3, "{tree:?}");
    let outcome = containerd.exec(&[], "b", "x", &["sh", "-c", "echo in b; exit 5"])?;
    ensure!(outcome.code == Some(5) && outcome.stdout == b"in b\n", "{}", outcome.shown());
    for name in ["a", "b", "pod"] {
        containerd.says(&["tasks", "kill", name])?;
        containerd.is(name, "STOPPED")?;
        ensure!(containerd.log_of(name)? == "up\ngot term\n");
        ensure!(containerd.ctr(&["tasks", "rm", name])?.shown().contains("exit code 3"));
        containerd.says(&["containers", "rm", name])?;
        let left = if name == "pod" { "none" } else { "RUNNING" };
        ensure!(containerd.status("pod")? == left, "after {name}");
    }
    tree.gone_within(LIMIT)?;
    containerd.nothing_is_left()
}

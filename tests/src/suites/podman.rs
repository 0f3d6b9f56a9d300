//! Podman with casemate as its runtime.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::lifecycle::within;
use super::small_image;
use super::terminal::Terminal;
use crate::place::Place;
use crate::run::{Outcome, run};
use crate::skip::skip;
use crate::tools::available;

pub(super) const IMAGE: &str = "localhost/small";
pub(super) const LIMIT: Duration = Duration::from_secs(240);

/// An engine with a store of its own, and one small image.
pub(super) struct Podman {
    casemate: PathBuf,
    pub(super) store: PathBuf,
}

impl Podman {
    pub(super) fn new(place: &Place, name: &str) -> Result<Self> {
        for tool in ["podman", "conmon", "busybox"] {
            if !available(tool) {
                return skip(&format!("needs {tool}"));
            }
        }
        let store = place.directory(name)?;
        let podman = Self { casemate: place.casemate.clone(), store };
        let archive = podman.store.join("image.tar");
        small_image::make(&podman.store.join("image"), &archive)?;
        podman.says(&["import", "--quiet", &archive.display().to_string(), IMAGE])?;
        Ok(podman)
    }

    pub(super) fn command(&self) -> Command {
        let mut command = Command::new("podman");
        command.arg("--root").arg(self.store.join("root")).arg("--runroot").arg(self.store.join("run"));
        command.args(["--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "file"]);
        command.arg("--runtime").arg(&self.casemate);
        command
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Result<Outcome> {
        run(self.command().args(arguments), b"typed\n", LIMIT)
    }

    /// Standard output of what has to succeed.
    pub(super) fn says(&self, arguments: &[&str]) -> Result<String> {
        let outcome = self.run(arguments)?;
        ensure!(outcome.code == Some(0), "{arguments:?}: {}", outcome.shown());
        Ok(String::from_utf8(outcome.stdout)?)
    }

    /// `podman run --rm OPTIONS IMAGE COMMAND`.
    fn once(&self, options: &[&str], command: &[&str]) -> Result<Outcome> {
        self.run(&[&["run", "--rm", "--network=none"], options, &[IMAGE], command].concat())
    }
}

/// Left by the keys of engines, a container goes on, and is found again as it was.
pub(super) fn detach_keys(place: &Place) -> Result<()> {
    let podman = Podman::new(place, "podman-detach")?;
    let terminal = Terminal::start(place, "podman-detach-terminal")?;
    let engine = podman.command();
    let words = std::iter::once(engine.get_program()).chain(engine.get_args());
    let engine = words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
    terminal.type_line(&format!("engine='{engine}'; clear"))?;
    terminal.type_line(&format!("$engine run -it --network=none --name kept {IMAGE} sh; echo left=$?"))?;
    terminal.expect("~ #")?;
    terminal.type_line("kept=$$; echo in=$((6 * 7))")?;
    terminal.expect("in=42")?;
    // The engine takes them for its own only if each comes by itself.
    let short = Duration::from_secs(2);
    within(LIMIT, || {
        terminal.press(&["C-p"])?;
        std::thread::sleep(Duration::from_millis(200));
        terminal.press(&["C-q"])?;
        let left = within(short, || Ok(terminal.screen()?.contains("left=0"))).is_ok();
        if !left {
            terminal.press(&["C-c"])?;
        }
        Ok(left)
    })?;
    ensure!(podman.says(&["ps", "--format", "{{.Names}}"])? == "kept\n");
    terminal.type_line("clear; $engine attach kept; echo back=yes")?;
    // What is typed before the engine listens may be lost.
    within(LIMIT, || {
        terminal.type_line("echo kept=$kept")?;
        Ok(within(Duration::from_secs(1), || Ok(terminal.screen()?.contains("kept=1"))).is_ok())
    })?;
    terminal.type_line("exit 9")?;
    terminal.expect("back=yes\n")?;
    ensure!(podman.says(&["wait", "kept"])? == "9\n");
    podman.says(&["rm", "kept"]).map(drop)
}

/// One container each: what its options say is what it finds, and its exit code is the engine's.
pub(super) fn options(place: &Place) -> Result<()> {
    let podman = Podman::new(place, "podman-options")?;
    let volume = podman.store.join("volume");
    fs::create_dir(&volume)?;
    fs::write(volume.join("file"), "from the host\n")?;
    let at = format!("{}:/mnt", volume.display());
    let read_only = format!("{at}:ro");
    for (options, command, code, expected) in [
        (&[][..], &["sh", "-c", "echo out; exit 7"][..], 7, "out\n"),
        (&[], &["no-such-program"], 127, ""),
        (&[], &["/etc/passwd"], 126, ""),
        (&[], &["sh", "-c", "(sh -c 'kill -9 $$'); exit $?"], 137, ""),
        (&["-i"], &["cat"], 0, "typed\n"),
        (&["--user", "5:6"], &["id"], 0, "uid=5(5) gid=6 groups=6\n"),
        (
            &["--read-only"],
            &["sh", "-c", "touch /x 2>/dev/null || echo refused; touch /tmp/x && echo but /tmp"],
            0,
            "refused\nbut /tmp\n",
        ),
        (&["--cap-drop", "all"], &["grep", "CapEff", "/proc/self/status"], 0, "CapEff:\t0000000000000000\n"),
        (&["--memory", "256m"], &["grep", "MemTotal", "/proc/meminfo"], 0, "MemTotal:         262144 kB\n"),
        (
            &["-v", &read_only],
            &["sh", "-c", "cat /mnt/file; touch /mnt/x 2>/dev/null || echo refused"],
            0,
            "from the host\nrefused\n",
        ),
        (&["-v", &at], &["sh", "-c", "echo written > /mnt/new"], 0, ""),
        (
            &["--tmpfs", "/etc:size=1m"],
            &["sh", "-c", "cat /etc/passwd; echo > /etc/new && ls /etc/new"],
            0,
            "root:x:0:0:root:/:/bin/sh\n/etc/new\n",
        ),
        (
            &["--hostname", "there", "--env", "A=b", "-w", "/etc"],
            &["sh", "-c", "hostname; echo $A; pwd"],
            0,
            "there\nb\n/etc\n",
        ),
        (&["--ulimit", "nofile=77:88"], &["sh", "-c", "ulimit -n; ulimit -Hn"], 0, "77\n88\n"),
        (&[], &["grep", "Seccomp:", "/proc/self/status"], 0, "Seccomp:\t2\n"),
        (
            &["--security-opt", "seccomp=unconfined"],
            &["grep", "Seccomp:", "/proc/self/status"],
            0,
            "Seccomp:\t0\n",
        ),
        (&["--sysctl", "kernel.msgmax=5000"], &["cat", "/proc/sys/kernel/msgmax"], 0, "5000\n"),
        (&["--pids-limit", "1"], &["sh", "-c", "(true) 2>/dev/null; echo unreached"], 2, ""),
    ] {
        let outcome = podman.once(options, command)?;
        let said = String::from_utf8_lossy(&outcome.stdout);
        ensure!(
            outcome.code == Some(code) && said == expected,
            "{options:?} {command:?}: {}",
            outcome.shown()
        );
    }
    ensure!(fs::read_to_string(volume.join("new"))? == "written\n");
    ensure!(podman.says(&["ps", "--all", "--quiet"])?.is_empty());
    Ok(())
}

/// `casemate install` makes it known by its name, and takes that back.
pub(super) fn by_name(place: &Place) -> Result<()> {
    let podman = Podman::new(place, "podman-by-name")?;
    let configuration = podman.store.join("containers.conf");
    let install = |options: &[&str]| {
        let mut command = Command::new(&place.casemate);
        command.args(["install", "podman", "--config"]).arg(&configuration).args(options);
        run(&mut command, b"", LIMIT)
    };
    let named = || {
        let mut command = podman.command();
        command.env("CONTAINERS_CONF", &configuration).args(["--runtime", "casemate"]);
        run(command.args(["run", "--rm", "--network=none", IMAGE, "sh", "-c", "exit 9"]), b"", LIMIT)
    };
    let outcome = install(&[])?;
    ensure!(outcome.code == Some(0), "{}", outcome.shown());
    let outcome = named()?;
    ensure!(outcome.code == Some(9), "{}", outcome.shown());
    let outcome = install(&["--remove"])?;
    ensure!(outcome.code == Some(0) && !configuration.exists(), "{}", outcome.shown());
    fs::write(&configuration, "")?;
    let outcome = named()?;
    ensure!(outcome.code == Some(127) || outcome.code == Some(125), "{}", outcome.shown());
    Ok(())
}

/// One container through its life.
pub(super) fn life(place: &Place) -> Result<()> {
    let podman = Podman::new(place, "podman-life")?;
    let program = "trap 'echo got term; exit 3' TERM; echo up; while :; do sleep 0.1; done";
    podman.says(&["run", "--detach", "--name", "w", "--network=none", IMAGE, "sh", "-c", program])?;
    let status = || podman.says(&["inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", "w"]);
    super::lifecycle::within(LIMIT, || Ok(podman.says(&["logs", "w"])? == "up\n"))?;
    ensure!(status()? == "running 0\n");
    let outcome =
        podman.run(&["exec", "--user", "5", "--env", "X=y", "w", "sh", "-c", "id -u; echo $X; exit 4"])?;
    ensure!(outcome.code == Some(4) && outcome.stdout == b"5\ny\n", "{}", outcome.shown());
    ensure!(podman.run(&["exec", "w", "no-such-program"])?.code == Some(127));
    podman.says(&["exec", "--detach", "w", "sleep", "1000"])?;
    ensure!(podman.says(&["exec", "w", "sh", "-c", "cat /proc/*/cmdline"])?.contains("sleep\x001000"));
    podman.says(&["pause", "w"])?;
    ensure!(status()? == "paused 0\n");
    podman.says(&["unpause", "w"])?;
    podman.says(&["stop", "--time", "20", "w"])?;
    ensure!(status()? == "exited 3\n", "{}", status()?);
    ensure!(podman.says(&["logs", "w"])? == "up\ngot term\n");
    podman.says(&["start", "w"])?;
    podman.says(&["restart", "--time", "20", "w"])?;
    podman.says(&["kill", "w"])?;
    super::lifecycle::within(LIMIT, || Ok(status()? == "exited 137\n"))?;
    ensure!(podman.says(&["wait", "w"])? == "137\n");
    podman.says(&["rm", "w"])?;
    ensure!(podman.says(&["ps", "--all", "--quiet"])?.is_empty());
    Ok(())
}

/// Attaching to what runs, and terminals.
pub(super) fn attach_and_terminal(place: &Place) -> Result<()> {
    let podman = Podman::new(place, "podman-attach")?;
    let program = "read line; echo got $line; exit 6";
    podman.says(&[
        "run",
        "--detach",
        "--interactive",
        "--name",
        "a",
        "--network=none",
        IMAGE,
        "sh",
        "-c",
        program,
    ])?;
    let outcome = podman.run(&["attach", "a"])?;
    ensure!(outcome.stdout.starts_with(b"got typed\n"), "{}", outcome.shown());
    ensure!(podman.says(&["wait", "a"])? == "6\n");
    ensure!(podman.says(&["logs", "a"])? == "got typed\n");
    let outcome =
        podman.once(&["--tty"], &["sh", "-c", "test -t 0 && test -t 1 && ls -l /dev/console && exit 8"])?;
    ensure!(outcome.code == Some(8), "{}", outcome.shown());
    Ok(())
}

/// Health checks are programs that are run in the container.
pub(super) fn health(place: &Place) -> Result<()> {
    let podman = Podman::new(place, "podman-health")?;
    podman.says(&[
        "run",
        "--detach",
        "--name",
        "h",
        "--network=none",
        "--health-cmd",
        "ls /tmp/well",
        "--health-interval",
        "disable",
        IMAGE,
        "sleep",
        "1000",
    ])?;
    ensure!(podman.run(&["healthcheck", "run", "h"])?.code == Some(1));
    podman.says(&["exec", "h", "touch", "/tmp/well"])?;
    ensure!(podman.run(&["healthcheck", "run", "h"])?.code == Some(0));
    podman.says(&["rm", "--force", "--time", "0", "h"])?;
    Ok(())
}

/// An image whose steps are run by the runtime.
pub(super) fn build(place: &Place) -> Result<()> {
    let podman = Podman::new(place, "podman-build")?;
    let context = podman.store.join("context");
    fs::create_dir(&context)?;
    fs::write(context.join("file"), "copied\n")?;
    let steps = format!(
        "FROM {IMAGE}\nENV A=b\nCOPY file /etc/file\nRUN grep -q Seccomp /proc/self/status && echo built $A > /etc/built\n\
         RUN [\"touch\", \"/etc/exec-form\"]\nUSER 5\nWORKDIR /tmp\nRUN test $(id -u) = 5\n"
    );
    fs::write(context.join("Containerfile"), steps)?;
    let directory = context.display().to_string();
    podman.says(&["build", "--network=none", "--isolation=oci", "--tag", "localhost/built", &directory])?;
    let look = "cat /etc/file /etc/built; id -u; ls /etc/exec-form; pwd";
    let outcome = podman.run(&["run", "--rm", "--network=none", "localhost/built", "sh", "-c", look])?;
    let expected = "copied\nbuilt b\n5\n/etc/exec-form\n/tmp\n";
    ensure!(outcome.code == Some(0) && outcome.stdout == expected.as_bytes(), "{}", outcome.shown());
    Ok(())
}

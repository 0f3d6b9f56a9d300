//! Containers of an image with Debian's own programs: what a user does with one from its start to its end.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::lifecycle::within;
use super::podman::{LIMIT, Podman};
use super::terminal::Terminal;
use crate::place::Place;

const IMAGE: &str = "localhost/debian";
/// What the image has: a shell, the usual programs, and the libraries that these need.
const PACKAGES: &str = "base-files bash coreutils dash grep hostname libacl1 libattr1 libc6 libcap2 libgcrypt20 libgmp10 libgpg-error0 liblz4-1 \
    liblzma5 libpcre2-8-0 libproc2-0 libselinux1 libsystemd0 libtinfo6 libzstd1 ncurses-base procps sed";
/// What belongs to no package.
const OTHERS: &str = "bin sbin lib lib64 etc/passwd etc/group tmp dev proc sys run";

/// Packs what the packages have brought into the test root. Documentation is left out.
fn pack(root: &Path, archive: &Path) -> Result<()> {
    let mut names: BTreeSet<String> = OTHERS.split(' ').map(str::to_owned).collect();
    for package in PACKAGES.split_whitespace() {
        let lists = ["", ":amd64"].map(|of| root.join(format!("var/lib/dpkg/info/{package}{of}.list")));
        let list = lists.into_iter().find(|list| list.is_file()).with_context(|| format!("no {package}"))?;
        names.extend(fs::read_to_string(list)?.lines().filter_map(|line| {
            let name = line.strip_prefix('/').filter(|name| !name.starts_with("usr/share/"))?;
            // The directories of old are links.
            let moved = ["bin/", "sbin/", "lib/", "lib64/"].iter().any(|old| name.starts_with(old));
            Some(if moved { format!("usr/{name}") } else { name.to_owned() })
        }));
    }
    names.retain(|name| root.join(name).symlink_metadata().is_ok());
    let mut tar = Command::new("tar");
    tar.arg("-C").arg(root).arg("-cf").arg(archive).args(["--no-recursion", "-T", "-"]).stdin(Stdio::piped());
    let mut tar = tar.spawn()?;
    let list: String = names.iter().map(|name| format!("{name}\n")).collect();
    tar.stdin.take().context("no input")?.write_all(list.as_bytes())?;
    ensure!(tar.wait()?.success(), "cannot pack the image");
    Ok(())
}

/// Prints what the options of a container say, one after the other.
const LOOKS: &str = "\
    . /etc/os-release; echo $ID; hostname; echo $WHO; id -u; id -g; pwd
    grep MemTotal /proc/meminfo | tr -s ' '; ulimit -n; ulimit -Hn
    grep -E 'CapEff|NoNewPrivs' /proc/self/status
    cat /mnt/file; echo written > /mnt/new; stat -f -c %T /scratch; touch /scratch/x && ls /scratch
    touch /etc/x 2>/dev/null || echo read-only
    (for i in $(seq 60); do sleep 100 & done) 2>&1 | grep -o -m 1 'Resource temporarily unavailable'
    exit 7";
const SEEN: &str = "debian\nthere\nme\n5\n6\n/usr\nMemTotal: 262144 kB\n77\n88\nCapEff:\t0000000000000000\nNoNewPrivs:\t0\n\
    from the host\ntmpfs\nx\nread-only\nResource temporarily unavailable\n";

/// All that the command line offers, for one container: from `run` with every option to `rm`.
pub(super) fn whole(place: &Place) -> Result<()> {
    let podman = Podman::new(place, "podman-debian")?;
    let archive = podman.store.join("debian.tar");
    pack(&place.root, &archive)?;
    podman.says(&["import", "--quiet", &archive.display().to_string(), IMAGE])?;
    let volume = podman.store.join("volume");
    fs::create_dir(&volume)?;
    fs::write(volume.join("file"), "from the host\n")?;
    std::os::unix::fs::chown(&volume, Some(5), Some(6))?;
    let at = format!("{}:/mnt", volume.display());
    let options = [
        "run",
        "--rm",
        "--network=none",
        "-v",
        &at,
        "--tmpfs",
        "/scratch:mode=1777",
        "--user",
        "5:6",
        "--read-only",
        "--cap-drop",
        "all",
        "--memory",
        "256m",
        "--pids-limit",
        "40",
        "--ulimit",
        "nofile=77:88",
        "--hostname",
        "there",
        "--env",
        "WHO=me",
        "-w",
        "/usr",
    ];
    let outcome = podman.run(&[&options[..], &[IMAGE, "bash", "-c", LOOKS]].concat())?;
    let said = String::from_utf8_lossy(&outcome.stdout);
    ensure!(outcome.code == Some(7) && said == SEEN, "{}", outcome.shown());
    ensure!(fs::read_to_string(volume.join("new"))? == "written\n");

    let program = "trap 'echo term; exit 3' TERM; echo up $(cat /copied); while :; do sleep 0.1; done";
    podman.says(&[
        "create",
        "--name",
        "d",
        "--network=none",
        "--health-cmd",
        "test -e /tmp/well",
        "--health-interval",
        "disable",
        IMAGE,
        "bash",
        "-c",
        program,
    ])?;
    // Into one that does not run yet, and out of one that does not run any more.
    let file = podman.store.join("volume/file").display().to_string();
    podman.says(&["cp", &file, "d:/copied"])?;
    podman.says(&["start", "d"])?;
    within(LIMIT, || Ok(podman.says(&["logs", "d"])? == "up from the host\n"))?;
    ensure!(podman.run(&["healthcheck", "run", "d"])?.code == Some(1));
    let outcome = podman.run(&[
        "exec",
        "--user",
        "5",
        "--env",
        "A=b",
        "d",
        "bash",
        "-c",
        "id -u; echo $A; echo kept > /tmp/well; exit 4",
    ])?;
    ensure!(outcome.code == Some(4) && outcome.stdout == b"5\nb\n", "{}", outcome.shown());
    ensure!(podman.run(&["healthcheck", "run", "d"])?.code == Some(0));
    let top = podman.says(&["top", "d", "-eo", "pid,args"])?;
    ensure!(top.lines().any(|line| line.trim_start().starts_with("1 bash -c trap")), "{top}");
    at_a_terminal(place, &podman)?;
    podman.says(&["stop", "--time", "60", "d"])?;
    let state = "{{.State.Status}} {{.State.ExitCode}} {{.Config.StopSignal}}";
    ensure!(podman.says(&["inspect", "--format", state, "d"])? == "exited 3 15\n");
    let out = podman.store.join("out");
    podman.says(&["cp", "d:/tmp/well", &out.display().to_string()])?;
    ensure!(fs::read_to_string(&out)? == "kept\n");
    podman.says(&["restart", "d"])?;
    within(LIMIT, || Ok(podman.says(&["logs", "d"])?.matches("up from the host\n").count() == 2))?;
    podman.says(&["kill", "d"])?;
    ensure!(podman.says(&["wait", "d"])? == "137\n");
    podman.says(&["rm", "d"])?;
    ensure!(podman.says(&["ps", "--all", "--quiet"])?.is_empty());
    Ok(())
}

/// A shell in a container of its own, and one in the container that runs.
fn at_a_terminal(place: &Place, podman: &Podman) -> Result<()> {
    let terminal = Terminal::start(place, "podman-debian-terminal")?;
    let engine = podman.command();
    let words = std::iter::once(engine.get_program()).chain(engine.get_args());
    let engine = words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
    let shell = "bash --norc --noprofile";
    for (line, code) in [
        (format!("{engine} run -it --rm --network=none --env PS1='inside> ' {IMAGE} {shell}"), 6),
        (format!("{engine} exec -it --env PS1='inside> ' d {shell}"), 9),
    ] {
        terminal.type_line(&format!("clear; {line}; echo outer=$?"))?;
        terminal.until(|screen| screen.starts_with("inside>"))?;
        terminal.type_line("clear; tty; [ -t 1 ] && echo is-$((20 + 3))")?;
        terminal.expect("\nis-23")?;
        terminal.ask("stty size", "\n50 200")?;
        terminal.foreground("sleep 1000")?;
        terminal.press(&["C-c"])?;
        terminal.type_line(&format!("exit {code}"))?;
        terminal.expect(&format!("outer={code}"))?;
    }
    Ok(())
}

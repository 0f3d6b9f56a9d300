//! A program on the host's own kernel, in the test root: what a sandbox is compared with.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::bundle::{ENVIRONMENT, MOUNTS, OPEN_FILES};
use crate::place::Place;
use crate::root::Root;
use crate::run::{Outcome, run};

/// Runs a program natively, with the mounts, limits and environment that [`crate::bundle`] gives a container.
///
/// # Errors
/// If it cannot be started.
pub fn native(place: &Place, root: &Root, args: &[&str], stdin: &[u8], limit: Duration) -> Result<Outcome> {
    run(&mut command(place, root, args), stdin, limit)
}

/// The command that does it: `unshare`, a shell that mounts, `chroot`.
#[must_use]
pub fn command(place: &Place, root: &Root, args: &[&str]) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--pid", "--ipc", "--uts", "--net", "--fork", "--kill-child", "--"]);
    command
        .args(["bash", "-c", &script(root), "bash"])
        .arg(root.path())
        .arg(&place.cases)
        .arg(root.disk().unwrap_or(Path::new("")))
        .args(args);
    command
}

fn script(root: &Root) -> String {
    let mut script =
        String::from("set -e; root=$1; cases=$2; disk=$3; shift 3; hostname casemate; ip link set lo up\n");
    // The root is entered through a mount of its own, which can be read-only.
    script.push_str("mount --bind \"$root\" \"$root\"\n");
    if root.read_only() {
        script.push_str("mount -o bind,remount,ro \"$root\"\n");
    }
    for (at, kind, options) in MOUNTS {
        let _ = writeln!(
            script,
            "mkdir -p \"$root{at}\" 2>/dev/null || :; mount -t {kind} -o {} {kind} \"$root{at}\"",
            options.join(",")
        );
        if at == "/dev" {
            script.push_str(DEVICES);
        }
    }
    script.push_str("mount --bind \"$cases\" \"$root/cases\"; mount -o bind,remount,ro \"$root/cases\"\n");
    script.push_str("[[ -z $disk ]] || mount --bind \"$disk\" \"$root/mnt\"\n");
    let environment = ENVIRONMENT.join(" ");
    let _ = writeln!(script, "ulimit -c 0; ulimit -n {OPEN_FILES}");
    // The new root is that of the mount namespace, as a container's is: who is confined by chroot(2) alone may not have a user namespace.
    // The program is looked for in the new PATH, as a container's is, and gets no descriptors that whoever runs the tests has left open.
    let _ = writeln!(
        script,
        "for fd in /proc/self/fd/*; do fd=${{fd##*/}}; ((fd < 3)) || eval \"exec $fd>&-\"; done; cd \"$root\"; mount --move . /; exec setsid chroot . env -i -C /work {environment} \"$@\""
    );
    script
}

const DEVICES: &str = r#"d=$root/dev
mknod -m 666 $d/null c 1 3; mknod -m 666 $d/zero c 1 5; mknod -m 666 $d/full c 1 7; mknod -m 666 $d/random c 1 8
mknod -m 666 $d/urandom c 1 9; mknod -m 666 $d/fuse c 10 229; mknod -m 666 $d/tty c 5 0; ln -s /proc/self/fd $d/fd; ln -s /proc/self/fd/0 $d/stdin
ln -s /proc/self/fd/1 $d/stdout; ln -s /proc/self/fd/2 $d/stderr; ln -s pts/ptmx $d/ptmx; mkdir $d/pts $d/shm
"#;

//! Where what a container writes is kept: `--overlay2`, and what `tar rootfs-upper` makes of it.
#![expect(clippy::indexing_slicing, reason = "an absent member of a JSON value reads as null")]

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::Signal;
use serde_json::{Value, json};

use super::lifecycle::{create, done, reaches};
use super::support::{LIMIT, Running};
use crate::bundle;
use crate::native::native;
use crate::place::Place;
use crate::root::Root;
use crate::run::run;
use crate::sandbox::Sandbox;
use crate::skip::skip;

/// A container that may write to its root, a directory and a file of the host.
fn config(place: &Place, root: &Root, host: &Path, args: &[&str]) -> Result<Value> {
    let mut config = bundle::config(root.path(), place, args, false);
    let mounts = config["mounts"].as_array_mut().context("no mounts")?;
    for (at, name) in [("/mnt", "directory"), ("/etc/hosts", "file")] {
        mounts
            .push(json!({"destination": at, "type": "bind", "source": host.join(name), "options": ["bind"]}));
    }
    Ok(config)
}

/// Makes what the container gets of the host.
fn host_files(place: &Place, name: &str) -> Result<std::path::PathBuf> {
    let host = place.directory(name)?.join("host");
    fs::create_dir_all(host.join("directory"))?;
    fs::write(host.join("directory/old"), "old\n")?;
    fs::write(host.join("file"), "old\n")?;
    Ok(host)
}

/// What reaches the host with each choice, and that all of it is seen inside.
pub(super) fn choices(place: &Place) -> Result<()> {
    const WRITE: &str = "set -e; mkdir /made; dd if=/dev/urandom of=/made/data bs=100k count=30 status=none
        cp /made/data /made/copy; truncate -s 1500k /made/copy; cmp -n 1536000 /made/data /made/copy
        cp /bin/true /made/true; /made/true
        for file in /etc/hostname /mnt/old /etc/hosts; do echo new >> $file; cat $file; done; rm /mnt/old; ls /mnt | wc -l";
    for (choice, root_kept, mounts_kept) in [
        ("none", false, false),
        ("root:memory", true, false),
        ("root:self", true, false),
        ("root:dir", true, false),
        ("all:memory", true, true),
        ("all:self", true, true),
        ("all:dir,size=64m", true, true),
    ] {
        let name = choice.replace([':', ',', '='], "-");
        let root = Root::own(place, &place.root, &format!("layers-{name}"))?;
        let host = host_files(place, &format!("layers-host-{name}"))?;
        let store = host.join("store");
        fs::create_dir(&store)?;
        let before = fs::read_dir(root.path())?.count();
        let mut config = config(place, &root, &host, &["sh", "-c", WRITE])?;
        let choice = choice.replace(":dir", &format!(":dir={}", store.display()));
        config["annotations"] = json!({"dev.casemate.overlay2": choice});
        let sandbox = Sandbox::with_config(place, &format!("layers-{name}-run"), &config)?;
        let outcome = sandbox.run(b"", LIMIT)?;
        if outcome.stdout != b"casemate\nnew\nold\nnew\nold\nnew\n0\n" {
            bail!("{choice}: {} {}", outcome.shown(), sandbox.logged());
        }
        ensure!(root.path().join("made").exists() != root_kept, "{choice}: the root");
        ensure!(host.join("directory/old").exists() == mounts_kept, "{choice}: a directory");
        ensure!((fs::read_to_string(host.join("file"))? == "old\n") == mounts_kept, "{choice}: a file");
        let left = fs::read_dir(root.path())?.count() != before && root_kept;
        ensure!(!left && fs::read_dir(&store)?.count() == 0, "{choice}: something is left");
    }
    Ok(())
}

/// A layer holds as much as it may, says so, and takes what was removed anew.
pub(super) fn limits(place: &Place) -> Result<()> {
    const FILL: &str =
        "df -k --output=size / | tail -1; head -c 3m /dev/zero > /full; echo $?; stat -c %s /full
        df -k --output=avail / | tail -1; truncate -s 1m /full; head -c 900k /dev/zero > /more; echo $?
        rm /full /more; fallocate -l 1500k /more && echo reserved; df -k --output=used / | tail -1";
    for medium in ["memory", "self"] {
        let choice = format!("root:{medium},size=2m");
        let (_root, sandbox) =
            writable(place, &format!("layers-{medium}"), &["sh", "-c", FILL], Some(&choice))?;
        let outcome = sandbox.run(b"", LIMIT)?;
        let said = String::from_utf8_lossy(&outcome.stdout);
        let words: Vec<&str> = said.split_whitespace().collect();
        let complained = String::from_utf8_lossy(&outcome.stderr).contains("No space left on device");
        let expected = ["2048", "1", "2097152", "0", "0", "reserved", "1500"];
        ensure!(words == expected && complained, "{choice}: {}", outcome.shown());
    }
    Ok(())
}

/// A container on a root of its own that says where what it writes is kept.
fn writable(place: &Place, name: &str, args: &[&str], choice: Option<&str>) -> Result<(Root, Sandbox)> {
    let root = Root::own(place, &place.root, &format!("{name}-root"))?;
    let mut config = bundle::config(root.path(), place, args, false);
    if let Some(choice) = choice {
        config["annotations"] = json!({"dev.casemate.overlay2": choice});
    }
    let sandbox = Sandbox::with_config(place, name, &config)?;
    Ok((root, sandbox))
}

/// Whatever is killed: the file of a layer is gone with the sandbox.
pub(super) fn nothing_left(place: &Place) -> Result<()> {
    let script = "head -c 40m /dev/urandom > /data; echo written; read line";
    for who in ["runtime", "sandbox"] {
        let store = place.directory(&format!("layers-store-{who}"))?;
        let choice = format!("root:dir={}", store.display());
        let (_root, sandbox) =
            writable(place, &format!("layers-kill-{who}"), &["sh", "-c", script], Some(&choice))?;
        // A filesystem of its own, so that what is used there is this layer's.
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=64m", "layers"]).arg(&store);
        ensure!(run(&mut mount, b"", LIMIT)?.code == Some(0), "no tmpfs");
        let used = || -> Result<u64> {
            let found = rustix::fs::statvfs(&store)?;
            Ok((found.f_blocks - found.f_bfree) * found.f_frsize)
        };
        let mut running = Running::start(&mut sandbox.command("killed"))?;
        running.expect("written")?;
        ensure!(used()? >= 40 << 20, "{who}: the layer is not there");
        ensure!(fs::read_dir(&store)?.count() == 0, "{who}: it has a name");
        let tree = running.tree()?;
        match who {
            "runtime" => running.signal(Signal::KILL)?,
            _ => {
                for pid in tree.named("casemate").into_iter().filter(|pid| Some(*pid) != running.pid().ok()) {
                    let _ = super::support::send(pid, Signal::KILL);
                }
            }
        }
        let deadline = std::time::Instant::now() + LIMIT;
        while used()? > 1 << 20 {
            ensure!(std::time::Instant::now() < deadline, "{who}: {} bytes are left", used()?);
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        drop(running);
        let _ = run(Command::new("umount").arg(&store), b"", LIMIT);
    }
    Ok(())
}

/// The archive of a layer, put on what is below it, gives what the container saw.
pub(super) fn export(place: &Place) -> Result<()> {
    let tool = "/cases/py/layer_tree.py";
    for medium in ["memory", "self"] {
        let script =
            format!("python3 {tool} change /tree; echo changed; read line; python3 {tool} show /tree");
        let name = format!("layers-export-{medium}");
        let (root, mut sandbox) = writable(place, &name, &["sh", "-c", &script], None)?;
        sandbox.options =
            if medium == "self" { &["--overlay2", "root:self"] } else { &["--overlay2", "root:memory"] };
        let made = native(place, &root, &["python3", tool, "make", "/tree"], b"", LIMIT)?;
        ensure!(made.code == Some(0), "{}", made.shown());
        let inode = fs::metadata(root.path().join("tree/changed"))?.ino();

        let mut running = Running::start(&mut sandbox.command("exported"))?;
        running.expect("changed")?;
        let archive = sandbox.state.with_file_name("layer.tar");
        let mut tar = sandbox.casemate();
        tar.args(["tar", "rootfs-upper", "--file"]).arg(&archive).arg("exported");
        let written = run(&mut tar, b"", LIMIT)?;
        ensure!(written.code == Some(0) && written.stderr.is_empty(), "{}", written.shown());
        let mut piped = sandbox.casemate();
        let piped = run(piped.args(["tar", "rootfs-upper", "exported"]), b"", LIMIT)?;
        ensure!(piped.stdout == fs::read(&archive)?, "standard output gets another archive");
        running.say("\n")?;
        let seen = running.finish()?;
        ensure!(seen.code == Some(0), "{} {}", seen.shown(), sandbox.logged());
        ensure!(
            fs::metadata(root.path().join("tree/changed"))?.ino() == inode,
            "the layer below was changed"
        );

        let listed = run(Command::new("tar").arg("-tf").arg(&archive), b"", LIMIT)?;
        ensure!(listed.code == Some(0) && listed.stderr.is_empty(), "{}", listed.shown());
        let size = fs::metadata(&archive)?.len();
        ensure!(size < 1 << 20, "an archive of {size} bytes has holes written out");
        let mut apply = Command::new("python3");
        apply.arg(place.cases.join("py/layer_tree.py")).arg("apply").arg(&archive).arg(root.path());
        let applied = run(&mut apply, b"", LIMIT)?;
        ensure!(applied.code == Some(0), "{}", applied.shown());
        let shown = native(place, &root, &["python3", tool, "show", "/tree"], b"", LIMIT)?;
        if shown.stdout != seen.stdout.strip_prefix(b"changed\n").unwrap_or(&seen.stdout) {
            let (seen, shown) =
                (String::from_utf8_lossy(&seen.stdout), String::from_utf8_lossy(&shown.stdout));
            let only = |of: &str, other: &str| {
                let other: Vec<&str> = other.lines().collect();
                of.lines().filter(|line| !other.contains(line)).collect::<Vec<_>>().join("\n")
            };
            bail!("{medium}: seen\n{}\nafter applying\n{}", only(&seen, &shown), only(&shown, &seen));
        }
    }
    // Without a layer there is nothing to write, and after its end none.
    let (_root, sandbox) = writable(place, "layers-none", &["sh", "-c", "echo there; read line"], None)?;
    let mut running = Running::start(&mut sandbox.command("none"))?;
    running.expect("there")?;
    let refused = run(sandbox.casemate().args(["tar", "rootfs-upper", "none"]), b"", LIMIT)?;
    let said = String::from_utf8_lossy(&refused.stderr);
    ensure!(refused.code == Some(1) && said.contains("not kept in a layer"), "{}", refused.shown());
    running.say("\n")?;
    running.finish()?;
    Ok(())
}

/// A layer that is kept is to be had before the container runs, and from its end until it is deleted. Else its end is the layer's.
pub(super) fn kept(place: &Place) -> Result<()> {
    const WRITE: &str =
        "set -e; mkdir /made; seq 100000 > /made/data; ln -s data /made/link; rm /etc/hostname";
    let archive = |sandbox: &Sandbox| run(sandbox.casemate().args(["tar", "rootfs-upper", "c"]), b"", LIMIT);
    let content: String = (1..=100_000).map(|line| format!("{line}\n")).collect();
    for (name, choice) in [("memory", "root:memory,archive"), ("self", "root:self,size=64m,archive")] {
        let name = format!("layers-kept-{name}");
        let (root, sandbox) = writable(place, &name, &["sh", "-c", WRITE], Some(choice))?;
        let file = sandbox.state.with_file_name("kept.tar");
        let of_it = |arguments: &[&str]| run(Command::new("tar").args(arguments).arg(&file), b"", LIMIT);
        create(&sandbox)?;
        let before = archive(&sandbox)?;
        ensure!(before.code == Some(0) && !before.stdout.is_empty(), "{}", before.shown());
        done(&sandbox, &["start", "c"])?;
        reaches(&sandbox, "stopped")?;
        let kept = archive(&sandbox)?;
        ensure!(kept.code == Some(0), "{}", kept.shown());
        fs::write(&file, &kept.stdout)?;
        let listed = String::from_utf8(of_it(&["-tf"])?.stdout)?;
        for wanted in ["made/data", "made/link", "etc/.wh.hostname"] {
            ensure!(listed.lines().any(|name| name.trim_start_matches("./") == wanted), "{wanted}: {listed}");
        }
        let data = listed.lines().find(|name| name.ends_with("made/data")).context("no file")?;
        fs::create_dir(file.with_extension("tree"))?;
        let mut extract = Command::new("tar");
        extract.arg("-xf").arg(&file).arg("-C").arg(file.with_extension("tree")).arg(data);
        ensure!(run(&mut extract, b"", LIMIT)?.code == Some(0));
        ensure!(fs::read_to_string(file.with_extension("tree").join(data))? == content, "another content");
        ensure!(!root.path().join("made").exists(), "it was written below the layer");
        done(&sandbox, &["delete", "c"])?;
        let gone = archive(&sandbox)?;
        ensure!(gone.code == Some(1) && gone.shown().contains("does not exist"), "{}", gone.shown());
    }
    let (_root, sandbox) = writable(place, "layers-not-kept", &["true"], Some("root:memory"))?;
    create(&sandbox)?;
    done(&sandbox, &["start", "c"])?;
    reaches(&sandbox, "stopped")?;
    let refused = archive(&sandbox)?;
    ensure!(refused.code == Some(1) && refused.shown().contains("was not kept"), "{}", refused.shown());
    done(&sandbox, &["delete", "c"])?;
    Ok(())
}

/// A container whose root is an image: read-only, or below a layer. What is compressed is refused.
pub(super) fn image(place: &Place) -> Result<()> {
    let directory = place.directory("layers-image")?;
    let tree = directory.join("tree");
    for name in ["bin", "etc", "dev", "proc", "work", "data"] {
        fs::create_dir_all(tree.join(name))?;
    }
    fs::copy("/bin/busybox", tree.join("bin/busybox")).context("no static busybox")?;
    std::os::unix::fs::symlink("busybox", tree.join("bin/sh"))?;
    fs::write(tree.join("data/file"), "in the image\n".repeat(5000))?;
    let make = |options: &[&str], to: &Path| -> Result<bool> {
        let mut command = Command::new("mkfs.erofs");
        match run(command.args(options).arg(to).arg(&tree), b"", LIMIT) {
            Ok(made) => Ok(made.code == Some(0)),
            Err(_) => Ok(false),
        }
    };
    let (plain, compressed) = (directory.join("plain.erofs"), directory.join("compressed.erofs"));
    if !make(&[], &plain)? || !make(&["-zlz4"], &compressed)? {
        return skip("mkfs.erofs is not here");
    }
    let empty = directory.join("empty");
    fs::create_dir(&empty)?;
    let script = "busybox tail -n 1 /data/file; busybox wc -c < /data/file; echo new > /data/file && busybox cat /data/file
        busybox mkdir /made && echo made; busybox ls / | busybox wc -l; busybox stat -f -c %T / ";
    let outcome = |name: &str, image: &Path, choice: &str| -> Result<_> {
        let args = ["/bin/busybox", "sh", "-c", script];
        let mut config = bundle::config(&empty, place, &args, false);
        config["annotations"] = json!({
            "dev.casemate.spec.rootfs.type": "erofs",
            "dev.casemate.spec.rootfs.source": image,
            "dev.casemate.overlay2": choice,
        });
        // Only what the image has a place for.
        let mounts = config["mounts"].as_array_mut().context("no mounts")?;
        mounts.retain(|mount| matches!(mount["destination"].as_str(), Some("/proc" | "/dev")));
        Sandbox::with_config(place, name, &config)?.run(b"", LIMIT)
    };
    let read_only = outcome("layers-image-plain", &plain, "none")?;
    let refusals = String::from_utf8_lossy(&read_only.stderr).matches("ead-only file system").count();
    ensure!(
        read_only.stdout == b"in the image\n65000\n6\nUNKNOWN\n" && refusals == 2,
        "{}",
        read_only.shown()
    );
    for choice in ["root:memory", "root:self"] {
        let layered = outcome(&format!("layers-image-{}", &choice[5..]), &plain, choice)?;
        let expected = b"in the image\n65000\nnew\nmade\n7\n";
        ensure!(layered.stdout.starts_with(expected), "{choice}: {}", layered.shown());
    }
    ensure!(fs::read_dir(&empty)?.count() == 0, "something was made in the directory that is not seen");
    let refused = outcome("layers-image-compressed", &compressed, "none")?;
    let said = String::from_utf8_lossy(&refused.stderr);
    ensure!(refused.code == Some(1) && said.contains("EOPNOTSUPP"), "{}", refused.shown());
    Ok(())
}

//! What becomes of the root's files.
#![expect(clippy::indexing_slicing, reason = "an absent member of a JSON value reads as null")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;

use super::support::LIMIT;
use crate::place::Place;
use crate::root::Root;
use crate::run::{Outcome, run};
use crate::sandbox::Sandbox;
use crate::skip::skip;

pub(super) fn read_only(place: &Place) -> Result<()> {
    let script = "for f in /x /etc/hostname /usr/x; do echo no > $f && echo wrote $f; done; mkdir /d && echo made; \
                  rm /etc/hostname && echo removed; chmod 777 /etc && echo changed; echo over";
    let outcome = Sandbox::new(place, "read-only", &["sh", "-c", script])?.run(b"", LIMIT)?;
    let refusals = String::from_utf8_lossy(&outcome.stderr).matches("Read-only file system").count();
    if outcome.stdout != b"over\n" || refusals != 6 {
        bail!("{}", outcome.shown());
    }
    Ok(())
}

pub(super) fn writes_reach_the_host(place: &Place) -> Result<()> {
    let root = Root::own(place, &place.root, "writable")?;
    let script = "echo new > /made && mkdir -p /a/b && mv /made /a/b/ && ln -s b /a/link && chmod 600 /a/b/made && rm /etc/hostname";
    let config = crate::bundle::config(root.path(), place, &["sh", "-c", script], false);
    let outcome = Sandbox::with_config(place, "writable", &config)?.run(b"", LIMIT)?;
    let read = fs::read_to_string(root.path().join("a/link/made")).unwrap_or_default();
    if outcome.code != Some(0) || read != "new\n" || root.path().join("etc/hostname").exists() {
        bail!("{} and {read:?}", outcome.shown());
    }
    Ok(())
}

fn casemate_do(place: &Place, options: &[&str], root: &Root, command: &[&str]) -> Result<Outcome> {
    let state: PathBuf = place.directory("do")?;
    let mut casemate = Command::new(&place.casemate);
    casemate
        .arg("--root")
        .arg(state)
        .arg("do")
        .args(options)
        .arg("--root")
        .arg(root.path())
        .arg("--")
        .args(command);
    run(casemate.env("CASEMATE_TEST_VARIABLE", "passed on"), b"", LIMIT)
}

pub(super) fn do_leaves_files_alone(place: &Place) -> Result<()> {
    let root = Root::own(place, &place.root, "do-overlay")?;
    let script = "echo new > /made && cat /made && echo changed > /etc/hostname && cat /etc/hostname && rm -r /usr/share && ls /usr/share";
    let outcome = casemate_do(place, &[], &root, &["sh", "-c", script])?;
    let name = fs::read_to_string(root.path().join("etc/hostname"))?;
    let untouched =
        !root.path().join("made").exists() && root.path().join("usr/share").is_dir() && name == "casemate\n";
    if outcome.stdout != b"new\nchanged\n" || outcome.code != Some(2) || !untouched {
        bail!("{}", outcome.shown());
    }
    Ok(())
}

pub(super) fn do_read_only(place: &Place) -> Result<()> {
    let outcome = casemate_do(
        place,
        &["--ro"],
        &Root::shared(place),
        &["sh", "-c", "echo x > /tmp/x && cat /tmp/x; echo y > /y"],
    )?;
    if outcome.stdout != b"x\n"
        || outcome.code == Some(0)
        || !String::from_utf8_lossy(&outcome.stderr).contains("Read-only")
    {
        bail!("{}", outcome.shown());
    }
    Ok(())
}

/// `do` for a user who is not root, on the host's own files.
pub(super) fn do_without_root(place: &Place) -> Result<()> {
    const NOBODY: u32 = 65534;
    let directory = place.directory("unprivileged")?;
    chown(&directory, Some(NOBODY), Some(NOBODY))?;
    // Where the binary is built others may not be let in.
    let casemate = directory.join("casemate");
    fs::copy(&place.casemate, &casemate)?;
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--"]);
    command.arg(casemate).arg("--root").arg(directory.join("state")).args(["do", "--", "sh", "-c"]);
    command.arg("id -u; echo kept >/tmp/casemate-unprivileged && cat /tmp/casemate-unprivileged; exit 4");
    let outcome = run(command.current_dir("/"), b"", LIMIT)?;
    let leaked = fs::exists("/tmp/casemate-unprivileged")?;
    if outcome.stdout != b"65534\nkept\n" || outcome.code != Some(4) || leaked {
        bail!("{}", outcome.shown());
    }
    Ok(())
}

pub(super) fn do_passes_its_surroundings(place: &Place) -> Result<()> {
    let options = ["--cwd", "/usr/bin", "--env", "EXTRA=a b", "--uid", "12:34"];
    let script = "pwd; echo $CASEMATE_TEST_VARIABLE; echo $EXTRA; id -u; id -g; exit 7";
    let outcome = casemate_do(place, &options, &Root::shared(place), &["sh", "-c", script])?;
    if outcome.stdout != b"/usr/bin\npassed on\na b\n12\n34\n" || outcome.code != Some(7) {
        bail!("{}", outcome.shown());
    }
    Ok(())
}

const ACL: &str = "system.posix_acl_access";

/// Gives a file an access control list that names a user.
fn put_acl(path: &Path, user: u32) -> Result<()> {
    let nobody = u32::MAX;
    let entries = [(1_u16, 6_u16, nobody), (2, 7, user), (4, 4, nobody), (16, 7, nobody), (32, 0, nobody)];
    let mut list = 2_u32.to_le_bytes().to_vec();
    for (tag, permissions, id) in entries {
        list.extend(tag.to_le_bytes().into_iter().chain(permissions.to_le_bytes()).chain(id.to_le_bytes()));
    }
    match rustix::fs::setxattr(path, ACL, &list, rustix::fs::XattrFlags::empty()) {
        Err(rustix::io::Errno::OPNOTSUPP) => skip("needs a file system with access control lists"),
        other => Ok(other?),
    }
}

/// The user that the list of [`put_acl`] names now.
fn named_in_acl(path: &Path) -> Result<u32> {
    let mut list = [0; 256];
    let length = rustix::fs::getxattr(path, ACL, &mut list[..])?;
    let id = list.get(..length).and_then(|list| list.get(16..20)).context("no such entry")?;
    Ok(u32::from_le_bytes(id.try_into()?))
}

/// The files of an idmapped mount belong to others inside than outside.
pub(super) fn idmapped_mounts(place: &Place) -> Result<()> {
    let files = place.directory("idmapped")?.join("files");
    fs::create_dir(&files)?;
    fs::set_permissions(&files, fs::Permissions::from_mode(0o777))?;
    let program = "cd /mnt; stat -c '%u %g' old /mnt; python3 -c \"$1\"; touch new; chown 1009:2008 old; chown 7 old || echo refused; stat -c '%u %g' old new";
    // A list names users too: the one that the host has put there, one that the mount has, and one that it has not.
    let lists = "import os, struct\n\
        name = 'system.posix_acl_access'\n\
        def shown(): print(struct.unpack_from('<I', os.getxattr('old', name), 16)[0])\n\
        def put(uid):\n    \
            entries = [(1, 6, 0xffffffff), (2, 7, uid), (4, 4, 0xffffffff), (16, 7, 0xffffffff), (32, 0, 0xffffffff)]\n    \
            try: os.setxattr('old', name, struct.pack('<I', 2) + b''.join(struct.pack('<HHI', *e) for e in entries))\n    \
            except OSError as e: print('errno', e.errno)\n\
        shown(); put(1005); shown(); put(77)\n";
    let mut config = super::support::config(place, &["sh", "-c", program, "sh", lists]);
    let ids = |host: u32| json!([{"containerID": 0, "hostID": host, "size": 10}]);
    let mount = json!({"destination": "/mnt", "type": "bind", "source": files, "options": ["rbind"], "uidMappings": ids(1000), "gidMappings": ids(2000)});
    config["mounts"].as_array_mut().context("no mounts")?.push(mount);
    config["process"]["user"] = json!({"uid": 1000, "gid": 2000});
    for set in ["inheritable", "ambient"] {
        config["process"]["capabilities"][set] = json!(["CAP_CHOWN", "CAP_FOWNER"]);
    }
    for options in [&[][..], &["--directfs"]] {
        fs::write(files.join("old"), "")?;
        chown(files.join("old"), Some(3), Some(4))?;
        put_acl(&files.join("old"), 7)?;
        let mut sandbox = Sandbox::with_config(place, "idmapped", &config)?;
        sandbox.options = options;
        let outcome = sandbox.run(b"", LIMIT)?;
        let expected = "1003 2004\n1000 2000\n1007\n1005\nerrno 22\nrefused\n1009 2008\n1000 2000\n";
        ensure!(outcome.stdout == expected.as_bytes(), "{options:?}: {}", outcome.shown());
        ensure!(named_in_acl(&files.join("old"))? == 5);
        let owner = |name: &str| fs::metadata(files.join(name)).map(|found| (found.uid(), found.gid()));
        ensure!(owner("old")? == (9, 8) && owner("new")? == (0, 0), "{:?} {:?}", owner("old"), owner("new"));
        fs::remove_file(files.join("new"))?;
    }
    Ok(())
}

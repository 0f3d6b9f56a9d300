//! An ordinary user runs containers: user namespaces, no control groups, no right that the user lacks.
#![expect(clippy::indexing_slicing, reason = "an absent member of a JSON value is made")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::process::Command;

use anyhow::{Result, ensure};
use serde_json::json;

use super::support::{LIMIT, config, set};
use crate::bundle;
use crate::enclosure;
use crate::place::Place;
use crate::run::{Outcome, run};
use crate::skip::skip;
use crate::tools::available;

const USER: u32 = 1000;
/// Files are served by the gofer, or the sentry works on them itself.
const DIRECT: [&str; 2] = ["--directfs=off", "--directfs=on"];

/// A directory that belongs to the user, with a copy of the program: the tests' own need not be within reach.
fn home(place: &Place, name: &str) -> Result<std::path::PathBuf> {
    if !available("setpriv") {
        return skip("needs setpriv");
    }
    let allowed = fs::read_to_string("/proc/sys/kernel/unprivileged_userns_clone");
    if allowed.is_ok_and(|text| text.trim() == "0") {
        return skip("the host does not let users make user namespaces");
    }
    let home = std::env::temp_dir().join(format!("casemate-e2e-{name}-{}", enclosure::run()));
    fs::create_dir_all(&home)?;
    fs::set_permissions(&home, fs::Permissions::from_mode(0o755))?;
    chown(&home, Some(USER), Some(USER))?;
    fs::copy(&place.casemate, home.join("casemate"))?;
    // The test root may lie where the user cannot go.
    let root = home.join("root");
    fs::create_dir_all(&root)?;
    let mount = Command::new("mount").arg("--bind").arg(&place.root).arg(&root).status()?;
    ensure!(mount.success(), "cannot mount the test root");
    Ok(home)
}

fn as_user(home: &std::path::Path, arguments: &[&str]) -> Result<Outcome> {
    let id = USER.to_string();
    let mut command = Command::new("setpriv");
    command.args(["--reuid", &id, "--regid", &id, "--clear-groups", "--inh-caps=-all", "--"]);
    command.arg(home.join("casemate")).arg("--root").arg(home.join("state")).args(arguments);
    command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", home).current_dir(home);
    run(&mut command, b"", LIMIT)
}

fn tidy<T>(home: &std::path::Path, result: Result<T>) -> Result<T> {
    let unmounted = Command::new("umount").arg(home.join("root")).status()?;
    ensure!(unmounted.success(), "the test root is still mounted");
    fs::remove_dir_all(home)?;
    result
}

/// `do` on the user's own root: the user is who the user was, and files in memory are all that is written.
pub(super) fn r#do(place: &Place) -> Result<()> {
    let home = home(place, "rootless-do")?;
    let check = || {
        let root = home.join("root").display().to_string();
        let script = "id -u; id -g; echo x > /tmp/x && cat /tmp/x; cat /etc/shadow || echo refused";
        for direct in DIRECT {
            let outcome = as_user(&home, &[direct, "do", "--root", &root, "--", "sh", "-c", script])?;
            ensure!(outcome.code == Some(0), "{direct}: {}", outcome.shown());
            ensure!(outcome.stdout == b"1000\n1000\nx\nrefused\n", "{direct}: {}", outcome.shown());
        }
        Ok(())
    };
    tidy(&home, check())
}

/// Runs as the user in a mount namespace where that one has subordinate ids: 65536 from 100000 on.
fn with_subordinate_ids(home: &std::path::Path, arguments: &[&str]) -> Result<Outcome> {
    const SCRIPT: &str = "mount --bind $1/passwd /etc/passwd; for f in /etc/subuid /etc/subgid; do [ -e $f ] || : >$f; mount --bind $1/sub $f; done; shift; exec \"$@\"";
    fs::write(home.join("passwd"), format!("root:x:0:0::/:/bin/sh\nsomebody:x:{USER}:{USER}::/:/bin/sh\n"))?;
    fs::write(home.join("sub"), "somebody:100000:65536\n")?;
    let id = USER.to_string();
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", SCRIPT, "sh"]).arg(home);
    command.args(["setpriv", "--reuid", &id, "--regid", &id, "--clear-groups", "--"]);
    command.arg(home.join("casemate")).arg("--root").arg(home.join("state")).args(arguments);
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("HOME", home).current_dir(home);
    run(&mut command, b"", LIMIT)
}

/// Owners of files are those that the container's mappings make of them: the user alone, and with subordinate ids others too.
pub(super) fn mappings(place: &Place) -> Result<()> {
    let home = home(place, "rootless-mappings")?;
    let check = || {
        let shared = home.join("shared");
        fs::create_dir(&shared)?;
        fs::write(shared.join("own"), "")?;
        fs::write(shared.join("other"), "")?;
        for path in [&shared, &shared.join("own")] {
            chown(path, Some(USER), Some(USER))?;
        }
        chown(shared.join("other"), Some(100_004), Some(100_004))?;
        let mut spec =
            config(place, &["sh", "-c", "cd /mnt; touch new; chown 7:8 new; stat -c '%n %u %g' *"]);
        set(&mut spec, "/root/path", home.join("root").display().to_string().into())?;
        spec["mounts"] =
            json!([{"destination": "/mnt", "type": "bind", "source": shared, "options": ["rbind"]}]);
        spec["process"]["cwd"] = json!("/");
        spec["linux"]["namespaces"] =
            json!(["mount", "pid", "uts", "ipc", "network", "user"].map(|kind| json!({"type": kind})));
        let own = json!({"containerID": 0, "hostID": USER, "size": 1});
        let all = json!([own, {"containerID": 1, "hostID": 100_000, "size": 65_536}]);
        for (name, mappings, expected) in [
            ("own", json!([own]), "new 0 0\nother 65534 65534\nown 0 0\n"),
            ("all", all, "new 7 8\nother 5 5\nown 0 0\n"),
        ] {
            if name == "all" && !available("newuidmap") {
                return skip("needs newuidmap");
            }
            for field in ["uidMappings", "gidMappings"] {
                spec["linux"][field] = mappings.clone();
            }
            let bundle = bundle::write(&home.join("bundle"), &spec)?.display().to_string();
            for direct in DIRECT {
                let outcome = with_subordinate_ids(&home, &[direct, "run", "--bundle", &bundle, name])?;
                ensure!(outcome.stdout == expected.as_bytes(), "{direct} {name}: {}", outcome.shown());
                let found = fs::metadata(shared.join("new"))?;
                let owner = if name == "all" { (100_006, 100_007) } else { (USER, USER) };
                ensure!(
                    (found.uid(), found.gid()) == owner,
                    "{direct} {name}: {} {}",
                    found.uid(),
                    found.gid()
                );
                fs::remove_file(shared.join("new"))?;
            }
        }
        Ok(())
    };
    tidy(&home, check())
}

/// A container that asks for limits gets none, is told so once, and runs.
pub(super) fn bundle(place: &Place) -> Result<()> {
    let home = home(place, "rootless-run")?;
    let check = || {
        let mut spec = config(place, &["sh", "-c", "id -u; hostname; cat /proc/1/comm; exit 5"]);
        set(&mut spec, "/root/path", home.join("root").display().to_string().into())?;
        if let Some(mounts) = spec.get_mut("mounts").and_then(serde_json::Value::as_array_mut) {
            mounts.retain(|mount| mount.get("type").is_none_or(|kind| kind != "bind"));
        }
        if let Some(linux) = spec.get_mut("linux").and_then(serde_json::Value::as_object_mut) {
            linux.insert("resources".to_owned(), serde_json::json!({"memory": {"limit": 1 << 28}}));
        }
        let bundle = bundle::write(&home.join("bundle"), &spec)?.display().to_string();
        for name in ["a", "b"] {
            let outcome = as_user(&home, &["run", "--bundle", &bundle, name])?;
            ensure!(outcome.code == Some(5), "{}", outcome.shown());
            ensure!(outcome.stdout == b"0\ncasemate\nsh\n", "{}", outcome.shown());
            let warnings = String::from_utf8_lossy(&outcome.stderr).lines().count();
            ensure!(warnings <= 1, "{}", outcome.shown());
        }
        let outcome = as_user(&home, &["list", "--quiet"])?;
        ensure!(outcome.code == Some(0) && outcome.stdout.is_empty(), "{}", outcome.shown());
        Ok(())
    };
    tidy(&home, check())
}

//! An ordinary user runs containers: user namespaces, no control groups, no right that the user lacks.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::process::Command;

use anyhow::{Result, ensure};

use super::support::{LIMIT, config, set};
use crate::bundle;
use crate::enclosure;
use crate::place::Place;
use crate::run::{Outcome, run};
use crate::skip::skip;
use crate::tools::available;

const USER: u32 = 1000;

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
        let outcome = as_user(
            &home,
            &[
                "do",
                "--root",
                &root,
                "--",
                "sh",
                "-c",
                "id -u; id -g; echo x > /tmp/x && cat /tmp/x; cat /etc/shadow || echo refused",
            ],
        )?;
        ensure!(outcome.code == Some(0), "{}", outcome.shown());
        ensure!(outcome.stdout == b"1000\n1000\nx\nrefused\n", "{}", outcome.shown());
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

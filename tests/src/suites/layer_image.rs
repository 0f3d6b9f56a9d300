//! What an engine makes of the archive of a layer.

use std::process::Command;

use anyhow::{Result, ensure};

use super::podman::Podman;
use super::support::{LIMIT, Running};
use crate::bundle;
use crate::native::native;
use crate::place::Place;
use crate::root::Root;
use crate::run::run;
use crate::sandbox::Sandbox;

/// An image of what a container began with and of the layer that it has written holds what the container saw.
pub(super) fn of_an_engine(place: &Place) -> Result<()> {
    const TOOL: &str = "/cases/py/layer_tree.py";
    let podman = Podman::new(place, "layer-image-engine")?;
    let root = Root::own(place, &place.root, "layer-image-root")?;
    let made = native(place, &root, &["python3", TOOL, "make", "/tree"], b"", LIMIT)?;
    ensure!(made.code == Some(0), "{}", made.shown());
    let (base, layer) = (podman.store.join("base.tar"), podman.store.join("layer.tar"));
    let mut tar = Command::new("tar");
    tar.args(["--format=pax", "--xattrs", "-cf"]).arg(&base).arg("-C").arg(root.path()).arg("tree");
    ensure!(run(&mut tar, b"", LIMIT)?.code == Some(0), "no archive of the tree");

    let script = format!("python3 {TOOL} change /tree; echo changed; read line; python3 {TOOL} show /tree");
    let config = bundle::config(root.path(), place, &["sh", "-c", &script], false);
    let mut sandbox = Sandbox::with_config(place, "layer-image", &config)?;
    sandbox.options = &["--overlay2", "root:self"];
    let mut running = Running::start(&mut sandbox.command("exported"))?;
    running.expect("changed")?;
    let written = run(
        sandbox.casemate().args(["tar", "rootfs-upper", "--file"]).arg(&layer).arg("exported"),
        b"",
        LIMIT,
    )?;
    ensure!(written.code == Some(0), "{}", written.shown());
    running.say("\n")?;
    let seen = running.finish()?;
    ensure!(seen.code == Some(0), "{} {}", seen.shown(), sandbox.logged());
    let seen = String::from_utf8_lossy(&seen.stdout).into_owned();

    let layout = podman.store.join("layout");
    let mut make = Command::new("python3");
    make.arg(place.cases.join("py/oci_image.py")).arg(&layout).args([&base, &layer]);
    let image = run(&mut make, b"", LIMIT)?;
    ensure!(image.code == Some(0), "{}", image.shown());
    let id = podman.says(&["pull", "--quiet", &format!("oci:{}", layout.display())])?;
    let mounted = podman.says(&["image", "mount", id.trim()])?;
    let mut show = Command::new("python3");
    show.arg(place.cases.join("py/layer_tree.py")).args(["show", &format!("{}/tree", mounted.trim())]);
    let shown = run(&mut show, b"", LIMIT)?;
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    let only = |of: &str, other: &str| {
        of.lines().filter(|line| !other.lines().any(|o| o == *line)).collect::<Vec<_>>().join("\n")
    };
    // The engine takes times before 1970 for none.
    let seen = seen.strip_prefix("changed\n").unwrap_or(&seen).replace(" -1500000000,", " 0,");
    ensure!(shown == seen, "seen\n{}\nin the image\n{}", only(&seen, &shown), only(&shown, &seen));
    Ok(())
}

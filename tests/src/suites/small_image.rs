//! A small root for images of engines: busybox under some of its names.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};

/// What the image has of busybox.
const PROGRAMS: &str = "sh ls cat echo id sleep true grep touch hostname pwd stty nc";

/// Makes it in a directory, and an archive of it.
pub(super) fn make(directory: &Path, archive: &Path) -> Result<()> {
    for name in ["bin", "etc", "tmp", "proc", "dev", "sys"] {
        fs::create_dir_all(directory.join(name))?;
    }
    let busybox = Command::new("sh").args(["-c", "command -v busybox"]).output()?.stdout;
    fs::copy(String::from_utf8(busybox)?.trim(), directory.join("bin/busybox"))?;
    for program in PROGRAMS.split(' ') {
        std::os::unix::fs::symlink("busybox", directory.join("bin").join(program))?;
    }
    fs::write(directory.join("etc/passwd"), "root:x:0:0:root:/:/bin/sh\n")?;
    ensure!(
        Command::new("tar").arg("-C").arg(directory).arg("-cf").arg(archive).arg(".").status()?.success()
    );
    Ok(())
}

//! Much data through a container's standard streams.

use std::fs::File;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Result, bail};

use crate::place::Place;
use crate::sandbox::Sandbox;
use crate::tools::output;

const LIMIT: Duration = Duration::from_secs(900);

/// 1 GiB of pseudo-random bytes: openssl's counter mode of zeros is quick and has no repetition.
const GENERATE: &str =
    "head -c 1073741824 /dev/zero | openssl enc -aes-128-ctr -nosalt -pass pass:casemate -pbkdf2 2>/dev/null";

pub(super) fn gibibyte(place: &Place) -> Result<()> {
    let sandbox = Sandbox::new(place, "gibibyte", &["sh", "-c", "cat | sha256sum"])?;
    let inside = sandbox.command("gibibyte");
    let inside = std::iter::once(inside.get_program()).chain(inside.get_args());
    let mut pipeline = Command::new("timeout");
    pipeline
        .arg(LIMIT.as_secs().to_string())
        .args(["sh", "-c", &format!("{GENERATE} | \"$@\""), "sh"])
        .args(inside);
    let found = output(&mut pipeline)?;
    let expected = output(Command::new("sh").args(["-c", &format!("{GENERATE} | sha256sum")]))?;
    if found != expected {
        bail!("natively {expected:?}, in the sandbox {found:?}");
    }
    Ok(())
}

pub(super) fn input_from_a_file(place: &Place) -> Result<()> {
    // A regular file as standard input: its offset is shared with whoever else holds it.
    let directory = place.directory("input")?;
    let path = directory.join("lines");
    std::fs::write(&path, "one\ntwo\nthree\n")?;
    let sandbox = Sandbox::new(place, "input-file", &["sh", "-c", "read first; echo got $first"])?;
    let inside = sandbox.command("input");
    let inside = std::iter::once(inside.get_program()).chain(inside.get_args());
    let mut both = Command::new("sh");
    both.args(["-c", "\"$@\" && cat", "sh"]).args(inside).stdin(Stdio::from(File::open(&path)?));
    // dash reads a seekable input in blocks and seeks back, so the rest is left for cat.
    let found = output(&mut both)?;
    if found != "got one\ntwo\nthree\n" {
        bail!("found {found:?}");
    }
    Ok(())
}

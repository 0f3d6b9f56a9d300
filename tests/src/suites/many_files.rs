//! A guest that looks at more files than anybody should remember.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::support::{LIMIT, Running};
use crate::bundle;
use crate::place::Place;
use crate::root::Root;
use crate::sandbox::Sandbox;

/// How many files there are, unless `CASEMATE_MANY_FILES` says otherwise.
const FILES: usize = 60_000;
const FILES_EACH: usize = 200;
/// Open files that sentry and gofer may have: fewer than a careless cache of names would hold.
const OPEN_FILES: &str = "--nofile=4096:4096";
/// What each process may need however many files there are, in KiB.
const MEMORY: u64 = 40 << 10;

/// Walks over many files, then changes each, twice: the processes stay small, and nothing runs out of descriptors.
pub(super) fn bounded(place: &Place) -> Result<()> {
    let wanted = std::env::var("CASEMATE_MANY_FILES").ok().and_then(|number| number.parse().ok());
    let directories = wanted.unwrap_or(FILES).div_ceil(FILES_EACH);
    let limit = LIMIT.max(Duration::from_millis(u64::try_from(directories * FILES_EACH)?));
    let root = Root::own(place, &place.root, "many-files")?;
    for directory in 0..directories {
        let path = root.path().join(format!("tree/{directory}"));
        fs::create_dir_all(&path)?;
        for file in 0..FILES_EACH {
            fs::write(path.join(file.to_string()), b"")?;
        }
    }
    let script = "walk() { find /tree -type f -size -1 | wc -l; chmod -R $1 /tree; }
        walk a-w; walk u+w; echo walked; read line; echo over";
    let config = bundle::config(root.path(), place, &["sh", "-c", script], false);
    let sandbox = Sandbox::with_config(place, "many-files", &config)?;
    let run = sandbox.command("many-files");
    let mut command = Command::new("prlimit");
    command.arg(OPEN_FILES).arg(run.get_program()).args(run.get_args());
    let mut running = Running::start(&mut command)?;
    for _ in 0..2 {
        running.expect_within(limit, &(directories * FILES_EACH).to_string())?;
    }
    running.expect_within(limit, "walked")?;
    let tree = running.tree()?;
    for pid in tree.named("casemate") {
        let used = resident(pid)?;
        if used > MEMORY {
            bail!("process {pid} takes {used} KiB: {}", sandbox.logged());
        }
    }
    running.say("\n")?;
    let outcome = running.finish()?;
    if outcome.code != Some(0) || !outcome.stderr.is_empty() {
        bail!("{} {}", outcome.shown(), sandbox.logged());
    }
    Ok(())
}

/// What each file in memory may take besides its content, in bytes.
const EACH: u64 = 1 << 10;
/// Bytes of content of each of them.
const CONTENT: u64 = 100;

/// As many files that only lie in memory: each takes little more than its content, and none is left when they are gone.
pub(super) fn in_memory(place: &Place) -> Result<()> {
    let wanted = std::env::var("CASEMATE_MANY_FILES").ok().and_then(|number| number.parse().ok());
    let files = wanted.unwrap_or(FILES);
    let limit = LIMIT.max(Duration::from_millis(u64::try_from(files)?));
    let script = format!(
        "import os, sys
def wait(what):
    print(what, flush=True); sys.stdin.readline()
wait('started')
for number in range({files}):
    if number % 1000 == 0:
        os.mkdir(f'/work/{{number // 1000}}')
    with open(f'/work/{{number // 1000}}/{{number}}', 'wb', buffering=0) as file:
        file.write(b'x' * {CONTENT})
wait('made')
print(all(os.stat(f'/work/{{number // 1000}}/{{number}}').st_size == {CONTENT} for number in range({files})))
__import__('shutil').rmtree('/work', ignore_errors=True)
print(os.listdir('/work'), os.statvfs('/work').f_blocks - os.statvfs('/work').f_bfree)"
    );
    let config = bundle::config(&place.root, place, &["python3", "-c", &script], true);
    let sandbox = Sandbox::with_config(place, "many-files-in-memory", &config)?;
    let mut running = Running::start(&mut sandbox.command("many-files-in-memory"))?;
    let used = |running: &Running| -> Result<u64> {
        running.tree()?.named("casemate").into_iter().map(resident).sum()
    };
    running.expect_within(limit, "started")?;
    let before = used(&running)?;
    running.say("\n")?;
    running.expect_within(limit, "made")?;
    let each = (used(&running)?.saturating_sub(before) << 10) / u64::try_from(files)?;
    if each > EACH + CONTENT {
        bail!("each of {files} files takes {each} bytes: {}", sandbox.logged());
    }
    running.say("\n")?;
    running.expect_within(limit, "True")?;
    running.expect_within(limit, "[] 0")?;
    let outcome = running.finish()?;
    if outcome.code != Some(0) || !outcome.stderr.is_empty() {
        bail!("{} {}", outcome.shown(), sandbox.logged());
    }
    Ok(())
}

/// KiB of resident memory.
fn resident(pid: i32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

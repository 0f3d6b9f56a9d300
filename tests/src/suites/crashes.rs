//! Sandboxes that are killed while their programs write: what was committed is there.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use serde_json::json;

use super::support::{config, send};
use crate::leftovers::Tree;
use crate::place::Place;
use crate::sandbox::Sandbox;

/// How many commits are waited for before each kill, and who is killed: the sentry, or the runtime and with it everything.
const ROUNDS: &[(u64, bool)] = &[(1, true), (23, false), (50, true), (9, true), (131, false)];

/// sqlite with a write-ahead log in a bind mount, killed at arbitrary points. The host's own sqlite then finds all that was committed, no
/// number missing, and nothing broken; and the next sandbox goes on from there.
pub(super) fn database(place: &Place) -> Result<()> {
    let shared = place.directory("crash-files")?;
    let mut committed = 0;
    for (round, (commits, sentry)) in ROUNDS.iter().enumerate() {
        let name = format!("crash-{round}");
        let mut config = config(place, &["python3", "/cases/py/sqlite_until_killed.py", "/shared/db"]);
        let mounts = config.pointer_mut("/mounts").and_then(serde_json::Value::as_array_mut);
        mounts.context("no mounts")?.push(json!({
            "destination": "/shared", "type": "bind", "source": shared, "options": ["rbind"],
        }));
        let sandbox = Sandbox::with_config(place, &name, &config)?;
        let mut child = sandbox
            .command(&name)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(sandbox.bundle.with_file_name("errors"))?)
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("no standard output")?).lines();
        let opened = lines.next().context("nothing was said")??;
        let found: u64 = opened.strip_prefix("opened ").context(opened.clone())?.parse()?;
        if found < committed {
            bail!("{committed} were committed, and the next sandbox finds {found}");
        }
        for _ in 0..*commits {
            committed = lines.next().context("the program ended")??.parse()?;
        }
        let casemate = i32::try_from(child.id())?;
        let victim = if *sentry { sentry_of(casemate)? } else { casemate };
        send(victim, Signal::KILL)?;
        // What it has said before it was killed counts too.
        for line in lines.map_while(Result::ok) {
            committed = line.parse().unwrap_or(committed);
        }
        child.wait()?;
        check(&shared.join("db"), committed)?;
    }
    Ok(())
}

fn sentry_of(casemate: i32) -> Result<i32> {
    let tree = Tree::below(casemate)?;
    let sandbox = tree.named("casemate-sandbox");
    let init = tree.children(casemate).into_iter().find(|pid| sandbox.contains(pid));
    tree.children(init.context("there is no init")?).first().copied().context("there is no sentry")
}

/// Looks into the database from the host, without going on from its log.
fn check(database: &std::path::Path, committed: u64) -> Result<()> {
    const LOOK: &str = "import sqlite3, sys\n\
        d = sqlite3.connect('file:' + sys.argv[1] + '?mode=rw', uri=True)\n\
        print(d.execute('pragma integrity_check').fetchone()[0], *d.execute('select count(*), max(n) from numbers').fetchone())";
    let output = Command::new("python3").args(["-c", LOOK]).arg(database).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let words: Vec<&str> = text.split_whitespace().collect();
    let ["ok", count, last] = words[..] else {
        bail!("{text}{}", String::from_utf8_lossy(&output.stderr));
    };
    let last: u64 = last.parse()?;
    // The last one may be there though nobody was told.
    if count != last.to_string() || last < committed || last > committed + 1 {
        bail!("{committed} were committed; {count} are there, up to {last}");
    }
    Ok(())
}

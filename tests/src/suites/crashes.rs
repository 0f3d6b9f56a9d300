//! Sandboxes that are killed while their programs write: what was committed is there.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::Signal;
use serde_json::json;

use super::support::{LIMIT, config, send};
use crate::leftovers::Tree;
use crate::place::Place;
use crate::sandbox::Sandbox;

/// How often each of the parts of a sandbox is killed.
const ROUNDS: usize = 3;
/// The databases that are written to at a time, by the journal of each: `tests/cases/py/sqlite_until_killed.py`.
const JOURNALS: [&str; 4] = ["wal", "delete", "truncate", "persist"];
/// Commits that are waited for before a kill, at most.
const COMMITS: u64 = 60;
/// How long after the last of these the kill comes, at most: about as long as a few commits take.
const LATER: u64 = 5_000_000;
/// In the environment: the number that settles when is killed, to see a failure again.
const SEED: &str = "CASEMATE_SEED";

/// Who is killed.
#[derive(Clone, Copy, Debug)]
enum Victim {
    Sentry,
    Init,
    Runtime,
    Gofer,
}

/// Files by messages to the gofer.
pub(super) fn databases(place: &Place) -> Result<()> {
    killed(place, "crash", &[])
}

/// Files by descriptors that the sentry has itself.
pub(super) fn databases_directly(place: &Place) -> Result<()> {
    killed(place, "crash-directly", &["--directfs"])
}

/// Numbers that look random and are not.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// What was last committed to each database, by the name of its journal.
type Committed = BTreeMap<String, u64>;

/// sqlite with its kinds of journals in a bind mount, killed at random points. The host's own sqlite then finds all that was committed, no
/// number missing, and nothing broken; and the next sandbox goes on from what the kill has left.
fn killed(place: &Place, name: &str, options: &'static [&'static str]) -> Result<()> {
    let seed = match std::env::var(SEED) {
        Ok(seed) => seed.parse().with_context(|| format!("{SEED} is no number"))?,
        Err(_) => u64::from(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.subsec_nanos()),
    };
    let mut numbers = Numbers(seed);
    let shared = place.directory(&format!("{name}-files"))?;
    let mut committed = Committed::new();
    for round in 0..ROUNDS {
        for victim in [Victim::Sentry, Victim::Gofer, Victim::Runtime, Victim::Init] {
            let id = format!("{name}-{round}-{victim:?}").to_lowercase();
            crash(place, &id, options, &shared, victim, &mut numbers, &mut committed)
                .and_then(|()| check(place, &shared, &committed))
                .with_context(|| format!("round {round}, {victim:?} killed, {SEED}={seed}"))?;
        }
    }
    Ok(())
}

/// One sandbox, from its start to its death.
fn crash(
    place: &Place,
    id: &str,
    options: &'static [&'static str],
    shared: &Path,
    victim: Victim,
    numbers: &mut Numbers,
    committed: &mut Committed,
) -> Result<()> {
    let program = ["python3", "/cases/py/sqlite_until_killed.py", "/shared"];
    let mut config = config(place, &[&program[..], &JOURNALS].concat());
    let mounts = config.pointer_mut("/mounts").and_then(serde_json::Value::as_array_mut);
    mounts.context("no mounts")?.push(json!({
        "destination": "/shared", "type": "bind", "source": shared, "options": ["rbind"],
    }));
    let mut sandbox = Sandbox::with_config(place, id, &config)?;
    sandbox.options = options;
    let mut child = sandbox
        .command(id)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(File::create(sandbox.bundle.with_file_name("errors"))?)
        .spawn()?;
    let mut lines = BufReader::new(child.stdout.take().context("no standard output")?).lines();
    for _ in JOURNALS {
        let line = lines.next().context("nothing was said")??;
        let opened = line.strip_prefix("opened ").and_then(said).with_context(|| format!("said: {line}"))?;
        let before = committed.get(opened.0).copied().unwrap_or(0);
        // The last one may be there though nobody was told.
        ensure!(
            (before..=before + 1).contains(&opened.1),
            "{before} were committed, and the next sandbox finds: {line}"
        );
        committed.insert(opened.0.to_owned(), opened.1);
    }
    let casemate = i32::try_from(child.id())?;
    let tree = Tree::below(casemate)?;
    let victim = victim.of(&tree, casemate).with_context(|| format!("no {victim:?} in {tree:?}"))?;
    let mut heard = |line: &str| -> Result<()> {
        let (journal, number) = said(line).with_context(|| format!("said: {line}"))?;
        committed.insert(journal.to_owned(), number);
        Ok(())
    };
    for _ in 0..numbers.below(COMMITS) {
        heard(&lines.next().context("the program ended")??)?;
    }
    std::thread::sleep(Duration::from_nanos(numbers.below(LATER)));
    send(victim, Signal::KILL)?;
    // What it has said before it was killed counts too.
    for line in lines {
        heard(&line?)?;
    }
    child.wait()?;
    // Nobody writes any more.
    tree.gone_within(LIMIT)
}

/// A journal and a number.
fn said(line: &str) -> Option<(&str, u64)> {
    let (journal, number) = line.split_once(' ')?;
    Some((journal, number.parse().ok()?))
}

impl Victim {
    fn of(self, tree: &Tree, casemate: i32) -> Option<i32> {
        let sandbox = tree.named("casemate-sandbox");
        let init = tree.children(casemate).into_iter().find(|pid| sandbox.contains(pid));
        match self {
            Self::Runtime => Some(casemate),
            Self::Init => init,
            Self::Sentry => tree.children(init?).first().copied(),
            Self::Gofer => tree.named("casemate-gofer").first().copied(),
        }
    }
}

/// Looks into copies of the databases from the host: the next sandbox itself goes on from their journals.
fn check(place: &Place, shared: &Path, committed: &Committed) -> Result<()> {
    const LOOK: &str = "import sqlite3, sys\n\
        d = sqlite3.connect(sys.argv[1])\n\
        print(d.execute('pragma integrity_check').fetchone()[0],\n\
              *d.execute('select count(*), coalesce(max(n), 0), count(*) filter (where length(filler) <> n % 3000) from numbers').fetchone())";
    let copies = place.directory("crash-copies")?;
    for entry in fs::read_dir(shared)? {
        let entry = entry?;
        fs::copy(entry.path(), copies.join(entry.file_name()))?;
    }
    for (journal, committed) in committed {
        let output = Command::new("python3").args(["-c", LOOK]).arg(copies.join(journal)).output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let words: Vec<&str> = text.split_whitespace().collect();
        let ["ok", count, last, "0"] = words[..] else {
            bail!("{journal}: {text}{}", String::from_utf8_lossy(&output.stderr));
        };
        let last: u64 = last.parse()?;
        if count != last.to_string() || last < *committed || last > committed + 1 {
            bail!("{journal}: {committed} were committed; {count} are there, up to {last}");
        }
    }
    fs::remove_dir_all(copies)?;
    Ok(())
}

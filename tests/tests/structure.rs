//! Rules about the source tree that no compiler checks.

#![expect(clippy::unwrap_used, reason = "a tree that cannot be read fails the test, with the place")]

use std::fs;
use std::path::{Path, PathBuf};

/// How often `unsafe` stands in the crates that may use it. To be lowered whenever it can be, and raised on purpose only.
const UNSAFE: [(&str, usize); 3] = [("crates/host", 34), ("crates/stub", 113), ("crates/platform", 36)];

/// The longest that a source file may be, in lines.
const LONGEST_FILE: usize = 800;

/// Words that say that something is not done. Such things belong into the issues or the table of system calls.
const UNDONE: [&str; 5] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
];

struct Source {
    path: String,
    text: String,
}

impl Source {
    /// Lines that are not only a comment, with their numbers.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines()).filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    for directory in ["benches", "crates", "tests", "xtask"] {
        collect(&top().join(directory), &mut found);
    }
    assert!(found.len() > 50, "the source tree is somewhere else");
    found
}

fn collect(directory: &Path, found: &mut Vec<Source>) {
    for entry in fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            if !path.ends_with("target") {
                collect(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let path = path.strip_prefix(top()).unwrap().display().to_string();
            found.push(Source { path, text });
        }
    }
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_alphanumeric() && c != '_')
}

fn unsafe_count(source: &Source) -> usize {
    source.code().map(|(_, line)| words(line).filter(|word| *word == "unsafe").count()).sum()
}

#[test]
fn unsafe_code_is_in_four_crates_and_does_not_grow() {
    let sources = sources();
    let mut wrong = Vec::new();
    for (name, allowed) in UNSAFE {
        let inside = format!("{name}/");
        let count: usize = sources.iter().filter(|s| s.path.starts_with(&inside)).map(unsafe_count).sum();
        if count > allowed {
            wrong.push(format!("{name}: {count} times, {allowed} allowed"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_other_crate_forbids_unsafe_code() {
    for source in sources() {
        let root = source.path.ends_with("/src/lib.rs") || source.path.ends_with("/src/main.rs");
        if root && UNSAFE.iter().all(|(name, _)| !source.path.starts_with(name)) {
            assert!(
                source.text.contains("#![forbid(unsafe_code)]"),
                "{} does not forbid unsafe code",
                source.path
            );
        }
    }
}

#[test]
fn lints_are_expected_and_not_allowed() {
    let found = lines_with(&[concat!("[allo", "w(")]);
    assert!(found.is_empty(), "use #[expect(lint, reason = \"...\")]: {found:#?}");
}

#[test]
fn nothing_is_left_to_be_done() {
    let found = lines_with(&UNDONE);
    assert!(found.is_empty(), "{found:#?}");
}

fn lines_with(texts: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources() {
        for (number, line) in (1..).zip(source.text.lines()) {
            if texts.iter().any(|text| line.contains(text)) {
                found.push(format!("{}:{number}: {}", source.path, line.trim()));
            }
        }
    }
    found
}

#[test]
fn files_hold_one_idea() {
    let long: Vec<String> = sources()
        .iter()
        .map(|source| (source.text.lines().count(), &source.path))
        .filter(|(lines, _)| *lines > LONGEST_FILE)
        .map(|(lines, path)| format!("{path}: {lines} lines"))
        .collect();
    assert!(long.is_empty(), "{long:#?}");
}

/// The files that links of a document lead to, from where it lies. Those of the web are not followed.
fn links(document: &str) -> impl Iterator<Item = &str> {
    let targets = document.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
    targets.filter(|target| !target.is_empty() && !target.contains("://"))
}

#[test]
fn links_in_the_documents_lead_somewhere() {
    let documents = ["README.md", "docs", "docs/decisions"].map(|place| top().join(place));
    let listed =
        documents.iter().filter(|place| place.is_dir()).flat_map(|place| fs::read_dir(place).unwrap());
    let listed = listed.map(|entry| entry.unwrap().path());
    let written = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "md");
    let (mut dead, mut seen) = (Vec::new(), 0);
    for path in listed.chain(documents.clone()).filter(written) {
        let text = fs::read_to_string(&path).unwrap();
        for target in links(&text) {
            seen += 1;
            if !path.parent().unwrap().join(target).exists() {
                dead.push(format!("{}: {target}", path.display()));
            }
        }
    }
    assert!(seen > 20 && dead.is_empty(), "{seen} links, dead: {dead:#?}");
}

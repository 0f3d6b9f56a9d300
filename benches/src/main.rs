//! Compares the speed of the host, Casemate and other OCI runtimes: `cargo xtask bench`.
//!
//! Every *group* ([`group`]) has rows, and every *column* ([`column`]) is a way to run a container. In each round every column takes its
//! turn, so that whatever else the machine does meets all of them alike. What counts is the median of the rounds, and
//! the ratio to the first column; half of the rounds lie within the spread.
#![forbid(unsafe_code)]

mod apart;
mod bundle;
mod chart;
mod cold;
mod column;
mod contest;
mod engine;
mod footprint;
mod group;
mod idle;
mod options;
mod plain_root;
mod report;
mod rounds;
mod statistics;
mod work_root;

use std::process::ExitCode;

use anyhow::{Context, Result};

use options::Options;
use rounds::Results;

fn main() -> Result<ExitCode> {
    let Some(options) = Options::parse(std::env::args().skip(1))? else {
        println!("{}", options::USAGE);
        return Ok(ExitCode::SUCCESS);
    };
    if let Some(missing) = missing() {
        eprintln!("the benchmarks cannot run here: {missing}");
        return Ok(ExitCode::FAILURE);
    }
    let scratch = tempfile::tempdir().context("cannot make a directory for bundles")?;
    let columns = column::columns(&options, scratch.path())?;
    let mut all = Results::default();
    for group in group::GROUPS.iter().filter(|group| options.wants(group.name)) {
        eprintln!("{}: {}", group.name, group.about);
        let results = rounds::run(group, &columns, &options, scratch.path())
            .with_context(|| format!("the group {}", group.name))?;
        report::print(group, &columns, &results);
        if let Some(directory) = &options.charts {
            chart::write(directory, group, &columns, &results)?;
        }
        all.extend(results);
    }
    if options.against.is_some() {
        contest::print(&all, "against", "casemate");
    }
    if let Some(file) = &options.json {
        report::write_json(file, &columns, &all)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What the benchmarks need that is not there.
fn missing() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some(String::from("they need root"));
    }
    let tools = [("gcc", "gcc libc6-dev"), ("unshare", "util-linux"), ("chroot", "coreutils")];
    let absent: Vec<&str> = tools
        .iter()
        .filter(|(tool, _)| !integration_tests::tools::available(tool))
        .map(|(_, package)| *package)
        .collect();
    (!absent.is_empty()).then(|| format!("install {}", absent.join(" ")))
}

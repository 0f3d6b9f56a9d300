//! Test programs that come from the crate registry: built once, and kept beside the test root.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use rustix::fs::{FlockOperation, flock};

use crate::place::Place;
use crate::{testroot, tools};

/// A program of a crate of the same name.
#[derive(Debug)]
pub struct Program {
    /// Crate and program.
    pub name: &'static str,
    /// Which one: what it checks must not change from day to day.
    pub version: &'static str,
}

/// Checks what POSIX says of the calls on files, one by one.
pub const PJDFSTEST: Program = Program { name: "pjdfstest", version: "0.2.2" };

/// Changes a file in many ways, in an order that a number settles, and reads back what has to be there.
pub const FSX: Program = Program { name: "fsx", version: "0.3.2" };

/// Builds the program unless it is there, and brings it to `/cases/bin`.
///
/// # Errors
/// If it cannot be built.
pub fn ensure(place: &Place, program: &Program) -> Result<()> {
    let directory = testroot::cached("crates")?;
    fs::create_dir_all(&directory)?;
    let lock = File::create(directory.join("lock")).context("cannot create the lock of the built crates")?;
    flock(&lock, FlockOperation::LockExclusive)?;
    let built = build(&directory, program)?;
    let target = place.cases.join("bin").join(program.name);
    if !target.exists() {
        fs::copy(&built, &target).with_context(|| format!("cannot copy {}", built.display()))?;
    }
    Ok(())
}

/// Where the program is, once it is built.
fn build(directory: &std::path::Path, program: &Program) -> Result<PathBuf> {
    let own = directory.join(format!("{}-{}", program.name, program.version));
    let built = own.join("bin").join(program.name);
    if built.is_file() {
        return Ok(built);
    }
    eprintln!("building {} {}", program.name, program.version);
    let target = directory.join("target");
    let mut command = Command::new("cargo");
    command.args(["install", "--quiet", "--locked", "--version", program.version, program.name]);
    // Where the tests stand must not settle how it is built.
    command.arg("--root").arg(&own).arg("--target-dir").arg(&target).current_dir(directory);
    tools::succeed(&mut command)?;
    tools::remove_tree(&target)?;
    Ok(built)
}

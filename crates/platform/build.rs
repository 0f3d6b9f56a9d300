//! Builds what runs beside and in guests, for the platform to include: the stub, a program at a fixed address, and the guests' vDSO.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};

/// What both are compiled with. The gate runs beside the guest's live vector registers, and callers of a vDSO may expect theirs to
/// stay. The compiler warns that functions with such arguments could not be called; there are none.
const COMPILER: [&str; 7] = [
    "--edition=2024",
    "-Cpanic=abort",
    "-Crelocation-model=pic",
    "-Ccodegen-units=1",
    "-Ctarget-feature=-sse,-sse2,-avx",
    "-Cdebuginfo=0",
    "-Coverflow-checks=off",
];

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            println!("cargo::error={problem}");
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<(), Box<dyn std::error::Error>> {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    stub(&watched(&here.join("../stub"), "link.ld"), &out.join("stub"))?;
    vdso(&watched(&here.join("../stub/vdso"), "vdso.ld"), &out)
}

/// A crate's directory, whose sources and linker script the result depends on.
fn watched(directory: &Path, script: &str) -> PathBuf {
    println!("cargo::rerun-if-changed={}", directory.join("src").display());
    println!("cargo::rerun-if-changed={}", directory.join(script).display());
    directory.to_owned()
}

fn stub(source: &Path, out: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let mut compiler = compiler("stub")?;
    compiler
        .args(["--crate-type=bin", "-Copt-level=s", "-Cstrip=symbols", "-Cforce-frame-pointers=no"])
        .args([
            "-Clink-arg=-nostartfiles",
            "-Clink-arg=-nostdlib",
            "-Clink-arg=-static",
            "-Clink-arg=-no-pie",
        ])
        .args(["-Clink-arg=-Wl,--build-id=none,-z,noseparate-code"])
        .arg(format!("-Clink-arg=-Wl,-T,{}", source.join("link.ld").display()))
        .arg("-o")
        .arg(out)
        .arg(source.join("src/main.rs"));
    run(compiler, "the stub")?;
    fs::metadata(out)?;
    Ok(())
}

/// An object of the compiler's is linked here: the compiler's own ways of linking a library do not let the linker script give
/// the symbols their version.
fn vdso(source: &Path, out: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let object = out.join("vdso.o");
    let mut compiler = compiler("vdso")?;
    compiler
        .args(["--crate-type=lib", "--emit=obj", "-Copt-level=2", "-Cforce-unwind-tables=yes", "-o"])
        .arg(&object)
        .arg(source.join("src/lib.rs"));
    run(compiler, "the vDSO")?;
    let mut linker = Command::new("cc");
    linker
        .args(["-shared", "-nostdlib", "-Wl,-soname,linux-vdso.so.1,--hash-style=both,--eh-frame-hdr"])
        .arg("-Wl,--build-id=none,-Bsymbolic,-z,noseparate-code,-z,max-page-size=4096,--no-undefined,-s")
        .arg(format!("-Wl,-T,{}", source.join("vdso.ld").display()))
        .arg("-o")
        .arg(out.join("vdso.so"))
        .arg(&object);
    run(linker, "the vDSO (its linker)")
}

fn compiler(name: &str) -> Result<Command, env::VarError> {
    let mut compiler = Command::new(env::var("RUSTC")?);
    compiler.args(COMPILER).args(["--crate-name", name, "--target", &env::var("TARGET")?]);
    Ok(compiler)
}

fn run(mut command: Command, what: &str) -> Result<(), Box<dyn std::error::Error>> {
    let status = command.status()?;
    if status.success() { Ok(()) } else { Err(format!("{what} does not build: {status}").into()) }
}

//! Builds the stub, which is a program of its own at a fixed address, and leaves it where the platform includes it.

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::{env, fs};

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            println!("cargo::error=the stub does not build: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<(), Box<dyn std::error::Error>> {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let stub = here.join("../stub");
    let out = PathBuf::from(env::var("OUT_DIR")?).join("stub");
    println!("cargo::rerun-if-changed={}", stub.join("src").display());
    println!("cargo::rerun-if-changed={}", stub.join("link.ld").display());
    let status = Command::new(env::var("RUSTC")?)
        .args(["--edition=2024", "--crate-type=bin", "--crate-name=stub"])
        .args(["--target", &env::var("TARGET")?])
        .args(["-Cpanic=abort", "-Copt-level=s", "-Crelocation-model=pic", "-Ccodegen-units=1"])
        // The gate runs beside the guest's live vector registers. The compiler warns that functions with such arguments could not be
        // called; there are none.
        .arg("-Ctarget-feature=-sse,-sse2,-avx")
        .args(["-Cstrip=symbols", "-Cdebuginfo=0", "-Coverflow-checks=off", "-Cforce-frame-pointers=no"])
        .args([
            "-Clink-arg=-nostartfiles",
            "-Clink-arg=-nostdlib",
            "-Clink-arg=-static",
            "-Clink-arg=-no-pie",
        ])
        .args(["-Clink-arg=-Wl,--build-id=none,-z,noseparate-code"])
        .arg(format!("-Clink-arg=-Wl,-T,{}", stub.join("link.ld").display()))
        .arg("-o")
        .arg(&out)
        .arg(stub.join("src/main.rs"))
        .status()?;
    if !status.success() {
        return Err(format!("{status}").into());
    }
    fs::metadata(out)?;
    Ok(())
}

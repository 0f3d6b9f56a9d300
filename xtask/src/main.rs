//! The project's own commands: `cargo xtask COMMAND`.
#![forbid(unsafe_code)]

use anyhow::{Result, bail};

const USAGE: &str = "usage: cargo xtask COMMAND
  testroot        build the Debian root that the end-to-end tests run in, and print its path";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("testroot") => println!("{}", integration_tests::testroot::ensure()?.display()),
        Some("help" | "--help") => println!("{USAGE}"),
        _ => bail!("{USAGE}"),
    }
    Ok(())
}

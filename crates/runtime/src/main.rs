//! The `casemate` command.
#![forbid(unsafe_code)]

fn main() {}

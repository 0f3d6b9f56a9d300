//! Runs the end-to-end tests.
#![forbid(unsafe_code)]

fn main() {}

//! The end-to-end tests: programs of a Debian root run natively and in a sandbox, and are compared.
#![forbid(unsafe_code)]

pub mod testroot;
pub mod tools;

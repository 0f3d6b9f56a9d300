//! The end-to-end tests: programs of a Debian root run natively and in a sandbox, and are compared.
//!
//! The binary `e2e` enters namespaces of its own first ([`enclosure`]): what a test starts or mounts ends with it,
//! even if it is killed.
#![forbid(unsafe_code)]

pub mod bundle;
pub mod case;
pub mod cases;
pub mod crates;
pub mod enclosure;
pub mod engines;
pub mod failures;
pub mod filesystems;
pub mod leftovers;
pub mod native;
pub mod ninep;
pub mod place;
pub mod programs;
pub mod root;
pub mod run;
pub mod sandbox;
pub mod skip;
pub mod suites;
pub mod sweep;
pub mod testroot;
pub mod times;
pub mod tools;

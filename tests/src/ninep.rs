//! Mounts of 9P inside: programs on directories that diod serves, over each transport.

use crate::case::{Case, DEFAULT};
use crate::crates::FSX;
use crate::testroot::Extra;

/// A root with a 9P server.
const SERVER: Extra<'static> =
    Extra { name: "ninep", packages: &["acl", "attr", "diod", "mount"], sources: &[], build: "" };

/// A row that runs a script of `tests/cases/sh` with these arguments.
macro_rules! on {
    ($name:literal, $file:literal $(, $arg:literal)*; $($field:ident: $value:expr),*) => {
        Case {
            name: $name,
            args: &["bash", concat!("/cases/sh/", $file) $(, $arg)*],
            extra: Some(&SERVER),
            seconds: 600,
            $($field: $value,)*
            ..DEFAULT
        }
    };
}

/// The rows.
pub const ALL: &[Case] = &[
    on!("9p/unix", "ninep_files.sh", "unix", "access=client";),
    on!("9p/tcp", "ninep_files.sh", "tcp", "access=user"; writable: true),
    on!("9p/fd", "ninep_files.sh", "fd", "access=client,msize=8192";),
    on!("9p/loose", "ninep_files.sh", "unix", "cache=loose,posixacl";),
    on!("9p/locks", "ninep_locks.sh", "unix", "locktimeout=1";),
    on!("9p/fsx", "fsx.sh", "ninep", "10000"; crates: &[&FSX]),
];

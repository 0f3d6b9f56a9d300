//! Engines inside a container, with their images and containers on the kernel's overlay or on a FUSE server.

use crate::case::{Case, DEFAULT};
use crate::testroot::Extra;

/// A root with engines.
const ENGINES: Extra<'static> = Extra {
    name: "enginesroot",
    packages: &["buildah", "busybox-static", "crun", "fuse-overlayfs", "podman"],
    sources: &[],
    build: "",
};

/// A row that runs a script of `tests/cases/sh` with a driver of the engine's storage.
macro_rules! inside {
    ($name:literal, $file:literal, $driver:literal $(, $field:ident: $value:expr)*) => {
        Case {
            name: $name,
            args: &["bash", concat!("/cases/sh/", $file), $driver],
            extra: Some(&ENGINES),
            writable: true,
            seconds: 480,
            $($field: $value,)*
            ..DEFAULT
        }
    };
}

/// The rows.
pub const ALL: &[Case] = &[
    inside!("fuse/podman", "podman_inside.sh", "fuse-overlayfs", fuse: true),
    inside!("engines/podman", "podman_inside.sh", "overlay"),
    inside!("engines/buildah", "buildah_inside.sh", "overlay"),
];

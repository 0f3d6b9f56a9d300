//! The same programs on each kind of file system: in memory, in layers, the container's root, and a directory of the host.

use crate::case::{Case, DEFAULT};
use crate::crates::{FSX, PJDFSTEST};
use crate::testroot::Extra;

/// A root with programs that try file systems.
const EXERCISERS: Extra<'static> = Extra {
    name: "filesroot",
    packages: &["acl", "attr", "fio", "mount", "rsync", "stress-ng"],
    sources: &[],
    build: "",
};

/// A root with the tests that coreutils and perl have of their own: they run with what is installed.
const SUITES: Extra<'static> = Extra {
    name: "suitesroot",
    packages: &["acl", "attr", "libcap2-bin", "mount"],
    sources: &["coreutils", "perl"],
    build: "cd /usr/src && tar xf coreutils_*.orig.tar.xz && mv coreutils-* coreutils && tar xf perl_*.orig.tar.xz && mv perl-5* perl && \
            rm *.tar.xz && for inc in $(perl -e \"print qq(@INC)\"); do test ! -d $inc || cp -rsn $inc/. perl/lib; done",
};

/// A row that runs a script of `tests/cases/sh` on a kind of file system, whose name is its first argument.
macro_rules! on {
    ($name:literal, $file:literal, $kind:literal $(, $arg:literal)*; $($field:ident: $value:expr),*) => {
        Case {
            name: $name,
            args: &["bash", concat!("/cases/sh/", $file), $kind $(, $arg)*],
            extra: Some(&EXERCISERS),
            seconds: 900,
            $($field: $value,)*
            ..DEFAULT
        }
    };
}

/// A row that runs those of stress-ng's stressors which look at what they did to files.
macro_rules! stress {
    ($name:literal, $kind:literal; $($field:ident: $value:expr),*) => {
        on!(
            $name, "stress_files.sh", $kind, "access", "chdir", "chmod", "chown", "copy-file", "dentry", "dir",
            "dirdeep", "dirmany", "dup", "fallocate", "fcntl", "filename", "flock", "fpunch", "fstat", "getdent",
            "handle", "hdd", "inotify", "iomix", "lease", "link", "locka", "lockf", "lockofd", "mknod",
            "msyncmany", "null", "open", "rename", "seal", "seek", "symlink", "sync-file", "touch",
            "utime", "xattr"; $($field: $value),*
        )
    };
}

/// A row that runs the tests that coreutils or perl has of its own.
macro_rules! own_tests {
    ($name:literal, $file:literal, $kind:literal $(, $arg:literal)*; $($field:ident: $value:expr),*) => {
        Case {
            name: $name,
            args: &["bash", concat!("/cases/sh/", $file), $kind $(, $arg)*],
            extra: Some(&SUITES),
            // On standard error it says why.
            stderr: false,
            seconds: 900,
            $($field: $value,)*
            ..DEFAULT
        }
    };
}

/// Nobody but the container changes the files.
const ALONE: &[&str] = &["cache=all"];
/// Somebody else may.
const NOT_ALONE: &[&str] = &["--file-access", "shared"];
/// What is written lies in a file beside the root's.
const LAYER: &[&str] = &["--overlay2", "root:self"];

/// The sentry works on the files itself.
const DIRECT: &[&str] = &["--directfs"];
/// And does not have them alone.
const DIRECT_NOT_ALONE: &[&str] = &["--directfs", "--file-access", "shared"];

/// The rows.
pub const ALL: &[Case] = &[
    on!("posix/memory", "pjdfstest.sh", "memory"; crates: &[&PJDFSTEST]),
    on!("posix/layers", "pjdfstest.sh", "layers"; crates: &[&PJDFSTEST]),
    on!("posix/root", "pjdfstest.sh", "root"; crates: &[&PJDFSTEST], writable: true),
    on!("posix/root-not-alone", "pjdfstest.sh", "root"; crates: &[&PJDFSTEST], writable: true, options: NOT_ALONE),
    on!("posix/root-layer", "pjdfstest.sh", "root"; crates: &[&PJDFSTEST], writable: true, options: LAYER),
    on!("posix/disk", "pjdfstest.sh", "disk"; crates: &[&PJDFSTEST], disk: Some(&[])),
    on!("posix/disk-alone", "pjdfstest.sh", "disk"; crates: &[&PJDFSTEST], disk: Some(ALONE)),
    on!("posix/direct", "pjdfstest.sh", "root"; crates: &[&PJDFSTEST], writable: true, options: DIRECT),
    on!("posix/direct-not-alone", "pjdfstest.sh", "root"; crates: &[&PJDFSTEST], writable: true, options: DIRECT_NOT_ALONE),
    on!("posix/direct-disk", "pjdfstest.sh", "disk"; crates: &[&PJDFSTEST], disk: Some(&[]), options: DIRECT),
    on!("fsx/memory", "fsx.sh", "memory", "100000"; crates: &[&FSX]),
    on!("fsx/layers", "fsx.sh", "layers", "100000"; crates: &[&FSX]),
    on!("fsx/root", "fsx.sh", "root", "100000"; crates: &[&FSX], writable: true),
    on!("fsx/root-layer", "fsx.sh", "root", "100000"; crates: &[&FSX], writable: true, options: LAYER),
    on!("fsx/disk", "fsx.sh", "disk", "100000"; crates: &[&FSX], disk: Some(&[])),
    on!("fsx/disk-alone", "fsx.sh", "disk", "100000"; crates: &[&FSX], disk: Some(ALONE)),
    on!("fsx/direct", "fsx.sh", "root", "100000"; crates: &[&FSX], writable: true, options: DIRECT),
    on!("fio/memory", "fio_verify.sh", "memory";),
    on!("fio/layers", "fio_verify.sh", "layers";),
    on!("fio/root", "fio_verify.sh", "root"; writable: true),
    on!("fio/root-layer", "fio_verify.sh", "root"; writable: true, options: LAYER),
    on!("fio/disk", "fio_verify.sh", "disk"; disk: Some(&[])),
    on!("fio/direct", "fio_verify.sh", "disk"; disk: Some(&[]), options: DIRECT),
    on!("rsync/memory", "rsync.sh", "memory";),
    on!("rsync/layers", "rsync.sh", "layers";),
    on!("rsync/root", "rsync.sh", "root"; writable: true),
    on!("rsync/root-layer", "rsync.sh", "root"; writable: true, options: LAYER),
    on!("rsync/disk", "rsync.sh", "disk"; disk: Some(&[])),
    on!("rsync/direct", "rsync.sh", "root"; writable: true, options: DIRECT),
    stress!("stress/memory", "memory";),
    stress!("stress/layers", "layers";),
    stress!("stress/disk", "disk"; disk: Some(&[])),
    stress!("stress/direct", "disk"; disk: Some(&[]), options: DIRECT),
    on!("unnamed-on/layers", "calls_on.sh", "layers", "file_unnamed.py";),
    on!("unnamed-on/root-layer", "calls_on.sh", "root", "file_unnamed.py"; writable: true, options: LAYER),
    on!("unnamed-on/disk", "calls_on.sh", "disk", "file_unnamed.py"; disk: Some(&[])),
    on!("unnamed-on/disk-alone", "calls_on.sh", "disk", "file_unnamed.py"; disk: Some(ALONE)),
    on!("unnamed-on/direct", "calls_on.sh", "disk", "file_unnamed.py"; disk: Some(&[]), options: DIRECT),
    on!("calls-on/layers", "calls_on.sh", "layers", "file_calls.py";),
    on!("calls-on/root", "calls_on.sh", "root", "file_calls.py"; writable: true),
    on!("calls-on/root-not-alone", "calls_on.sh", "root", "file_calls.py"; writable: true, options: NOT_ALONE),
    on!("calls-on/root-layer", "calls_on.sh", "root", "file_calls.py"; writable: true, options: LAYER),
    on!("calls-on/disk", "calls_on.sh", "disk", "file_calls.py"; disk: Some(&[])),
    on!("calls-on/direct", "calls_on.sh", "disk", "file_calls.py"; disk: Some(&[]), options: DIRECT),
    on!("mount-ids/disk", "calls_on.sh", "disk", "mount_ids.py"; disk: Some(&[]), since: (6, 15)),
    on!("mount-ids/direct", "calls_on.sh", "disk", "mount_ids.py"; disk: Some(&[]), options: DIRECT, since: (6, 15)),
    on!("inotify-on/layers", "calls_on.sh", "layers", "inotify";),
    on!("inotify-on/root", "calls_on.sh", "root", "inotify"; writable: true),
    on!("inotify-on/root-not-alone", "calls_on.sh", "root", "inotify"; writable: true, options: NOT_ALONE),
    on!("inotify-on/root-layer", "calls_on.sh", "root", "inotify"; writable: true, options: LAYER),
    on!("inotify-on/disk", "calls_on.sh", "disk", "inotify"; disk: Some(&[])),
    on!("inotify-on/direct", "calls_on.sh", "disk", "inotify"; disk: Some(&[]), options: DIRECT),
    on!("direct-io/memory", "calls_on.sh", "memory", "direct_io.py"; since: (6, 6)),
    on!("direct-io/layers", "calls_on.sh", "layers", "direct_io.py"; since: (6, 6)),
    on!("direct-io/disk", "calls_on.sh", "disk", "direct_io.py"; disk: Some(&[])),
    on!("direct-io/direct", "calls_on.sh", "disk", "direct_io.py"; disk: Some(&[]), options: DIRECT),
    own_tests!("coreutils/disk", "coreutils_own.sh", "disk", "user"; disk: Some(&[])),
    own_tests!("coreutils/as-root", "coreutils_own.sh", "disk", "root"; disk: Some(&[])),
    own_tests!("perl/layers", "perl_own.sh", "layers";),
    own_tests!("perl/disk", "perl_own.sh", "disk"; disk: Some(&[])),
    own_tests!("perl/direct", "perl_own.sh", "disk"; disk: Some(&[]), options: DIRECT),
    on!("dpkg/layers", "dpkg_layers.sh", "layers";),
];

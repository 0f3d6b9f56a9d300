//! The programs that are compared, by family. Their sources are in `tests/cases`.

use crate::case::{Case, DEFAULT};
use crate::crates::{FSX, PJDFSTEST};
use crate::engines;
use crate::filesystems;
use crate::ninep;
use crate::testroot::Extra;

/// All rows.
pub fn all() -> impl Iterator<Item = Case> {
    [
        SHELL,
        TOOLS,
        PYTHON,
        LANGUAGES,
        DEVELOPMENT,
        CALLS,
        FILES,
        SIGNALS,
        SCALE,
        PATCHING,
        FUSE,
        filesystems::ALL,
        engines::ALL,
        ninep::ALL,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// A row that runs a script of `tests/cases/sh`.
macro_rules! script {
    ($name:literal, $file:literal $(, $field:ident: $value:expr)* $(,)?) => {
        Case { name: $name, args: &["bash", concat!("/cases/sh/", $file)], $($field: $value,)* ..DEFAULT }
    };
}

/// A row that runs a program of `tests/cases/py`.
macro_rules! python {
    ($name:literal, $file:literal $(, $field:ident: $value:expr)* $(,)?) => {
        Case { name: $name, args: &["python3", concat!("/cases/py/", $file)], $($field: $value,)* ..DEFAULT }
    };
}

/// A row that runs a program of `tests/cases/c`.
macro_rules! program {
    ($name:literal, $file:literal $(, $field:ident: $value:expr)* $(,)?) => {
        Case { name: $name, args: &[concat!("/cases/bin/", $file)], $($field: $value,)* ..DEFAULT }
    };
}

/// A row that reads and writes a file of a FUSE server in every way.
macro_rules! served_fsx {
    ($name:literal, $kind:literal) => {
        Case {
            name: $name,
            args: &["bash", "/cases/sh/fsx.sh", $kind, "20000"],
            crates: &[&FSX],
            extra: Some(&SERVERS),
            fuse: true,
            seconds: 900,
            ..DEFAULT
        }
    };
}

/// A root with FUSE servers, and with what builds and runs libfuse's own tests.
pub(crate) const SERVERS: Extra<'static> = Extra {
    name: "fuseroot",
    packages: &[
        "archivemount",
        "bindfs",
        "e2fsprogs",
        "g++",
        "fuse-overlayfs",
        "fuse-zip",
        "fuse2fs",
        "fuse3",
        "meson",
        "ninja-build",
        "ntfs-3g",
        "openssh-sftp-server",
        "pkg-config",
        "python3-pytest",
        "rclone",
        "squashfs-tools",
        "squashfuse",
        "sshfs",
        "unionfs-fuse",
        "zip",
    ],
    sources: &["fuse3"],
    // libfuse with its examples and tests, which no package has.
    build: "cd /usr/src && tar xf fuse3_*.orig.tar.xz && mv fuse-3* libfuse && cd libfuse && \
            meson setup build -Duseroot=false -Dudevrulesdir=/tmp -Dinitscriptdir= && ninja -C build",
};

/// A root that makes images.
const IMAGES: Extra<'static> =
    Extra { name: "imageroot", packages: &["erofs-utils"], sources: &[], build: "" };

const FUSE: &[Case] = &[
    program!("fuse/requests", "fuse_requests", fuse: true),
    program!("fuse/negotiated", "fuse_negotiated", fuse: true, since: (6, 9)),
    program!("fuse/newest", "fuse_newest", fuse: true, since: (6, 18)),
    program!("fuse/hostile", "fuse_hostile", fuse: true, seconds: 240),
    program!("fuse/limits", "fuse_limits", fuse: true),
    program!("fuse/notify", "fuse_notify", fuse: true, since: (6, 9)),
    program!("fuse/back", "fuse_back", fuse: true),
    program!("fuse/caches", "fuse_caches", fuse: true, since: (6, 6)),
    program!("fuse/passthrough", "fuse_passthrough", fuse: true, since: (6, 9)),
    program!("fuse/device", "fuse_device", fuse: true),
    program!("fuse/ends", "fuse_ends", fuse: true),
    program!("fuse/handles", "fuse_handles", fuse: true),
    program!("fuse/treated", "fuse_treated", fuse: true, since: (6, 18)),
    program!("fuse/unknown", "fuse_unknown", fuse: true, since: (6, 18)),
    program!("fuse/older", "fuse_older", fuse: true),
    program!("fuse/together", "fuse_together", fuse: true),
    program!("fuse/timeout", "fuse_timeout", fuse: true, since: (6, 15)),
    script!("fuse/bindfs", "fuse_bindfs.sh", fuse: true, extra: Some(&SERVERS), seconds: 240),
    script!("fuse/readers", "fuse_readers.sh", fuse: true, extra: Some(&SERVERS), seconds: 240),
    script!("fuse/layers", "fuse_layers.sh", fuse: true, extra: Some(&SERVERS), seconds: 240),
    script!("fuse/sshfs", "fuse_sshfs.sh", fuse: true, extra: Some(&SERVERS), seconds: 240),
    script!("fuse/images", "fuse_images.sh", fuse: true, extra: Some(&SERVERS), seconds: 360),
    script!("fuse/backends", "fuse_backends.sh", fuse: true, extra: Some(&SERVERS), seconds: 360),
    script!("fuse/libfuse", "fuse_libfuse.sh", fuse: true, extra: Some(&SERVERS), seconds: 900),
    served_fsx!("fuse/fsx", "served-files"),
    served_fsx!("fuse/fsx-back", "served-back"),
    Case {
        name: "fuse/posix",
        args: &["bash", "/cases/sh/pjdfstest.sh", "served"],
        crates: &[&PJDFSTEST],
        extra: Some(&SERVERS),
        fuse: true,
        seconds: 900,
        ..DEFAULT
    },
    script!("fuse/user-namespace", "fuse_user_namespace.sh", fuse: true, extra: Some(&SERVERS), seconds: 240),
    script!("fuse/users", "fuse_users.sh", fuse: true, extra: Some(&SERVERS), seconds: 240),
];

const SHELL: &[Case] = &[
    Case { name: "shell/true", args: &["true"], ..DEFAULT },
    Case { name: "shell/false", args: &["false"], ..DEFAULT },
    Case { name: "shell/echo", args: &["echo", "hello"], ..DEFAULT },
    Case { name: "shell/static", args: &["/cases/bin/hello_static", "a", "b"], ..DEFAULT },
    Case { name: "shell/dynamic", args: &["/cases/bin/hello", "a", "b"], ..DEFAULT },
    Case { name: "shell/standard-input", args: &["cat"], stdin: "one\ntwo\n", ..DEFAULT },
    Case { name: "shell/environment", args: &["env"], ..DEFAULT },
    Case { name: "shell/identity", args: &["id"], ..DEFAULT },
    Case { name: "shell/host-name", args: &["uname", "-n"], ..DEFAULT },
    Case {
        name: "shell/dash",
        args: &["sh", "-c", "for i in 1 2 3; do echo $i | cat; done; exit 9"],
        ..DEFAULT
    },
    script!("shell/pipelines", "pipelines.sh"),
    script!("shell/here-documents", "here_documents.sh"),
    script!("shell/traps", "traps.sh"),
    script!("shell/background-jobs", "background_jobs.sh"),
    script!("shell/redirections", "redirections.sh"),
    script!("shell/job-control", "job_control.sh"),
    script!("shell/limits", "limits.sh"),
    Case {
        name: "shell/processor-time-limit",
        args: &["sh", "-c", "ulimit -t 1; sh -c 'while :; do :; done'; echo $?"],
        ..DEFAULT
    },
    script!("shell/errors", "errors.sh"),
    Case {
        name: "shell/yes-head",
        args: &["sh", "-c", "yes | head -n 5; yes abc | head -c 100000 | wc -c"],
        ..DEFAULT
    },
];

const TOOLS: &[Case] = &[
    script!("tools/coreutils", "coreutils.sh"),
    script!("tools/findutils", "findutils.sh"),
    script!("tools/text", "text.sh"),
    script!("tools/archives", "archives.sh"),
    script!("tools/processes", "processes.sh"),
    script!("tools/permissions", "permissions.sh"),
    script!("tools/devices", "devices.sh"),
    script!("tools/pseudo-terminals", "pseudo_terminals.sh"),
    script!("terminals/script", "terminal_script.sh"),
    python!("terminals/line-discipline", "line_discipline.py"),
    python!("terminals/control", "terminal_control.py"),
    python!("terminals/shells", "terminal_shells.py"),
    python!("terminals/many", "terminal_many.py"),
    Case {
        name: "tools/find-everything",
        args: &["sh", "-c", "find / -xdev 2>&1 | sort | sha256sum; find / -xdev | wc -l"],
        seconds: 240,
        ..DEFAULT
    },
    Case {
        name: "tools/read-everything",
        args: &[
            "sh",
            "-c",
            "find /usr/bin /usr/lib -xdev -type f -print0 | sort -z | xargs -0 cat | sha256sum",
        ],
        seconds: 360,
        ..DEFAULT
    },
    Case {
        name: "tools/list-everything",
        args: &[
            "sh",
            "-c",
            "find /usr /etc -xdev ! -type d -printf '%p %m %U %G %s %T@ %y %n %l\\n' | sort | sha256sum",
        ],
        seconds: 240,
        ..DEFAULT
    },
];

const PYTHON: &[Case] = &[
    Case { name: "python/hello", args: &["python3", "-c", "print('hello', 6 * 7)"], ..DEFAULT },
    python!("python/threads", "threads.py"),
    python!("python/subprocess", "subprocesses.py"),
    python!("python/multiprocessing", "multiprocessing_pool.py", seconds: 240),
    python!("python/asyncio", "asyncio_tasks.py"),
    python!("python/sockets", "sockets.py"),
    python!("python/mmap", "memory_maps.py"),
    python!("python/signals", "signals.py"),
    python!("python/files", "files.py"),
    python!("python/select", "selecting.py"),
    python!("python/sqlite", "sqlite_rows.py", seconds: 240),
    python!("python/standard-library", "standard_library.py", seconds: 240),
    Case {
        name: "python/own-tests-files",
        args: &[
            "python3",
            "/cases/py/own_tests.py",
            "test_os",
            "test_posix",
            "test_posixpath",
            "test_fileio",
            "test_file",
            "test_tempfile",
            "test_shutil",
            "test_pathlib",
            "test_stat",
            "test_glob",
            "test_mmap",
            "test_fcntl",
            "test_tarfile",
            "test_dbm",
            "test_mailbox",
        ],
        seconds: 900,
        ..DEFAULT
    },
    Case {
        name: "python/own-tests-events",
        args: &[
            "python3",
            "/cases/py/own_tests.py",
            "test_select",
            "test_poll",
            "test_epoll",
            "test_selectors",
            "test_pty",
            "test_wait4",
            "test_subprocess",
            "test_signal",
        ],
        seconds: 900,
        ..DEFAULT
    },
];

const LANGUAGES: &[Case] = &[
    Case { name: "languages/perl", args: &["perl", "/cases/pl/everyday.pl"], ..DEFAULT },
    Case {
        name: "languages/awk",
        args: &[
            "awk",
            "BEGIN { for (i = 1; i <= 20; i++) s += i * i; print s; \"echo sub\" | getline x; print x }",
        ],
        ..DEFAULT
    },
    Case {
        name: "languages/node",
        args: &[
            "node",
            "-e",
            "console.log([1,2,3].map(x => x * 2).join()); setTimeout(() => console.log('later'), 50)",
        ],
        seconds: 240,
        ..DEFAULT
    },
    Case { name: "languages/node-work", args: &["node", "/cases/js/work.js"], seconds: 240, ..DEFAULT },
    Case {
        name: "languages/openssl-speed",
        args: &["sh", "-c", "openssl speed -seconds 1 -bytes 1024 sha256 >/dev/null 2>&1; echo $?"],
        ..DEFAULT
    },
    script!("languages/openssl", "openssl.sh"),
    script!("languages/musl", "musl.sh"),
];

const DEVELOPMENT: &[Case] = &[
    script!("development/make", "make_project.sh", seconds: 480),
    script!("development/git", "git_work.sh", seconds: 480),
    script!("development/sqlite", "sqlite.sh", seconds: 480),
    script!("development/dpkg", "dpkg_install.sh", writable: true, seconds: 360),
    script!("development/ssh-agent", "ssh_agent.sh", seconds: 240),
];

const CALLS: &[Case] = &[
    program!("calls/exec-arguments", "exec_arguments"),
    program!("calls/wait", "wait_statuses"),
    program!("calls/signals", "signal_frames"),
    program!("calls/eintr", "eintr"),
    program!("calls/sigpipe", "sigpipe"),
    program!("calls/futex", "futexes"),
    program!("calls/seccomp", "seccomp"),
    program!("calls/seccomp-threads", "seccomp_threads"),
    python!("calls/libseccomp", "libseccomp.py"),
    program!("calls/memory", "memory"),
    program!("calls/shared-memory", "shared_memory"),
    program!("calls/seals", "seals"),
    program!("calls/robust-mutexes", "robust_mutexes"),
    program!("calls/restartable", "restartable"),
    program!("calls/pipes", "pipes"),
    program!("calls/epoll", "epoll"),
    program!("calls/timers", "timers"),
    program!("calls/inotify", "inotify"),
    program!("calls/sysv-ipc", "sysv_ipc"),
    program!("calls/message-queues", "message_queues"),
    program!("calls/errors", "call_errors"),
    program!("calls/buffers", "buffers"),
    program!("calls/unix-sockets", "unix_sockets"),
    program!("calls/socket-options", "socket_options"),
    program!("calls/packet-headers", "packet_headers"),
    program!("calls/files", "files"),
    program!("calls/descriptors", "descriptors"),
    program!("calls/directories", "directories"),
    program!("calls/file-errors", "file_errors"),
    program!("calls/file-locks", "file_locks"),
    program!("calls/fifos", "fifos"),
    program!("calls/copying", "copying"),
    program!("calls/poll-select", "poll_select"),
    program!("calls/credentials", "credentials"),
    program!("calls/user-namespaces", "user_namespaces", writable: true),
    program!("calls/net-namespaces", "net_namespaces"),
    program!("calls/pid-namespaces", "pid_namespaces", writable: true),
    program!("calls/user-mounts", "user_mounts", writable: true),
    program!("calls/registers", "registers"),
    program!("calls/faults", "faults"),
    program!("calls/vfork", "vfork"),
    program!("calls/resident-peaks", "resident_peaks"),
    program!("calls/thread-ends", "thread_ends", seconds: 240),
    program!("calls/orphans", "orphans"),
    program!("calls/pidfds", "pidfds"),
    program!("calls/scheduling", "scheduling"),
    program!("calls/real-time", "real_time"),
    program!("calls/asynchronous", "asynchronous_io"),
    program!("calls/memory-locks", "memory_locks"),
    program!("calls/process-compare", "process_compare"),
    program!("calls/sysv-limits", "sysv_limits"),
];

const FILES: &[Case] = &[
    python!("files/mount-basics", "mount_basics.py"),
    python!("files/mount-propagation", "mount_propagation.py"),
    python!("files/mount-namespaces", "mount_namespaces.py"),
    python!("files/mount-api", "mount_api.py"),
    python!("files/mount-ids", "mount_ids.py", since: (6, 15)),
    python!("files/mount-ids-capabilities", "mount_ids_capabilities.py", since: (6, 15)),
    python!("files/mount-overlay", "mount_overlay.py"),
    python!("files/mount-overlay-marks", "mount_overlay_marks.py"),
    python!("files/mount-overlay-options", "mount_overlay_options.py"),
    python!("files/mount-erofs", "mount_erofs.py", extra: Some(&IMAGES), erofs: true, disk: Some(&[]), since: (6, 12)),
    python!("files/calls", "file_calls.py"),
    python!("files/unnamed", "file_unnamed.py"),
    python!("files/inode-flags", "inode_flags.py", since: (6, 6)),
    python!("files/permissions", "file_permissions.py"),
    python!("files/handles", "file_handles.py"),
    python!("files/descriptor-information", "descriptor_information.py"),
    python!("files/control-group", "control_group.py"),
    python!("files/control-races", "control_races.py", since: (5, 14)),
    python!("files/control-tree", "control_tree.py", since: (5, 14)),
    python!("files/running", "running_files.py"),
    program!("files/leases", "leases", seconds: 240),
    program!("files/directory-notices", "directory_notices"),
];

const SIGNALS: &[Case] = &[
    program!("signals/actions", "signal_actions"),
    program!("signals/children", "signal_children"),
    program!("signals/faults", "signal_faults"),
    program!("signals/queue", "signal_queue"),
    program!("signals/stack", "signal_stack"),
    program!("signals/threads", "signal_threads"),
    program!("signals/vector", "signal_vector"),
    program!("signals/posix", "timers_posix"),
    program!("signals/behind-calls", "signal_behind_calls", seconds: 240),
    program!("signals/clock-reads", "clock_reads", seconds: 240),
    program!("signals/clock-reads-static", "clock_reads_static", seconds: 240),
    program!("signals/files", "signal_io"),
    program!("signals/processor-time", "processor_time", seconds: 240),
    program!("signals/restart", "signal_restart", seconds: 240),
];

const SCALE: &[Case] = &[
    program!("scale/threads-500", "threads_500", seconds: 240),
    program!("scale/processes-200", "processes_200", seconds: 240),
    program!("scale/fork-depth-50", "fork_depth_50"),
    script!("scale/processes-in-a-row", "processes_in_a_row.sh", seconds: 480),
    script!("scale/many-files", "many_files.sh", seconds: 240),
];

const ON: &[&str] = &["--patch", "on"];
const OFF: &[&str] = &["--patch", "off"];

const PATCHING: &[Case] = &[
    program!("patching/forms", "patched_forms", options: ON),
    program!("patching/forms-static", "patched_forms_static", options: ON),
    program!("patching/forms-unpatched", "patched_forms", options: OFF),
    program!("patching/signal-masks", "signal_masks", options: ON, seconds: 240),
    program!("patching/signal-masks-unpatched", "signal_masks", options: OFF, seconds: 240),
    program!("patching/robust-mutexes", "robust_mutexes", options: ON),
    program!("patching/threads", "thread_ends", options: ON, seconds: 240),
    program!("patching/cancellation", "patched_cancel", options: ON),
    program!("patching/frames", "patched_frames", options: ON),
    program!("patching/unseen-calls", "unseen_calls", options: ON),
    program!("patching/program-break", "program_break", options: ON),
    program!("patching/handlers", "signal_behind_calls", options: ON, seconds: 240),
    program!("patching/vector", "vector_behind_calls", options: ON),
    program!("patching/own-text", "patched_text", options: ON),
    script!("patching/libraries", "patched_libraries.sh", options: ON, seconds: 360),
    script!("patching/processes", "processes_in_a_row.sh", options: ON, seconds: 360),
    script!("patching/musl", "musl.sh", options: ON),
    script!("patching/git", "git_work.sh", options: ON, seconds: 360),
    python!("patching/threads", "threads.py", options: ON),
    python!("patching/multiprocessing", "multiprocessing_pool.py", options: ON, seconds: 240),
];

//! What is measured.

/// Some rows that belong together.
pub(crate) struct Group {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) kind: Kind,
    pub(crate) unit: Unit,
}

/// How a group's rows come about.
pub(crate) enum Kind {
    /// Benchmarks of programs/micro.c, with so many callers at once. Each result line is a row.
    Micro { names: &'static [&'static str], callers: &'static [u32] },
    /// The time that a container with a program that does nothing takes, from before its start until after its end.
    Start,
    /// The same by an engine: `podman run --rm`.
    Engine,
    /// The memory that an idle container takes, and what each thing adds that its kernel has to remember.
    Footprint,
    /// The processor time of idle containers.
    Idle,
    /// programs/work.sh in a Debian root: each result line is a row.
    Work,
}

/// What a result is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Nanoseconds,
    KiB,
}

/// All of them.
pub(crate) const GROUPS: &[Group] = &[
    micro(
        "calls",
        "calls that do little",
        &["getppid", "clock_gettime", "sigprocmask", "read1", "signal_self"],
    ),
    micro(
        "files",
        "files of the root and of a tmpfs",
        &[
            "stat",
            "stat_deep",
            "stat_missing",
            "open_close",
            "creat_unlink",
            "root_creat_unlink",
            "root_rename",
            "readdir500",
            "tmp_readdir500",
            "pread4k",
            "pread64k",
            "pread1m",
            "root_pwrite4k",
            "tmp_pread4k",
            "tmp_pread64k",
            "tmp_pread1m",
            "tmp_pwrite4k",
            "tmp_pwrite64k",
        ],
    ),
    micro(
        "fuse",
        "files of a server inside, that keeps one file in a tmpfs: each operation asks it, but for cached_pread4k",
        &[
            "fuse_stat",
            "fuse_open_close",
            "fuse_pread4k",
            "fuse_pread64k",
            "fuse_cached_pread4k",
            "fuse_pwrite4k",
            "fuse_pwrite64k",
        ],
    ),
    micro("events", "waiting for what is there", &["epoll_wait_ready", "poll_ready", "eventfd"]),
    micro(
        "handover",
        "from one thread or process to another and back",
        &["pipe_pingpong", "unix_pingpong", "tcp_pingpong", "tcp_bulk64k", "futex_pingpong"],
    ),
    micro("memory", "mappings and page faults", &["mmap_touch64", "mprotect", "touch_page"]),
    micro("processes", "threads and processes", &["thread", "fork_wait", "exec_wait"]),
    Group {
        name: "callers",
        about: "1, 2, 4 and 16 processes that call at once",
        kind: Kind::Micro { names: &["getppid", "stat"], callers: &[1, 2, 4, 16] },
        unit: Unit::Nanoseconds,
    },
    Group {
        name: "start",
        about: "a container from before its start until after its end, with the programs in the page cache and (start_cold) on the disk",
        kind: Kind::Start,
        unit: Unit::Nanoseconds,
    },
    Group {
        name: "engine",
        about: "podman run --rm of a program that does nothing",
        kind: Kind::Engine,
        unit: Unit::Nanoseconds,
    },
    Group {
        name: "footprint",
        about: "memory of all processes of a container, idle and for each thing more",
        kind: Kind::Footprint,
        unit: Unit::KiB,
    },
    Group {
        name: "idle",
        about: "processor time of ten idle containers in each second",
        kind: Kind::Idle,
        unit: Unit::Nanoseconds,
    },
    Group { name: "work", about: "programs of a Debian root", kind: Kind::Work, unit: Unit::Nanoseconds },
];

const fn micro(name: &'static str, about: &'static str, names: &'static [&'static str]) -> Group {
    Group { name, about, kind: Kind::Micro { names, callers: &[1] }, unit: Unit::Nanoseconds }
}

impl Unit {
    /// A result with a unit that suits it.
    pub(crate) fn show(self, value: f64) -> String {
        let (scale, unit) = match self {
            Self::KiB if value >= 1024.0 => (1024.0, "MiB"),
            Self::KiB => (1.0, "KiB"),
            Self::Nanoseconds if value >= 1e9 => (1e9, "s"),
            Self::Nanoseconds if value >= 1e6 => (1e6, "ms"),
            Self::Nanoseconds if value >= 1e3 => (1e3, "us"),
            Self::Nanoseconds => (1.0, "ns"),
        };
        let scaled = value / scale;
        let digits = if scaled < 10.0 {
            2
        } else if scaled < 100.0 {
            1
        } else {
            0
        };
        format!("{scaled:.digits$} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_have_three_digits() {
        assert_eq!(Unit::Nanoseconds.show(1234.0), "1.23 us");
        assert_eq!(Unit::Nanoseconds.show(56.78), "56.8 ns");
        assert_eq!(Unit::KiB.show(8971.0), "8.76 MiB");
    }
}

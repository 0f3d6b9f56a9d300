//! What a container uses, as containerd's users read it: one form for each version of control groups.

messages! {
    /// Control groups of version 1.
    Metrics1 = "io.containerd.cgroups.v1.Metrics" {
        2 pids: Option<Pids>,
        3 cpu: Option<Cpu1>,
        4 memory: Option<Memory1>,
    }

    /// Processes and threads, in both versions.
    Pids = "io.containerd.cgroups.v1.PidsStat" {
        1 current: u64,
        2 limit: u64,
    }

    /// Processor time.
    Cpu1 = "io.containerd.cgroups.v1.CPUStat" {
        1 usage: Option<CpuUsage1>,
        2 throttling: Option<Throttle1>,
    }

    /// In nanoseconds.
    CpuUsage1 = "io.containerd.cgroups.v1.CPUUsage" {
        1 total: u64,
        2 kernel: u64,
        3 user: u64,
        4 per_cpu: Vec<u64>,
    }

    /// How often the limit was reached, and the time that was waited then, in nanoseconds.
    Throttle1 = "io.containerd.cgroups.v1.Throttle" {
        1 periods: u64,
        2 throttled_periods: u64,
        3 throttled_time: u64,
    }

    /// In bytes. The names without `total` are the group's own, the others with the groups below.
    /// The fields up to the usage have the names of `memory.stat`.
    #[derive(serde::Deserialize)]
    #[serde(default)]
    Memory1 = "io.containerd.cgroups.v1.MemoryStat" {
        1 cache: u64,
        2 rss: u64,
        3 rss_huge: u64,
        4 mapped_file: u64,
        5 dirty: u64,
        6 writeback: u64,
        7 pgpgin: u64,
        8 pgpgout: u64,
        9 pgfault: u64,
        10 pgmajfault: u64,
        11 inactive_anon: u64,
        12 active_anon: u64,
        13 inactive_file: u64,
        14 active_file: u64,
        15 unevictable: u64,
        16 hierarchical_memory_limit: u64,
        17 hierarchical_memsw_limit: u64,
        18 total_cache: u64,
        19 total_rss: u64,
        20 total_rss_huge: u64,
        21 total_mapped_file: u64,
        22 total_dirty: u64,
        23 total_writeback: u64,
        24 total_pgpgin: u64,
        25 total_pgpgout: u64,
        26 total_pgfault: u64,
        27 total_pgmajfault: u64,
        28 total_inactive_anon: u64,
        29 total_active_anon: u64,
        30 total_inactive_file: u64,
        31 total_active_file: u64,
        32 total_unevictable: u64,
        #[serde(skip)]
        33 usage: Option<MemoryEntry>,
        #[serde(skip)]
        34 swap: Option<MemoryEntry>,
        #[serde(skip)]
        35 kernel: Option<MemoryEntry>,
    }

    /// In bytes, but the last: how often the limit was reached.
    MemoryEntry = "io.containerd.cgroups.v1.MemoryEntry" {
        1 limit: u64,
        2 usage: u64,
        3 max: u64,
        4 failcnt: u64,
    }

    /// Control groups of version 2.
    Metrics2 = "io.containerd.cgroups.v2.Metrics" {
        1 pids: Option<Pids>,
        2 cpu: Option<Cpu2>,
        4 memory: Option<Memory2>,
    }

    /// In microseconds.
    Cpu2 = "io.containerd.cgroups.v2.CPUStat" {
        1 usage: u64,
        2 user: u64,
        3 system: u64,
        4 periods: u64,
        5 throttled_periods: u64,
        6 throttled_time: u64,
    }

    /// In bytes, but what counts events.
    /// The fields up to the usage have the names of `memory.stat`.
    #[derive(serde::Deserialize)]
    #[serde(default)]
    Memory2 = "io.containerd.cgroups.v2.MemoryStat" {
        1 anon: u64,
        2 file: u64,
        3 kernel_stack: u64,
        4 slab: u64,
        5 sock: u64,
        6 shmem: u64,
        7 file_mapped: u64,
        8 file_dirty: u64,
        9 file_writeback: u64,
        10 anon_thp: u64,
        11 inactive_anon: u64,
        12 active_anon: u64,
        13 inactive_file: u64,
        14 active_file: u64,
        15 unevictable: u64,
        16 slab_reclaimable: u64,
        17 slab_unreclaimable: u64,
        18 pgfault: u64,
        19 pgmajfault: u64,
        #[serde(skip)]
        32 usage: u64,
        #[serde(skip)]
        33 usage_limit: u64,
        #[serde(skip)]
        34 swap_usage: u64,
        #[serde(skip)]
        35 swap_limit: u64,
        #[serde(skip)]
        36 max_usage: u64,
    }
}

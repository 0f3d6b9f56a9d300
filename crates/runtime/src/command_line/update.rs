//! `casemate update`.

use std::path::PathBuf;

use clap::Args;

use super::values;

/// Its options.
#[derive(Debug, Args)]
pub(crate) struct Update {
    /// File with the `resources` of a configuration, or - for standard input, instead of the other options
    #[arg(long, short, value_name = "FILE")]
    pub(crate) resources: Option<PathBuf>,
    /// Memory, in bytes or as in 100m
    #[arg(long, value_name = "SIZE", value_parser = values::limit, allow_negative_numbers = true)]
    pub(crate) memory: Option<i64>,
    /// Memory that is kept when the host runs short
    #[arg(long, value_name = "SIZE", value_parser = values::limit, allow_negative_numbers = true)]
    pub(crate) memory_reservation: Option<i64>,
    /// Memory and swap together
    #[arg(long, value_name = "SIZE", value_parser = values::limit, allow_negative_numbers = true)]
    pub(crate) memory_swap: Option<i64>,
    /// Share of processor time, against others
    #[arg(long, value_name = "SHARES", alias = "cpu-shares")]
    pub(crate) cpu_share: Option<u64>,
    /// Processor time in each period, in microseconds
    #[arg(long, value_name = "MICROSECONDS", allow_negative_numbers = true)]
    pub(crate) cpu_quota: Option<i64>,
    /// The period, in microseconds
    #[arg(long, value_name = "MICROSECONDS")]
    pub(crate) cpu_period: Option<u64>,
    /// What may be saved up of the processor time of earlier periods, in microseconds
    #[arg(long, value_name = "MICROSECONDS")]
    pub(crate) cpu_burst: Option<u64>,
    /// 1 to run only where nobody else wants to
    #[arg(long, value_name = "WHETHER")]
    pub(crate) cpu_idle: Option<i64>,
    /// Processor time of real-time processes in each of their periods, in microseconds
    #[arg(long, value_name = "MICROSECONDS")]
    pub(crate) cpu_rt_runtime: Option<i64>,
    /// Their period, in microseconds
    #[arg(long, value_name = "MICROSECONDS")]
    pub(crate) cpu_rt_period: Option<u64>,
    /// Processors to use, as in 0-2,4
    #[arg(long, value_name = "LIST")]
    pub(crate) cpuset_cpus: Option<String>,
    /// Memory nodes to use
    #[arg(long, value_name = "LIST")]
    pub(crate) cpuset_mems: Option<String>,
    /// Processes and threads
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub(crate) pids_limit: Option<i64>,
    /// Share of disk time, against others
    #[arg(long, value_name = "WEIGHT")]
    pub(crate) blkio_weight: Option<u16>,
    /// Refused: caches are not divided
    #[arg(long, value_name = "SCHEMA", hide = true)]
    pub(crate) l3_cache_schema: Option<String>,
    /// Refused, as the bandwidth of memory is not
    #[arg(long, value_name = "SCHEMA", hide = true)]
    pub(crate) mem_bw_schema: Option<String>,
    /// The container
    pub(crate) id: String,
}

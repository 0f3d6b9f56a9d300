//! Limits, accounts and scheduling.

pub mod affinity;
pub mod attributes;
pub mod io_priority;
pub mod limits;
pub mod policy;
pub mod priority;
pub mod rusage;

//! Address spaces. What a guest may do to its own memory without harm it does natively; here comes what is left: files, odd flags,
//! and what touches addresses that are not the guest's.

pub mod brk;
pub mod keys;
pub mod lock;
pub mod map;
pub mod nodes;
pub mod process;
pub mod process_vm;
pub mod range;
pub mod residency;

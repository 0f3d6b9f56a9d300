//! The mount calls of Linux 5.2 and later.

pub mod attributes;
pub mod context;
pub mod query;
pub mod tree;

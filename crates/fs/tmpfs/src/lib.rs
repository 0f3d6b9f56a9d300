//! The in-memory filesystem.
#![forbid(unsafe_code)]

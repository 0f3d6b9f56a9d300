//! A writable layer over read-only ones.
#![forbid(unsafe_code)]

//! The system call table and one file per call or family.
#![forbid(unsafe_code)]

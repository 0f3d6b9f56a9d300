//! Files, dentries, mounts and readiness.
#![forbid(unsafe_code)]

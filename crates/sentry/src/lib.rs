//! The sentry process: boots and assembles the kernel.
#![forbid(unsafe_code)]

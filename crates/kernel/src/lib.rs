//! Tasks, credentials, signals, timers and the loader.
#![forbid(unsafe_code)]

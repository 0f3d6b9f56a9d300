//! The gofer process: serves files over 9P.
#![forbid(unsafe_code)]

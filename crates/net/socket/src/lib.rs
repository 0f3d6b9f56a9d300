//! The socket layer.
#![forbid(unsafe_code)]

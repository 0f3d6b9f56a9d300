//! 9P2000.L messages, client and server.
#![forbid(unsafe_code)]

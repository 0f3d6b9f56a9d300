//! The system as a whole: uname, sysinfo, getrandom and the like.

pub mod getrandom;

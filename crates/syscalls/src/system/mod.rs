//! The system as a whole: uname, sysinfo, getrandom and the like.

pub mod getrandom;
pub mod membarrier;
pub mod names;
pub mod personality;
pub mod refused;
pub mod rseq;
pub mod sysinfo;
pub mod vhangup;

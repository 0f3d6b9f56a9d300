//! Files about the system as a whole.

pub(crate) mod control_groups;
pub(crate) mod cpu;
pub(crate) mod ipc;
pub(crate) mod load;
pub(crate) mod memory;
pub(crate) mod text;

//! What depends on the processor: the frame of a handler.

mod x86_64;

pub(crate) use x86_64::{build_frame, fails_with_eintr, restore_frame, rewind, set_result};

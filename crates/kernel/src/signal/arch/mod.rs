//! What depends on the processor: the frame of a handler.

mod x86_64;

pub(crate) use x86_64::{enter_handler, fails_with_eintr, read_frame, rewind, set_result};

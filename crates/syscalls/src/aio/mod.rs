//! Asynchronous I/O: see [`kernel::aio`].

pub mod events;
pub mod setup;
pub mod submit;

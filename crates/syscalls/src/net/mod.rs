//! Sockets: the calls of socket(7), send(2) and recv(2).

pub mod accept;
pub mod address;
pub mod bind;
pub mod connect;
pub mod control;
pub mod create;
mod descriptor;
pub mod header;
pub mod names;
pub mod option;
pub mod receive;
pub mod receive_many;
pub mod send;
pub mod send_many;
pub mod shutdown;
mod stream;
mod wait;

pub(crate) use stream::{read, write};

#[cfg(test)]
mod tests;

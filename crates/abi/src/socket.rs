//! Sockets: families, types, addresses, messages and options, as socket(7), unix(7), ip(7), tcp(7) and cmsg(3) describe them.

pub mod address;
pub mod family;
pub mod interface;
pub mod message;
pub mod option;
pub mod route;

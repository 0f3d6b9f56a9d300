//! Files without names: eventfd(2) and epoll(7).
#![forbid(unsafe_code)]

pub mod epoll;
pub mod event_fd;
mod identity;

pub use epoll::Epoll;
pub use event_fd::EventFd;
pub use identity::attributes;

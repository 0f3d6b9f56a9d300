//! Files without names: eventfd(2), epoll(7) and inotify(7).
#![forbid(unsafe_code)]

pub mod epoll;
pub mod event_fd;
mod identity;
pub mod inotify;

pub use epoll::Epoll;
pub use event_fd::EventFd;
pub use identity::attributes;
pub use inotify::Inotify;

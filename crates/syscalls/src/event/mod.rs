//! Waiting for many things: poll(2), select(2), epoll(7), eventfd(2), inotify(7).

pub mod epoll;
pub mod event_fd;
pub mod inotify;
pub mod poll;
mod ready;
pub mod select;
pub(crate) mod timeout;

#[cfg(test)]
mod tests;

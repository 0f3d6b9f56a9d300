//! The instance as a file.

use std::any::Any;
use std::sync::Arc;

use abi::Errno;
use vfs::{Attributes, Events, File, WaitQueue};

use super::Epoll;

impl File for Epoll {
    fn seekable(&self) -> bool {
        false
    }

    fn poll(&self) -> Events {
        if self.is_ready() { Events::IN | Events::RDNORM } else { Events::empty() }
    }

    fn readiness(&self) -> Option<&Arc<WaitQueue>> {
        Some(&self.watchers)
    }

    fn attributes(&self) -> Result<Attributes, Errno> {
        Ok(crate::attributes())
    }

    fn description(&self) -> String {
        String::from("anon_inode:[eventpoll]")
    }

    fn details(&self) -> String {
        self.some_items().iter().filter_map(|item| item.details()).collect()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

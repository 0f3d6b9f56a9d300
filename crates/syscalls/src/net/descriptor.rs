//! From a descriptor to a socket.

use std::sync::Arc;

use abi::Errno;
use kernel::Task;
use socket::{Caller, Socket, SocketFile};
use vfs::{OpenFile, OpenFlags};

use crate::file::descriptor;

/// An open file that is a socket.
#[derive(Clone, Copy)]
pub(super) struct Open<'a> {
    file: &'a OpenFile,
    pub(super) socket_file: &'a SocketFile,
}

impl<'a> Open<'a> {
    /// An open file as a socket.
    ///
    /// # Errors
    /// `ENOTSOCK`.
    pub(super) fn of(file: &'a OpenFile) -> Result<Self, Errno> {
        SocketFile::of(file).map(|socket_file| Self { file, socket_file }).ok_or(Errno::ENOTSOCK)
    }

    /// The socket.
    pub(super) fn socket(&self) -> &'a dyn Socket {
        self.socket_file.socket()
    }

    /// Whether calls on it do not wait.
    pub(super) fn is_nonblocking(&self) -> bool {
        self.file.flags().contains(OpenFlags::NONBLOCK)
    }
}

/// The task as the socket layer sees it.
pub(super) fn caller(task: &Task) -> Caller {
    Caller {
        pid: task.pid(),
        credentials: Arc::clone(&task.credentials()),
        descriptor_limit: descriptor::limit(task),
        net: Arc::clone(&task.network().net),
    }
}

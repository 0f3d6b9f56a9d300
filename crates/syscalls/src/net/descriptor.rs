//! From a descriptor to a socket, and back.

use std::sync::Arc;

use abi::Errno;
use kernel::Task;
use kernel::limits::Resource;
use socket::{Caller, Socket, SocketFile};
use vfs::{Fd, OpenFile, OpenFlags};

/// An open file that is a socket.
pub(super) struct Open {
    pub(super) file: Arc<OpenFile>,
}

impl Open {
    /// The socket of a descriptor.
    ///
    /// # Errors
    /// `EBADF`, `ENOTSOCK`.
    pub(super) fn get(task: &Task, fd: Fd) -> Result<Self, Errno> {
        let file = task.files().get(fd)?;
        if file.flags().contains(OpenFlags::PATH) {
            return Err(Errno::EBADF);
        }
        Self::of(file)
    }

    /// An open file as a socket.
    ///
    /// # Errors
    /// `ENOTSOCK`.
    pub(super) fn of(file: Arc<OpenFile>) -> Result<Self, Errno> {
        if SocketFile::of(&file).is_some() { Ok(Self { file }) } else { Err(Errno::ENOTSOCK) }
    }

    /// The socket as a file.
    ///
    /// # Errors
    /// `ENOTSOCK`; never, since [`Self::get`] has looked.
    pub(super) fn socket_file(&self) -> Result<&SocketFile, Errno> {
        SocketFile::of(&self.file).ok_or(Errno::ENOTSOCK)
    }

    /// The socket.
    ///
    /// # Errors
    /// As [`Self::socket_file`].
    pub(super) fn socket(&self) -> Result<&dyn Socket, Errno> {
        self.socket_file().map(SocketFile::socket)
    }

    /// Whether calls on it do not wait.
    pub(super) fn is_nonblocking(&self) -> bool {
        self.file.flags().contains(OpenFlags::NONBLOCK)
    }
}

/// One more than the largest descriptor that the task may open.
fn limit(task: &Task) -> usize {
    task.group.limits.lock().count(Resource::Nofile)
}

/// Gives a file the lowest free descriptor.
///
/// # Errors
/// `EMFILE`.
pub(super) fn install(task: &Task, file: Arc<OpenFile>, close_on_exec: bool) -> Result<Fd, Errno> {
    task.files().install(file, close_on_exec, 0, limit(task))
}

/// The task as the socket layer sees it.
pub(super) fn caller(task: &Task) -> Caller {
    Caller { pid: task.pid(), credentials: task.credentials(), descriptor_limit: limit(task) }
}

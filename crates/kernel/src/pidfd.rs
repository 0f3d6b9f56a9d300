//! Descriptors that stand for a process: pidfd_open(2).

use std::any::Any;
use std::sync::Arc;

use abi::Errno;
use vfs::{Attributes, Credentials, Events, File, OpenFile, OpenFlags, WaitQueue};

use crate::{Kernel, ThreadGroup};

/// The file behind a pidfd. Readable once the process has ended.
pub struct PidFile {
    group: Arc<ThreadGroup>,
}

/// A description for a process. `NONBLOCK` is the only flag that means something.
#[must_use]
pub fn open(group: &Arc<ThreadGroup>, flags: OpenFlags, credentials: &Arc<Credentials>) -> Arc<OpenFile> {
    let file = Arc::new(PidFile { group: Arc::clone(group) });
    OpenFile::new(file, None, flags | OpenFlags::RDWR, Arc::clone(credentials))
}

/// The process that a description stands for: a pidfd's.
///
/// # Errors
/// `EBADF` if it is no pidfd.
pub fn process(file: &OpenFile) -> Result<Arc<ThreadGroup>, Errno> {
    let pidfd: Option<&PidFile> = file.file.as_any().downcast_ref();
    pidfd.map(|p| Arc::clone(&p.group)).ok_or(Errno::EBADF)
}

/// The process that a signal through this description goes to: a pidfd's, or that of a directory /proc/PID.
///
/// # Errors
/// `EBADF` if it is neither, `ESRCH` if the directory's process is gone.
pub fn signalled(kernel: &Kernel, file: &OpenFile) -> Result<Arc<ThreadGroup>, Errno> {
    match file.file.process_id() {
        Some(pid) => kernel.group(pid).ok_or(Errno::ESRCH),
        None => process(file),
    }
}

impl File for PidFile {
    fn seekable(&self) -> bool {
        false
    }

    fn poll(&self) -> Events {
        let pids = &self.group.kernel.pids;
        // The id may be another process's by now.
        let reaped = !pids.group(self.group.pid).is_some_and(|g| Arc::ptr_eq(&g, &self.group));
        let ended = pids.ask(self.group.pid, |r| r.ended.is_some()).unwrap_or(true);
        match (reaped, ended) {
            (true, _) => Events::IN | Events::RDNORM | Events::HUP,
            (false, true) => Events::IN | Events::RDNORM,
            (false, false) => Events::empty(),
        }
    }

    fn readiness(&self) -> Option<&Arc<WaitQueue>> {
        Some(&self.group.ended)
    }

    fn attributes(&self) -> Result<Attributes, Errno> {
        Ok(Attributes { inode: u64::from(self.group.pid.unsigned_abs()), ..anon::attributes() })
    }

    fn description(&self) -> String {
        String::from("anon_inode:[pidfd]")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

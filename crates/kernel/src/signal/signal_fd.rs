//! signalfd(2).

use std::any::Any;
use std::sync::Arc;

use abi::Errno;
use abi::signal::{SignalFdInfo, SignalSet};
use parking_lot::Mutex;
use vfs::{Attributes, Events, File, Sink, WaitQueue};
use zerocopy::IntoBytes;

use super::mask;
use crate::{Kernel, current};

/// A file to read signals from. Whoever reads or polls it, it is about the signals of that task, as in Linux.
pub struct SignalFd {
    wanted: Mutex<SignalSet>,
    arrivals: Arc<WaitQueue>,
}

impl SignalFd {
    /// A file for these signals.
    #[must_use]
    pub fn new(kernel: &Kernel, wanted: SignalSet) -> Arc<Self> {
        let wanted = wanted.without(SignalSet::UNBLOCKABLE);
        Arc::new(Self { wanted: Mutex::new(wanted), arrivals: Arc::clone(&kernel.signal_arrivals) })
    }

    /// Has it be about other signals.
    pub fn set(&self, wanted: SignalSet) {
        *self.wanted.lock() = wanted.without(SignalSet::UNBLOCKABLE);
        self.arrivals.notify(Events::IN);
    }
}

impl File for SignalFd {
    fn read(&self, _: u64, into: &mut dyn Sink) -> Result<usize, Errno> {
        let size = size_of::<SignalFdInfo>();
        let task = current::task().ok_or(Errno::EAGAIN)?;
        if into.room() < size {
            return Err(Errno::EINVAL);
        }
        let wanted = *self.wanted.lock();
        let mut done = 0;
        while into.room() >= size {
            let info = match mask::take_one_of(&task, wanted) {
                Ok(info) => info,
                Err(errno) if done == 0 => return Err(errno),
                Err(_) => break,
            };
            if into.put(SignalFdInfo::from(&info).as_bytes())? < size {
                return if done == 0 { Err(Errno::EFAULT) } else { Ok(done) };
            }
            done += size;
        }
        Ok(done)
    }

    fn seekable(&self) -> bool {
        false
    }

    fn poll(&self) -> Events {
        let wanted = *self.wanted.lock();
        let ready = current::task().is_some_and(|task| mask::has_pending(&task, wanted));
        if ready { Events::IN | Events::RDNORM } else { Events::empty() }
    }

    fn readiness(&self) -> Option<&Arc<WaitQueue>> {
        Some(&self.arrivals)
    }

    fn attributes(&self) -> Result<Attributes, Errno> {
        Ok(anon::attributes())
    }

    fn description(&self) -> String {
        String::from("anon_inode:[signalfd]")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

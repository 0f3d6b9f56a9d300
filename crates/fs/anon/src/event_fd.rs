//! eventfd(2).

use std::any::Any;
use std::sync::Arc;

use abi::Errno;
use parking_lot::Mutex;
use vfs::{Attributes, Events, File, Sink, Source, WaitQueue};

/// The largest count that write(2) can reach.
const MOST: u64 = u64::MAX - 1;

/// A counter to wait on.
pub struct EventFd {
    count: Mutex<u64>,
    semaphore: bool,
    queue: Arc<WaitQueue>,
}

impl EventFd {
    /// A counter with an initial value; reading a `semaphore` takes one from it, else all.
    #[must_use]
    pub fn new(initial: u32, semaphore: bool) -> Arc<Self> {
        Arc::new(Self { count: Mutex::new(u64::from(initial)), semaphore, queue: WaitQueue::new() })
    }

    /// Adds from within the kernel, as asynchronous I/O does; stops at the largest count, where poll(2) reports an error.
    pub fn signal(&self, by: u64) {
        let mut count = self.count.lock();
        *count = count.saturating_add(by);
        drop(count);
        self.queue.notify(Events::IN | Events::RDNORM);
    }
}

impl File for EventFd {
    fn details(&self) -> String {
        let (count, semaphore) = (*self.count.lock(), u8::from(self.semaphore));
        format!("eventfd-count: {count:16x}\neventfd-semaphore: {semaphore}\n")
    }

    fn read(&self, _: u64, into: &mut dyn Sink) -> Result<usize, Errno> {
        if into.room() < 8 {
            return Err(Errno::EINVAL);
        }
        let mut count = self.count.lock();
        let taken = match *count {
            0 => return Err(Errno::EAGAIN),
            _ if self.semaphore => 1,
            all => all,
        };
        *count -= taken;
        drop(count);
        self.queue.notify(Events::OUT | Events::WRNORM);
        if into.put(&taken.to_ne_bytes())? == 8 { Ok(8) } else { Err(Errno::EFAULT) }
    }

    fn write(&self, _: Option<u64>, from: &mut dyn Source) -> Result<(usize, u64), Errno> {
        if from.left() != 8 {
            return Err(Errno::EINVAL);
        }
        let mut bytes = [0; 8];
        if from.take(&mut bytes)? != 8 {
            return Err(Errno::EFAULT);
        }
        let by = u64::from_ne_bytes(bytes);
        if by == u64::MAX {
            return Err(Errno::EINVAL);
        }
        let mut count = self.count.lock();
        let Some(sum) = count.checked_add(by).filter(|sum| *sum <= MOST) else {
            from.give_back(8);
            return Err(Errno::EAGAIN);
        };
        *count = sum;
        drop(count);
        self.queue.notify(Events::IN | Events::RDNORM);
        Ok((8, 0))
    }

    fn seekable(&self) -> bool {
        false
    }

    fn poll(&self) -> Events {
        let count = *self.count.lock();
        let mut events = Events::empty();
        events.set(Events::IN | Events::RDNORM, count > 0);
        events.set(Events::OUT | Events::WRNORM, count < MOST);
        events.set(Events::ERR, count == u64::MAX);
        events
    }

    fn readiness(&self) -> Option<&Arc<WaitQueue>> {
        Some(&self.queue)
    }

    fn attributes(&self) -> Result<Attributes, Errno> {
        Ok(crate::attributes())
    }

    fn description(&self) -> String {
        String::from("anon_inode:[eventfd]")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[cfg(test)]
mod tests {
    use vfs::io::{SliceSource, VecSink};

    use super::*;

    fn write(file: &EventFd, value: u64) -> Result<usize, Errno> {
        file.write(None, &mut SliceSource::new(&value.to_ne_bytes())).map(|(n, _)| n)
    }

    fn read(file: &EventFd) -> Result<u64, Errno> {
        let mut sink = VecSink::new(8);
        file.read(0, &mut sink)?;
        Ok(u64::from_ne_bytes(sink.data.try_into().unwrap()))
    }

    #[test]
    fn counts_and_empties() {
        let file = EventFd::new(3, false);
        assert_eq!(write(&file, 4), Ok(8));
        assert_eq!(read(&file), Ok(7));
        assert_eq!(read(&file), Err(Errno::EAGAIN));
        assert_eq!(file.poll(), Events::OUT | Events::WRNORM);
    }

    #[test]
    fn a_semaphore_gives_one_at_a_time() {
        let file = EventFd::new(2, true);
        assert_eq!((read(&file), read(&file), read(&file)), (Ok(1), Ok(1), Err(Errno::EAGAIN)));
    }

    #[test]
    fn a_full_counter_takes_no_more() {
        let file = EventFd::new(0, false);
        assert_eq!(write(&file, u64::MAX), Err(Errno::EINVAL));
        assert_eq!(write(&file, MOST), Ok(8));
        assert_eq!(file.poll(), Events::IN | Events::RDNORM);
        assert_eq!(write(&file, 1), Err(Errno::EAGAIN));
        assert_eq!(write(&file, 0), Ok(8));
        file.signal(5);
        assert!(file.poll().contains(Events::ERR));
    }

    #[test]
    fn sizes_below_eight_are_refused() {
        let file = EventFd::new(1, false);
        assert_eq!(file.read(0, &mut VecSink::new(7)), Err(Errno::EINVAL));
        assert_eq!(file.write(None, &mut SliceSource::new(&[0; 7])), Err(Errno::EINVAL));
    }
}

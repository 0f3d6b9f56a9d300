//! A context: what has been done and not been asked for, and what waits.

use std::collections::VecDeque;
use std::sync::Arc;

use abi::Errno;
use abi::aio::IoEvent;
use anon::EventFd;
use parking_lot::Mutex;
use vfs::{Events, OpenFile, WaitQueue};

use super::Share;
use super::poll::Request;

/// Whom to tell of an event besides those who wait for it: an eventfd(2).
#[derive(Clone, Default)]
pub struct Notice(Option<Arc<OpenFile>>);

impl Notice {
    /// The counter that a descriptor stands for.
    ///
    /// # Errors
    /// `EINVAL` if it is none.
    pub fn to(file: Arc<OpenFile>) -> Result<Self, Errno> {
        let is_counter = file.file.as_any().is::<EventFd>();
        if is_counter { Ok(Self(Some(file))) } else { Err(Errno::EINVAL) }
    }

    fn give(&self) {
        let counter = self.0.as_ref().and_then(|file| file.file.as_any().downcast_ref::<EventFd>());
        if let Some(counter) = counter {
            counter.signal(1);
        }
    }
}

/// A context.
pub struct Context {
    /// Events and waiting requests at most.
    slots: usize,
    state: Mutex<State>,
    /// Notified when there is an event, and at the end.
    pub changed: Arc<WaitQueue>,
    _share: Share,
}

#[derive(Default)]
struct State {
    events: VecDeque<IoEvent>,
    waiting: Vec<Arc<Request>>,
    ended: bool,
}

impl Context {
    pub(super) fn new(share: Share, count: u32) -> Arc<Self> {
        // Linux makes room for some more on each processor, and for twice as many.
        let least = host::machine::processors().saturating_mul(4);
        let slots = usize::try_from(count).unwrap_or(usize::MAX).max(least).saturating_mul(2);
        Arc::new(Self { slots, state: Mutex::default(), changed: WaitQueue::new(), _share: share })
    }

    /// Whether another request can be taken.
    ///
    /// # Errors
    /// `EAGAIN` if there is no room for its event.
    pub fn has_room(&self) -> Result<(), Errno> {
        let state = self.state.lock();
        if state.events.len().saturating_add(state.waiting.len()) < self.slots {
            Ok(())
        } else {
            Err(Errno::EAGAIN)
        }
    }

    /// Something is done.
    pub fn complete(&self, event: IoEvent, notice: &Notice) {
        self.state.lock().events.push_back(event);
        self.changed.notify(Events::IN);
        notice.give();
    }

    /// Waits for a file's readiness, for which `event` will be there with what it is ready for.
    pub fn poll(self: &Arc<Self>, file: Arc<OpenFile>, wanted: Events, event: IoEvent, notice: Notice) {
        let request = Request::new(self, file, wanted, event, notice);
        self.state.lock().waiting.push(Arc::clone(&request));
        request.start();
    }

    /// A request that waits is done. One that was cancelled meanwhile stays so.
    pub(super) fn ready(&self, request: &Request, event: IoEvent, notice: &Notice) {
        let found = self.take_waiting(|other| std::ptr::eq(other, request));
        if found.is_some() {
            self.complete(event, notice);
        }
    }

    fn take_waiting(&self, is_it: impl Fn(&Request) -> bool) -> Option<Arc<Request>> {
        let mut state = self.state.lock();
        let at = state.waiting.iter().position(|request| is_it(request))?;
        Some(state.waiting.remove(at))
    }

    /// io_cancel(2): the request of a control block. Its event follows.
    ///
    /// # Errors
    /// `EINVAL` if it does not wait.
    pub fn cancel(&self, object: u64) -> Result<(), Errno> {
        let request = self.take_waiting(|request| request.event.object == object).ok_or(Errno::EINVAL)?;
        self.complete(request.event, &request.notice);
        Ok(())
    }

    /// The oldest events, up to so many.
    ///
    /// # Errors
    /// `EINVAL` once the context has ended.
    pub fn take(&self, most: usize) -> Result<Vec<IoEvent>, Errno> {
        let mut state = self.state.lock();
        if state.ended {
            return Err(Errno::EINVAL);
        }
        let count = most.min(state.events.len());
        Ok(state.events.drain(..count).collect())
    }

    /// Gives back events that could not be delivered.
    pub fn put_back(&self, events: &[IoEvent]) {
        let mut state = self.state.lock();
        events.iter().rev().for_each(|event| state.events.push_front(*event));
    }

    pub(super) fn end(&self) {
        let waiting = {
            let mut state = self.state.lock();
            state.ended = true;
            std::mem::take(&mut state.waiting)
        };
        drop(waiting);
        self.changed.notify(Events::IN);
    }
}

#[cfg(test)]
mod tests {
    use vfs::io::SliceSource;
    use vfs::{CapabilitySet, Credentials, OpenFlags};

    use super::super::{Contexts, REQUESTS_MAX, Requests};
    use super::*;

    fn counter() -> Arc<OpenFile> {
        let credentials = Arc::new(Credentials::root(CapabilitySet::FULL));
        OpenFile::new(EventFd::new(0, false), None, OpenFlags::RDWR, credentials)
    }

    #[test]
    fn a_request_waits_until_its_file_is_ready() {
        let requests = Arc::default();
        let context = Contexts::prepare(&requests, 1).unwrap();
        let (file, told) = (counter(), counter());
        let event = IoEvent { data: 1, object: 2, ..IoEvent::default() };
        context.poll(Arc::clone(&file), Events::IN, event, Notice::to(Arc::clone(&told)).unwrap());
        assert_eq!(context.take(9), Ok(Vec::new()));
        crate::executor::turn(|| file.write(&mut SliceSource::new(&5_u64.to_ne_bytes())).unwrap());
        assert!(told.poll().contains(Events::IN));
        assert_eq!(context.take(9), Ok(vec![IoEvent { result: 1, ..event }]));
    }

    #[test]
    fn requests_are_cancelled_once_and_end_with_their_context() {
        let requests: Arc<Requests> = Arc::default();
        let context = Contexts::prepare(&requests, 10).unwrap();
        let event = IoEvent { object: 7, ..IoEvent::default() };
        context.poll(counter(), Events::IN, event, Notice::default());
        assert_eq!((context.cancel(7), context.cancel(7)), (Ok(()), Err(Errno::EINVAL)));
        assert_eq!(context.take(1).map(|events| events.len()), Ok(1));
        let contexts = Contexts::default();
        contexts.enter(4096, Arc::clone(&context));
        assert_eq!((contexts.remove(4096), contexts.remove(4096)), (Ok(()), Err(Errno::EINVAL)));
        assert_eq!((context.take(1), requests.used()), (Err(Errno::EINVAL), 10));
        drop(context);
        assert_eq!(requests.used(), 0);
        assert!(Contexts::prepare(&requests, u32::try_from(REQUESTS_MAX).unwrap() + 1).is_err());
    }

    #[test]
    fn there_is_room_for_so_many() {
        let context = Contexts::prepare(&Arc::default(), 100).unwrap();
        (0..200).for_each(|_| context.complete(IoEvent::default(), &Notice::default()));
        assert_eq!(context.has_room(), Err(Errno::EAGAIN));
        let taken = context.take(3).unwrap();
        assert_eq!(context.has_room(), Ok(()));
        context.put_back(&taken);
        assert_eq!(context.has_room(), Err(Errno::EAGAIN));
    }
}

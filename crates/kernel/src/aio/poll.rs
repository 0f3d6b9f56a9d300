//! A request that waits for a file to be ready: `IOCB_CMD_POLL`.

use std::sync::{Arc, Weak};

use abi::aio::IoEvent;
use parking_lot::Mutex;
use vfs::{Events, Listener, OpenFile, Registration};

use super::context::{Context, Notice};
use crate::executor::{Run, Schedule};

/// A request. Its context owns it, and it ends when the context lets it go.
pub(super) struct Request {
    this: Weak<Self>,
    context: Weak<Context>,
    file: Arc<OpenFile>,
    wanted: Events,
    /// The event, but for its result.
    pub(super) event: IoEvent,
    pub(super) notice: Notice,
    schedule: Schedule,
    registration: Mutex<Option<Registration>>,
}

impl Request {
    pub(super) fn new(
        context: &Arc<Context>,
        file: Arc<OpenFile>,
        wanted: Events,
        event: IoEvent,
        notice: Notice,
    ) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            this: Weak::clone(this),
            context: Arc::downgrade(context),
            file,
            wanted: wanted | Events::ERR | Events::HUP,
            event,
            notice,
            schedule: Schedule::default(),
            registration: Mutex::default(),
        })
    }

    /// Listens from now on, and looks whether the file is ready already.
    pub(super) fn start(&self) {
        let hook = Arc::new(Hook(Weak::clone(&self.this)));
        *self.registration.lock() = self.file.file.readiness().map(|queue| queue.register(self.wanted, hook));
        self.look();
    }

    fn look(&self) {
        let seen = self.file.poll() & self.wanted;
        if let Some(context) = self.context.upgrade().filter(|_| !seen.is_empty()) {
            let event = IoEvent { result: i64::from(seen.bits()), ..self.event };
            context.ready(self, event, &self.notice);
        }
    }
}

impl Run for Request {
    fn run(self: Arc<Self>) {
        self.schedule.run(|| self.look());
    }
}

/// What the file's queue keeps: it must not keep the request.
struct Hook(Weak<Request>);

impl Listener for Hook {
    fn notify(&self, _: Events) {
        if let Some(request) = self.0.upgrade() {
            // Whoever notifies may hold locks of the file: it is asked at the turn's end.
            let work: Arc<dyn Run> = request.clone();
            request.schedule.wake(|| work);
        }
    }
}

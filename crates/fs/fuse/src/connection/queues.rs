//! What waits to be read, and what waits to be answered.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use abi::Errno;
use zerocopy::IntoBytes;

use super::forgets::Forgets;
use super::request::{Answered, Asker, Question, Request, Shape, message};
use super::settings::{BACKGROUND_MOST, CONGESTED, Settings};
use crate::wire::{INTERRUPT_BIT, InitFlags, InterruptIn, Opcode, RESENT_BIT};

/// What becomes of a question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    /// INIT is not answered yet.
    #[default]
    Starting,
    /// It is served.
    Serving,
    /// The server speaks another version: `ECONNREFUSED`.
    Refused,
    /// Somebody has ended it through fusectl: `ENOTCONN`, and the device says `ECONNABORTED` where that was agreed upon.
    Aborted,
    /// Server or mount are gone: `ENOTCONN`.
    Ended,
}

/// What a read of the device gets.
pub(crate) enum Served {
    /// This.
    Message(Vec<u8>),
    /// Nothing: the request does not fit into the buffer.
    TooLarge(Arc<Request>),
}

/// The queues of a connection.
pub(super) struct Queues {
    pub(super) phase: Phase,
    /// Not read yet, in their order.
    pending: VecDeque<Arc<Request>>,
    /// Read, by their ids, with the device through which.
    sent: HashMap<u64, (u64, Arc<Request>)>,
    /// Ids of requests whose caller has got a signal.
    interrupts: VecDeque<u64>,
    forgets: Forgets,
    /// Those that nobody waits for and that are more than may be under way.
    background: VecDeque<Arc<Request>>,
    /// Ids of those that are under way.
    active: Vec<u64>,
    background_most: u32,
    congested: u32,
    last_unique: u64,
    devices: Vec<u64>,
    last_device: u64,
}

impl Default for Queues {
    fn default() -> Self {
        Self {
            phase: Phase::default(),
            pending: VecDeque::new(),
            sent: HashMap::new(),
            interrupts: VecDeque::new(),
            forgets: Forgets::default(),
            background: VecDeque::new(),
            active: Vec::new(),
            background_most: BACKGROUND_MOST,
            congested: CONGESTED,
            last_unique: 0,
            devices: Vec::new(),
            last_device: 0,
        }
    }
}

impl Queues {
    fn unique(&mut self) -> u64 {
        self.last_unique = self.last_unique.wrapping_add(2);
        self.last_unique
    }

    pub(super) const fn is_connected(&self) -> bool {
        !matches!(self.phase, Phase::Aborted | Phase::Ended)
    }

    fn may_ask(&self) -> Result<(), Errno> {
        match self.phase {
            Phase::Starting | Phase::Serving => Ok(()),
            Phase::Refused => Err(Errno::ECONNREFUSED),
            Phase::Aborted | Phase::Ended => Err(Errno::ENOTCONN),
        }
    }

    /// Adds a question that somebody waits for.
    pub(super) fn enqueue(
        &mut self,
        question: Question,
        listener: Option<Box<dyn Answered>>,
    ) -> Result<Arc<Request>, Errno> {
        self.may_ask()?;
        let unique = self.unique();
        let request = Request::new(unique, question, listener);
        self.pending.push_back(Arc::clone(&request));
        Ok(request)
    }

    /// Adds a question that nobody waits for.
    pub(super) fn enqueue_background(
        &mut self,
        question: Question,
        listener: Option<Box<dyn Answered>>,
    ) -> Result<(), (Option<Box<dyn Answered>>, Errno)> {
        if let Err(error) = self.may_ask() {
            return Err((listener, error));
        }
        let unique = self.unique();
        self.background.push_back(Request::new(unique, question, listener));
        self.start_background();
        Ok(())
    }

    /// Adds what has an id of its own and no answer. False if nobody is there to read it.
    pub(super) fn enqueue_as(&mut self, unique: u64, question: Question) -> bool {
        let connected = self.is_connected();
        if connected {
            self.pending.push_back(Request::new(unique, question, None));
        }
        connected
    }

    fn start_background(&mut self) {
        let most = usize::try_from(self.background_most).unwrap_or(usize::MAX);
        while self.active.len() < most
            && let Some(request) = self.background.pop_front()
        {
            self.active.push(request.unique());
            self.pending.push_back(request);
        }
    }

    fn background_done(&mut self, unique: u64) {
        if let Some(at) = self.active.iter().position(|active| *active == unique & !RESENT_BIT) {
            self.active.swap_remove(at);
            self.start_background();
        }
    }

    /// When the oldest question was asked that has no answer.
    pub(super) fn oldest(&self) -> Option<Instant> {
        let sent = self.sent.values().map(|(_, request)| request);
        self.pending.iter().chain(&self.background).chain(sent).map(|request| request.asked).min()
    }

    /// Gives up answers that named a file. False if nobody is there to hear of it.
    pub(super) fn forget(&mut self, node: u64, count: u64) -> bool {
        let connected = self.is_connected();
        if connected {
            self.forgets.push(node, count);
        }
        connected
    }

    pub(super) fn interrupt(&mut self, unique: u64) {
        if self.sent.contains_key(&unique) && !self.interrupts.contains(&unique) {
            self.interrupts.push_back(unique);
        }
    }

    /// Takes a request back that nobody has read.
    pub(super) fn take_back(&mut self, unique: u64) -> bool {
        let at = self.pending.iter().position(|request| request.unique() == unique);
        at.is_some_and(|at| self.pending.remove(at).is_some())
    }

    pub(super) fn has_work(&self) -> bool {
        !self.pending.is_empty() || !self.interrupts.is_empty() || !self.forgets.is_empty()
    }

    /// The next message, for a buffer of this size.
    pub(super) fn next(&mut self, device: u64, room: usize, settings: &Settings) -> Result<Served, Errno> {
        match self.phase {
            Phase::Aborted if settings.flags.contains(InitFlags::ABORT_ERROR) => {
                return Err(Errno::ECONNABORTED);
            }
            Phase::Aborted | Phase::Ended => return Err(Errno::ENODEV),
            _ => {}
        }
        while let Some(unique) = self.interrupts.pop_front() {
            if self.sent.contains_key(&unique) {
                let body = InterruptIn { unique };
                let id = unique | INTERRUPT_BIT;
                let message = message(Opcode::Interrupt, id, 0, Asker::default(), &[body.as_bytes()], 0);
                return Ok(Served::Message(message));
            }
        }
        if self.forgets.turn(self.pending.is_empty()) {
            let unique = self.unique();
            return Ok(Served::Message(self.forgets.next(unique, room, settings.forgets_together())));
        }
        let request = self.pending.pop_front().ok_or(Errno::EAGAIN)?;
        if request.length() > room {
            self.background_done(request.unique());
            return Ok(Served::TooLarge(request));
        }
        let interrupted = request.sent();
        if request.question.shape == Shape::Silent {
            self.background_done(request.unique());
        } else {
            self.sent.insert(request.unique(), (device, Arc::clone(&request)));
            if interrupted {
                self.interrupts.push_back(request.unique());
            }
        }
        Ok(Served::Message(request.message()))
    }

    /// A request that was read through a device.
    pub(super) fn sent_to(&self, device: u64, unique: u64) -> Option<Arc<Request>> {
        let (through, request) = self.sent.get(&unique)?;
        (*through == device).then(|| Arc::clone(request))
    }

    /// The same, which is answered now.
    pub(super) fn answered(&mut self, device: u64, unique: u64) -> Option<Arc<Request>> {
        let request = self.sent_to(device, unique)?;
        self.sent.remove(&unique);
        self.background_done(unique);
        Some(request)
    }

    /// Everything that was read is to be read again, before anything else.
    pub(super) fn resend(&mut self) {
        let mut again: Vec<_> = self.sent.drain().map(|(_, (_, request))| request).collect();
        again.sort_by_key(|request| std::cmp::Reverse(request.unique()));
        for request in again {
            request.unsent();
            self.pending.push_front(request);
        }
    }

    pub(super) fn add_device(&mut self) -> u64 {
        self.last_device = self.last_device.wrapping_add(1);
        self.devices.push(self.last_device);
        self.last_device
    }

    /// What was read through it and not answered, and whether it was the last.
    pub(super) fn remove_device(&mut self, device: u64) -> (Vec<Arc<Request>>, bool) {
        self.devices.retain(|other| *other != device);
        let lost: Vec<u64> = self
            .sent
            .iter()
            .filter(|(_, (through, _))| *through == device)
            .map(|(unique, _)| *unique)
            .collect();
        let lost = lost.into_iter().filter_map(|unique| self.answered(device, unique)).collect();
        (lost, self.devices.is_empty())
    }

    /// Nothing is asked or answered any more. Returns all that waits.
    pub(super) fn end(&mut self, how: Phase) -> Vec<Arc<Request>> {
        if self.is_connected() {
            self.phase = how;
        }
        self.interrupts.clear();
        self.forgets = Forgets::default();
        self.active.clear();
        let mut lost: Vec<_> = self.pending.drain(..).chain(self.background.drain(..)).collect();
        lost.extend(self.sent.drain().map(|(_, (_, request))| request));
        lost
    }

    pub(super) fn waiting(&self) -> usize {
        self.pending.len().saturating_add(self.background.len()).saturating_add(self.sent.len())
    }

    pub(super) fn is_congested(&self) -> bool {
        let under_way = self.active.len().saturating_add(self.background.len());
        u32::try_from(under_way).unwrap_or(u32::MAX) >= self.congested
    }

    pub(super) const fn background_limits(&self) -> (u32, u32) {
        (self.background_most, self.congested)
    }

    pub(super) fn set_background_limits(&mut self, most: Option<u32>, congested: Option<u32>) {
        self.background_most = most.unwrap_or(self.background_most);
        self.congested = congested.unwrap_or(self.congested);
        self.start_background();
    }
}

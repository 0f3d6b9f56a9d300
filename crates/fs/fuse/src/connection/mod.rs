//! The connection of a mount to its server: who has asked what, and who answers.
//!
//! Requests queue here until a thread of the server reads them from /dev/fuse, and wait here for their answers. No lock of this module is
//! held while anybody waits, and none while listeners are told.

mod forgets;
mod init;
mod list;
mod queues;
mod request;
mod settings;
mod timeout;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use abi::Errno;
use parking_lot::Mutex;
use vfs::waiting::{self, Identity, Patience};
use vfs::{Capability, Device, Events, Owner, UserNamespace, WaitQueue};

pub(crate) use list::connections;
pub(crate) use queues::Served;
use queues::{Phase, Queues};
pub(crate) use request::{Answered, Asker, Question, Request, Shape};
pub(crate) use settings::{Refused, Settings};

use crate::file::Backings;
use crate::filesystem::Shared;
use crate::wire::{InitFlags, Opcode};

/// A connection.
pub(crate) struct Connection {
    /// The mount's `st_dev`, and its name in fusectl.
    pub(crate) device: Device,
    /// Who mounted it: may see and abort it in fusectl, and use it.
    pub(crate) owner: Owner,
    /// The user namespace that it was mounted in. Its ids are those that the server hears and tells.
    pub(crate) user: Arc<UserNamespace>,
    queues: Mutex<Queues>,
    /// Told when there is something for the server to read, and at the end.
    pub(crate) readers: Arc<WaitQueue>,
    /// Told when questions may be asked that could not be before.
    room: Arc<WaitQueue>,
    settings: Mutex<Arc<Settings>>,
    refused: Refused,
    /// Files that the server has named, to be read and written past it.
    pub(crate) backings: Backings,
    filesystem: Mutex<Weak<Shared>>,
    /// Names that were learnt in another are outdated.
    epoch: AtomicU64,
}

impl Connection {
    /// A connection whose server has not said anything yet, with one open device.
    pub(crate) fn new(device: Device, owner: Owner, user: Arc<UserNamespace>) -> Arc<Self> {
        Arc::new(Self {
            device,
            owner,
            user,
            queues: Mutex::default(),
            readers: WaitQueue::new(),
            room: WaitQueue::new(),
            settings: Mutex::default(),
            refused: Refused::default(),
            backings: Backings::default(),
            filesystem: Mutex::default(),
            epoch: AtomicU64::new(0),
        })
    }

    /// The filesystem that it serves, as long as anything of it is used.
    pub(crate) fn filesystem(&self) -> Option<Arc<Shared>> {
        self.filesystem.lock().upgrade()
    }

    /// Says which filesystem it serves.
    pub(crate) fn serve(&self, filesystem: &Arc<Shared>) {
        *self.filesystem.lock() = Arc::downgrade(filesystem);
    }

    /// Which names may be believed: those that were learnt in the same.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// NOTIFY_INC_EPOCH: all names are to be asked for again.
    pub(crate) fn names_outdated(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }

    /// What was agreed upon.
    pub(crate) fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.lock())
    }

    /// Whether the server has this feature on.
    pub(crate) fn has(&self, flag: InitFlags) -> bool {
        self.settings.lock().flags.contains(flag)
    }

    /// Whether the server takes set-ID bits and file capabilities away itself.
    pub(crate) fn sheds_privileges(&self) -> bool {
        self.settings.lock().flags.intersects(InitFlags::HANDLE_KILLPRIV | InitFlags::HANDLE_KILLPRIV_V2)
    }

    /// Whether the server is to be told to do that, because the caller may not keep them.
    pub(crate) fn kills_privileges(&self) -> bool {
        let may_keep = |identity: Identity| identity.credentials.has(Capability::Fsetid);
        self.has(InitFlags::HANDLE_KILLPRIV_V2) && !waiting::identity().is_some_and(may_keep)
    }

    /// Whether files may be read and written past the server.
    pub(crate) fn passes_through(&self) -> bool {
        self.has(InitFlags::PASSTHROUGH)
    }

    /// How many filesystems may lie upon each other with this one.
    pub(crate) fn stack_depth(&self) -> u32 {
        self.settings.lock().stack_depth
    }

    /// Which requests the server has said it does not know.
    pub(crate) const fn refused(&self) -> &Refused {
        &self.refused
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// The server's; `ENOTCONN` if there is none any more, `ECONNABORTED` if it went meanwhile, `EINTR` for a caller that is killed,
    /// `ECONNREFUSED` if it speaks another version.
    pub(crate) fn ask(
        &self,
        opcode: Opcode,
        node: u64,
        parts: &[&[u8]],
        shape: Shape,
    ) -> Result<Vec<u8>, Errno> {
        let (asker, body) = (self.asker()?, parts.concat());
        self.put(Question { opcode, node, asker, body, shape, extension: 0 })
    }

    /// Whoever the calling thread works for, as the server knows ids.
    ///
    /// # Errors
    /// `EOVERFLOW` for somebody whom its user namespace does not have.
    pub(crate) fn asker(&self) -> Result<Asker, Errno> {
        let asker = Asker::current();
        let uid = self.user.uid_within(asker.uid).ok_or(Errno::EOVERFLOW)?;
        let gid = self.user.gid_within(asker.gid).ok_or(Errno::EOVERFLOW)?;
        Ok(Asker { uid, gid, ..asker })
    }

    /// Asks a question, and waits for the answer.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub(crate) fn put(&self, question: Question) -> Result<Vec<u8>, Errno> {
        self.admitted()?;
        let request = self.queues.lock().enqueue(question, None)?;
        self.readers.notify(Events::IN | Events::RDNORM);
        self.wait(&request)
    }

    /// Waits for an answer, as patiently as Linux: a signal is passed on to the server, and its answer is waited for then; a caller that
    /// is killed goes if the server has not read the question yet.
    fn wait(&self, request: &Arc<Request>) -> Result<Vec<u8>, Errno> {
        if !self.refused.is(Opcode::Interrupt) {
            match request.wait(Patience::Interruptible) {
                Ok(()) => return request.take(),
                Err(Errno::ERESTARTSYS) => {}
                Err(error) => return self.give_up(request, error),
            }
            if request.interrupt() {
                self.queues.lock().interrupt(request.unique());
                self.readers.notify(Events::IN | Events::RDNORM);
            }
        }
        match request.wait(Patience::Killable) {
            Ok(()) => return request.take(),
            Err(Errno::ERESTARTSYS) => {}
            Err(error) => return self.give_up(request, error),
        }
        if self.queues.lock().take_back(request.unique()) {
            return Err(Errno::EINTR);
        }
        match request.wait(Patience::Endless) {
            Ok(()) => request.take(),
            Err(error) => self.give_up(request, error),
        }
    }

    /// There is no thread to wait on.
    fn give_up(&self, request: &Arc<Request>, error: Errno) -> Result<Vec<u8>, Errno> {
        self.queues.lock().take_back(request.unique());
        Err(error)
    }

    /// Asks without waiting. `listener` hears of the answer.
    pub(crate) fn post(&self, question: Question, listener: Option<Box<dyn Answered>>) {
        let result = self.queues.lock().enqueue_background(question, listener);
        match result {
            Ok(()) => self.readers.notify(Events::IN | Events::RDNORM),
            Err((listener, error)) => {
                if let Some(listener) = listener {
                    listener.answered(Err(error));
                }
            }
        }
    }

    /// Sends something under an id of the server's, without an answer.
    pub(crate) fn post_as(&self, unique: u64, question: Question) {
        if self.queues.lock().enqueue_as(unique, question) {
            self.readers.notify(Events::IN | Events::RDNORM);
        }
    }

    /// Gives up answers that named a file.
    pub(crate) fn forget(&self, node: u64, count: u64) {
        if count > 0 && self.queues.lock().forget(node, count) {
            self.readers.notify(Events::IN | Events::RDNORM);
        }
    }

    /// Waits until the server has answered INIT.
    fn admitted(&self) -> Result<(), Errno> {
        let decided = || self.queues.lock().phase != Phase::Starting;
        waiting::until(&self.room, Patience::Killable, decided).map_err(|error| match error {
            Errno::ERESTARTSYS => Errno::EINTR,
            other => other,
        })
    }

    /// The next message for a thread of the server that reads with a buffer of so many bytes, through this device.
    ///
    /// # Errors
    /// `EAGAIN`, `EINVAL` for a buffer that is too small for the largest request, `ENODEV` after the end, `ECONNABORTED` after an abort
    /// where the server wants to be told so.
    pub(crate) fn next_message(&self, device: u64, room: usize) -> Result<Vec<u8>, Errno> {
        let settings = self.settings();
        if room < settings.smallest_buffer() {
            return Err(Errno::EINVAL);
        }
        loop {
            let served = self.queues.lock().next(device, room, &settings)?;
            match served {
                Served::Message(message) => return Ok(message),
                Served::TooLarge(request) => {
                    let large = request.question.opcode == Opcode::Setxattr;
                    request.finish(Err(if large { Errno::E2BIG } else { Errno::EIO }));
                }
            }
        }
    }

    /// The message could not be given to the server.
    pub(crate) fn not_delivered(&self, device: u64, unique: u64) {
        if let Some(request) = self.queues.lock().answered(device, unique) {
            request.finish(Err(Errno::EIO));
        }
    }

    /// Whether there is something to read.
    pub(crate) fn is_readable(&self) -> bool {
        self.queues.lock().has_work()
    }

    /// Whether the server is still there and the filesystem mounted.
    pub(crate) fn is_connected(&self) -> bool {
        self.queues.lock().is_connected()
    }

    /// The request that a reply through this device is for.
    ///
    /// # Errors
    /// `ENOENT` if the server has read no such request through it, or has answered it.
    pub(crate) fn question(&self, device: u64, unique: u64) -> Result<Arc<Request>, Errno> {
        self.queues.lock().sent_to(device, unique).ok_or(Errno::ENOENT)
    }

    /// A reply to a request has come in full.
    pub(crate) fn answer(&self, device: u64, unique: u64, answer: Result<Vec<u8>, Errno>) {
        let request = self.queues.lock().answered(device, unique);
        if let Some(request) = request {
            request.finish(answer);
            // Another one of those that nobody waits for may go.
            self.readers.notify(Events::IN | Events::RDNORM);
        }
    }

    /// A reply to an interrupt: its server knows of none, or wants to hear of it again.
    pub(crate) fn interrupt_answered(&self, unique: u64, error: Errno) {
        match error {
            Errno::ENOSYS => self.refused.note(Opcode::Interrupt),
            Errno::EAGAIN => {
                self.queues.lock().interrupt(unique);
                self.readers.notify(Events::IN | Events::RDNORM);
            }
            _ => {}
        }
    }

    /// What was read and not answered is to be read again.
    pub(crate) fn resend(&self) {
        self.queues.lock().resend();
        self.readers.notify(Events::IN | Events::RDNORM);
    }

    /// Another descriptor of the device serves the same connection.
    pub(crate) fn add_device(&self) -> u64 {
        self.queues.lock().add_device()
    }

    /// A descriptor of the device is closed: what was read through it will not be answered. With the last one the connection ends.
    pub(crate) fn remove_device(&self, device: u64) {
        let (lost, last) = self.queues.lock().remove_device(device);
        if last {
            self.end(Phase::Ended);
        }
        lost.into_iter().for_each(|request| request.finish(Err(Errno::ECONNABORTED)));
    }

    /// fusectl's `abort`.
    pub(crate) fn abort(&self) {
        self.end(Phase::Aborted);
    }

    /// The filesystem is mounted no more.
    pub(crate) fn unmounted(&self) {
        self.end(Phase::Ended);
    }

    /// Ends it: whoever waits for an answer hears that there will be none.
    fn end(&self, how: Phase) {
        let lost = self.queues.lock().end(how);
        lost.into_iter().for_each(|request| request.finish(Err(Errno::ECONNABORTED)));
        self.readers.notify(Events::all());
        self.room.notify(Events::all());
    }

    /// How many questions have no answer yet: fusectl's `waiting`.
    pub(crate) fn waiting(&self) -> usize {
        self.queues.lock().waiting()
    }

    /// Limits of requests that nobody waits for: how many at a time, and from how many on it is congested.
    pub(crate) fn background(&self) -> (u32, u32) {
        self.queues.lock().background_limits()
    }

    /// Whether so much is asked that nobody waits for that what is not needed yet is better not asked.
    pub(crate) fn is_congested(&self) -> bool {
        self.queues.lock().is_congested()
    }

    /// Changes them.
    pub(crate) fn set_background(&self, most: Option<u32>, congested: Option<u32>) {
        self.queues.lock().set_background_limits(most, congested);
        self.readers.notify(Events::IN | Events::RDNORM);
    }
}

//! Threads and forks.
//!
//! The sentry writes the clone's exact arguments and a random token into the parent's mailbox; the stub makes the call; the filter asks the
//! sentry, which consents to just these arguments. A signal may restart the call: the same token is the same child, so
//! consent may be given again. The child reports with the token, which binds the host's thread id to the guest thread.

use std::os::fd::AsFd;
use std::sync::Arc;

use abi::Errno;

use super::arch;
use super::batch::error_of;
use super::calls::{self, Notification};
use super::delivery::deliver_later;
use super::frame::Frame;
use super::image::Image;
use super::interface::{CloneRecord, Mailbox, answer, local};
use super::phase::{Child, Phase, State, Way};
use super::process::{Process, Space};
use super::slots::Place;
use super::thread::StubThread;
use crate::{CloneMemory, CloneRequest, Gone, Observer, Stop, Thread};

const CLONE_VM: u64 = 0x100;
const CLONE_FS: u64 = 0x200;
const CLONE_FILES: u64 = 0x400;
const CLONE_SIGHAND: u64 = 0x800;
const CLONE_PARENT: u64 = 0x8000;
const CLONE_THREAD: u64 = 0x1_0000;
const CLONE_SYSVSEM: u64 = 0x4_0000;
const CLONE_SETTLS: u64 = 0x8_0000;
const CLONE_CHILD_CLEARTID: u64 = 0x20_0000;
const SIGCHLD: u64 = 17;

/// How often one clone may be restarted. The interrupt signal is blocked in the stub, so only stops and freezes do.
const MOST_CONSENTS: u32 = 100;

/// A clone that was ordered and whose child has not reported.
pub(super) struct Pending {
    pub(super) parent: Arc<StubThread>,
    /// Whether the parent goes on by itself.
    pub(super) returns: bool,
    observer: Arc<dyn Observer>,
    memory: CloneMemory,
    /// The child's frame and slot.
    frame: Frame,
    slot: u64,
    clear_child_tid: u64,
    /// The arguments that are consented to.
    args: [u64; 6],
    consents: u32,
}

impl Pending {
    /// The child will never be: who counts on it hears.
    fn report_loss(&self) {
        if self.returns {
            let gone = Gone { last: self.memory != CloneMemory::Thread, signal: Some(libc::SIGKILL) };
            Arc::clone(&self.observer).stopped(Stop::Gone(gone));
        }
    }

    /// Whether nobody can hear of the child once this thread's process is dead.
    pub(super) fn dies_with(&self, parent: &StubThread) -> bool {
        let dies = !self.returns || self.memory == CloneMemory::Thread;
        dies && core::ptr::eq(Arc::as_ptr(&self.parent), parent)
    }

    /// Gives back what the child would have had.
    fn give_back(&self) {
        if self.memory != CloneMemory::Copy {
            self.parent.process.space.slots.give_back(self.slot);
        }
    }
}

impl StubThread {
    /// As [`crate::Thread::clone_with`].
    pub(super) fn make_child(&self, request: CloneRequest) {
        let mut state = self.state.lock();
        let Phase::Stopped { id } = state.phase else { return };
        if let Err(errno) = self.order_clone(&mut state, id, request) {
            // A process without memory to write to is ended by its death; else the kernel hears why.
            if let (Phase::Stopped { .. }, Some(thread)) = (&state.phase, self.arc()) {
                deliver_later(&thread, Stop::Cloned(Err(errno)));
            }
        }
    }

    fn order_clone(&self, state: &mut State, id: u64, request: CloneRequest) -> Result<(), Errno> {
        let parent = self.arc().ok_or(Errno::ESRCH)?;
        let token = random_token()?;
        let slots = &self.process.space.slots;
        let place = match request.memory {
            CloneMemory::Copy => Place { slot: self.slot, chunk: [0; 2] },
            CloneMemory::Thread | CloneMemory::Shared => slots.take().ok_or(Errno::EAGAIN)?,
        };
        let distance = slots.address(place.slot).wrapping_sub(slots.address(self.slot));
        let record = CloneRecord {
            flags: flags(&request),
            slot_distance: distance,
            child_tid: request.clear_child_tid.unwrap_or(0),
            tls: request.tls.unwrap_or(0),
            token,
            child_rsp: request.stack.unwrap_or(0),
            parent_returns: request.parent_returns.unwrap_or(0),
            chunk: place.chunk,
            windows: if request.memory == CloneMemory::Copy { slots.windows() } else { 0 },
            local: if request.published.is_some() && request.answered { local::ALL } else { 0 },
            process: request.published.map_or(0, |(process, _)| process),
            thread: request.published.map_or(0, |(_, thread)| thread),
            result: 0,
        };
        let stack = match distance {
            0 => 0,
            _ => state.frame.at.wrapping_add(distance).wrapping_sub(arch::FRAME_TO_CONTEXT),
        };
        let bytes = record_bytes(&record);
        let at = state.frame.mailbox + core::mem::offset_of!(Mailbox, clone) as u64;
        let bits = match state.frame.write_back(&self.process, None, &[(at, &bytes)]) {
            Ok(bits) => bits,
            Err(errno) => {
                slots.give_back(place.slot);
                self.process.kill();
                return Err(errno);
            }
        };
        let frame = state.frame.moved(distance);
        let returns = request.parent_returns.is_some();
        let pending = Pending {
            parent,
            returns,
            observer: request.observer,
            memory: request.memory,
            frame,
            slot: place.slot,
            clear_child_tid: record.child_tid,
            args: [record.flags, stack, 0, record.child_tid, record.tls, token],
            consents: 0,
        };
        self.image.pending.lock().insert(token, pending);
        let mut command = answer::COMMAND | answer::CLONE | bits;
        if returns {
            command |= answer::CLONE_RETURNS;
            state.phase = Phase::CloneReturning { token };
            self.pass_on_interrupt(state);
        } else {
            state.phase = Phase::Cloning { token, child: None, ring: None };
        }
        self.image.answer(id, command);
        Ok(())
    }

    /// The stub has made its clone, or could not.
    pub(super) fn cloned(&self, id: u64, result: u64) {
        let mut state = self.state.lock();
        let (token, child) = match &mut state.phase {
            Phase::Cloning { token, child, ring: None } => (*token, child.take()),
            Phase::CloneReturning { token } => (*token, None),
            _ => return self.image.refuse(id),
        };
        if let Some(errno) = error_of(result) {
            if let Some(pending) = self.image.pending.lock().remove(&token) {
                pending.give_back();
            }
            return self.clone_ends(state, id, Err(errno));
        }
        if let Some(child) = child {
            return self.clone_ends(state, id, Ok(child));
        }
        if !self.image.pending.lock().contains_key(&token) {
            // It has died, and its death has been noticed.
            return self.clone_ends(state, id, Err(Errno::EAGAIN));
        }
        match &mut state.phase {
            Phase::Cloning { ring, .. } => *ring = Some(id),
            _ => return self.image.refuse(id),
        }
        drop(state);
        self.await_child(token, result);
    }

    /// Notes that a child, which exists, has to report, in case that it dies before.
    fn await_child(&self, token: u64, pid: u64) {
        let Ok(pid) = i32::try_from(pid) else { return };
        let shared = &self.process.shared;
        let process = self.image.pending.lock().get(&token).is_some_and(|p| p.memory != CloneMemory::Thread);
        if process && !shared.processes.lock().contains_key(&pid) {
            shared.awaited.lock().insert(pid, (Arc::downgrade(&self.image), token));
            if !calls::is_alive(pid) {
                shared.awaited.lock().remove(&pid);
                self.image.clone_failed(token);
            }
        }
    }

    /// The child has reported.
    fn child_ready(&self, child: Child) {
        let mut state = self.state.lock();
        match &mut state.phase {
            Phase::Cloning { ring: Some(id), .. } => {
                let id = *id;
                self.clone_ends(state, id, Ok(child));
            }
            Phase::Cloning { child: place, .. } => *place = Some(child),
            // The parent died: so does a child that nobody has heard of.
            _ => child.0.disown(),
        }
    }

    fn clone_ends(
        &self,
        mut state: parking_lot::MutexGuard<'_, State>,
        id: u64,
        result: Result<Child, Errno>,
    ) {
        state.phase = Phase::Stopped { id };
        let exits = core::mem::take(&mut state.exit);
        drop(state);
        match result {
            Err(errno) => self.tell(Stop::Cloned(Err(errno))),
            Ok(Child(child, observer)) => {
                child.announce(observer);
                if !self.deliver(Stop::Cloned(Ok(Arc::clone(&child) as Arc<dyn Thread>))) {
                    child.disown();
                }
            }
        }
        if exits {
            let mut state = self.state.lock();
            if let Phase::Stopped { id } = state.phase {
                self.leave(&mut state, Way::Ring(id));
            }
        }
    }
}

fn flags(request: &CloneRequest) -> u64 {
    let kind = match request.memory {
        CloneMemory::Thread => {
            CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM
        }
        CloneMemory::Copy => CLONE_PARENT | SIGCHLD,
        CloneMemory::Shared => CLONE_PARENT | CLONE_VM | SIGCHLD,
    };
    let tls = if request.tls.is_some() { CLONE_SETTLS } else { 0 };
    let clear = if request.clear_child_tid.is_some() { CLONE_CHILD_CLEARTID } else { 0 };
    kind | tls | clear
}

fn record_bytes(r: &CloneRecord) -> Vec<u8> {
    let [chunk, length] = r.chunk;
    let words = [
        r.flags,
        r.slot_distance,
        r.child_tid,
        r.tls,
        r.token,
        r.child_rsp,
        r.parent_returns,
        chunk,
        length,
        r.windows,
        r.local,
        r.process,
        r.thread,
        r.result,
    ];
    words.into_iter().flat_map(u64::to_le_bytes).collect()
}

/// A number that no guest can guess, and not 0.
fn random_token() -> Result<u64, Errno> {
    let mut bytes = [0; 8];
    let got = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    match got {
        Ok(8) => Ok(u64::from_le_bytes(bytes).max(1)),
        _ => Err(Errno::EAGAIN),
    }
}

impl Image {
    /// A clone from the stub's text: let through if it is the one that was ordered.
    pub(super) fn consent_to_clone(&self, thread: &Arc<StubThread>, n: &Notification) {
        let [.., token] = n.args;
        let consent = {
            let mut pending = self.pending.lock();
            pending.get_mut(&token).is_some_and(|pending| {
                pending.consents += 1;
                Arc::ptr_eq(&pending.parent, thread)
                    && pending.args == n.args
                    && pending.consents <= MOST_CONSENTS
            })
        };
        if consent {
            let _ = calls::let_through(self.listener.as_fd(), n.id);
        } else {
            self.refuse(n.id);
        }
    }

    /// The first ring of a new thread or process.
    pub(super) fn child_reports(self: &Arc<Self>, n: &Notification) {
        let [_, token, ..] = n.args;
        let Some(pending) = self.pending.lock().remove(&token) else { return self.kill_rogue(n) };
        let (parent, returns) = (Arc::clone(&pending.parent), pending.returns);
        let observer = Arc::clone(&pending.observer);
        match self.bind_child(n, pending) {
            Some(child) if returns => {
                let thread = Arc::clone(&child) as Arc<dyn Thread>;
                child.announce(observer);
                child.tell(Stop::Started(thread));
            }
            Some(child) => parent.child_ready(Child(child, observer)),
            None => {}
        }
    }

    fn bind_child(self: &Arc<Self>, n: &Notification, pending: Pending) -> Option<Arc<StubThread>> {
        let parent = &pending.parent;
        let process = match pending.memory {
            CloneMemory::Thread => {
                let member = parent.process.alive(|pid| calls::signal_thread(pid, n.thread, 0));
                if member.is_err() {
                    self.child_is_dead(&pending);
                    return None;
                }
                Arc::clone(&parent.process)
            }
            memory => Arc::new(Process::new(
                Arc::clone(&self.shared),
                n.thread,
                self.space_of_child(parent, memory),
            )),
        };
        let phase = Phase::Stopped { id: n.id };
        let image = Arc::clone(self);
        let frame = pending.frame.clone();
        let child = StubThread::new(image, process, n.thread, pending.slot, phase, frame);
        child.state.lock().clear_child_tid = pending.clear_child_tid;
        child.process.space.slots.confirm(child.slot);
        if self.enter(&child, n.id) {
            return Some(child);
        }
        self.child_is_dead(&pending);
        None
    }

    /// Makes the thread of a new stub known.
    ///
    /// # Errors
    /// `EAGAIN` if it is dead and has been reaped as unknown.
    pub(super) fn enter_first(&self, thread: &Arc<StubThread>) -> Result<(), Errno> {
        let pid = thread.process.pid;
        self.threads.lock().insert(thread.tid, Arc::clone(thread));
        thread.process.threads.lock().present.push(Arc::clone(thread));
        self.shared.processes.lock().insert(pid, Arc::clone(&thread.process));
        if calls::is_alive(pid) {
            return Ok(());
        }
        self.shared.processes.lock().remove(&pid);
        Err(Errno::EAGAIN)
    }

    fn space_of_child(&self, parent: &StubThread, memory: CloneMemory) -> Arc<Space> {
        match memory {
            CloneMemory::Copy => {
                let space = &parent.process.space;
                self.shared.space(space.slots.copy(parent.slot), space.texts.copy())
            }
            _ => Arc::clone(&parent.process.space),
        }
    }

    /// Makes a thread known. Returns whether its process was alive then, so that its end will be noticed.
    pub(super) fn enter(&self, thread: &Arc<StubThread>, id: u64) -> bool {
        let process = &thread.process;
        if thread.is_main() {
            self.shared.processes.lock().insert(process.pid, Arc::clone(process));
            self.shared.awaited.lock().remove(&process.pid);
        }
        {
            let mut threads = process.threads.lock();
            if process.is_dead() {
                return false;
            }
            threads.present.push(Arc::clone(thread));
        }
        self.threads.lock().insert(thread.tid, Arc::clone(thread));
        if thread.is_main() && !calls::is_valid(self.listener.as_fd(), id) {
            // It died before it was entered, and may have been reaped as unknown.
            let mut processes = self.shared.processes.lock();
            if processes.get(&process.pid).is_some_and(|known| Arc::ptr_eq(known, process)) {
                processes.remove(&process.pid);
                drop(processes);
                self.unbind(thread);
                process.threads.lock().present.clear();
                return false;
            }
            // The reaper has found it, and its observer has heard.
        }
        true
    }

    /// A child died before it reported, or while it did.
    fn child_is_dead(&self, pending: &Pending) {
        pending.give_back();
        pending.report_loss();
        let parent = &pending.parent;
        let state = parent.state.lock();
        if let Phase::Cloning { ring: Some(id), .. } = state.phase {
            parent.clone_ends(state, id, Err(Errno::EAGAIN));
        }
    }

    /// The child of this clone, which had not reported, is dead.
    pub(super) fn clone_failed(&self, token: u64) {
        let pending = self.pending.lock().remove(&token);
        if let Some(pending) = pending {
            self.child_is_dead(&pending);
        }
    }

    /// Drops clones whose children will not report any more. The kernel counts on those whose parents went on by themselves:
    /// their observers hear that they are gone.
    pub(super) fn abandon_clones(&self, which: impl Fn(&Pending) -> bool) {
        let lost: Vec<Pending> = {
            let mut pending = self.pending.lock();
            pending.extract_if(|_, pending| which(pending)).map(|(_, pending)| pending).collect()
        };
        for pending in lost {
            pending.give_back();
            pending.report_loss();
        }
    }

    /// Looks for a clone whose parent went on by itself and says that this was its child.
    pub(super) fn clone_that_made(&self, pid: i32) -> Option<u64> {
        let candidates: Vec<(u64, Arc<StubThread>)> = {
            let pending = self.pending.lock();
            pending.iter().filter(|(_, p)| p.returns).map(|(t, p)| (*t, Arc::clone(&p.parent))).collect()
        };
        candidates.into_iter().find_map(|(token, parent)| {
            let mailbox = parent.process.space.slots.mailbox(parent.slot);
            let record = mailbox + core::mem::offset_of!(Mailbox, clone) as u64;
            let at = record + core::mem::offset_of!(CloneRecord, result) as u64;
            let mut bytes = [0; 8];
            parent.process.read_exactly(&[(at, 8)], &mut bytes).ok()?;
            (i64::from_le_bytes(bytes) == i64::from(pid)).then_some(token)
        })
    }
}

//! Threads and forks.
//!
//! The sentry writes the clone's exact arguments and a random token into the parent's mailbox; the stub makes the call; the filter asks the
//! sentry, which consents to just these arguments. A signal may restart the call: the same token is the same child, so
//! consent may be given again. The child reports with the token, which binds the host's thread id to the guest thread.

use std::cell::RefCell;
use std::sync::Arc;

use abi::Errno;

use super::arch;
use super::batch::error_of;
use super::births::Pending;
use super::calls;
use super::delivery::deliver_later;
use super::interface::{CloneRecord, Mailbox, answer, local};
use super::phase::{Child, Phase, State, Way};
use super::slots::Place;
use super::thread::StubThread;
use super::together::Together;
use crate::{CloneMemory, CloneRequest, Stop, Thread};

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
            together: Together::of(self),
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
    pub(super) fn child_ready(&self, child: Child) {
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

    pub(super) fn clone_ends(
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

/// How many tokens are got from the host at a time. It gives up to 256 bytes whole, or none.
const TOKENS: usize = 32;

thread_local! {
    /// Tokens that nobody has used yet.
    static UNUSED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// A number that no guest can guess, and not 0.
fn random_token() -> Result<u64, Errno> {
    UNUSED.with_borrow_mut(|unused| {
        if unused.is_empty() {
            let mut bytes = [0; TOKENS * 8];
            let got = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
            if got != Ok(bytes.len()) {
                return Err(Errno::EAGAIN);
            }
            unused.extend(bytes.as_chunks().0.iter().map(|token| u64::from_le_bytes(*token).max(1)));
        }
        unused.pop().ok_or(Errno::EAGAIN)
    })
}

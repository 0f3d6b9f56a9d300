//! Children: consent to the clone that makes one, its report, and what becomes of those that never report.

use std::os::fd::AsFd;
use std::sync::Arc;

use abi::Errno;

use super::calls::{self, Notification};
use super::frame::Frame;
use super::image::Image;
use super::interface::{CloneRecord, Mailbox};
use super::phase::{Child, Phase};
use super::process::{Process, Space};
use super::thread::StubThread;
use super::together::{Beside, Together};
use crate::{CloneMemory, Gone, Observer, Stop, Thread};

/// How often one clone may be restarted. The interrupt signal is blocked in the stub, so only stops and freezes do.
const MOST_CONSENTS: u32 = 100;

/// A clone that was ordered and whose child has not reported.
pub(super) struct Pending {
    pub(super) parent: Arc<StubThread>,
    /// Whether the parent goes on by itself.
    pub(super) returns: bool,
    pub(super) observer: Arc<dyn Observer>,
    pub(super) memory: CloneMemory,
    /// The child's frame and slot.
    pub(super) frame: Frame,
    pub(super) slot: u64,
    pub(super) clear_child_tid: u64,
    /// The arguments that are consented to.
    pub(super) args: [u64; 6],
    pub(super) consents: u32,
    /// Set if the child starts beside its parent.
    pub(super) together: Option<Together>,
}

impl Pending {
    /// The child will never be: who counts on it hears.
    pub(super) fn report_loss(&self) {
        if self.returns {
            let gone = Gone { last: self.memory != CloneMemory::Thread, signal: Some(libc::SIGKILL) };
            self.observer.stopped(Stop::Gone(gone));
            self.observer.afterwards();
        }
    }

    /// Whether nobody can hear of the child once this thread's process is dead.
    pub(super) fn dies_with(&self, parent: &StubThread) -> bool {
        let dies = !self.returns || self.memory == CloneMemory::Thread;
        dies && core::ptr::eq(Arc::as_ptr(&self.parent), parent)
    }

    /// Gives back what the child would have had.
    pub(super) fn give_back(&self) {
        if self.memory != CloneMemory::Copy {
            self.parent.process.space.slots.give_back(self.slot);
        }
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
        let Some(mut pending) = self.pending.lock().remove(&token) else { return self.kill_rogue(n) };
        let beside =
            pending.together.take().map(|together| together.child_reports(&pending.parent, n.thread));
        let (parent, returns) = (Arc::clone(&pending.parent), pending.returns);
        let observer = Arc::clone(&pending.observer);
        match self.bind_child(n, pending, beside) {
            Some(child) if returns => {
                let thread = Arc::clone(&child) as Arc<dyn Thread>;
                child.announce(observer);
                child.tell(Stop::Started(thread));
            }
            Some(child) => parent.child_ready(Child(child, observer)),
            None => {}
        }
    }

    fn bind_child(
        self: &Arc<Self>,
        n: &Notification,
        pending: Pending,
        beside: Option<Beside>,
    ) -> Option<Arc<StubThread>> {
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
        {
            let mut state = child.state.lock();
            state.clear_child_tid = pending.clear_child_tid;
            state.beside = beside.filter(|_| pending.memory == CloneMemory::Thread);
        }
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
        self.take_out(thread);
        Err(Errno::EAGAIN)
    }

    /// Forgets the first thread of a process that nobody has buried: image, thread and process hold each other.
    fn take_out(&self, thread: &StubThread) {
        self.unbind(thread);
        thread.process.threads.lock().present.clear();
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
        // Before its process knows it: from then on the reaper may take it out again.
        self.threads.lock().insert(thread.tid, Arc::clone(thread));
        {
            let mut threads = process.threads.lock();
            if process.is_dead() {
                drop(threads);
                self.unbind(thread);
                return false;
            }
            threads.present.push(Arc::clone(thread));
        }
        if thread.is_main() && !calls::is_valid(self.listener.as_fd(), id) {
            // It died before it was entered, and may have been reaped as unknown.
            let mut processes = self.shared.processes.lock();
            if processes.get(&process.pid).is_some_and(|known| Arc::ptr_eq(known, process)) {
                processes.remove(&process.pid);
                drop(processes);
                self.take_out(thread);
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

//! What stands between the end of a system call (or a fault, or an interruption) and the guest's going on: its signals.

use std::sync::Arc;

use abi::Errno;
use platform::{Resume, Thread};

use super::cell::{Access, Rest};
use crate::memory::UserPtr;
use crate::signal::{self, Answer, Next, Pause};
use crate::{Outcome, Task, control_group, exit, strace};

impl Task {
    /// Gives a new child its thread.
    pub(crate) fn begin(&self, thread: Arc<dyn Thread>) {
        let space = self.space();
        if space.is_empty() {
            drop(self.replace_space(space.over(thread.memory())));
        }
        let (published, address) = {
            let mut cell = self.cell.lock();
            (std::mem::take(&mut cell.expects_published), cell.first_tid_address.take())
        };
        if published {
            self.inherit_published(Arc::clone(&thread));
        }
        if let Some(address) = address {
            // As Linux: an address that faults is the caller's loss.
            let _ = UserPtr::<i32>::new(address).write(&*self.memory(), &self.own_tid());
        }
        self.start(Arc::clone(&thread), Resume::Return(0));
        if self.is_leaving() {
            // It was killed since it was entered, when there was no thread to kill yet.
            thread.kill_process();
        }
    }

    /// Gives the task its first thread and lets it go. If its process is stopping, it will come to rest as the others.
    pub(crate) fn start(&self, thread: Arc<dyn Thread>, how: Resume) {
        self.cell.lock().thread = Some(Arc::clone(&thread));
        signal::join_stop(self);
        self.resume(&thread, how);
    }

    /// Sees to the task's signals and then lets the guest go on, or start a handler, or has the task rest or end.
    pub(super) fn settle(self: &Arc<Self>, rest: Rest) {
        self.settle_on(None, rest);
    }

    /// [`Self::settle`], with the thread that has stopped if it is at hand.
    pub(super) fn settle_on(self: &Arc<Self>, mut stopped: Option<&Arc<dyn Thread>>, mut rest: Rest) {
        loop {
            match rest.ended {
                Some((_, Ok(Outcome::Ended))) => return,
                Some((_, Ok(Outcome::Context))) => {
                    strace::leave(self, &rest);
                    rest = Rest::between(Access::Registers);
                    // The call may have given it another.
                    stopped = None;
                }
                _ => {}
            }
            let own;
            let thread = if let Some(thread) = stopped.take() {
                thread
            } else {
                own = self.thread();
                let Some(thread) = &own else { return };
                thread
            };
            let next = self.next(&rest);
            if !matches!(next, Next::Nothing) {
                rest.give_up_child();
            }
            match next {
                Next::Nothing => match self.go_on(thread, rest) {
                    Some(again) => rest = again,
                    None => return,
                },
                Next::Handler => return self.fetch_registers(thread, rest),
                Next::Deliver(delivery) if matches!(rest.access, Access::Light) => {
                    if signal::deliver_behind(self, thread, rest.answer(), &delivery) {
                        return;
                    }
                }
                Next::Deliver(delivery) => {
                    strace::leave(self, &rest);
                    let pause = Pause { answer: rest.answer(), interrupted: rest.interrupted };
                    if signal::deliver(self, &**thread, pause, &delivery).is_err() {
                        return;
                    }
                    rest = Rest::between(Access::Registers);
                }
                Next::Rest => {
                    // Whoever ends the stop wakes the task, which then comes here again.
                    self.take_rest(rest);
                    return control_group::rested(self);
                }
                Next::Exit(status) => return exit::exit_group(&self.group, status),
                Next::Leave => return thread.exit(Vec::new()),
            }
        }
    }

    /// What its signals have it do. A mask that was replaced for the call stays in force only if a signal may have ended the call.
    fn next(self: &Arc<Self>, rest: &Rest) -> Next {
        // What a group holds can be killed; what is paused from outside stays as it is.
        if self.is_paused() && (self.is_container_paused() || !signal::is_doomed(self)) {
            return Next::Rest;
        }
        let temporary = self.signals.has_temporary_mask();
        if temporary && rest.cut_short().is_none() {
            signal::restore_after_call(self);
        }
        if temporary || self.signals.wants_attention() {
            signal::take(self, rest.registers_at_hand() || (!temporary && self.can_deliver_behind(rest)))
        } else {
            Next::Nothing
        }
    }

    /// Whether a handler can be started behind the call that has ended, though the registers are not at hand.
    fn can_deliver_behind(&self, rest: &Rest) -> bool {
        let plain = matches!(rest.ended, Some((_, Ok(Outcome::Value(_)) | Err(_))));
        plain
            && self.signals.is_outside()
            && signal::has_lasting_stack(self)
            && self.thread().is_some_and(|thread| thread.takes_handlers())
    }

    /// Lets the guest go on. A call that was cut short for nothing runs again: if it ends at once, that is the new state.
    fn go_on(self: &Arc<Self>, thread: &Arc<dyn Thread>, rest: Rest) -> Option<Rest> {
        strace::leave(self, &rest);
        let Rest { access, ended, .. } = rest;
        match (ended, access) {
            (None, _) => self.resume(thread, Resume::Context),
            (Some((args, Err(errno))), _) if errno.is_restart() => {
                signal::prepare(self, errno);
                let result = self.dispatch(args, access)?;
                return Some(Rest::after(args, access, result));
            }
            (Some((args, Ok(Outcome::Orders(orders)))), Access::Registers) => {
                self.cell.lock().ordered = Some(args);
                thread.perform(orders);
            }
            (Some((_, Ok(Outcome::Orders(orders)))), _) => self.resume(thread, Resume::ReturnOrders(orders)),
            (Some((args, Ok(Outcome::Clone(birth)))), _) => {
                if let Some((request, launched)) = birth.launch() {
                    self.cell.lock().launched = Some((args, launched));
                    self.release(thread, |thread| thread.clone_with(request));
                }
            }
            (Some((_, result)), access) => {
                let value = match result {
                    Ok(Outcome::Value(value)) => value,
                    Ok(_) => 0,
                    Err(errno) => errno.to_return(),
                };
                if access != Access::Registers {
                    self.resume(thread, Resume::Return(value));
                } else if let Ok(mut registers) = thread.registers() {
                    signal::set_result(&mut registers, value);
                    if thread.set_registers(&registers).is_ok() {
                        self.resume(thread, Resume::Context);
                    }
                }
            }
        }
        None
    }

    /// A handler is to run, and the registers are not at hand: the call is answered, and the guest stopped before its next
    /// instruction; or its orders are carried out first.
    fn fetch_registers(self: &Arc<Self>, thread: &Arc<dyn Thread>, rest: Rest) {
        let cut_short = rest.cut_short();
        match rest.ended {
            Some((args, Ok(Outcome::Orders(orders)))) => {
                self.cell.lock().ordered = Some(args);
                thread.perform(orders);
            }
            _ => {
                self.cell.lock().cut_short = cut_short;
                let value = match rest.answer() {
                    Answer::Value(value) => value,
                    // Never the restart request itself: the host would take it for its own.
                    Answer::CutShort(..) => Errno::EINTR.to_return(),
                    Answer::None => 0,
                };
                self.resume_and_stop(thread, Resume::Return(value));
            }
        }
    }
}

//! What calls of a hot thread are answered from beside the guest: identity, mask and robust list.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use abi::nr;
use platform::{Facts, SyscallArgs, Thread};

use crate::Task;

/// Calls that are answered so.
const LOCAL: [u64; 9] = [
    nr::rt_sigprocmask,
    nr::getpid,
    nr::gettid,
    nr::getuid,
    nr::geteuid,
    nr::getgid,
    nr::getegid,
    nr::set_robust_list,
    nr::getcpu,
];

impl Task {
    /// A call begins. If its site is fast and the call one that needs no kernel, the next ones will not come here. With a log of calls
    /// all of them do.
    pub(crate) fn publish_for(&self, args: &SyscallArgs) {
        if !LOCAL.contains(&args.number) || self.kernel.strace || self.signals.is_outside() {
            return;
        }
        if let Some(thread) = self.thread().filter(|thread| thread.is_fast()) {
            self.publish(thread);
        }
    }

    /// It has been given a handler to run. One that often is comes back from them without the kernel.
    pub(crate) fn publish_for_handlers(&self) {
        const OFTEN: u32 = 4;
        if self.kernel.strace || self.signals.handlers.fetch_add(1, Ordering::Relaxed) != OFTEN {
            return;
        }
        if let Some(thread) = self.thread().filter(|_| !self.signals.is_outside()) {
            self.publish(thread);
        }
    }

    /// Something of it has changed.
    pub(crate) fn publish_again(&self) {
        if self.signals.is_outside()
            && let Some(thread) = self.thread()
        {
            self.publish(thread);
        }
    }

    fn publish(&self, thread: Arc<dyn Thread>) {
        let id = |number: i32| u64::try_from(number).unwrap_or_default();
        let credentials = self.credentials();
        let robust_list = self.robust_list();
        let shared = self.group.signals.state.lock();
        let mut own = self.signals.state.lock();
        let answered = self.may_be_answered_beside();
        let facts = Facts {
            answered,
            signal_mask: own.mask.get().0,
            robust_list,
            process: id(self.own_pid()),
            thread: id(self.own_tid()),
            user: credentials.user.shown_uid(credentials.uid).into(),
            effective_user: credentials.user.shown_uid(credentials.euid).into(),
            group: credentials.user.shown_gid(credentials.gid).into(),
            effective_group: credentials.user.shown_gid(credentials.egid).into(),
            alternate_stack: own.alt_stack.lasting(),
        };
        if thread.publish(&facts).is_ok() {
            own.mask.move_outside(thread);
            self.signals.outside.store(true, Ordering::Relaxed);
            if !(shared.pending.set() | own.pending.set()).is_empty() {
                own.mask.announce();
            }
        }
        drop((own, shared));
        // Another thread may just have given it a filter.
        if answered {
            self.withdraw_answers();
        }
    }

    /// Whether all calls that can be answered beside the guest are allowed whatever filter it has.
    pub(crate) fn may_be_answered_beside(&self) -> bool {
        if !self.is_filtered() {
            return true;
        }
        let seccomp = self.attributes().seccomp.clone();
        LOCAL.iter().chain([&nr::rt_sigreturn]).all(|number| seccomp.always_allows(*number))
    }

    /// What a filter might not allow comes to the kernel from now on.
    pub(crate) fn withdraw_answers(&self) {
        self.withdraw_break();
        if self.signals.is_outside()
            && !self.may_be_answered_beside()
            && let Some(thread) = self.thread()
        {
            // A thread that is gone makes no calls.
            let _ = thread.withdraw_answers();
        }
    }

    /// A new child is answered as its parent is, from a page that the host has copied.
    pub(crate) fn inherit_published(&self, thread: Arc<dyn Thread>) {
        let shared = self.group.signals.state.lock();
        let mut own = self.signals.state.lock();
        own.mask.move_outside(thread);
        self.signals.outside.store(true, Ordering::Relaxed);
        if !(shared.pending.set() | own.pending.set()).is_empty() {
            own.mask.announce();
        }
    }

    /// Address and length that were given to set_robust_list(2).
    #[must_use]
    pub fn robust_list(&self) -> (u64, u64) {
        let told = self.signals.is_outside().then(|| self.thread()?.robust_list().ok()).flatten();
        told.unwrap_or_else(|| self.attributes().robust_list)
    }

    /// Notes what was given to set_robust_list(2).
    pub fn set_robust_list(&self, address: u64, length: u64) {
        self.attributes().robust_list = (address, length);
        if self.signals.is_outside()
            && let Some(thread) = self.thread()
        {
            // A thread that is gone needs none.
            let _ = thread.set_robust_list((address, length));
        }
    }
}

//! Guest processes as processes of the host: the platform that the sentry uses.
//!
//! # How it works
//!
//! [`Zygote::start`] executes the stub program (`crates/stub`) once. [`StubPlatform::start`] then keeps a pool of its
//! copies, each with a filter and a listener of its own: an [`image::Image`]. A guest thread is a host thread; what it
//! asks for reaches the image's receiver thread as a seccomp notification, either of the guest's own call ([`Stop::Syscall`]) or of a
//! ring, the stub's call for the sentry, made from a signal handler with all registers saved ([`Stop::Trap`],
//! [`Stop::Fault`], [`Stop::Interrupted`]). The answer to a ring is a result, or a command that refers to the mailbox in the thread's
//! slot. [`filter::table`] says which calls take which way.
//!
//! Four kinds of threads work here: a receiver per image, the poller, the reaper, and the courier ([`delivery`]), besides the one
//! that fills the pool.
//!
//! # What the sentry must keep to
//! - SIGCHLD must not be ignored, and the sentry must not wait for any child (`wait4(-1)`), only for those it knows: stubs are the platform's.
//! - Sentry and stubs are in one pid namespace, of which the sentry is not the init.
//! - Each program image costs a descriptor (its listener) and a thread (its receiver) as long as one of its processes lives: raise
//!   RLIMIT_NOFILE early.
//! - With another user for the stubs, the sentry keeps CAP_SYS_PTRACE and CAP_KILL.
//!
//! # Host calls that the platform makes
//!
//! | call | when | argument rules |
//! |---|---|---|
//! | seccomp, memfd_create, socketpair, fork, dup2, fcntl, execveat, getauxval's data | [`Zygote::start`] only | |
//! | sendto, recvfrom | a new stub is wanted | the zygote's socket |
//! | pidfd_open, pidfd_getfd | a new stub's listener | the stub's pid, descriptor 1 |
//! | ioctl | always | `SECCOMP_IOCTL_NOTIF_RECV`, `_SEND`, `_ID_VALID`, `_ADDFD`, `_SET_FLAGS` |
//! | poll | receivers | one listener |
//! | process_vm_readv, process_vm_writev | registers, orders, guest memory | an unreaped child |
//! | tgkill | interrupts (SIGURG), slots (0), membership (0) | an unreaped child |
//! | kill | ending guests (SIGKILL), 0 | an unreaped child |
//! | waitid, wait4 | the reaper | the zygote's process group; one pid |
//! | openat, read, close | maps and times, through the descriptor of /proc | read only |
//! | clock_gettime | CPU times | the clock of an unreaped child or its thread |
//! | setpriority | niceness | one thread |
//! | getrandom | tokens for clones | |
//! | fstat, pread64 | patched pages | files that are mapped to execute |
//! | memfd_create, ftruncate, pwrite64, openat | patched pages | one memory file for each patched file; opened once more, to read only |
//! | memfd_create, ftruncate, fcntl, mmap | windows | sealed against shrinking; shared, not executable |
//! | sched_getaffinity, sched_setaffinity | where the poller is, and where a thread that it answers or a new one starts | the sentry's threads and the stubs' |
//! | clone, futex, mmap, munmap, mprotect, madvise, sched_yield, exit, clock_gettime, nanosleep | threads, memory, locks | those of any threaded program |
//!
//! # The fast path
//! A thread whose calls come from patched sites ([`patching`]) shares a [`window`] with the sentry once it has made a few. A request there reaches
//! the receiver by a ring without registers, or the [`poller`], and its memory is read and written there by the handler ([`caller`]). [`policy`] decides
//! when there is a poller. Nothing of the path above changes for a thread that has no window. docs/decisions/0005-fast-path.md says why.

mod accounts;
mod arch;
mod batch;
mod births;
mod caller;
mod calls;
mod clones;
mod delivery;
mod exit;
mod fast;
pub mod filter;
mod frame;
mod guest;
mod heap;
mod image;
#[path = "../../stub/src/interface.rs"]
pub mod interface;
mod interrupts;
pub mod mechanisms;
mod memory;
mod part;
mod patching;
mod phase;
mod policy;
mod poller;
mod pool;
mod process;
mod procfs;
mod published;
mod reaper;
mod rings;
mod shared;
mod slots;
mod start;
mod steps;
mod thread;
mod together;
mod vdso;
mod window;

use std::sync::{Arc, mpsc};

use abi::Errno;

use crate::{Observer, Platform, Thread};
use interface::{BASE, SIZE};
pub use mechanisms::Mechanisms;
use shared::Shared;
pub use start::{Options, StartError, Zygote};

/// The [`Platform`] of stubs. When it is dropped all guests are killed. If it is an observer that drops it, nobody waits for them to be gone.
pub struct StubPlatform {
    shared: Arc<Shared>,
    workers: Vec<std::thread::JoinHandle<()>>,
}

impl StubPlatform {
    /// Starts the platform's threads.
    ///
    /// # Errors
    /// If there can be no threads.
    pub fn start(zygote: Zygote) -> Result<Self, StartError> {
        let (courier, parcels) = mpsc::channel();
        let shared = Arc::new(Shared::new(&zygote, courier));
        let mut platform = Self { shared: Arc::clone(&shared), workers: Vec::new() };
        platform.work("courier", move || host::duty::carry_out(delivery::courier(parcels)))?;
        let reaped = Arc::clone(&shared);
        platform.work("reaper", move || reaper::reap_all(&reaped))?;
        platform.work("pool", move || pool::fill(&shared, &zygote))?;
        Ok(platform)
    }

    fn work(&mut self, name: &str, act: impl FnOnce() + Send + 'static) -> Result<(), StartError> {
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(act);
        self.workers.push(thread.map_err(|_| StartError::new("cannot start the platform's threads"))?);
        Ok(())
    }
}

impl Drop for StubPlatform {
    fn drop(&mut self) {
        self.shared.close();
        if delivery::is_observed() {
            // The threads that it would wait for may be waiting for this one, or be this one. They end by themselves.
            return;
        }
        for worker in self.workers.drain(..) {
            // A worker that panicked has said so.
            drop(worker.join());
        }
        self.shared.poller.join();
        self.shared.wait_for_receivers();
    }
}

impl Platform for StubPlatform {
    fn create_process(&self, observer: Arc<dyn Observer>) -> Result<Arc<dyn Thread>, Errno> {
        let thread = self.shared.pool.take()?;
        thread.announce(observer);
        Ok(thread)
    }

    fn vdso(&self) -> Option<u64> {
        self.shared.vdso
    }

    fn address_range(&self) -> core::ops::Range<u64> {
        arch::USER_START..arch::USER_END
    }

    fn reserved_range(&self) -> core::ops::Range<u64> {
        BASE..BASE + SIZE
    }

    /// Of the hand-off, and of the patcher.
    fn counters(&self) -> Vec<(&'static str, u64)> {
        let mut all = self.shared.poller.counters.list();
        all.extend(self.shared.patching.iter().flat_map(|patching| patching.counters.list()));
        all
    }

    fn native_calls(&self) -> Vec<u64> {
        filter::native()
    }
}

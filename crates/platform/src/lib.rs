//! Guest address spaces and guest threads, carried by host processes and host threads.
//!
//! The kernel knows the traits of this page and nothing of how they are carried out. A guest thread stops for a
//! [`Stop`], which reaches the kernel through the thread's [`Observer`]; the kernel answers with [`Thread::resume`],
//! at once or any time later and from any thread. Nothing here blocks, and nothing here may be blocked: an
//! observer runs on the platform's receiver thread and must return soon.

pub mod clone;
pub mod context;
mod local;
pub mod mock;
pub mod order;
pub mod patcher;
pub mod stubs;

use std::io::IoSlice;
use std::sync::Arc;
use std::task::Waker;

use abi::Errno;

pub use clone::{CloneMemory, CloneRequest};
pub use context::{Context, Registers};
pub use local::{Facts, HandlerStart, ProgramBreak};
pub use order::{Advice, Mapping, Order, Source, Watch};

/// Makes guest processes.
pub trait Platform: Send + Sync {
    /// A fresh process with one thread and nothing mapped but the stub and the vDSO, for a program image.
    ///
    /// The thread is stopped with a context (all zero), as after [`Stop::Trap`]: give it orders and a context, then
    /// resume it. It reports to `observer`.
    ///
    /// # Errors
    /// `EAGAIN` when the host has no room for another process, `ENOMEM`.
    fn create_process(&self, observer: Arc<dyn Observer>) -> Result<Arc<dyn Thread>, Errno>;

    /// Where the vDSO is mapped in every process (`AT_SYSINFO_EHDR`), if there is one.
    fn vdso(&self) -> Option<u64>;

    /// The addresses a guest may use: from the lowest mappable one to the end of user space. The stub's own range
    /// lies inside and is refused by every order.
    fn address_range(&self) -> core::ops::Range<u64>;

    /// The stub's own range within [`Self::address_range`].
    fn reserved_range(&self) -> core::ops::Range<u64>;

    /// What it has done so far: names and values, for people to read. None for a platform that counts nothing.
    fn counters(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }

    /// The numbers of the calls that the host may carry out without the kernel's hearing of them, unless they are watched
    /// ([`Order::Watch`]).
    fn native_calls(&self) -> Vec<u64> {
        Vec::new()
    }
}

/// A system call as the processor saw it: number and arguments, untrusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyscallArgs {
    /// `rax`.
    pub number: u64,
    /// `rdi`, `rsi`, `rdx`, `r10`, `r8`, `r9`.
    pub args: [u64; 6],
    /// Address of the instruction after the `syscall`; 0 in [`Stop::Trap`], where the registers tell.
    pub ip: u64,
}

/// A synchronous fault of guest code, as the host's SIGSEGV, SIGBUS, SIGILL, SIGFPE or SIGTRAP reported it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The host signal's number, which is the guest's too.
    pub signal: i32,
    /// `si_code`.
    pub code: i32,
    /// `si_addr`.
    pub address: u64,
    /// `trapno` of the machine context.
    pub trap: u64,
    /// `err` of the machine context.
    pub error: u64,
}

/// Why a guest thread stopped.
#[derive(Debug)]
pub enum Stop {
    /// A system call that was taken without saving registers: [`Thread::context`] is not available. Answer with
    /// [`Resume::Return`]. Whoever needs the registers calls [`Thread::interrupt`] before it answers, and finds them at the
    /// [`Stop::Interrupted`] that follows, with `rax` as answered and the instruction pointer behind the `syscall`.
    Syscall(SyscallArgs),
    /// A system call with registers: orders can be given, the context read and written.
    Trap(SyscallArgs),
    /// Guest code faulted. With context.
    Fault(Fault),
    /// After [`Thread::interrupt`], between two guest instructions (with context), or when the thread was in a native futex
    /// wait, which then is about to be executed again: instruction pointer at the `syscall`, `rax` its number.
    Interrupted,
    /// The orders given with [`Thread::perform`] are done: the results in order, up to and including the first that
    /// failed. With context, as before.
    Performed(Vec<Result<u64, Errno>>),
    /// The answer to [`Thread::clone_with`]: the child, stopped with its parent's context and not yet resumed; or why there is
    /// none. With context, as before.
    Cloned(Result<Arc<dyn Thread>, Errno>),
    /// To the observer of a child made with [`CloneRequest::parent_returns`]: this is its thread, stopped with its parent's
    /// context. The parent runs already.
    Started(Arc<dyn Thread>),
    /// The thread is gone: it was ended ([`Thread::exit`], [`Thread::kill_process`]) or something killed it. The last stop, once for
    /// every thread that the kernel was given. A thread that ends by itself runs no guest code any more, though the host may not
    /// have taken it apart yet.
    Gone(Gone),
}

/// How a host thread ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone {
    /// Whether the whole host process is gone with it: true for the last of its threads only.
    pub last: bool,
    /// The host signal that killed the process, if one did: `SIGKILL` that the kernel did not ask for is the host's OOM killer
    /// or somebody's kill.
    pub signal: Option<i32>,
}

/// Receives the stops of one guest thread. The kernel's task implements it.
pub trait Observer: Send + Sync {
    /// The thread stopped. Called on a receiver thread: must not block, and may call the thread back.
    fn stopped(&self, stop: Stop);

    /// Called behind [`Self::stopped`], on the same thread, when the next stop of the guest thread may be delivered by others: for what the
    /// stop has brought about and may take long.
    fn afterwards(&self) {}
}

/// How a stopped thread goes on.
#[derive(Debug)]
pub enum Resume {
    /// With this value in `rax`, after [`Stop::Syscall`] or [`Stop::Trap`]; all else as it was.
    Return(u64),
    /// With exactly the context last set by [`Thread::set_context`] (or as it was), after any stop with context.
    Context,
    /// After the orders, with the last order's result (or the first failure) in `rax`, and without another stop.
    ReturnOrders(Vec<Order>),
}

/// One guest thread.
///
/// "Stopped" means: a [`Stop`] was delivered and not yet answered. Calls that need a stopped thread do nothing
/// but fail with `EINVAL` or be ignored otherwise; a thread that died meanwhile ignores everything.
pub trait Thread: Send + Sync {
    /// Lets the stopped thread go on.
    fn resume(&self, how: Resume);

    /// Asks for a [`Stop::Interrupted`] as soon as the thread is in guest code or in a native futex wait. While the thread is
    /// stopped in [`Stop::Syscall`] the interruption follows its answer. While it is stopped with context the
    /// interruption may come or not come: look for work before resuming. Interruptions are level: two requests may give one stop.
    fn interrupt(&self);

    /// Tells that a call (from [`Stop::Syscall`]) will not be answered before the observer returns. It costs little, and spares a thread that spins for the
    /// answer its time.
    fn call_waits(&self) {}

    /// Does what lets the thread go on, under locks: if it is resumed meanwhile, it runs only afterwards.
    fn resumed_after(&self, act: &mut dyn FnMut()) {
        act();
    }

    /// The registers of a thread stopped with context.
    ///
    /// # Errors
    /// `EINVAL` if the thread is not stopped with context, `ESRCH` if it is gone.
    fn context(&self) -> Result<Context, Errno>;

    /// Replaces the registers of a thread stopped with context. Flags and segments are sanitised by the host; a zero `cs`
    /// or `ss` stands for the user's own.
    ///
    /// # Errors
    /// As [`Self::context`]; `EINVAL` also for vector state of a form that the host does not know.
    fn set_context(&self, context: &Context) -> Result<(), Errno>;

    /// The registers without the vector state.
    ///
    /// # Errors
    /// As [`Self::context`].
    fn registers(&self) -> Result<Registers, Errno>;

    /// Replaces the general registers alone. It costs no host call of its own: they go with the answer.
    ///
    /// # Errors
    /// As [`Self::context`].
    fn set_registers(&self, registers: &Registers) -> Result<(), Errno>;

    /// The stack pointer, which some calls need alone: after [`Stop::Trap`] this costs nothing.
    ///
    /// # Errors
    /// As [`Self::context`].
    fn stack_pointer(&self) -> Result<u64, Errno>;

    /// Replaces the registers and the vector state (as [`Context::extended`]), but not the bases. It costs no host call of its own.
    ///
    /// # Errors
    /// As [`Self::set_context`].
    fn restore(&self, registers: &Registers, extended: Vec<u8>) -> Result<(), Errno>;

    /// Writes a signal frame to the thread's memory, in pieces, and gives it the registers at a handler's entry and the vector state of a
    /// new program: one host call for all of it. If the frame cannot be written the registers stay as they were.
    ///
    /// # Errors
    /// `EFAULT` if the frame cannot be written; as [`Self::context`].
    fn enter_handler(&self, frame: &[(u64, &[u8])], registers: &Registers) -> Result<(), Errno>;

    /// Replaces the FS base (thread pointer), the GS base, or both. It costs no host call of its own.
    ///
    /// # Errors
    /// As [`Self::context`].
    fn set_bases(&self, fs_base: Option<u64>, gs_base: Option<u64>) -> Result<(), Errno>;

    /// Has a thread stopped with context carry out orders in its address space; [`Stop::Performed`] follows.
    fn perform(&self, orders: Vec<Order>);

    /// Has a thread stopped with context make another thread or process, stopped with a copy of its context.
    /// [`Stop::Cloned`] follows, or [`Stop::Started`] if the request asks for it.
    fn clone_with(&self, request: CloneRequest);

    /// Ends this thread alone, as exit(2): clear_child_tid is carried out. Before that one waiter of each of these futexes is woken, as
    /// the kernel does for robust ones. [`Stop::Gone`] follows. Works on a thread that is stopped in any way.
    fn exit(&self, wake: Vec<u64>);

    /// Kills the whole host process, whatever its threads do. A [`Stop::Gone`] follows for each of them.
    fn kill_process(&self);

    /// The memory that the thread runs in.
    fn memory(&self) -> Arc<dyn Memory>;

    /// CPU time used by the thread's whole host process, so far or until it ended: (user, system).
    fn process_cpu_time(&self) -> (core::time::Duration, core::time::Duration);

    /// CPU time used by this thread alone: (user, system).
    fn cpu_time(&self) -> (core::time::Duration, core::time::Duration);

    /// The most memory that the thread's host process had resident, in KiB. Known once the host has taken the process apart, which is soon
    /// after [`Stop::Gone`]; `None` before that, and then the waker, if there is one, is woken when it is.
    fn peak_resident(&self, waker: Option<&Waker>) -> Option<u64>;

    /// Whether the call that the thread is stopped in came without the filter's help, so that its like could be answered beside the guest.
    fn is_fast(&self) -> bool {
        false
    }

    /// The host's account of the thread: its `status` file (proc_pid_status(5)).
    ///
    /// # Errors
    /// `ESRCH` if the thread is gone, `ENOENT` if nobody keeps accounts.
    fn host_status(&self) -> Result<String, Errno> {
        Err(Errno::ENOENT)
    }

    /// Whether the thread waits in a call that the host carries out for it (a futex). One that waits for the kernel's answer does not: its call is
    /// under way.
    fn rests(&self) -> bool {
        false
    }

    /// Whether [`Self::start_handler`] could answer the call that the thread is in.
    fn takes_handlers(&self) -> bool {
        false
    }

    /// Answers a [`Stop::Syscall`] of a thread with published [`Facts`], and has it start a handler behind the call, with the frame that
    /// Linux would make. If there is no room for that the thread stops with the [`Stop::Fault`] SIGSEGV.
    fn start_handler(&self, start: &HandlerStart) {
        let _ = start;
    }

    /// Has the calls that [`Facts`] is about answered beside the guest from now on, where their call sites allow it. After this the mask is where
    /// the guest changes it: see [`Self::signal_mask`]. Known facts are replaced.
    ///
    /// # Errors
    /// `ENOSYS` if the platform does not do that, `ESRCH`.
    fn publish(&self, facts: &Facts) -> Result<(), Errno> {
        let _ = facts;
        Err(Errno::ENOSYS)
    }

    /// Brings all calls to the kernel again that [`Self::publish`] has answered beside the guest. What is known stays where it is.
    ///
    /// # Errors
    /// As [`Self::publish`].
    fn withdraw_answers(&self) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }

    /// The signal mask after [`Self::publish`]. The guest has it in its hands: it may be any. To miss no change of a thread that runs,
    /// first say that a signal waits ([`Self::set_attention`]), then read the mask.
    ///
    /// # Errors
    /// As [`Self::publish`].
    fn signal_mask(&self) -> Result<u64, Errno> {
        Err(Errno::ENOSYS)
    }

    /// Replaces the mask of a stopped thread after [`Self::publish`].
    ///
    /// # Errors
    /// As [`Self::publish`].
    fn set_signal_mask(&self, mask: u64) -> Result<(), Errno> {
        let _ = mask;
        Err(Errno::ENOSYS)
    }

    /// Says whether a signal waits that the mask holds back. While one does, [`Stop::Interrupted`] follows each change of the mask.
    ///
    /// # Errors
    /// As [`Self::publish`].
    fn set_attention(&self, waits: bool) -> Result<(), Errno> {
        let _ = waits;
        Err(Errno::ENOSYS)
    }

    /// Address and length that were given to set_robust_list(2) after [`Self::publish`].
    ///
    /// # Errors
    /// As [`Self::publish`].
    fn robust_list(&self) -> Result<(u64, u64), Errno> {
        Err(Errno::ENOSYS)
    }

    /// Replaces those.
    ///
    /// # Errors
    /// As [`Self::publish`].
    fn set_robust_list(&self, list: (u64, u64)) -> Result<(), Errno> {
        let _ = list;
        Err(Errno::ENOSYS)
    }

    /// Sets the host scheduler's niceness of the thread (-20 to 19). Failure is ignored: it is a hint.
    fn set_nice(&self, nice: i32);

    /// Bounds the address space of the thread's process to so many bytes (`RLIMIT_AS`), the stub's own not counted; `u64::MAX`
    /// is no bound. Children made by fork inherit it.
    ///
    /// # Errors
    /// `EPERM` if the host does not let it be changed, `ESRCH` if the process is gone.
    fn limit_address_space(&self, bytes: u64) -> Result<(), Errno>;
}

impl core::fmt::Debug for dyn Thread {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Thread")
    }
}

/// What [`Memory::write_gathered`] does, one write for each place.
fn write_each(memory: &(impl Memory + ?Sized), address: u64, from: &[IoSlice<'_>]) -> Result<usize, Errno> {
    let mut done: usize = 0;
    for piece in from {
        match memory.write(address.wrapping_add(done as u64), piece) {
            Ok(written) => {
                done += written;
                if written < piece.len() {
                    break;
                }
            }
            Err(errno) if done == 0 => return Err(errno),
            Err(_) => break,
        }
    }
    Ok(done)
}

/// The memory of a guest process. Works whether its threads run or are stopped.
pub trait Memory: Send + Sync {
    /// Copies from guest memory; stops short at the first byte that cannot be read. Returns how much was copied, at least one.
    ///
    /// # Errors
    /// `EFAULT` if the first byte cannot be read, `ESRCH` if the process is gone.
    fn read(&self, address: u64, into: &mut [u8]) -> Result<usize, Errno>;

    /// Copies to guest memory; stops short at the first byte that cannot be written (protection counts). At least one.
    ///
    /// # Errors
    /// `EFAULT` if the first byte cannot be written, `ESRCH` if the process is gone.
    fn write(&self, address: u64, from: &[u8]) -> Result<usize, Errno>;

    /// As [`Self::write`] for bytes from several places, in one host call where possible.
    ///
    /// # Errors
    /// As [`Self::write`].
    fn write_gathered(&self, address: u64, from: &[IoSlice<'_>]) -> Result<usize, Errno> {
        write_each(self, address, from)
    }

    /// As [`Self::read`] for several pieces of guest memory, filled from the first on, in one host call where possible.
    ///
    /// # Errors
    /// As [`Self::read`].
    fn read_vectored(&self, pieces: &[(u64, usize)], into: &mut [u8]) -> Result<usize, Errno>;

    /// As [`Self::write`] for several pieces.
    ///
    /// # Errors
    /// As [`Self::write`].
    fn write_vectored(&self, pieces: &[(u64, usize)], from: &[u8]) -> Result<usize, Errno>;

    /// The mappings as the host knows them, without the stub's own. The host is the source of truth.
    ///
    /// # Errors
    /// `ESRCH` if the process is gone.
    fn mappings(&self) -> Result<Vec<Mapping>, Errno>;

    /// The text of the host's file of this name for the process (`smaps`, `smaps_rollup`, `statm`, `stat`, `status`, `pagemap`
    /// is not offered), untranslated.
    ///
    /// # Errors
    /// `ESRCH` if the process is gone, `ENOENT` for another name.
    fn host_text(&self, name: &str) -> Result<String, Errno>;

    /// Gives the memory of a new program its break, which [`crate::Order::Break`] moves from then on, and as far as the limit says whatever
    /// answers calls beside the guest. A copy of the memory has it as its original.
    ///
    /// # Errors
    /// `ENOSYS` if there are no programs in such a memory, `ESRCH` if the process is gone.
    fn set_break(&self, _wanted: &ProgramBreak) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }

    /// Only orders move the break from now on.
    ///
    /// # Errors
    /// As [`Self::set_break`].
    fn keep_break(&self) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }

    /// Where the guest says that its break is.
    ///
    /// # Errors
    /// As [`Self::set_break`].
    fn program_break(&self) -> Result<u64, Errno> {
        Err(Errno::ENOSYS)
    }

    /// The same number for the same memory (vfork children share their parent's), and for no other.
    fn id(&self) -> u64;
}

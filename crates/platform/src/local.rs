//! What calls that are answered beside the guest are answered from.

/// A signal handler to be started behind a system call, by the stub itself: the kernel does not have the registers.
#[derive(Clone, Copy, Debug)]
pub struct HandlerStart {
    /// What the call returns.
    pub value: u64,
    /// The call is made again when the handler returns, instead.
    pub again: bool,
    /// The handler's address.
    pub handler: u64,
    /// What it returns to.
    pub restorer: u64,
    /// What is blocked besides while it runs.
    pub blocked: u64,
    /// Whether it wants the alternate stack.
    pub alternate: bool,
    /// The alternate stack as frames show it: base, flags, size.
    pub stack: [u64; 3],
    /// Error code, trap number and address of the thread's last fault.
    pub fault: [u64; 3],
    /// The signal's number.
    pub signal: u64,
    /// The `siginfo_t`.
    pub info: [u64; 16],
}

/// The program break of a memory: brk(2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProgramBreak {
    /// The first address of the heap, where the break was first.
    pub start: u64,
    /// The first address behind the heap: the break.
    pub at: u64,
    /// The highest break that may be asked for beside the guest. 0: none.
    pub limit: u64,
}

/// The facts about a thread. The guest can change all of them: only what concerns itself alone may be taken back from there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Whether calls are answered at all. What a filter of the guest's own might not allow has to come to the kernel.
    pub answered: bool,
    /// The signal mask: rt_sigprocmask(2).
    pub signal_mask: u64,
    /// Address and length: set_robust_list(2).
    pub robust_list: (u64, u64),
    /// getpid(2).
    pub process: u64,
    /// gettid(2).
    pub thread: u64,
    /// getuid(2).
    pub user: u64,
    /// geteuid(2).
    pub effective_user: u64,
    /// getgid(2).
    pub group: u64,
    /// getegid(2).
    pub effective_group: u64,
    /// The alternate stack as handlers' frames show it (base, flags, size), if rt_sigreturn(2) may leave it as it is.
    pub alternate_stack: Option<[u64; 3]>,
}

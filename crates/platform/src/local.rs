//! What calls that are answered beside the guest are answered from.

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

//! What stub and sentry agree on: addresses, the ring's numbers, the mailbox.
//!
//! Compiled into both. Everything the sentry reads here was written by a process that a guest may control: it reads each
//! word once, checks it, and trusts nothing else.

/// First address of the range that is the stub's. A multiple of 4 GiB, so that the filter compares one word.
pub const BASE: u64 = 0x7ff0_0000_0000;
/// Bytes of the stub's range. All of it is mapped, mostly inaccessible, so that no guest mapping lands in it.
pub const SIZE: u64 = 1 << 32;
/// System calls from the first bytes of the range are the stub's own.
pub const TEXT_SIZE: u64 = 0x1_0000;
/// The stub's variables.
pub const DATA: u64 = BASE + 0x10_0000;
/// Where the host's vDSO and its data are: the guests' own calls it.
pub const HOST_VDSO: u64 = BASE + 0x20_0000;
/// The most room it has.
pub const HOST_VDSO_SIZE: u64 = 0x10_0000;
/// Where the slots of threads begin, one after the other. The addresses up to [`WINDOWS`] are theirs.
pub const SLOTS: u64 = BASE + 0x1000_0000;
/// How many slots are made accessible at a time.
pub const SLOT_CHUNK: u64 = 64;
/// The place of the windows of hot threads, by slot.
pub const WINDOWS: u64 = BASE + 0xc000_0000;
/// From one window's place to the next.
pub const WINDOW_STRIDE: u64 = 0x2_0000;
/// How many windows have a place.
pub const MOST_WINDOWS: u64 = (BASE + SIZE - WINDOWS) / WINDOW_STRIDE;

/// The system call number of the ring: no kernel has one near it. The low bits say why it rings.
pub const RING: u64 = 0x2000_0000;

/// Where a ring for [`reason::TRAP`] has the number of the guest's system call.
pub const TRAP_SHIFT: u64 = 8;
/// Its bits.
pub const TRAP_NUMBER: u64 = 0xf_ff00;

/// kill(2), tkill(2) and tgkill(2): the filter makes them traps, because a handler of the caller's own may follow, but from a patched site
/// they go through a window, behind which a handler can be started too.
pub const PATCHED_TRAPS: [u64; 3] = [62, 200, 234];

/// brk(2): a trap too, which the gate answers itself. As an order, it is the stub's own.
pub const BRK: u64 = 12;

/// Whether the sites of a trap are worth patching. Its ring for [`reason::TRAP`] then has the instruction pointer for a fifth argument, so that
/// they are found.
pub fn is_noticed(number: u64) -> bool {
    number == BRK || PATCHED_TRAPS.contains(&number)
}

/// Why a stub rings. The first argument is the address of the `ucontext` in the signal frame, except for [`FRESH`] and [`TRAP`].
pub mod reason {
    /// A new stub from the zygote has installed its filter.
    pub const FRESH: u64 = 1;
    /// A new thread or process is ready. Argument 1: the token it was made with, 0 for one from the zygote.
    pub const HELLO: u64 = 2;
    /// A system call that needs registers. The ring's number holds the call's, see [`super::TRAP_SHIFT`]; the arguments are the call's, with
    /// the stack pointer for the sixth, unless it is mmap(2).
    pub const TRAP: u64 = 3;
    /// A fault. Arguments: signal and `si_code` (upper half), address, trap number, error code.
    pub const FAULT: u64 = 4;
    /// The interrupt signal found guest code.
    pub const INTERRUPTED: u64 = 5;
    /// Orders are done. Arguments: how many were carried out, then the results of the first four.
    pub const PERFORMED: u64 = 6;
    /// A clone is done. Argument 1: its result.
    pub const CLONED: u64 = 7;
    /// From the gate, without a frame: a request lies in the thread's window, and the thread sleeps until it has been answered there.
    /// Somebody may have taken it, or even answered it, meanwhile.
    pub const CALL: u64 = 8;
    /// From the gate: the thread wants a window. The answer is the number of a descriptor of it, or an error.
    pub const WINDOW: u64 = 9;
}

/// What the sentry answers to a ring: a value for the guest's `rax`, or, in a range that no system call
/// returns, a set of commands.
pub mod answer {
    /// The upper 48 bits of a command. No command at all means: go on with the registers as they are.
    pub const COMMAND: u64 = 0xffff_ffff_fffe_0000;
    /// The bits of a command.
    pub const COMMAND_BITS: u64 = 0xffff;
    /// Load the FS and GS bases from the mailbox.
    pub const BASES: u64 = 1;
    /// Carry out the mailbox's orders, then ring.
    pub const ORDERS: u64 = 2;
    /// With [`ORDERS`]: do not ring but go on, the last result in `rax`.
    pub const FINAL: u64 = 4;
    /// Make the clone that the mailbox describes, then ring.
    pub const CLONE: u64 = 8;
    /// With [`CLONE`]: if it succeeds do not ring but go on, with the mailbox's value in `rax`.
    pub const CLONE_RETURNS: u64 = 16;
    /// End this thread.
    pub const EXIT: u64 = 32;
}

/// How many orders one answer can carry.
pub const ORDERS: usize = 16;

/// What becomes of an order if one before it has failed, and of the others if it fails.
pub mod kind {
    /// Not carried out after a failure of this kind. Counted and reported.
    pub const PLAIN: u64 = 0;
    /// Always carried out. Its result is dropped.
    pub const ALWAYS: u64 = 1;
    /// As [`PLAIN`], but it may fail without consequence for these. Its result is dropped.
    pub const TRY: u64 = 2;
    /// As [`TRY`], if the last [`TRY`] and all of this kind since it were carried out and have not failed.
    pub const TRY_ON: u64 = 3;
}

/// One system call that the stub makes for the sentry.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub struct OrderRecord {
    /// System call number.
    pub number: u64,
    /// Arguments.
    pub args: [u64; 6],
    /// [`kind`].
    pub kind: u64,
    /// What it returned.
    pub result: u64,
}

/// A clone to be made.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub struct CloneRecord {
    /// `CLONE_*` bits and the exit signal.
    pub flags: u64,
    /// The child's slot, as the distance from the parent's; 0 if the child has the parent's address in a copy of the memory.
    pub slot_distance: u64,
    /// With `CLONE_CHILD_CLEARTID`.
    pub child_tid: u64,
    /// With `CLONE_SETTLS`.
    pub tls: u64,
    /// The clone's unused sixth argument, which tells one clone from another.
    pub token: u64,
    /// The child's stack pointer, or 0 for its parent's.
    pub child_rsp: u64,
    /// The parent's `rax` with [`answer::CLONE_RETURNS`].
    pub parent_returns: u64,
    /// Start and length of slots that must be made accessible first; the length may be 0.
    pub chunk: [u64; 2],
    /// Bytes from [`WINDOWS`] on in which there may be windows, which a copy of the memory does not have.
    pub windows: u64,
    /// The child's [`Published::local`].
    pub local: u64,
    /// The child's [`Published::process`].
    pub process: u64,
    /// The child's [`Published::thread`].
    pub thread: u64,
    /// What the clone returned.
    pub result: u64,
}

/// The part of a slot that both sides use. It lies above the signal stack and below the [`ThreadPage`].
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub struct Mailbox {
    /// The FS and the GS base: the guest's on a ring, the ones to load on [`answer::BASES`].
    pub bases: [u64; 2],
    /// How many orders there are.
    pub count: u64,
    /// The clone.
    pub clone: CloneRecord,
    /// The orders.
    pub orders: [OrderRecord; ORDERS],
}

/// Bytes at the end of a slot that belong to the mailbox: a multiple of 64, which signal frames want.
pub const MAILBOX_SIZE: u64 = (size_of::<Mailbox>() as u64).next_multiple_of(64);

/// Bytes at the very end of a slot: its thread's page.
pub const PAGE_SIZE: u64 = 4096;

/// Where patched call sites jump to: the first instruction of the stub's text.
///
/// All registers are as they would be at a `syscall`, with the number in `rax`, except for `rcx`: it holds the address to go on at, and the
/// two bytes before that address are a `syscall` instruction outside the stub's range. The gate goes on there with the result
/// in `rax` ("done"), or at that instruction as if it had never been ("plain"). It keeps all registers but `rax`, `rcx`, `r11`
/// and the flags, the vector state and the guest's stack.
pub const GATE: u64 = BASE;

/// How far a call through the gate is: [`ThreadPage::phase`]. It counts only while the thread is in the stub's text.
pub mod phase {
    /// Nothing has happened. A signal or a fault makes the call a plain one.
    pub const ENTRY: u64 = 1;
    /// The sentry may know of the call, so it must come to its end. An interrupt is [`super::ThreadPage::deferred`].
    pub const POSTED: u64 = 2;
    /// [`super::ThreadPage::result`] and [`super::ThreadPage::target`] are set, and all that is left is done again by whoever
    /// interrupts it: see the stub's `gate::settle`.
    pub const COMMITTED: u64 = 3;
    /// As [`COMMITTED`], and [`super::ThreadPage::next_mask`] is the signal mask from now on.
    pub const MASKED: u64 = 4;
    /// As [`MASKED`], but the registers are those of [`super::ThreadPage::returned`].
    pub const RETURNED: u64 = 5;
}

/// A call that the gate may answer itself: bits of [`Published::local`].
pub mod local {
    /// getpid(2), gettid(2), getuid(2), geteuid(2), getgid(2), getegid(2); and getcpu(2), which needs no fact.
    pub const IDENTITY: u64 = 1;
    /// set_robust_list(2).
    pub const ROBUST_LIST: u64 = 2;
    /// rt_sigprocmask(2): the mask in the page is the thread's.
    pub const SIGNAL_MASK: u64 = 4;
    /// rt_sigreturn(2), with [`SIGNAL_MASK`].
    pub const SIGRETURN: u64 = 8;
    /// All of them.
    pub const ALL: u64 = IDENTITY | ROBUST_LIST | SIGNAL_MASK | SIGRETURN;
}

/// What the sentry has told the gate, and what the gate keeps for the sentry. A guest can write all of it: it deceives only itself, so
/// the sentry must not take from here what others rely on. A new thread inherits what its [`CloneRecord`] does not say otherwise.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub struct Published {
    /// What the gate answers: [`local`].
    pub local: u64,
    /// Not 0: a signal waits that the mask holds back, and a change of the mask concerns the sentry.
    pub attention: u64,
    /// The thread's signal mask.
    pub signal_mask: u64,
    /// Address and length that were given to set_robust_list(2).
    pub robust_list: [u64; 2],
    /// The process as its own namespace numbers it.
    pub process: u64,
    /// The thread, likewise.
    pub thread: u64,
    /// Real user.
    pub user: u64,
    /// Effective user.
    pub effective_user: u64,
    /// Real group.
    pub group: u64,
    /// Effective group.
    pub effective_group: u64,
    /// The alternate stack as it stands in the frames of handlers: base, flags, size.
    pub alternate_stack: [u64; 3],
}

/// The program break of a memory. It lies in the stub's data, at the address that the zygote has told. As
/// [`Published`], it is the guest's to spoil.
#[repr(C)]
pub struct Heap {
    /// Where the heap begins.
    pub start: core::sync::atomic::AtomicU64,
    /// Where it ends: the break.
    pub at: core::sync::atomic::AtomicU64,
    /// How far the gate may move the break. 0: nowhere, for the sentry wants to hear of it.
    pub limit: core::sync::atomic::AtomicU64,
    /// Not 0: a thread is moving it.
    pub moving: core::sync::atomic::AtomicU64,
}

/// The page that a thread's GS base points to, unless the guest uses that register itself (then there is no gate for it). It is
/// private memory, so a fork copies it. Above these fields lies the gate's stack.
#[repr(C)]
pub struct ThreadPage {
    /// Its own address.
    pub own: u64,
    /// The guest's registers at the gate: `r8` to `r15`, `rdi`, `rsi`, `rbp`, `rbx`, `rdx`, `rax` (the number), `rcx` (where to go on), `rsp`.
    pub saved: [u64; 16],
    /// What the guest will find in `rax`.
    pub result: u64,
    /// Where the guest goes on.
    pub target: u64,
    /// [`phase`].
    pub phase: u64,
    /// Not 0: an interrupt has come in [`phase::POSTED`].
    pub deferred: u64,
    /// The address of the thread's window; 0 if there is none, 1 if there will be none.
    pub window: u64,
    /// Calls that could have gone through a window until there is one; then the last request's serial number.
    pub calls: u64,
    /// What both sides know.
    pub published: Published,
    /// The signal mask that a call is about to set.
    pub next_mask: u64,
    /// Not 0: an interrupt has come in the host's vDSO, which the thread leaves step by step.
    pub stepping: u64,
    /// Not 0: this call of rt_sigreturn(2) has been tried here.
    pub tried: u64,
    /// The host's vector state in a signal frame: its components, its size in bytes.
    pub vector: [u64; 2],
    /// With [`phase::RETURNED`]: the guest's registers, in the order of a signal frame: those of `saved` with `r11` too, then `rip` and the flags.
    pub returned: [u64; 18],
    /// `rip`, code segment, flags, `rsp`, stack segment: what `iretq` takes.
    pub leave: [u64; 5],
    /// The last handler that was started here: where its frame says that it was, and where the guest goes on from there.
    pub entered: [u64; 2],
    /// Not 0: a handler could not be started.
    pub refused: u64,
}

/// A request's word, [`Window::request`]: what the thread wants done with it (lowest byte), its serial number, how many extents it has, and
/// the number of the system call (upper half). A request is taken once, by whoever comes first under the sentry's lock.
pub mod request {
    /// Whoever polls may take it.
    pub const POSTED: u64 = 1;
    /// The thread rings for it.
    pub const RUNG: u64 = 2;
    /// The lowest bit of the serial number.
    pub const SERIAL_SHIFT: u64 = 8;
    /// The bits of a serial number. No request has the number 0.
    pub const SERIAL: u64 = 0xf_ffff;
    /// The lowest bit of the number of extents.
    pub const COUNT_SHIFT: u64 = 28;
    /// The bits of the number of extents.
    pub const COUNT: u64 = 0xf;
    /// The lowest bit of the system call's number.
    pub const NUMBER_SHIFT: u64 = 32;
}

/// A reply's word, [`Reply::word`]: one of these, and the request's serial number above it.
pub mod reply {
    /// The result is there.
    pub const DONE: u64 = 1;
    /// The call waits: the thread had better ring and sleep.
    pub const WAITS: u64 = 2;
    /// With [`DONE`]: a handler is to be started, which [`super::Entry`] describes.
    pub const ENTERS: u64 = 4;
    /// The lowest bit of the serial number.
    pub const SERIAL_SHIFT: u64 = 8;
}

/// How many pieces of guest memory a window carries at most.
pub const EXTENTS: usize = 4;

/// A piece of guest memory in a window's data.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub struct Extent {
    /// Where it is in guest memory.
    pub address: u64,
    /// How many bytes, and from bit [`extent::KIND_SHIFT`] on its [`extent`] bits.
    pub length: u32,
    /// Where its bytes are in the window.
    pub offset: u32,
}

/// What a piece is.
pub mod extent {
    /// Its bytes have been copied from guest memory.
    pub const INPUT: u32 = 1;
    /// The sentry may write it, as guest memory could be written when the call was made.
    pub const OUTPUT: u32 = 2;
    /// A string with its NUL: reading may stop short behind it.
    pub const STRING: u32 = 4;
    /// The lowest of these bits in [`super::Extent::length`].
    pub const KIND_SHIFT: u32 = 28;
    /// The bits of the length itself.
    pub const LENGTH: u32 = (1 << KIND_SHIFT) - 1;
}

/// A window: shared memory of one thread and the sentry. The guest can write all of it. Each cache line is written by one side in the course of a call: a line
/// that both write costs a journey more.
#[repr(C, align(128))]
pub struct Window {
    /// [`request`]. Written by the thread, as all up to the extents.
    pub request: core::sync::atomic::AtomicU64,
    /// The arguments.
    pub args: [core::sync::atomic::AtomicU64; 6],
    /// Where the guest goes on.
    pub resume: core::sync::atomic::AtomicU64,
    /// The pieces.
    pub extents: [Extent; EXTENTS],
    /// The answer.
    pub reply: Reply,
    /// Who polls.
    pub poller: Poller,
    /// What the sentry wants to know of the thread at times.
    pub told: Told,
}

/// In a cache line of its own, which seldom leaves the thread's processor: the sentry writes it only when it changes what is told of a thread that
/// waits for an answer.
#[repr(C, align(64))]
pub struct Told {
    /// The thread's signal mask, if the sentry has left it to the gate.
    pub mask: core::sync::atomic::AtomicU64,
}

/// The part of a window that the sentry writes. It starts two cache lines, which the processor likes to fetch together.
#[repr(C, align(128))]
pub struct Reply {
    /// [`reply`].
    pub word: core::sync::atomic::AtomicU64,
    /// The result.
    pub result: core::sync::atomic::AtomicU64,
    /// How many of each piece's first bytes the sentry has written, which the gate copies to guest memory.
    pub dirty: [core::sync::atomic::AtomicU32; EXTENTS],
}

/// The part of a window that seldom changes.
#[repr(C, align(128))]
pub struct Poller {
    /// 0: nobody polls. Else one more than the number of the processor that somebody polls on.
    pub processor: core::sync::atomic::AtomicU64,
    /// How many `pause` instructions a thread waits for an answer, at most; and no more than [`MOST_PAUSES`].
    pub budget: core::sync::atomic::AtomicU64,
}

/// A bound for [`Poller::budget`], so that a thread that has spoilt its window still gets on.
pub const MOST_PAUSES: u64 = 1 << 14;

/// A signal handler to be started behind the call.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Entry {
    /// Its address.
    pub handler: u64,
    /// What it returns to.
    pub restorer: u64,
    /// The instruction pointer that the frame shows, and that the guest comes back to.
    pub resume: u64,
    /// [`entry`] bits.
    pub flags: u64,
    /// What is blocked besides while it runs.
    pub blocked: u64,
    /// The alternate stack: base, flags, size.
    pub stack: [u64; 3],
    /// Of the thread's last fault: error code, trap number, address.
    pub fault: [u64; 3],
    /// Number of the signal.
    pub signal: u64,
    /// The `siginfo_t`.
    pub info: [u64; 16],
}

/// [`Entry::flags`].
pub mod entry {
    /// The call is made again when the handler returns.
    pub const AGAIN: u64 = 1;
    /// The handler wants the alternate stack.
    pub const ALTERNATE: u64 = 2;
}

/// Where a window's [`Entry`] is.
pub const WINDOW_ENTRY: u64 = 2048;

/// Where a window's data starts.
pub const WINDOW_DATA: u64 = 4096;
/// Bytes of data: room for 64 KiB wherever they begin within a cache line, and a little more.
pub const WINDOW_CAPACITY: u64 = 0x1_1000;
/// Bytes of a window.
pub const WINDOW_SIZE: u64 = WINDOW_DATA + WINDOW_CAPACITY;

/// Words of the bit map of [`Setup::plain`]. Calls of higher numbers than it has bits may go through a window.
pub const PLAIN_WORDS: usize = 8;

/// The longest filter, in instructions.
pub const FILTER_MAX: usize = 512;

/// The first message to the zygote.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Setup {
    /// Whether to take on `uid` and `gid`.
    pub change_user: u32,
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Whether `rdfsbase` and its like work.
    pub fsgsbase: u32,
    /// Bytes of a slot: a power of two.
    pub slot_size: u64,
    /// Calls that the gate must leave to the filter: one bit for each number.
    pub plain: [u64; PLAIN_WORDS],
    /// Instructions in `filter`.
    pub filter_length: u64,
    /// The stubs' system call filter: `struct sock_filter`.
    pub filter: [u64; FILTER_MAX],
}

/// The second message to the zygote: what becomes of its memory. The three parts are done in this order; a length of 0 ends a list.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Arrangement {
    /// What is moved: start, length, new start.
    pub moves: [[u64; 3]; 4],
    /// Where the guests' vDSO is mapped: start, the length of its data, the length of its text; nowhere if the latter is 0.
    pub vdso: [u64; 3],
    /// What is unmapped: start and length.
    pub unmap: [[u64; 2]; 8],
}

/// What the zygote answers to each message: a result or a negated error number, and a second value.
/// After [`Setup`]: 0 and the address of the vDSO. After [`Arrangement`]: 0 and the address of the [`Heap`]. After a request for a stub (any eight bytes): its pid.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub struct ZygoteReply {
    /// Result.
    pub result: i64,
    /// Second value.
    pub value: u64,
}

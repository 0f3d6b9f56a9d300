//! The zygote: prepares a process of which all stubs are copies, then makes one whenever the sentry asks.

use core::cell::UnsafeCell;

use crate::arch::{self, Ucontext, nr, syscall};
use crate::gate;
use crate::heap::Break;
use crate::handler::{handle, ring};
use crate::interface::{
    Arrangement, BASE, DATA, MAILBOX_SIZE, PAGE_SIZE, SIZE, SLOT_CHUNK, SLOTS, Setup, TEXT_SIZE, ZygoteReply,
    reason,
};

/// The socket to the sentry: the only descriptor that stays.
const SOCKET: u64 = 0;
/// The file of the guests' vDSO.
const VDSO: u64 = 1;
/// Where a new stub's listener lands: the lowest free descriptor.
const LISTENER: u64 = 1;

/// Bytes of the zygote's stack. With what lies behind it two pages.
pub const STACK_SIZE: usize = 8192 - size_of::<Break>();

/// A variable that only the zygote writes, before there is anybody else.
#[repr(C, align(16))]
pub struct Static<T>(UnsafeCell<T>);

// SAFETY: the zygote has one thread.
unsafe impl<T> Sync for Static<T> {}

/// The zygote's stack (the kernel's is unmapped), and behind it, in a page that every new stub has written to anyway, what it keeps of its guest.
#[repr(C, align(64))]
pub struct Bottom {
    stack: UnsafeCell<[u8; STACK_SIZE]>,
    program_break: Break,
}

// SAFETY: the zygote has one thread, and nobody refers to its stack but by its address. The rest consists of atomics.
unsafe impl Sync for Bottom {}

/// The only one.
pub static STACK: Bottom =
    Bottom { stack: UnsafeCell::new([0; STACK_SIZE]), program_break: Break::new() };

static SETUP: Static<core::mem::MaybeUninit<Setup>> =
    Static(UnsafeCell::new(core::mem::MaybeUninit::zeroed()));

fn setup() -> &'static Setup {
    // SAFETY: zero bytes are a `Setup`; it is written once, by `start`, before anyone reads it.
    unsafe { (*SETUP.0.get()).assume_init_ref() }
}

/// Whether the instructions for segment bases work.
pub fn fsgsbase() -> bool {
    setup().fsgsbase != 0
}

/// The calls that the gate leaves to the filter, by number.
pub fn plain() -> &'static [u64] {
    &setup().plain
}

/// The program break of this memory.
pub fn program_break() -> &'static Break {
    &STACK.program_break
}

/// Bytes of a slot.
pub fn slot_size() -> u64 {
    setup().slot_size
}

/// The program's start. `stack` is as execve(2) left it.
pub extern "C" fn start(stack: *const u64) -> ! {
    const ALL: u64 = u32::MAX as u64;
    // SAFETY: system calls on memory that is reserved for this.
    unsafe {
        syscall(nr::CLOSE_RANGE, [VDSO + 1, ALL, 0, 0, 0, 0]);
        receive(SETUP.0.get().cast(), size_of::<Setup>());
    }
    let result = prepare(setup());
    reply(result.cast_signed(), vdso(stack));
    let mut plan = Arrangement::default();
    // SAFETY: as above.
    unsafe { receive((&raw mut plan).cast(), size_of::<Arrangement>()) };
    reply(arrange(&plan).cast_signed(), (&raw const *program_break()).addr() as u64);
    loop {
        let mut request = 0u64;
        // SAFETY: as above; the child of the clone never returns.
        let pid = unsafe {
            receive((&raw mut request).cast(), size_of::<u64>());
            const CLONE_PARENT: u64 = 0x8000;
            const SIGCHLD: u64 = 17;
            arch::clone(CLONE_PARENT | SIGCHLD, 0, 0, 0, 0)
        };
        if pid == 0 {
            become_stub();
        }
        reply(pid.cast_signed(), 0);
    }
}

/// Arranges the memory as guests are to have it, but for the stub's own. Returns 0 or the first error.
fn arrange(plan: &Arrangement) -> u64 {
    /// `MREMAP_MAYMOVE | MREMAP_FIXED`.
    const MOVE: u64 = 1 | 2;
    /// `MAP_PRIVATE | MAP_FIXED`.
    const FLAGS: u64 = 0x2 | 0x10;
    const READ: u64 = 1;
    const EXECUTE: u64 = 4;
    let moves = plan.moves.iter().take_while(|[_, length, _]| *length != 0);
    let moves = moves.map(|&[start, length, to]| (nr::MREMAP, [start, length, length, MOVE, to, 0], to));
    let [start, data, text] = plan.vdso;
    let parts = [(start, data, READ, 0), (start + data, text, READ | EXECUTE, data)];
    let maps = parts.into_iter().filter(|_| text != 0).map(|(at, length, protection, offset)| {
        (nr::MMAP, [at, length, protection, FLAGS, VDSO, offset], at)
    });
    let unmaps = plan.unmap.iter().take_while(|[_, length]| *length != 0);
    let unmaps = unmaps.map(|&[start, length]| (nr::MUNMAP, [start, length, 0, 0, 0, 0], 0));
    let close = core::iter::once((nr::CLOSE, [VDSO, 0, 0, 0, 0, 0], 0));
    for (number, args, wanted) in moves.chain(maps).chain(unmaps).chain(close) {
        // SAFETY: the sentry names what is neither the stub's text nor its data.
        let result = unsafe { syscall(number, args) };
        if result != wanted {
            return result;
        }
    }
    0
}

/// Reads one message. The end of the conversation ends the zygote.
///
/// # Safety
/// `length` bytes at `into` are overwritten.
unsafe fn receive(into: *mut u8, length: usize) {
    // SAFETY: by the caller's promise.
    let got = unsafe { syscall(nr::READ, [SOCKET, into.addr() as u64, length as u64, 0, 0, 0]) };
    if got.cast_signed() <= 0 {
        // SAFETY: ends the process.
        unsafe { syscall(nr::EXIT_GROUP, [0; 6]) };
        arch::die();
    }
}

fn reply(result: i64, value: u64) {
    let message = ZygoteReply { result, value };
    let (at, length) = ((&raw const message).addr() as u64, size_of::<ZygoteReply>() as u64);
    // SAFETY: the message lives until the call returns.
    unsafe { syscall(nr::WRITE, [SOCKET, at, length, 0, 0, 0]) };
}

/// Makes the process fit to be a guest's. Returns 0 or the first error.
fn prepare(setup: &Setup) -> u64 {
    const NO_CORE: [u64; 2] = [0, 0];
    const RLIMIT_CORE: u64 = 4;
    const PR_SET_DUMPABLE: u64 = 4;
    const PR_SET_NO_NEW_PRIVS: u64 = 38;
    /// `_LINUX_CAPABILITY_VERSION_3`, this process.
    const CAP_HEADER: [u32; 2] = [0x2008_0522, 0];
    const NO_CAPS: [u32; 6] = [0; 6];
    let user = |number, id: u32| (number, [u64::from(id); 6]);
    let change = setup.change_user != 0;
    let steps = [
        Some((nr::SETPGID, [0; 6])),
        Some((nr::PRLIMIT64, [0, RLIMIT_CORE, NO_CORE.as_ptr().addr() as u64, 0, 0, 0])),
        change.then_some((nr::SETGROUPS, [0; 6])),
        change.then_some(user(nr::SETRESGID, setup.gid)),
        change.then_some(user(nr::SETRESUID, setup.uid)),
        Some((nr::CAPSET, [CAP_HEADER.as_ptr().addr() as u64, NO_CAPS.as_ptr().addr() as u64, 0, 0, 0, 0])),
        Some((nr::PRCTL, [PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0])),
        // A change of user makes a process undumpable, and then the sentry could not read its memory.
        Some((nr::PRCTL, [PR_SET_DUMPABLE, 1, 0, 0, 0, 0])),
    ];
    for (number, args) in steps.into_iter().flatten() {
        // SAFETY: gives up rights of this process.
        let result = unsafe { syscall(number, args) };
        if result != 0 {
            return result;
        }
    }
    match reserve(setup) {
        0 => handle_signals(setup),
        error => error,
    }
}

/// Makes the whole range the stub's: the first chunk of slots accessible, the gaps not.
fn reserve(setup: &Setup) -> u64 {
    unsafe extern "C" {
        static stub_text_end: u8;
        static stub_data_end: u8;
    }
    let text_end = (&raw const stub_text_end).addr() as u64;
    let data_end = (&raw const stub_data_end).addr() as u64;
    let slots_end = SLOTS + SLOT_CHUNK * setup.slot_size;
    if text_end > BASE + TEXT_SIZE {
        return 22u64.wrapping_neg();
    }
    let parts =
        [(text_end, DATA, 0), (data_end, SLOTS, 0), (SLOTS, slots_end, 3), (slots_end, BASE + SIZE, 0)];
    for (from, to, protection) in parts {
        /// `MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE`.
        const FLAGS: u64 = 0x2 | 0x20 | 0x4000 | 0x10_0000;
        // SAFETY: takes only what is free.
        let result = unsafe { syscall(nr::MMAP, [from, to - from, protection, FLAGS, u64::MAX, 0]) };
        if result != from {
            return result;
        }
    }
    0
}

/// Installs the handlers, and the first slot's stack for them. All signals are blocked until a stub starts.
fn handle_signals(setup: &Setup) -> u64 {
    /// Handler, flags, restorer, mask: `struct sigaction` as the kernel has it.
    type Action = [u64; 4];
    /// `SA_SIGINFO | SA_RESTORER | SA_ONSTACK | SA_RESTART`: a call that was not yet taken, or a futex wait, is done again.
    const FLAGS: u64 = 4 | 0x0400_0000 | 0x0800_0000 | 0x1000_0000;
    const ALL: u64 = u64::MAX;
    /// SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV, SIGURG, SIGSYS.
    const SIGNALS: [u64; 7] = [4, 5, 7, 8, 11, 23, 31];
    let action: Action = [handle as *const () as u64, FLAGS, arch::stub_restorer as *const () as u64, ALL];
    let stack: [u64; 3] = [SLOTS, 0, setup.slot_size - MAILBOX_SIZE - PAGE_SIZE];
    // SAFETY: the structures live until the calls return; the handler stays mapped.
    unsafe {
        set_mask(ALL);
        for signal in SIGNALS {
            let result = syscall(nr::RT_SIGACTION, [signal, action.as_ptr().addr() as u64, 0, 8, 0, 0]);
            if result != 0 {
                return result;
            }
        }
        syscall(nr::SIGALTSTACK, [stack.as_ptr().addr() as u64, 0, 0, 0, 0, 0])
    }
}

fn set_mask(mask: u64) {
    const SIG_SETMASK: u64 = 2;
    // SAFETY: the mask lives until the call returns.
    unsafe { syscall(nr::RT_SIGPROCMASK, [SIG_SETMASK, (&raw const mask).addr() as u64, 0, 8, 0, 0]) };
}

/// The address of the vDSO, from the auxiliary vector, or 0.
fn vdso(stack: *const u64) -> u64 {
    const AT_SYSINFO_EHDR: u64 = 33;
    // SAFETY: the stack of a new program: a count, arguments, a zero, the environment, a zero, the vector, which ends with a zero.
    unsafe {
        let mut at = stack.add(2 + *stack as usize);
        while *at != 0 {
            at = at.add(1);
        }
        at = at.add(1);
        while *at != 0 {
            if *at == AT_SYSINFO_EHDR {
                return *at.add(1);
            }
            at = at.add(2);
        }
    }
    0
}

/// A copy of the zygote becomes a stub: its filter goes up, and a breakpoint gives it its first signal frame, in whose
/// handler it says [`hello`].
fn become_stub() -> ! {
    const SET_MODE_FILTER: u64 = 1;
    /// `SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV`.
    const FLAGS: u64 = 8 | 32;
    set_mask(0);
    /// `struct sock_fprog`.
    #[repr(C)]
    struct Program {
        length: u16,
        filter: *const u64,
    }
    let program = Program { length: setup().filter_length as u16, filter: setup().filter.as_ptr() };
    // SAFETY: the program lives until the call returns.
    let listener = unsafe {
        syscall(nr::SECCOMP, [SET_MODE_FILTER, FLAGS, (&raw const program).addr() as u64, 0, 0, 0])
    };
    if listener != LISTENER {
        arch::die();
    }
    arch::stub_fresh()
}

/// The first rings of a stub: that its listener can be fetched, then, without any descriptor left, that it is ready.
pub fn hello(frame: &Ucontext) -> u64 {
    ring(reason::FRESH, [0; 6]);
    // SAFETY: the stub needs neither.
    unsafe {
        syscall(nr::CLOSE, [SOCKET, 0, 0, 0, 0, 0]);
        syscall(nr::CLOSE, [LISTENER, 0, 0, 0, 0, 0]);
    }
    gate::adopt(frame);
    ring(reason::HELLO, [(&raw const *frame).addr() as u64, 0, 0, 0, 0, 0])
}

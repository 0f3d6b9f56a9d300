//! What a stub process may ask of the host, and from where.
//!
//! A call that is not listed becomes a notification: it is not executed, and the sentry answers it. So does what is
//! listed as [`Action::Notify`] (to say why it is not allowed). Calls of other ABIs (`int 0x80`, x32) fail with `ENOSYS`.

use core::fmt;

use abi::nr;

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The host executes it.
    Allow,
    /// SIGSYS: the stub's handler saves the registers and rings.
    Trap,
    /// A notification: the thread waits for the sentry's result.
    Notify,
    /// `EPERM`.
    Refuse,
}

/// A condition on arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The lower word has all the bits of `all` and none of `none`.
    Bits {
        /// Index of the argument.
        arg: u8,
        /// Must be set.
        all: u32,
        /// Must not be set.
        none: u32,
    },
    /// The lower word, masked, is one of these.
    OneOf {
        /// Index of the argument.
        arg: u8,
        /// What of it counts.
        mask: u32,
        /// The values.
        values: &'static [u32],
    },
    /// The range does not reach into the stub's.
    Outside {
        /// Index of the address.
        address: u8,
        /// Index of the length.
        length: u8,
    },
}

/// A row.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// System call number.
    pub number: u64,
    /// All must hold for `action`.
    pub checks: &'static [Check],
    /// What then happens.
    pub action: Action,
    /// What happens if a check fails.
    pub otherwise: Action,
    /// Why.
    pub why: &'static str,
}

const fn allow(number: u64, checks: &'static [Check], otherwise: Action, why: &'static str) -> Rule {
    Rule { number, checks, action: Action::Allow, otherwise, why }
}

const fn trap(number: u64, why: &'static str) -> Rule {
    Rule { number, checks: &[], action: Action::Trap, otherwise: Action::Trap, why }
}

/// `MAP_SHARED`, `MAP_PRIVATE`, `MAP_32BIT`, `MAP_FIXED`, `MAP_ANONYMOUS`, `MAP_NORESERVE`, `MAP_POPULATE`,
/// `MAP_NONBLOCK`, `MAP_STACK`, `MAP_FIXED_NOREPLACE`, and the ignored `MAP_DENYWRITE` and `MAP_EXECUTABLE`.
pub const MAP_FLAGS: u32 =
    0x1 | 0x2 | 0x40 | 0x10 | 0x20 | 0x4000 | 0x8000 | 0x1_0000 | 0x2_0000 | 0x10_0000 | 0x800 | 0x1000;
const MAP_ANONYMOUS: u32 = 0x20;
/// `MAP_LOCKED`, `MAP_HUGETLB`: memory that no limit of a guest bounds.
const MAP_PINNED: u32 = 0x2000 | 0x4_0000;
const MREMAP_FIXED: u32 = 2;
const PR_SET_SECCOMP: u32 = 22;

/// `FUTEX_WAIT`, `WAKE`, `REQUEUE`, `CMP_REQUEUE`, `WAKE_OP`, `WAIT_BITSET`, `WAKE_BITSET`.
const FUTEX_OPERATIONS: &[u32] = &[0, 1, 3, 4, 5, 9, 10];
/// All but `FUTEX_PRIVATE_FLAG` and `FUTEX_CLOCK_REALTIME`.
const FUTEX_MASK: u32 = !(128 | 256);

/// `MADV_NORMAL`, `RANDOM`, `SEQUENTIAL`, `WILLNEED`, `DONTNEED`, `FREE`, `DONTFORK`, `DOFORK`, `HUGEPAGE`, `NOHUGEPAGE`,
/// `DONTDUMP`, `DODUMP`, `WIPEONFORK`, `KEEPONFORK`, `POPULATE_READ`, `POPULATE_WRITE`, `GUARD_INSTALL`, `GUARD_REMOVE`.
pub const HARMLESS_ADVICE: &[u32] = &[0, 1, 2, 3, 4, 8, 10, 11, 14, 15, 16, 17, 18, 19, 22, 23, 102, 103];
/// What the stub may pass on besides: `REMOVE`, `MERGEABLE`, `UNMERGEABLE`, `COLD`, `PAGEOUT`, `COLLAPSE`. Never the poison kinds.
pub const STUB_ADVICE: &[u32] =
    &[0, 1, 2, 3, 4, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 25, 102, 103];

/// The commands of membarrier(2) that the host carries out for guests: all but the query.
pub const BARRIERS: &[u32] = &[1, 2, 4, 8, 16, 32, 64, 128, 256];
/// The same, and the query.
pub const STUB_BARRIERS: &[u32] = &[0, 1, 2, 4, 8, 16, 32, 64, 128, 256];

const RANGE: Check = Check::Outside { address: 0, length: 1 };
const HARMLESS: Check = Check::OneOf { arg: 2, mask: u32::MAX, values: HARMLESS_ADVICE };
const ANONYMOUS: Check = Check::Bits { arg: 3, all: MAP_ANONYMOUS, none: !MAP_FLAGS };
const FUTEX: Check = Check::OneOf { arg: 1, mask: FUTEX_MASK, values: FUTEX_OPERATIONS };
const STUB_HARMLESS: Check = Check::OneOf { arg: 2, mask: u32::MAX, values: STUB_ADVICE };

/// From guest code. The most frequent come first: the filter looks at one after the other.
pub const GUEST: &[Rule] = &[
    allow(
        nr::futex,
        &[FUTEX],
        Action::Notify,
        "native speed; the PI operations name threads, which are the sentry's",
    ),
    allow(
        nr::mmap,
        &[ANONYMOUS, RANGE],
        Action::Trap,
        "anonymous memory is the host's; files and odd flags the sentry's",
    ),
    allow(nr::munmap, &[RANGE], Action::Trap, "native speed"),
    allow(nr::mprotect, &[RANGE], Action::Trap, "native speed"),
    allow(
        nr::madvise,
        &[HARMLESS, RANGE],
        Action::Trap,
        "native speed; other kinds concern more than this process",
    ),
    allow(nr::sched_yield, &[], Action::Trap, "native speed"),
    allow(
        nr::mremap,
        &[
            Check::Bits { arg: 3, all: 0, none: MREMAP_FIXED },
            RANGE,
            Check::Outside { address: 0, length: 2 },
        ],
        Action::Trap,
        "native speed, where the host chooses the place",
    ),
    allow(nr::mincore, &[RANGE], Action::Trap, "native speed, and the host alone knows"),
    allow(
        nr::membarrier,
        &[Check::OneOf { arg: 0, mask: u32::MAX, values: BARRIERS }],
        Action::Trap,
        "the barrier has to be the caller's own; the query is the sentry's",
    ),
    allow(
        nr::rseq,
        &[RANGE],
        Action::Notify,
        "the host's scheduler restarts sequences of its own threads; it writes to the guest's area alone",
    ),
    trap(nr::io_setup, "a mapping"),
    trap(nr::io_destroy, "a mapping"),
    trap(nr::mlock, "pages are brought in"),
    trap(nr::mlock2, "as mlock"),
    trap(nr::mlockall, "as mlock"),
    trap(nr::process_madvise, "advice, given by the stub"),
    trap(nr::pkey_mprotect, "as mprotect"),
    trap(nr::mseal, "a mapping"),
    trap(nr::msync, "what was changed in files of a FUSE server is the sentry's to write"),
    trap(nr::seccomp, "may need one more filter of the host's"),
    Rule {
        number: nr::prctl,
        checks: &[Check::OneOf { arg: 0, mask: u32::MAX, values: &[PR_SET_SECCOMP] }],
        action: Action::Trap,
        otherwise: Action::Notify,
        why: "PR_SET_SECCOMP, as seccomp",
    },
    trap(nr::clone, "makes a thread or process"),
    trap(nr::clone3, "as clone; its flags lie in memory, so the host never sees it"),
    trap(nr::fork, "as clone"),
    trap(nr::vfork, "as clone"),
    trap(nr::execve, "a new process takes over"),
    trap(nr::execveat, "as execve"),
    trap(nr::rt_sigreturn, "all registers change"),
    trap(nr::sigaltstack, "its answer depends on the stack pointer"),
    trap(nr::brk, "memory, of which the sentry keeps the bounds"),
    trap(nr::arch_prctl, "a register changes"),
    trap(nr::set_tid_address, "the host clears the word at the thread's end"),
    trap(nr::shmat, "a mapping"),
    trap(nr::shmdt, "a mapping"),
    trap(nr::remap_file_pages, "a mapping"),
    trap(nr::kill, "often ends in a handler of the caller's own, which needs registers"),
    trap(nr::tgkill, "as kill; raise(3)"),
    trap(nr::tkill, "as kill"),
    trap(nr::rt_sigsuspend, "ends in a handler"),
    trap(nr::pause, "ends in a handler"),
];

/// From the stub's text, which guest code can jump into: so each of these is one that a guest can make at will.
pub const STUB: &[Rule] = &[
    allow(nr::rt_sigreturn, &[], Action::Refuse, "how a handler ends"),
    allow(
        nr::mmap,
        &[Check::Bits { arg: 3, all: 0, none: MAP_PINNED }],
        Action::Refuse,
        "an order; there is no descriptor but the one lent for it",
    ),
    allow(nr::munmap, &[], Action::Refuse, "an order"),
    allow(nr::mprotect, &[], Action::Refuse, "an order; also makes new slots accessible"),
    allow(nr::mremap, &[], Action::Refuse, "an order"),
    allow(nr::madvise, &[STUB_HARMLESS], Action::Refuse, "an order"),
    allow(nr::msync, &[], Action::Refuse, "an order"),
    allow(nr::mincore, &[], Action::Refuse, "an order"),
    allow(nr::mseal, &[], Action::Refuse, "an order"),
    allow(
        nr::membarrier,
        &[Check::OneOf { arg: 0, mask: u32::MAX, values: STUB_BARRIERS }],
        Action::Refuse,
        "an order",
    ),
    allow(nr::rseq, &[], Action::Refuse, "an order; what the host writes there is the thread's own to spoil"),
    allow(nr::close, &[], Action::Refuse, "gives a lent descriptor back"),
    allow(nr::set_tid_address, &[], Action::Refuse, "an order"),
    allow(
        nr::futex,
        &[FUTEX],
        Action::Refuse,
        "wakes who waits for a main thread that ended before its process",
    ),
    allow(
        nr::arch_prctl,
        &[Check::OneOf { arg: 0, mask: u32::MAX, values: &[0x1001, 0x1002, 0x1003, 0x1004] }],
        Action::Refuse,
        "segment bases, where the processor or kernel lacks the instructions",
    ),
    Rule {
        number: nr::clone,
        checks: &[],
        action: Action::Notify,
        otherwise: Action::Notify,
        why: "the sentry consents to the exact flags and the token it gave out",
    },
    Rule {
        number: nr::seccomp,
        checks: &[],
        action: Action::Notify,
        otherwise: Action::Notify,
        why: "the sentry consents, once for each filter that it has ordered",
    },
    Rule {
        number: nr::exit,
        checks: &[],
        action: Action::Notify,
        otherwise: Action::Notify,
        why: "the sentry consents, so that it knows of every end",
    },
];

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allow => "allow",
            Self::Trap => "trap",
            Self::Notify => "notify",
            Self::Refuse => "EPERM",
        })
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bits { arg, all: 0, none } => write!(f, "argument {arg} without bits {none:#x}"),
            Self::Bits { arg, all, none } => write!(f, "argument {arg} with {all:#x}, without {none:#x}"),
            Self::OneOf { arg, mask: u32::MAX, values } => write!(f, "argument {arg} one of {values:?}"),
            Self::OneOf { arg, mask, values } => write!(f, "argument {arg} & {mask:#x} one of {values:?}"),
            Self::Outside { address, length } => {
                write!(f, "the range of arguments {address} and {length} outside the stub's")
            }
        }
    }
}

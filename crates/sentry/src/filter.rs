//! The host system calls that the sentry and its init may make, and why. Any other kills the process, and the sandbox with it.
//!
//! What a guest gains by taking over the sentry is this table, in an empty root directory and without descriptors but those that
//! the sentry holds.

use abi::{Errno, ioctl, nr};
use gofer::Reach;
use gofer::filter::{FILES, reaching};
use host::seccomp::{AllowList, Mismatch, Row, Rule, Scope, arg};

use crate::failure::{Failure, Trying};

/// `RLIMIT_AS`.
const ADDRESS_SPACE: u32 = 9;
/// `RLIMIT_NOFILE`.
const DESCRIPTORS: u32 = 7;
/// `PROT_EXEC`.
const EXECUTE: u64 = 4;
/// `O_CREAT` and the bit of its own of `O_TMPFILE`.
const CREATE: u64 = 0o100 | 0o20_000_000;
/// The flags that the C library gives clone(2) for a thread: everything shared, and no namespace.
const THREAD: u32 = 0x003d_0f00;
/// `PR_SET_NAME`.
const SET_NAME: u32 = 15;
/// `PR_GET_AUXV`.
const GET_AUXV: u32 = 0x4155_5856;
/// `AF_UNIX`.
const UNIX: u32 = 1;

/// The requests of user notification (seccomp_unotify(2)): receive, answer, check, lend a descriptor, set flags.
const NOTIFICATION: [u32; 5] = [0xc050_2100, 0xc018_2101, 0x4008_2102, 0x4018_2103, 0x4008_2104];

const fn request(number: u32) -> [Rule; 1] {
    [arg(1).is(number)]
}

/// The requests on terminals are those of `host::terminal`, one by one.
const IOCTL: &[&[Rule]] = &[
    &request(NOTIFICATION[0]),
    &request(NOTIFICATION[1]),
    &request(NOTIFICATION[2]),
    &request(NOTIFICATION[3]),
    &request(NOTIFICATION[4]),
    &request(ioctl::TCGETS),
    &request(ioctl::TCSETS),
    &request(ioctl::TCSETSW),
    &request(ioctl::TCSETSF),
    &request(ioctl::TCGETS2),
    &request(ioctl::TCSETS2),
    &request(ioctl::TCSETSW2),
    &request(ioctl::TCSETSF2),
    &request(ioctl::TCSBRK),
    &request(ioctl::TCSBRKP),
    &request(ioctl::TCXONC),
    &request(ioctl::TCFLSH),
    &request(ioctl::TIOCGWINSZ),
    &request(ioctl::TIOCSWINSZ),
    &request(ioctl::TIOCOUTQ),
    &request(ioctl::TIOCGETD),
    &request(ioctl::FIONREAD),
];

/// fcntl(2) commands, none of which names a process or a path.
const FCNTL: &[&[Rule]] = &[
    &request(1),    // F_GETFD
    &request(2),    // F_SETFD
    &request(3),    // F_GETFL
    &request(4),    // F_SETFL
    &request(36),   // F_OFD_GETLK
    &request(37),   // F_OFD_SETLK
    &request(1030), // F_DUPFD_CLOEXEC
    &request(1031), // F_SETPIPE_SZ
    &request(1032), // F_GETPIPE_SZ
    &request(1033), // F_ADD_SEALS
    &request(1034), // F_GET_SEALS
];

/// The sentry's list.
pub const SENTRY: &[Row] = &[
    // Guests: their memory, what they ask, their ends.
    Row::when(nr::ioctl, IOCTL, "notifications of stubs, terminals of the host"),
    Row::always(nr::process_vm_readv, "reads guest memory"),
    Row::always(nr::process_vm_writev, "writes guest memory"),
    Row::always(nr::tgkill, "interrupts a guest thread"),
    Row::always(nr::kill, "ends guest processes; nothing else is in the pid namespace"),
    Row::always(nr::wait4, "learns how guest processes ended"),
    Row::always(nr::waitid, "learns that guest processes ended"),
    Row::always(nr::pidfd_open, "holds a new stub"),
    Row::always(nr::pidfd_getfd, "takes the listener that a new stub has made"),
    Row::always(nr::pidfd_send_signal, "ends guest processes"),
    Row::always(nr::kcmp, "tells whether two descriptors are one description"),
    Row::always(nr::setpriority, "niceness of guest threads"),
    Row::when(
        nr::prlimit64,
        &[&[arg(1).is(ADDRESS_SPACE)], &[arg(1).is(DESCRIPTORS), arg(2).is_exactly(0)]],
        "bounds the address space of guest processes; asks how many descriptors there may be",
    ),
    Row::always(nr::sched_setaffinity, "processors of guest threads"),
    Row::always(nr::sched_getaffinity, "processors that guests and threads may use"),
    // Files: those that were handed over, donated by the gofer, or made in memory.
    Row::always(nr::read, "standard input, events"),
    Row::always(nr::write, "standard output and error, events, the log"),
    Row::always(nr::readv, "standard input"),
    Row::always(nr::writev, "standard output, the log"),
    Row::always(nr::pread64, "donated files, memory files"),
    Row::always(nr::pwrite64, "donated files, memory files"),
    Row::always(nr::preadv2, "pipes, without waiting"),
    Row::always(nr::pwritev2, "pipes, without waiting; appending to files"),
    Row::always(nr::lseek, "offsets of standard input and output, holes"),
    Row::always(nr::fstat, "kinds and sizes of descriptors"),
    Row::always(nr::newfstatat, "kinds and sizes of descriptors"),
    Row::always(nr::statx, "attributes of donated files"),
    Row::always(nr::ftruncate, "sizes of donated files and of memory files"),
    Row::always(nr::fallocate, "space of donated files, holes in memory files"),
    Row::always(nr::fsync, "brings donated files to disk"),
    Row::always(nr::fdatasync, "brings donated files to disk"),
    Row::always(nr::fchmod, "modes of files that are standard output"),
    Row::always(nr::utimensat, "times of files that are standard output"),
    Row::always(nr::copy_file_range, "copies between donated files"),
    Row::always(nr::memfd_create, "files in memory, shared guest memory"),
    Row::when(
        nr::openat,
        &[&[arg(2).without(CREATE)]],
        "its own and its guests' files in /proc, through descriptors; the root directory is empty",
    ),
    Row::always(nr::close, "lets go of descriptors"),
    Row::when(nr::fcntl, FCNTL, "copies of descriptors, their flags, pipe sizes, seals, record locks"),
    // Sockets: the gofer, the runtime, the zygote, and those that were handed over.
    Row::always(nr::recvfrom, "takes messages"),
    Row::always(nr::sendto, "sends messages"),
    Row::always(nr::recvmsg, "takes answers of the gofer, with donated descriptors"),
    Row::always(nr::sendmsg, "sends requests"),
    Row::always(
        nr::accept4,
        "takes connections of later runtimes, from the one listening socket it was given",
    ),
    Row::always(nr::shutdown, "ends one direction of a socket that is standard input or output"),
    Row::when(nr::socketpair, &[&[arg(0).is(UNIX)]], "a connection to a server of its own"),
    // Waiting.
    Row::always(nr::futex, "locks"),
    Row::always(nr::poll, "waits for descriptors"),
    Row::always(nr::ppoll, "waits for descriptors"),
    Row::always(nr::epoll_create1, "waits for many descriptors"),
    Row::always(nr::epoll_ctl, "waits for many descriptors"),
    Row::always(nr::epoll_wait, "waits for many descriptors"),
    Row::always(nr::epoll_pwait, "waits for many descriptors"),
    Row::always(nr::eventfd2, "wakes a thread that waits for descriptors"),
    Row::always(nr::clock_gettime, "clocks, where the host's vDSO cannot tell"),
    Row::always(nr::clock_getres, "their resolution"),
    Row::always(nr::clock_nanosleep, "waits for a time"),
    Row::always(nr::nanosleep, "waits for a time"),
    Row::always(nr::restart_syscall, "goes on waiting after a stop"),
    Row::always(nr::sched_yield, "lets the holder of a lock run, and the gofer while it looks for an answer"),
    // What the host is, for guests that ask.
    Row::always(nr::sysinfo, "load and memory of the host"),
    Row::always(nr::uname, "what the host's kernel can do"),
    Row::always(nr::getrandom, "random numbers"),
    Row::always(nr::getrusage, "processor time of the sentry"),
    Row::always(nr::getpid, "names itself to kcmp"),
    // The runtime of the language: memory, threads, the end.
    Row::when(nr::mmap, &[&[arg(2).without(EXECUTE)]], "memory"),
    Row::when(nr::mprotect, &[&[arg(2).without(EXECUTE)]], "memory"),
    Row::always(nr::munmap, "memory"),
    Row::always(nr::mremap, "memory"),
    Row::always(nr::madvise, "memory"),
    Row::always(nr::brk, "memory"),
    Row::fails(nr::clone3, Errno::ENOSYS, "its flags cannot be checked: the C library then takes clone"),
    Row::when(nr::clone, &[&[arg(0).is(THREAD)]], "threads"),
    Row::always(nr::set_robust_list, "threads"),
    Row::always(nr::rseq, "threads"),
    Row::when(
        nr::prctl,
        &[&[arg(0).is(SET_NAME)], &[arg(0).is(GET_AUXV)]],
        "names of threads; what the processor can do, for guests' auxiliary vectors",
    ),
    Row::always(nr::gettid, "threads"),
    Row::always(nr::sigaltstack, "threads"),
    Row::always(nr::rt_sigprocmask, "threads"),
    Row::always(nr::rt_sigaction, "the first thread"),
    Row::always(nr::rt_sigreturn, "returns from signal handlers"),
    Row::always(nr::exit, "the end of a thread"),
    Row::always(nr::exit_group, "the end"),
];

/// Besides, where sockets of guests are the host's too. Their names the gofer gives them.
const LISTENS: &[Row] =
    &[Row::always(nr::listen, "lets the host connect to a socket that a guest has bound")];

/// The list of a sentry that reaches so much of the host.
pub(crate) fn sentry(reach: Reach) -> Vec<Row> {
    let listens = if reach.binds { LISTENS } else { &[] };
    SENTRY.iter().chain(listens).copied().collect()
}

/// The list of one that works on files of the host itself, and on sockets among them.
pub(crate) fn with_files(reach: Reach) -> Vec<Row> {
    let wider = |row: &Row| FILES.iter().any(|other| other.number == row.number);
    let own = sentry(reach).into_iter().filter(|row| !wider(row));
    own.chain(FILES.iter().copied()).chain(reaching(reach)).collect()
}

/// Init's list: it waits, says one sentence, and ends.
pub const INIT: &[Row] = &[
    Row::always(nr::poll, "waits for the end of the sentry or of the runtime"),
    Row::always(nr::ppoll, "waits for the end of the sentry or of the runtime"),
    Row::always(nr::wait4, "learns how the sentry ended"),
    Row::always(nr::read, "hears that the runtime leaves"),
    Row::always(nr::write, "says why it ends"),
    Row::always(nr::writev, "says why it ends"),
    Row::when(nr::ioctl, &[&[arg(1).is(ioctl::TCSETS2)]], "puts the modes of the caller's terminal back"),
    Row::always(nr::close, "the end"),
    Row::always(nr::munmap, "the end"),
    Row::always(nr::mmap, "memory"),
    Row::always(nr::mprotect, "memory"),
    Row::always(nr::brk, "memory"),
    Row::always(nr::madvise, "lets go of code that it does not need while it waits"),
    Row::always(nr::futex, "locks"),
    Row::always(nr::sigaltstack, "the end"),
    Row::always(nr::rt_sigaction, "the end"),
    Row::always(nr::rt_sigprocmask, "the end"),
    Row::always(nr::rt_sigreturn, "returns from signal handlers"),
    Row::when(nr::fcntl, &[&[arg(1).is(1)]], "debug builds look at a descriptor before they close it"),
    Row::always(nr::restart_syscall, "goes on waiting after a stop"),
    Row::always(nr::exit_group, "the end"),
];

/// Puts a list in force for the whole process. With `report` calls that are not listed are made, and the host's kernel logs them.
pub(crate) fn install(table: &[Row], report: bool) -> Result<(), Failure> {
    let otherwise = if report { Mismatch::Report } else { Mismatch::Kill };
    let list = AllowList::new(table, otherwise).trying("assemble a filter of system calls")?;
    list.install(Scope::Process).trying("install a filter of system calls")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: Reach = Reach { sockets: true, binds: true, fifos: true };

    #[test]
    fn the_tables_assemble_and_every_row_says_why() {
        for table in [&sentry(MOST)[..], INIT, &with_files(MOST)] {
            assert!(AllowList::new(table, Mismatch::Kill).is_ok());
            assert!(table.iter().all(|row| !row.why.is_empty()));
        }
    }

    #[test]
    fn the_sentry_needs_fewer_calls_than_others_do() {
        assert!(SENTRY.len() < 96, "{} rows", SENTRY.len());
        let most = with_files(Reach::default()).len();
        assert!(most <= 101, "{most} rows with files");
    }

    #[test]
    fn what_goes_to_the_hosts_terminal_is_in_the_list() {
        for number in host::terminal::requests() {
            assert!(IOCTL.iter().any(|rules| rules.contains(&arg(1).is(number))), "{number:#x}");
        }
    }

    #[test]
    fn nothing_that_makes_a_process_or_names_a_file_is_in_the_list() {
        for number in [
            nr::execve,
            nr::execveat,
            nr::fork,
            nr::vfork,
            nr::socket,
            nr::connect,
            nr::ptrace,
            nr::mount,
            nr::unshare,
            nr::setns,
            nr::bpf,
            nr::unlinkat,
            nr::mkdirat,
        ] {
            assert!(SENTRY.iter().all(|row| row.number != number), "{:?}", nr::name(number));
        }
    }
}

//! The host system calls that the gofer may make once it serves, and why. Any other kills it.

use abi::nr;
use host::seccomp::{Row, arg};

/// `PROT_EXEC`.
const EXECUTE: u64 = 4;
/// `F_GETFD`.
const GET_FLAGS: u32 = 1;
/// `F_DUPFD_CLOEXEC`.
const COPY: u32 = 1030;
/// `F_OFD_GETLK`.
const GET_LOCK: u32 = 36;
/// `F_OFD_SETLK`.
const SET_LOCK: u32 = 37;

/// `AF_UNIX`.
const UNIX: u32 = 1;

/// What finding files, changing names and attributes takes, by whoever does it (decision 17). Of these calls the descriptors and mounts that the process
/// holds are the bounds.
pub const FILES: &[Row] = &[
    Row::always(nr::openat, "looks one name up in one directory, reopens what is held, and makes files"),
    Row::always(nr::readlinkat, "reads symbolic links"),
    Row::always(nr::getdents64, "lists directories"),
    Row::always(nr::fstatfs, "describes filesystems"),
    Row::always(nr::syncfs, "brings filesystems to disk"),
    Row::always(nr::mkdirat, "makes directories"),
    Row::always(nr::mknodat, "makes FIFOs, sockets and whiteouts; devices need a capability that is gone"),
    Row::always(nr::symlinkat, "makes symbolic links"),
    Row::always(nr::linkat, "makes hard links"),
    Row::always(nr::unlinkat, "removes names"),
    Row::always(nr::renameat2, "moves names"),
    Row::always(nr::fchmodat, "changes permissions"),
    Row::always(nr::fchownat, "changes owners"),
    Row::always(nr::getxattr, "reads extended attributes"),
    Row::always(nr::setxattr, "sets extended attributes"),
    Row::always(nr::listxattr, "lists extended attributes"),
    Row::always(nr::removexattr, "removes extended attributes"),
    Row::always(nr::inotify_init1, "hears of what others do to files"),
    Row::always(nr::inotify_add_watch, "of which files"),
    Row::always(nr::inotify_rm_watch, "of which no more"),
];

/// What the gofer does besides.
const TABLE: &[Row] = &[
    // Talking to the client.
    Row::always(nr::ppoll, "waits for requests"),
    Row::always(nr::recvfrom, "takes requests; descriptors sent along are closed by the host"),
    Row::always(nr::sendmsg, "answers, with donated descriptors"),
    // Holding files.
    Row::always(nr::close, "lets go of files"),
    Row::always(nr::statx, "describes files"),
    Row::always(nr::lseek, "goes on with a listing where the client wants"),
    // Contents, where no descriptor was donated.
    Row::always(nr::pread64, "reads files"),
    Row::always(nr::pwrite64, "writes files"),
    Row::always(nr::ftruncate, "sets the size of files"),
    Row::always(nr::fallocate, "allocates space"),
    Row::always(nr::fsync, "brings files to disk"),
    Row::always(nr::fdatasync, "brings their contents to disk"),
    Row::when(
        nr::fcntl,
        &[&[arg(1).is(GET_LOCK)], &[arg(1).is(SET_LOCK)], &[arg(1).is(GET_FLAGS)], &[arg(1).is(COPY)]],
        "record locks of the base dialect, never waiting; a copy of what events come from; debug builds look at a descriptor before they close it",
    ),
    // Attributes.
    Row::always(nr::utimensat, "changes times"),
    // The runtime of the language: memory, locks, the end of threads.
    Row::when(nr::mmap, &[&[arg(2).without(EXECUTE)]], "memory of the allocator"),
    Row::when(nr::mprotect, &[&[arg(2).without(EXECUTE)]], "memory of the allocator"),
    Row::always(nr::munmap, "memory of the allocator, stacks of threads that ended"),
    Row::always(nr::mremap, "memory of the allocator"),
    Row::always(nr::madvise, "memory of the allocator, stacks of threads that ended"),
    Row::always(nr::brk, "memory of the allocator"),
    Row::always(nr::futex, "waits for threads to end"),
    Row::always(nr::restart_syscall, "goes on waiting after a stop"),
    Row::always(nr::sched_yield, "lets the holder of a lock run, and the client while it looks for requests"),
    Row::always(nr::rt_sigprocmask, "the end of a thread"),
    Row::always(nr::rt_sigreturn, "returns from signal handlers"),
    Row::always(nr::sigaltstack, "the end of a thread"),
    Row::always(nr::getrandom, "keys of hash tables"),
    Row::always(nr::clock_gettime, "times in the log, where the host's vDSO cannot tell"),
    Row::always(nr::write, "the log"),
    Row::always(nr::exit, "the end of a thread"),
    Row::always(nr::exit_group, "the end"),
];

/// Besides, where clients reach sockets of the host or are reached by them.
const SOCKETS: &[Row] = &[Row::when(nr::socket, &[&[arg(0).is(UNIX)]], "a socket to connect or to bind")];
const CONNECTS: &[Row] = &[Row::always(nr::connect, "connects to a socket of the host that lies in a tree")];
const BINDS: &[Row] = &[Row::always(nr::bind, "gives a socket a name in a tree")];

/// What reaching so much takes, by whoever does it.
pub fn reaching(reach: crate::Reach) -> impl Iterator<Item = Row> {
    let crate::Reach { sockets, binds, fifos: _ } = reach;
    let rows = [(sockets || binds, SOCKETS), (sockets, CONNECTS), (binds, BINDS)];
    rows.into_iter().filter(|(needed, _)| *needed).flat_map(|(_, rows)| rows).copied()
}

/// The list of a gofer whose clients may reach so much.
#[must_use]
pub fn table(reach: crate::Reach) -> Vec<Row> {
    TABLE.iter().chain(FILES).copied().chain(reaching(reach)).collect()
}

#[cfg(test)]
mod tests {
    use host::seccomp::{AllowList, Mismatch};

    use super::*;

    const MOST: crate::Reach = crate::Reach { sockets: true, binds: true, fifos: true };

    #[test]
    fn the_table_assembles_and_every_row_says_why() {
        let most = table(MOST);
        assert_eq!(most.len(), TABLE.len() + FILES.len() + 3);
        assert!(AllowList::new(&most, Mismatch::Kill).unwrap().len() > most.len());
        assert!(most.iter().all(|row| !row.why.is_empty()));
    }

    #[test]
    fn it_stays_below_what_others_need() {
        let most = table(MOST);
        assert!(most.len() <= 54, "{} rows", most.len());
    }
}

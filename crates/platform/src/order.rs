//! What a stub can be told to do to its own address space.

use std::os::fd::OwnedFd;
use std::sync::Arc;

/// Where the pages of a new mapping come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// Zero pages.
    Anonymous,
    /// A host file, from this offset (a multiple of the page size). The descriptor is lent to the stub for the one mapping.
    File {
        /// The host file, opened with the access that the guest has.
        file: Arc<OwnedFd>,
        /// Byte offset.
        offset: u64,
    },
}

/// The kinds of advice a stub may give for the guest: the numbers of madvise(2), already vetted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advice(pub i32);

/// One step, carried out by the stub as a host call of its own. Addresses in the stub's range fail with `EINVAL` or `ENOMEM`.
#[derive(Clone, Debug)]
pub enum Order {
    /// mmap(2). `flags` are Linux's `MAP_*` bits, of which the platform takes those it knows and refuses the rest;
    /// `MAP_ANONYMOUS` follows from `source`. Result: the address.
    Map {
        /// Hint, or the address with `MAP_FIXED` or `MAP_FIXED_NOREPLACE`.
        address: u64,
        /// Bytes.
        length: u64,
        /// `PROT_*` bits.
        protection: u32,
        /// `MAP_*` bits.
        flags: u32,
        /// What is mapped.
        source: Source,
    },
    /// munmap(2).
    Unmap {
        /// Page-aligned.
        address: u64,
        /// Bytes.
        length: u64,
    },
    /// mprotect(2).
    Protect {
        /// Page-aligned.
        address: u64,
        /// Bytes.
        length: u64,
        /// `PROT_*` bits.
        protection: u32,
    },
    /// mremap(2). Result: the address.
    Remap {
        /// Page-aligned.
        address: u64,
        /// Bytes.
        old_length: u64,
        /// Bytes.
        new_length: u64,
        /// `MREMAP_*` bits.
        flags: u32,
        /// With `MREMAP_FIXED`.
        new_address: u64,
    },
    /// madvise(2).
    Advise {
        /// Page-aligned.
        address: u64,
        /// Bytes.
        length: u64,
        /// What.
        advice: Advice,
    },
    /// msync(2).
    Sync {
        /// Page-aligned.
        address: u64,
        /// Bytes.
        length: u64,
        /// `MS_*` bits.
        flags: u32,
    },
    /// brk(2), within the bounds that the kernel has looked at. Result: the break, which has not moved if it cannot be there.
    Break {
        /// Address.
        to: u64,
    },
    /// set_tid_address(2): what the host clears and wakes when the thread ends. Its result has no meaning.
    SetClearChildTid {
        /// Address, or 0.
        address: u64,
    },
    /// Everything but the stub and the vDSO is unmapped.
    UnmapAll,
    /// Whether system call instructions of the process may be patched. What is patched becomes again what its files have when it may
    /// not: for a process that somebody looks into. Its result has no meaning.
    Patch {
        /// Whether they may.
        allowed: bool,
    },
    /// futex(2), with its arguments: one of the operations that do not wait.
    Futex {
        /// As the guest gave them.
        args: [u64; 6],
    },
    /// mincore(2): one byte for each page is written to guest memory.
    Residency {
        /// Page-aligned.
        address: u64,
        /// Bytes.
        length: u64,
        /// Where the bytes go.
        vector: u64,
    },
    /// mseal(2).
    Seal {
        /// Page-aligned.
        address: u64,
        /// Bytes.
        length: u64,
    },
    /// membarrier(2): one of the commands that the host offers to guests.
    Barrier {
        /// `MEMBARRIER_CMD_*`.
        command: u32,
    },
    /// rseq(2): the host restarts the thread's sequences.
    Restartable {
        /// Where the thread's area lies.
        area: u64,
        /// Its bytes.
        length: u32,
        /// `RSEQ_FLAG_*`.
        flags: u32,
        /// What stands before the place where a sequence goes on that was cut.
        signature: u32,
    },
    /// Calls that the host would carry out by itself come to the kernel from now on, as [`crate::Stop::Trap`]: in this process and in those that
    /// it makes, for good. The result is 0, or another number if that could not be had for all threads.
    Watch(Watch),
}

/// What is watched of [`crate::Platform::native_calls`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watch {
    /// Numbers.
    pub calls: Vec<u64>,
    /// Operations of futex(2), with their flags, that are not watched although `calls` has it.
    pub free_futex: Vec<u32>,
}

/// One mapping, as a line of /proc/PID/maps has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// First address.
    pub start: u64,
    /// One past the last.
    pub end: u64,
    /// `PROT_*` bits.
    pub protection: u32,
    /// `MAP_SHARED`.
    pub shared: bool,
    /// Byte offset in the file.
    pub offset: u64,
    /// The host device and inode of the mapped file, which the kernel translates to the guest's.
    pub host_file: Option<(u64, u64)>,
    /// What the host shows as name (`[stack]`, `[vdso]`, a path of the host, which must not be shown to guests).
    pub host_name: String,
}

//! Address spaces.

use kernel::{UserAddr, UserPtr};
use vfs::Fd;

use crate::Support::{Full, Partial};
use crate::memory::{brk, lock, map, process_vm, range};
use crate::{Row, rows};

pub(super) static ROWS: &[Row] = rows! {
    now mmap(map::mmap, address: u64, length: u64, protection: u32, flags: u32, fd: Fd, offset: u64) Partial("no huge pages by MAP_HUGETLB; MAP_GROWSDOWN does not grow");
    now munmap(range::munmap, address: u64, length: u64) Full;
    now mprotect(range::mprotect, address: u64, length: u64, protection: u32) Full;
    now mremap(range::mremap, address: u64, old_length: u64, new_length: u64, flags: u32, new_address: u64) Full;
    now madvise(range::madvise, address: u64, length: u64, advice: i32) Full;
    now msync(range::msync, address: u64, length: u64, flags: u32) Full;
    later brk(brk::brk, wanted: u64) Full;
    now mlock(lock::mlock, address: u64, length: u64) Partial("limits are checked; pages are not pinned");
    now mlock2(lock::mlock2, address: u64, length: u64, flags: u32) Partial("limits are checked; pages are not pinned");
    now munlock(lock::munlock, address: u64, length: u64) Partial("pages are never pinned");
    now mlockall(lock::mlockall, flags: u32) Partial("limits are checked; pages are not pinned");
    now munlockall(lock::munlockall) Partial("pages are never pinned");
    now mincore(lock::mincore, address: u64, length: u64, vector: UserAddr) Partial("every mapped page is said to be in memory");
    now process_vm_readv(process_vm::process_vm_readv, pid: i32, local: UserPtr<[u64; 2]>, local_count: usize, remote: UserPtr<[u64; 2]>, remote_count: usize, flags: u64) Full;
    now process_vm_writev(process_vm::process_vm_writev, pid: i32, local: UserPtr<[u64; 2]>, local_count: usize, remote: UserPtr<[u64; 2]>, remote_count: usize, flags: u64) Full;
    ; none {
        remap_file_pages, "deprecated, and not offered";
        pkey_mprotect, "no protection keys";
        pkey_alloc, "no protection keys";
        pkey_free, "no protection keys";
        mbind, "no NUMA";
        set_mempolicy, "no NUMA";
        get_mempolicy, "no NUMA";
        migrate_pages, "no NUMA";
        move_pages, "no NUMA";
        process_madvise, "not yet";
        process_mrelease, "not yet";
        memfd_secret, "not offered";
        map_shadow_stack, "not offered";
        mseal, "not yet";
    }
};

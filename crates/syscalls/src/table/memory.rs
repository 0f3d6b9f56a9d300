//! Address spaces.

use kernel::UserPtr;
use vfs::Fd;

use crate::Support::{Full, Partial};
use crate::memory::{brk, keys, lock, map, nodes, process, process_vm, range, residency};
use crate::{Row, rows};

const PINNED: &str = "pages are brought in, counted and told; they are not pinned";
const KEYS: &str = "as on a processor without protection keys";
const NODES: &str = "as on a machine with one node";

pub(super) static ROWS: &[Row] = rows! {
    later mmap(map::mmap, address: u64, length: u64, protection: u32, flags: u32, fd: Fd, offset: u64) Partial("no huge pages by MAP_HUGETLB");
    now munmap(range::munmap, address: u64, length: u64) Full;
    now mprotect(range::mprotect, address: u64, length: u64, protection: u32) Full;
    now mremap(range::mremap, address: u64, old_length: u64, new_length: u64, flags: u32, new_address: u64) Full;
    now madvise(range::madvise, address: u64, length: u64, advice: i32) Full;
    now msync(range::msync, address: u64, length: u64, flags: u32) Full;
    now brk(brk::brk, wanted: u64) Full;
    later mlock(lock::mlock, address: u64, length: u64) Partial(PINNED);
    later mlock2(lock::mlock2, address: u64, length: u64, flags: u32) Partial(PINNED);
    now munlock(lock::munlock, address: u64, length: u64) Partial(PINNED);
    later mlockall(lock::mlockall, flags: u32) Partial(PINNED);
    now munlockall(lock::munlockall) Partial(PINNED);
    now mincore(residency::mincore, address: u64, length: u64, vector: u64) Full;
    now mseal(range::mseal, address: u64, length: u64, flags: u64) Full;
    later process_madvise(process::process_madvise, process: Fd, pieces: UserPtr<[u64; 2]>, count: usize, advice: i32, flags: u32) Partial("hints for other processes are checked, and not taken");
    now process_mrelease(process::process_mrelease, process: Fd, flags: u32) Full;
    now pkey_alloc(keys::pkey_alloc, flags: u64, rights: u64) Partial(KEYS);
    now pkey_free(keys::pkey_free, key: i32) Partial(KEYS);
    now pkey_mprotect(keys::pkey_mprotect, address: u64, length: u64, protection: u32, key: i32) Partial(KEYS);
    now set_mempolicy(nodes::set_mempolicy, mode: u32, mask: UserPtr<u64>, count: u64) Partial(NODES);
    now get_mempolicy(nodes::get_mempolicy, mode: UserPtr<u32>, mask: UserPtr<u64>, count: u64, address: u64, flags: u32) Partial(NODES);
    now mbind(nodes::mbind, address: u64, length: u64, mode: u32, mask: UserPtr<u64>, count: u64, flags: u32) Partial(NODES);
    now set_mempolicy_home_node(nodes::set_mempolicy_home_node, address: u64, length: u64, node: u64, flags: u64) Partial(NODES);
    now migrate_pages(nodes::migrate_pages, pid: i32, count: u64, old: UserPtr<u64>, new: UserPtr<u64>) Partial(NODES);
    now process_vm_readv(process_vm::process_vm_readv, pid: i32, local: UserPtr<[u64; 2]>, local_count: usize, remote: UserPtr<[u64; 2]>, remote_count: usize, flags: u64) Full;
    now process_vm_writev(process_vm::process_vm_writev, pid: i32, local: UserPtr<[u64; 2]>, local_count: usize, remote: UserPtr<[u64; 2]>, remote_count: usize, flags: u64) Full;
    ; none {
        remap_file_pages, "deprecated, and not offered";
        move_pages, "no NUMA";
        memfd_secret, "not offered";
        map_shadow_stack, "not offered";
    }
};

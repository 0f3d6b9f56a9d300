//! memfd_create(2).

use std::sync::{Arc, LazyLock};

use abi::Errno;
use kernel::memory::read_string;
use kernel::{Task, UserAddr};
use tmpfs::{Options, Tmpfs};
use vfs::{Fd, OpenFlags, Owner};

use super::descriptor;

/// The longest name, with its NUL.
const NAME_ROOM: usize = 250;

bitflags::bitflags! {
    /// `MFD_*`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    struct Flags: u32 {
        const CLOEXEC = 1;
        const ALLOW_SEALING = 2;
        const HUGETLB = 4;
        const NOEXEC_SEAL = 8;
        const EXEC = 16;
    }
}

/// Where the files lie: a filesystem that is mounted nowhere.
static FILESYSTEM: LazyLock<Arc<Tmpfs>> = LazyLock::new(|| {
    let memory = host::machine::memory();
    Tmpfs::new(Options::for_memory(memory), memory)
});

/// memfd_create(2). `MFD_HUGETLB` fails as in a kernel without huge pages set aside.
///
/// # Errors
/// Those of memfd_create(2).
pub fn memfd_create(task: &Arc<Task>, name: UserAddr, flags: u32) -> Result<Fd, Errno> {
    let flags = Flags::from_bits(flags).ok_or(Errno::EINVAL)?;
    if flags.contains(Flags::EXEC | Flags::NOEXEC_SEAL) {
        return Err(Errno::EINVAL);
    }
    let long = |errno| if errno == Errno::ENAMETOOLONG { Errno::EINVAL } else { errno };
    let name = read_string(&*task.memory(), name, NAME_ROOM).map_err(long)?;
    if flags.contains(Flags::HUGETLB) {
        return Err(Errno::ENOMEM);
    }
    let credentials = task.credentials();
    let owner = Owner { uid: credentials.fsuid, gid: credentials.fsgid };
    let (sealable, executable) = (flags.contains(Flags::ALLOW_SEALING), !flags.contains(Flags::NOEXEC_SEAL));
    let file = tmpfs::memfd(&FILESYSTEM, &name, owner, sealable, executable)?;
    let open = OpenFlags::RDWR | OpenFlags::LARGEFILE;
    descriptor::install_new(task, file, open, flags.contains(Flags::CLOEXEC))
}

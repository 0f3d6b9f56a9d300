//! Addresses as the calls take and give them.

use abi::Errno;
use abi::socket::address::STORAGE_SIZE;
use kernel::memory::{read_exact, write_all};
use kernel::{Task, UserAddr, UserPtr};
use socket::{Address, SocketInode, UnixAddress};
use vfs::resolve::Lookup;
use vfs::{Access, At, FileKind, InodeRef};

/// Reads an address.
///
/// # Errors
/// `EINVAL` for a length that no address has, `EFAULT`.
pub(super) fn read(task: &Task, at: UserAddr, length: i32) -> Result<Address, Errno> {
    let length = usize::try_from(length).ok().filter(|n| *n <= STORAGE_SIZE).ok_or(Errno::EINVAL)?;
    let mut bytes = [0; STORAGE_SIZE];
    let bytes = bytes.get_mut(..length).ok_or(Errno::EINVAL)?;
    read_exact(&*task.memory(), at, bytes)?;
    Address::decode(bytes)
}

/// Reads the address of a socket to connect or send to: a path is looked up.
///
/// # Errors
/// As [`read`], `ECONNREFUSED` if the path leads to something else than a socket, `EACCES` if the socket may not be written to,
/// and those of path_resolution(7).
pub(super) fn read_destination(task: &Task, at: UserAddr, length: i32) -> Result<Address, Errno> {
    match read(task, at, length)? {
        Address::Unix(UnixAddress::Path { name, .. }) => {
            let inode = find(task, &name)?;
            Ok(Address::Unix(UnixAddress::Path { name, inode: Some(inode) }))
        }
        other => Ok(other),
    }
}

fn find(task: &Task, name: &[u8]) -> Result<SocketInode, Errno> {
    let inode = lies_at(task, name)?;
    Ok(SocketInode { device: inode.filesystem().device(), inode: inode.attributes()?.inode })
}

/// The socket's inode at a path.
///
/// # Errors
/// As [`read_destination`].
pub(super) fn lies_at(task: &Task, name: &[u8]) -> Result<InodeRef, Errno> {
    task.with_caller(|caller| {
        let found = caller.find(&At::here(name), Lookup::FOLLOW)?;
        let attributes = found.attributes()?;
        found.check(caller.credentials, &attributes, Access::WRITE)?;
        found.inode().filter(|_| attributes.kind == FileKind::Socket).ok_or(Errno::ECONNREFUSED)
    })
}

/// Writes an address to where `length` says how much room there is, and its whole length to `length`.
///
/// # Errors
/// `EINVAL` for negative room, `EFAULT`.
pub(super) fn write(
    task: &Task,
    address: Option<&Address>,
    at: UserAddr,
    length: UserPtr<i32>,
) -> Result<(), Errno> {
    let memory = task.memory();
    let room = usize::try_from(length.read(&*memory)?).map_err(|_| Errno::EINVAL)?;
    let bytes = address.map_or_else(Vec::new, Address::encode);
    write_all(&*memory, at, bytes.get(..room.min(bytes.len())).unwrap_or_default())?;
    length.write(&*memory, &i32::try_from(bytes.len()).unwrap_or(i32::MAX))
}

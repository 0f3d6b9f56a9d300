//! Record locks of open file descriptions (fcntl(2), `F_OFD_SETLK`), which never wait here.

use std::os::fd::{AsFd, AsRawFd};

use abi::Errno;

/// What a lock excludes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Writers.
    Read,
    /// Everybody.
    Write,
    /// Nobody: it is given up.
    Unlock,
}

/// A lock on a range of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordLock {
    /// What it excludes.
    pub kind: Kind,
    /// The first byte.
    pub start: u64,
    /// How many bytes; 0 for all that follow.
    pub length: u64,
}

/// Sets or gives up a lock for the descriptor's open file description.
///
/// # Errors
/// `EAGAIN` if another description has a lock in the way, `EINVAL` for a range beyond 63 bits, `EBADF` if the
/// descriptor is not open for what the lock is for, `ENOLCK`.
pub fn set(file: impl AsFd, lock: RecordLock) -> Result<(), Errno> {
    call(file, libc::F_OFD_SETLK, lock).map(|_| ())
}

/// The first lock in the way of this one, if there is one.
///
/// # Errors
/// As [`set`], without `EAGAIN`.
pub fn get(file: impl AsFd, lock: RecordLock) -> Result<Option<RecordLock>, Errno> {
    let found = call(file, libc::F_OFD_GETLK, lock)?;
    let kind = match i32::from(found.l_type) {
        libc::F_RDLCK => Kind::Read,
        libc::F_WRLCK => Kind::Write,
        _ => return Ok(None),
    };
    let positive = |value: i64| u64::try_from(value).map_err(|_| Errno::EIO);
    Ok(Some(RecordLock { kind, start: positive(found.l_start)?, length: positive(found.l_len)? }))
}

fn call(file: impl AsFd, command: libc::c_int, lock: RecordLock) -> Result<libc::flock, Errno> {
    let kind = match lock.kind {
        Kind::Read => libc::F_RDLCK,
        Kind::Write => libc::F_WRLCK,
        Kind::Unlock => libc::F_UNLCK,
    };
    let mut request = libc::flock {
        l_type: i16::try_from(kind).map_err(|_| Errno::EINVAL)?,
        l_whence: i16::try_from(libc::SEEK_SET).map_err(|_| Errno::EINVAL)?,
        l_start: i64::try_from(lock.start).map_err(|_| Errno::EINVAL)?,
        l_len: i64::try_from(lock.length).map_err(|_| Errno::EINVAL)?,
        // The kernel wants zero here for locks of open file descriptions.
        l_pid: 0,
    };
    // SAFETY: the command takes a pointer to a `flock`, which the kernel reads and for F_OFD_GETLK writes; it is valid for both.
    let result = unsafe { libc::fcntl(file.as_fd().as_raw_fd(), command, &raw mut request) };
    if result == 0 { Ok(request) } else { Err(crate::last_errno()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_exclude_each_other() {
        let path = format!("/proc/self/fd/{}", {
            let file = rustix::fs::memfd_create("lock", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
            std::os::fd::IntoRawFd::into_raw_fd(file)
        });
        let open = || std::fs::File::options().read(true).write(true).open(&path).unwrap();
        let (one, two) = (open(), open());
        let lock = RecordLock { kind: Kind::Write, start: 10, length: 5 };
        set(&one, lock).unwrap();
        assert_eq!(set(&two, lock), Err(Errno::EAGAIN));
        assert_eq!(get(&two, RecordLock { kind: Kind::Read, start: 0, length: 0 }), Ok(Some(lock)));
        assert_eq!(get(&one, lock), Ok(None), "one's own lock is not in the way");
        set(&one, RecordLock { kind: Kind::Unlock, start: 0, length: 0 }).unwrap();
        assert_eq!(set(&two, lock), Ok(()));
        assert_eq!(set(&one, RecordLock { start: u64::MAX, ..lock }), Err(Errno::EINVAL));
    }
}

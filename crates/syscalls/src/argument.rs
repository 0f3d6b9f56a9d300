//! Arguments of system calls: how a register becomes a typed value, and how `--strace` shows it.

use abi::Errno;
use kernel::{Task, UserAddr, UserPtr};
use vfs::Fd;
use zerocopy::{FromBytes, FromZeros, IntoBytes};

/// A type that a system call takes in a register.
pub trait Argument: Sized {
    /// The value. Types with unknown bits reject them here with the errno that Linux uses.
    ///
    /// # Errors
    /// `EINVAL` mostly.
    fn decode(raw: u64) -> Result<Self, Errno>;

    /// How it is shown, before the call is carried out.
    fn show(raw: u64, task: &Task) -> String {
        let _ = task;
        format!("{raw:#x}")
    }
}

/// The lower half of a register: what C's `int` and `unsigned int` are passed in. The upper half is ignored, as Linux does.
const fn low(raw: u64) -> u32 {
    let bytes = raw.to_le_bytes();
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

impl Argument for Fd {
    fn decode(raw: u64) -> Result<Self, Errno> {
        Ok(Self(low(raw).cast_signed()))
    }

    fn show(raw: u64, _: &Task) -> String {
        match low(raw).cast_signed() {
            -100 => String::from("AT_FDCWD"),
            fd => fd.to_string(),
        }
    }
}

impl Argument for u32 {
    fn decode(raw: u64) -> Result<Self, Errno> {
        Ok(low(raw))
    }
}

impl Argument for i32 {
    fn decode(raw: u64) -> Result<Self, Errno> {
        Ok(low(raw).cast_signed())
    }

    fn show(raw: u64, _: &Task) -> String {
        low(raw).cast_signed().to_string()
    }
}

impl Argument for u64 {
    fn decode(raw: u64) -> Result<Self, Errno> {
        Ok(raw)
    }
}

impl Argument for i64 {
    fn decode(raw: u64) -> Result<Self, Errno> {
        Ok(raw.cast_signed())
    }

    fn show(raw: u64, _: &Task) -> String {
        raw.cast_signed().to_string()
    }
}

impl Argument for usize {
    fn decode(raw: u64) -> Result<Self, Errno> {
        Self::try_from(raw).map_err(|_| Errno::EINVAL)
    }

    fn show(raw: u64, _: &Task) -> String {
        raw.to_string()
    }
}

impl Argument for UserAddr {
    fn decode(raw: u64) -> Result<Self, Errno> {
        Ok(Self(raw))
    }
}

impl<T> Argument for UserPtr<T> {
    fn decode(raw: u64) -> Result<Self, Errno> {
        Ok(Self::new(raw))
    }
}

/// Reads a structure that later kernels may have made longer, of which the guest has `size` bytes: what it lacks is zero.
///
/// # Errors
/// `E2BIG` if what is not known is not zero, `EFAULT`. The caller has checked the size.
pub fn read_extensible<T: FromZeros + IntoBytes + FromBytes>(
    task: &Task,
    at: UserAddr,
    size: usize,
) -> Result<T, Errno> {
    let mut bytes = vec![0; size];
    kernel::memory::read_exact(&*task.memory(), at, &mut bytes)?;
    let mut value = T::new_zeroed();
    let known = value.as_mut_bytes();
    if bytes.iter().skip(known.len()).any(|byte| *byte != 0) {
        return Err(Errno::E2BIG);
    }
    known.iter_mut().zip(&bytes).for_each(|(to, from)| *to = *from);
    Ok(value)
}

/// The address of a NUL-terminated path.
#[derive(Clone, Copy, Debug)]
pub struct PathPtr(pub UserAddr);

impl PathPtr {
    /// Reads the path from the task's memory.
    ///
    /// # Errors
    /// `EFAULT`, `ENAMETOOLONG`.
    pub fn read(self, task: &Task) -> Result<Vec<u8>, Errno> {
        kernel::memory::read_path(&*task.memory(), self.0)
    }
}

impl Argument for PathPtr {
    fn decode(raw: u64) -> Result<Self, Errno> {
        Ok(Self(UserAddr(raw)))
    }

    fn show(raw: u64, task: &Task) -> String {
        match Self(UserAddr(raw)).read(task) {
            Ok(path) => format!("{:?}", String::from_utf8_lossy(&path)),
            Err(_) => format!("{raw:#x}"),
        }
    }
}

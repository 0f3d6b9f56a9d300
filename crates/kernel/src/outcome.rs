//! How a system call ends.

use platform::Order;

use crate::clone::Birth;

/// What a successful system call leaves behind.
#[derive(Debug)]
pub enum Outcome {
    /// A value for the guest.
    Value(u64),
    /// Steps in the guest's address space, the last of which gives the value.
    Orders(Vec<Order>),
    /// A child that the host makes now, and whose id is the value.
    Clone(Box<Birth>),
    /// The registers were set as a whole (execve, rt_sigreturn): nothing is returned.
    Context,
    /// The task has ended and does not return.
    Ended,
}

impl From<()> for Outcome {
    fn from((): ()) -> Self {
        Self::Value(0)
    }
}

impl From<u64> for Outcome {
    fn from(value: u64) -> Self {
        Self::Value(value)
    }
}

impl From<u32> for Outcome {
    fn from(value: u32) -> Self {
        Self::Value(u64::from(value))
    }
}

impl From<usize> for Outcome {
    fn from(value: usize) -> Self {
        Self::Value(value as u64)
    }
}

impl From<i32> for Outcome {
    fn from(value: i32) -> Self {
        Self::Value(i64::from(value).cast_unsigned())
    }
}

impl From<vfs::Fd> for Outcome {
    fn from(fd: vfs::Fd) -> Self {
        Self::from(fd.0)
    }
}

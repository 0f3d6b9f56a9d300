//! Values of socket options.

use abi::Errno;
use abi::socket::message::Ucred;
use abi::socket::option::{Linger, Timeval};
use zerocopy::{FromBytes, IntoBytes};

use crate::Identity;

/// The value of an option, as getsockopt(2) reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptionValue {
    /// An integer.
    Int(i32),
    /// 64 bits.
    Wide(u64),
    /// Who somebody is, which each reader sees with other numbers.
    Identity(Identity),
    /// Anything else, as bytes.
    Bytes(Vec<u8>),
}

impl OptionValue {
    /// From a flag.
    #[must_use]
    pub const fn flag(on: bool) -> Self {
        Self::Int(on as i32)
    }

    /// From a size or a number that is never negative; what does not fit shows as the largest.
    #[must_use]
    pub fn number(value: impl TryInto<i32>) -> Self {
        Self::Int(value.try_into().unwrap_or(i32::MAX))
    }

    /// `struct linger`.
    #[must_use]
    pub fn linger(value: Linger) -> Self {
        Self::Bytes(value.as_bytes().to_vec())
    }

    /// `struct timeval`.
    #[must_use]
    pub fn time(value: Timeval) -> Self {
        Self::Bytes(value.as_bytes().to_vec())
    }

    /// The bytes that go to the program, which sees an identity as `show` says.
    #[must_use]
    pub fn to_bytes(&self, show: impl FnOnce(Identity) -> Ucred) -> Vec<u8> {
        match self {
            Self::Int(value) => value.as_bytes().to_vec(),
            Self::Wide(value) => value.as_bytes().to_vec(),
            Self::Identity(value) => show(*value).as_bytes().to_vec(),
            Self::Bytes(value) => value.clone(),
        }
    }
}

/// The integer that setsockopt(2) was given.
///
/// # Errors
/// `EINVAL` if it is shorter than an integer.
pub fn int(bytes: &[u8]) -> Result<i32, Errno> {
    i32::read_from_prefix(bytes).map(|(v, _)| v).map_err(|_| Errno::EINVAL)
}

/// The flag that setsockopt(2) was given.
///
/// # Errors
/// `EINVAL` if it is shorter than an integer.
pub fn flag(bytes: &[u8]) -> Result<bool, Errno> {
    int(bytes).map(|v| v != 0)
}

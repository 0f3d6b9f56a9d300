//! Guest memory, as system calls see it: typed pointers, strings, and sinks and sources for file data.
//!
//! Everything read from a guest is read once and is a copy.

use core::marker::PhantomData;
use core::ops::Deref;
use std::io::IoSlice;
use std::sync::Arc;

use abi::Errno;
use arc_swap::Guard;
use platform::Memory;
use smallvec::SmallVec;
use vfs::io::put_each;
use vfs::{Sink, Source};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes};

use crate::AddressSpace;

/// The end of user space: half of the addresses of four levels of page tables, less a guard page.
const USER_END: u64 = (1 << 47) - 4096;

/// An address that a guest passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct UserAddr(pub u64);

impl UserAddr {
    /// Whether it is the null pointer.
    #[must_use]
    pub const fn is_null(self) -> bool {
        self.0 == 0
    }

    /// Whether `length` bytes from here lie below the end of user space: what Linux checks before it looks at any of them.
    #[must_use]
    pub const fn holds(self, length: usize) -> bool {
        match self.0.checked_add(length as u64) {
            Some(end) => end <= USER_END,
            None => false,
        }
    }

    /// The address `by` bytes on; wraps, and then faults when used.
    #[must_use]
    pub const fn offset(self, by: u64) -> Self {
        Self(self.0.wrapping_add(by))
    }
}

/// A pointer to a structure (or the first of several) in guest memory.
pub struct UserPtr<T> {
    /// Where.
    pub addr: UserAddr,
    kind: PhantomData<fn() -> T>,
}

impl<T> Clone for UserPtr<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for UserPtr<T> {}

impl<T> core::fmt::Debug for UserPtr<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:#x}", self.addr.0)
    }
}

impl<T> UserPtr<T> {
    /// A pointer to this address.
    #[must_use]
    pub const fn new(addr: u64) -> Self {
        Self { addr: UserAddr(addr), kind: PhantomData }
    }

    /// Whether it is the null pointer.
    #[must_use]
    pub const fn is_null(self) -> bool {
        self.addr.is_null()
    }

    /// Nothing for the null pointer.
    #[must_use]
    pub fn some(self) -> Option<Self> {
        (!self.is_null()).then_some(self)
    }

    /// The element at an index.
    #[must_use]
    pub const fn at(self, index: u64) -> Self {
        Self::new(self.addr.0.wrapping_add(index.wrapping_mul(size_of::<T>() as u64)))
    }
}

impl<T: FromBytes + IntoBytes> UserPtr<T> {
    /// Reads the structure.
    ///
    /// # Errors
    /// `EFAULT`.
    pub fn read(self, memory: &dyn Memory) -> Result<T, Errno> {
        let mut value = T::new_zeroed();
        read_exact(memory, self.addr, value.as_mut_bytes())?;
        Ok(value)
    }
}

impl<T: FromBytes + IntoBytes + FromZeros> UserPtr<T> {
    /// Reads `count` structures. The caller has bounded the count.
    ///
    /// # Errors
    /// `EFAULT`, `EINVAL` if they cannot fit in memory.
    pub fn read_many(self, memory: &dyn Memory, count: usize) -> Result<Vec<T>, Errno> {
        let size = size_of::<T>().max(1);
        let mut bytes = vec![0; size.checked_mul(count).ok_or(Errno::EINVAL)?];
        read_exact(memory, self.addr, &mut bytes)?;
        let values =
            bytes.chunks_exact(size).map(|chunk| T::read_from_bytes(chunk).map_err(|_| Errno::EFAULT));
        values.collect()
    }
}

impl<T: IntoBytes + Immutable> UserPtr<T> {
    /// Writes the structure.
    ///
    /// # Errors
    /// `EFAULT`.
    pub fn write(self, memory: &dyn Memory, value: &T) -> Result<(), Errno> {
        write_all(memory, self.addr, value.as_bytes())
    }

    /// Writes several structures.
    ///
    /// # Errors
    /// `EFAULT`.
    pub fn write_many(self, memory: &dyn Memory, values: &[T]) -> Result<(), Errno> {
        write_all(memory, self.addr, values.as_bytes())
    }
}

/// The memory of a task, as it was when it was asked for. After the task's end, one in which every access fails.
pub struct TaskMemory(Guard<Arc<AddressSpace>>);

impl TaskMemory {
    pub(crate) const fn of(space: Guard<Arc<AddressSpace>>) -> Self {
        Self(space)
    }

    /// For who keeps it.
    #[must_use]
    pub fn share(&self) -> Arc<dyn Memory> {
        Arc::clone(&self.0.memory)
    }
}

impl Deref for TaskMemory {
    type Target = dyn Memory;

    fn deref(&self) -> &Self::Target {
        &*self.0.memory
    }
}

/// Reads exactly as many bytes as there is room for.
///
/// # Errors
/// `EFAULT`.
pub fn read_exact(memory: &dyn Memory, addr: UserAddr, into: &mut [u8]) -> Result<(), Errno> {
    if into.is_empty() {
        return Ok(());
    }
    if memory.read(addr.0, into)? == into.len() { Ok(()) } else { Err(Errno::EFAULT) }
}

/// Writes all the bytes.
///
/// # Errors
/// `EFAULT`; some may have been written.
pub fn write_all(memory: &dyn Memory, addr: UserAddr, from: &[u8]) -> Result<(), Errno> {
    if from.is_empty() {
        return Ok(());
    }
    if memory.write(addr.0, from)? == from.len() { Ok(()) } else { Err(Errno::EFAULT) }
}

/// Reads a string up to its NUL, which must be among the first `limit` bytes.
///
/// # Errors
/// `EFAULT`, `ENAMETOOLONG` if there is no NUL.
pub fn read_string(memory: &dyn Memory, addr: UserAddr, limit: usize) -> Result<Vec<u8>, Errno> {
    /// Most strings are short, and reading more than is needed costs.
    const FIRST: usize = 256;
    const PIECE: usize = 4096;
    let mut first = [0; FIRST];
    let room = first.get_mut(..limit.min(FIRST)).unwrap_or_default();
    let got = memory.read(addr.0, room)?;
    let found = room.get(..got).unwrap_or_default();
    if let Some(end) = found.iter().position(|b| *b == 0) {
        return Ok(found.get(..end).unwrap_or_default().to_vec());
    }
    let mut text = found.to_vec();
    while text.len() < limit {
        let done = text.len();
        text.resize(done + PIECE.min(limit - done), 0);
        let room = text.get_mut(done..).unwrap_or_default();
        let got = memory.read(addr.offset(done as u64).0, room)?;
        let end = room.iter().take(got).position(|b| *b == 0);
        text.truncate(done + end.unwrap_or(got));
        if end.is_some() {
            return Ok(text);
        }
    }
    Err(Errno::ENAMETOOLONG)
}

/// Reads the path argument of a system call.
///
/// # Errors
/// `EFAULT`, `ENAMETOOLONG`.
pub fn read_path(memory: &dyn Memory, addr: UserAddr) -> Result<Vec<u8>, Errno> {
    read_string(memory, addr, vfs::name::PATH_MAX)
}

/// A piece of guest memory, as in `struct iovec`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IoVec {
    /// Where.
    pub addr: UserAddr,
    /// Bytes.
    pub len: usize,
}

/// Pieces of guest memory: one most of the time.
pub type IoVecs = SmallVec<[IoVec; 1]>;

/// The most that one read or write moves, in bytes: Linux's `MAX_RW_COUNT`.
pub const MAX_RW_COUNT: usize = 0x7fff_f000;
/// The most elements of an iovec array (`IOV_MAX`).
pub const IOV_MAX: usize = 1024;

/// Pieces of guest memory and how far one is in them.
struct Cursor {
    memory: TaskMemory,
    pieces: IoVecs,
    at: usize,
    total: usize,
}

impl Cursor {
    fn new(memory: TaskMemory, pieces: IoVecs) -> Self {
        let total = pieces.iter().fold(0_usize, |sum, p| sum.saturating_add(p.len)).min(MAX_RW_COUNT);
        Self { memory, pieces, at: 0, total }
    }

    const fn left(&self) -> usize {
        self.total.saturating_sub(self.at)
    }

    /// Where the next bytes lie, if there is only one piece at all: most calls have one.
    fn only(&self, count: usize) -> Option<u64> {
        match self.pieces.as_slice() {
            [piece] if count <= piece.len.saturating_sub(self.at) => {
                Some(piece.addr.offset(self.at as u64).0)
            }
            _ => None,
        }
    }

    /// The pieces that `count` bytes from here lie in.
    fn next(&self, count: usize) -> Vec<(u64, usize)> {
        let (mut skip, mut want) = (self.at, count.min(self.left()));
        let mut found = Vec::new();
        for piece in &self.pieces {
            if want == 0 {
                break;
            }
            if skip >= piece.len {
                skip -= piece.len;
                continue;
            }
            let here = want.min(piece.len - skip);
            found.push((piece.addr.offset(skip as u64).0, here));
            want -= here;
            skip = 0;
        }
        found
    }
}

/// Guest memory that read data goes to.
pub struct GuestSink(Cursor);

impl GuestSink {
    /// A sink over pieces, filled in order.
    #[must_use]
    pub fn new(memory: TaskMemory, pieces: IoVecs) -> Self {
        Self(Cursor::new(memory, pieces))
    }
}

impl Sink for GuestSink {
    fn room(&self) -> usize {
        self.0.left()
    }

    fn put(&mut self, data: &[u8]) -> Result<usize, Errno> {
        let want = data.len().min(self.0.left());
        let Some(from) = data.get(..want).filter(|d| !d.is_empty()) else { return Ok(0) };
        let written = match self.0.only(want) {
            Some(addr) => self.0.memory.write(addr, from)?,
            None => self.0.memory.write_vectored(&self.0.next(want), from)?,
        };
        self.0.at += written;
        Ok(written)
    }

    fn put_many(&mut self, pieces: &[IoSlice<'_>]) -> Result<usize, Errno> {
        let want = pieces.iter().fold(0_usize, |sum, piece| sum.saturating_add(piece.len()));
        let Some(addr) = self.0.only(want).filter(|_| want <= self.0.left()) else {
            return put_each(self, pieces);
        };
        let written = self.0.memory.write_gathered(addr, pieces)?;
        self.0.at += written;
        Ok(written)
    }
}

/// Guest memory that written data comes from.
pub struct GuestSource(Cursor);

impl GuestSource {
    /// A source over pieces, taken in order.
    #[must_use]
    pub fn new(memory: TaskMemory, pieces: IoVecs) -> Self {
        Self(Cursor::new(memory, pieces))
    }
}

impl Source for GuestSource {
    fn left(&self) -> usize {
        self.0.left()
    }

    fn take(&mut self, into: &mut [u8]) -> Result<usize, Errno> {
        let want = into.len().min(self.0.left());
        let Some(into) = into.get_mut(..want).filter(|d| !d.is_empty()) else { return Ok(0) };
        let read = match self.0.only(want) {
            Some(addr) => self.0.memory.read(addr, into)?,
            None => self.0.memory.read_vectored(&self.0.next(want), into)?,
        };
        self.0.at += read;
        Ok(read)
    }

    fn give_back(&mut self, count: usize) {
        self.0.at = self.0.at.saturating_sub(count);
    }
}

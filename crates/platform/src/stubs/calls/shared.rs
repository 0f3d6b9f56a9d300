//! Memory shared with a guest.

use std::os::fd::{AsRawFd, BorrowedFd};

use abi::Errno;

use super::last_error;

/// A mapping of a file that a guest has mapped too, with a structure of atomic words at its start. It never shrinks.
pub(in crate::stubs) struct SharedMapping<T> {
    at: *mut u8,
    length: usize,
    head: core::marker::PhantomData<T>,
}

// SAFETY: the mapping stays until it is dropped; what others write meanwhile is read as bytes or atomic words, of which any value is one.
unsafe impl<T: Sync> Send for SharedMapping<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for SharedMapping<T> {}

impl<T> SharedMapping<T> {
    /// Maps `length` bytes of a file that is sealed against shrinking.
    ///
    /// # Errors
    /// `ENOMEM`; `EINVAL` if the structure has no room.
    pub(in crate::stubs) fn new(file: BorrowedFd<'_>, length: usize) -> Result<Self, Errno> {
        if length < size_of::<T>() {
            return Err(Errno::EINVAL);
        }
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping at a place that the host chooses.
        let at = unsafe {
            let file = file.as_raw_fd();
            libc::mmap(core::ptr::null_mut(), length, protection, libc::MAP_SHARED, file, 0)
        };
        if at == libc::MAP_FAILED {
            return Err(last_error());
        }
        Ok(Self { at: at.cast(), length, head: core::marker::PhantomData })
    }

    /// The structure. Only its atomic words may be looked at.
    pub(in crate::stubs) fn head(&self) -> &T {
        // SAFETY: mapped, page-aligned, and long enough.
        unsafe { &*self.at.cast() }
    }

    /// The value at an offset, or nothing outside the mapping.
    pub(in crate::stubs) fn read<V: Copy + Default>(&self, offset: usize) -> Option<V> {
        let end = offset.checked_add(size_of::<V>())?;
        // SAFETY: within the mapping; the types that are read this way are plain words.
        (end <= self.length).then(|| unsafe { self.at.add(offset).cast::<V>().read_unaligned() })
    }

    /// Copies from the mapping; from outside it comes nothing.
    pub(in crate::stubs) fn read_bytes(&self, offset: usize, into: &mut [u8]) {
        if offset.checked_add(into.len()).is_some_and(|end| end <= self.length) {
            // SAFETY: within the mapping, and not within `into`. Bytes that change meanwhile are bytes.
            unsafe { core::ptr::copy_nonoverlapping(self.at.add(offset), into.as_mut_ptr(), into.len()) };
        }
    }

    /// Copies to the mapping; outside it goes nothing.
    pub(in crate::stubs) fn write(&self, offset: usize, from: &[u8]) {
        if offset.checked_add(from.len()).is_some_and(|end| end <= self.length) {
            // SAFETY: as above.
            unsafe { core::ptr::copy_nonoverlapping(from.as_ptr(), self.at.add(offset), from.len()) };
        }
    }
}

impl<T> Drop for SharedMapping<T> {
    fn drop(&mut self) {
        // SAFETY: its own mapping, to which nothing refers any more.
        unsafe { libc::munmap(self.at.cast(), self.length) };
    }
}

//! Seals of memfd_create(2) files: fcntl(2) `F_ADD_SEALS`.

use abi::Errno;

bitflags::bitflags! {
    /// `F_SEAL_*`.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Seals: u32 {
        /// No more seals.
        const SEAL = 0x01;
        /// It does not shrink.
        const SHRINK = 0x02;
        /// It does not grow.
        const GROW = 0x04;
        /// It is not written.
        const WRITE = 0x08;
        /// It is not written but through mappings that exist.
        const FUTURE_WRITE = 0x10;
        /// Its execute bits do not change.
        const EXEC = 0x20;
    }
}

impl Seals {
    pub(crate) const fn check_write(self, grows: bool) -> Result<(), Errno> {
        let sealed = self.intersects(Self::WRITE.union(Self::FUTURE_WRITE));
        if sealed || grows && self.contains(Self::GROW) { Err(Errno::EPERM) } else { Ok(()) }
    }

    pub(crate) const fn check_size(self, old: u64, new: u64) -> Result<(), Errno> {
        let shrinks = new < old && self.contains(Self::SHRINK);
        let grows = new > old && self.contains(Self::GROW);
        if shrinks || grows { Err(Errno::EPERM) } else { Ok(()) }
    }
}

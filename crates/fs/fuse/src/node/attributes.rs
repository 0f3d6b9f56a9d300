//! Attributes between the wire and the VFS, and how long they last.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use abi::Errno;
use abi::file::{STATX_BASIC_STATS as BASIC, STATX_BTIME};
use vfs::{Attributes, Device, FileKind, Freshness, Owner, StatusQuery, Timestamp, UserNamespace};

use super::Node;
use crate::wire::{Attr, AttrOut, InitFlags, Opcode, SxStat};

/// The largest size of a file.
const SIZE_MAX: u64 = i64::MAX.cast_unsigned();
/// Longer than anything lasts, seconds.
const FOREVER: u64 = 1 << 32;
/// What has happened to a file since its attributes were asked for.
const READ: u8 = 1;
const WRITTEN: u8 = 2;
const RENAMED: u8 = 4;
const NANOSECONDS_MAX: u32 = 999_999_999;
/// The owner of files whose owners there are not.
const NOBODY: u32 = u32::MAX;
/// `STATX_ATIME`.
const TIME_OF_READING: u32 = 0x20;
/// `STATX_MTIME`, `STATX_CTIME` and `STATX_SIZE`.
const OF_WRITING: u32 = 0x40 | 0x80 | 0x200;
/// `STATX_CTIME` and `STATX_NLINK`.
const OF_NAMES: u32 = 0x80 | 0x4;
const STATX_BLOCKS: u32 = 0x400;

/// What is known of a file.
pub(super) struct Known {
    pub(super) attributes: Attributes,
    /// Until when; nothing if not any more.
    pub(super) until: Option<Instant>,
    /// Whether the server was asked when it was born.
    birth_known: bool,
}

impl Known {
    pub(super) const fn new(attributes: Attributes, until: Option<Instant>) -> Self {
        Self { attributes, until, birth_known: false }
    }

    /// Of a root that nobody has asked for.
    pub(super) fn of_root(mode: u32) -> Self {
        let kind = FileKind::from_mode(mode).unwrap_or(FileKind::Directory);
        let none = Timestamp::default();
        let attributes = Attributes {
            inode: 1,
            kind,
            mode: mode & 0o7777,
            links: 1,
            owner: Owner::default(),
            device: Device::default(),
            size: 0,
            blocks: 0,
            block_size: 4096,
            accessed: none,
            modified: none,
            changed: none,
            born: None,
            flags: None,
        };
        Self::new(attributes, None)
    }
}

/// Until when something may be believed that was asked for at a time.
pub(super) fn lasts(asked: Instant, seconds: u64, nanoseconds: u32) -> Option<Instant> {
    if seconds == 0 && nanoseconds == 0 {
        return None;
    }
    asked.checked_add(Duration::new(seconds.min(FOREVER), nanoseconds.min(NANOSECONDS_MAX)))
}

/// What a server told of a file, with the ids of a user namespace.
///
/// # Errors
/// `EIO` for a type or a size that no file has.
pub(super) fn from_wire(attr: &Attr, user: &UserNamespace) -> Result<Attributes, Errno> {
    let kind = FileKind::from_mode(attr.mode).ok_or(Errno::EIO)?;
    if attr.size > SIZE_MAX {
        return Err(Errno::EIO);
    }
    let time = |seconds: u64, nanoseconds: u32| Timestamp {
        seconds: seconds.cast_signed(),
        nanoseconds: nanoseconds.min(NANOSECONDS_MAX),
    };
    Ok(Attributes {
        inode: attr.ino,
        kind,
        mode: attr.mode & 0o7777,
        links: attr.nlink.into(),
        owner: Owner { uid: user.uid(attr.uid).unwrap_or(NOBODY), gid: user.gid(attr.gid).unwrap_or(NOBODY) },
        device: Device::decode(attr.rdev.into()),
        size: attr.size,
        blocks: attr.blocks,
        block_size: block_size(attr.blksize),
        accessed: time(attr.atime, attr.atimensec),
        modified: time(attr.mtime, attr.mtimensec),
        changed: time(attr.ctime, attr.ctimensec),
        born: None,
        flags: None,
    })
}

/// The attributes that GETATTR tells too.
fn without_birth(stat: &SxStat) -> Attr {
    let (major, minor) = (stat.rdev_major, stat.rdev_minor);
    Attr {
        ino: stat.ino,
        size: stat.size,
        blocks: stat.blocks,
        atime: stat.atime.tv_sec.cast_unsigned(),
        mtime: stat.mtime.tv_sec.cast_unsigned(),
        ctime: stat.ctime.tv_sec.cast_unsigned(),
        atimensec: stat.atime.tv_nsec,
        mtimensec: stat.mtime.tv_nsec,
        ctimensec: stat.ctime.tv_nsec,
        mode: stat.mode.into(),
        nlink: stat.nlink,
        uid: stat.uid,
        gid: stat.gid,
        rdev: (minor & 0xff) | (major & 0xfff) << 8 | (minor & 0xfff00) << 12,
        blksize: stat.blksize,
        flags: 0,
    }
}

/// A block is a power of two: what the server says, rounded down, or a page.
const fn block_size(told: u32) -> u32 {
    match told.checked_ilog2() {
        Some(bits) => 1 << bits,
        None => 4096,
    }
}

impl Node {
    /// The attributes as they are now.
    ///
    /// # Errors
    /// The server's; `EIO` if it contradicts itself.
    pub(crate) fn refreshed(&self) -> Result<Attributes, Errno> {
        self.good()?;
        match self.believed() {
            Some(attributes) => Ok(attributes),
            None => self.ask(),
        }
    }

    /// The attributes, if they may still be believed.
    pub(super) fn believed(&self) -> Option<Attributes> {
        let known = self.known.lock();
        known.until.is_some_and(|until| Instant::now() < until).then_some(known.attributes)
    }

    /// It was read: its access time may be another now.
    pub(crate) fn was_read(&self) {
        self.touched.fetch_or(READ, Ordering::Relaxed);
    }

    /// It was written: its size and times may be others now. Owner and mode are what they were.
    pub(crate) fn was_written(&self) {
        self.touched.fetch_or(WRITTEN, Ordering::Relaxed);
    }

    /// An extended attribute of it is another one: the time of its last change is too.
    pub(crate) fn was_labelled(&self) {
        self.touched.fetch_or(RENAMED, Ordering::Relaxed);
    }

    /// A name of it is gone or is another one: the time of its last change and the count of its names may be others now.
    pub(crate) fn was_renamed(&self) {
        self.changed();
        self.touched.fetch_or(RENAMED, Ordering::Relaxed);
    }

    /// The attributes as stat(2) and statx(2) report them.
    ///
    /// # Errors
    /// As [`Self::refreshed`].
    pub(crate) fn reported(&self, query: &StatusQuery) -> Result<Attributes, Errno> {
        self.good()?;
        let has_births = !self.shared.connection.refused().is(Opcode::Statx);
        let fields = query.fields & if has_births { BASIC | STATX_BTIME } else { BASIC };
        if fields == 0 || query.freshness == Freshness::Known {
            return Ok(self.last_known());
        }
        let mut events = if fields & TIME_OF_READING == 0 { 0 } else { READ };
        if fields & OF_WRITING != 0 && !self.keeps_size() || fields & STATX_BLOCKS != 0 {
            events |= WRITTEN;
        }
        if fields & OF_NAMES != 0 {
            events |= RENAMED;
        }
        self.outdated_by(events);
        let birth = fields & STATX_BTIME != 0;
        if query.freshness == Freshness::Usual
            && let Some(attributes) = self.believed()
            && (!birth || self.known.lock().birth_known)
        {
            return Ok(attributes);
        }
        if !birth {
            // As Linux has it: what was asked without it is told without it.
            return self.ask().map(|attributes| Attributes { born: None, ..attributes });
        }
        match self.ask_with_birth() {
            // Once more, without it.
            Err(Errno::ENOSYS) => self.reported(query),
            attributes => attributes,
        }
    }

    /// Asks for the attributes.
    ///
    /// # Errors
    /// As [`Self::refreshed`].
    pub(super) fn ask(&self) -> Result<Attributes, Errno> {
        let (since, asked) = (self.changes(), Instant::now());
        let told = self.shared.connection.getattr(self.id, None)?;
        self.learn(&told, asked, since)
    }

    /// Asks for the attributes and the time of birth.
    fn ask_with_birth(&self) -> Result<Attributes, Errno> {
        let (since, asked) = (self.changes(), Instant::now());
        let told = self.shared.connection.statx(self.id)?;
        let stat = &told.stat;
        if stat.mask & BASIC != BASIC {
            // Without all of these what is known stays as it is.
            return Ok(self.last_known());
        }
        let out = AttrOut {
            attr_valid: told.attr_valid,
            attr_valid_nsec: told.attr_valid_nsec,
            dummy: 0,
            attr: without_birth(stat),
        };
        self.learn(&out, asked, since)?;
        let born = (stat.mask & STATX_BTIME != 0).then(|| Timestamp {
            seconds: stat.btime.tv_sec,
            nanoseconds: stat.btime.tv_nsec.min(NANOSECONDS_MAX),
        });
        let mut known = self.known.lock();
        known.birth_known = true;
        known.attributes.born = born;
        Ok(known.attributes)
    }

    /// The attributes with a size that may be believed.
    ///
    /// # Errors
    /// As [`Self::refreshed`].
    pub(crate) fn sized(&self) -> Result<Attributes, Errno> {
        self.outdated_by(if self.keeps_size() { 0 } else { WRITTEN });
        self.refreshed()
    }

    fn outdated_by(&self, events: u8) {
        if self.touched.load(Ordering::Relaxed) & events != 0 {
            self.touched.store(0, Ordering::Relaxed);
            self.known.lock().until = None;
        }
    }

    /// Takes over what the server told when the count of changes was `since`.
    ///
    /// # Errors
    /// `EIO` if it contradicts itself.
    pub(super) fn learn(&self, told: &AttrOut, asked: Instant, since: u64) -> Result<Attributes, Errno> {
        let attributes = from_wire(&told.attr, &self.shared.connection.user).and_then(|attributes| {
            if attributes.kind == self.kind { Ok(attributes) } else { Err(Errno::EIO) }
        });
        let attributes = attributes.inspect_err(|_| self.spoil())?;
        self.keep(attributes, lasts(asked, told.attr_valid, told.attr_valid_nsec), since);
        Ok(self.last_known())
    }

    /// Takes over attributes. If something has changed since they were asked for they are not believed any longer than now.
    pub(super) fn keep(&self, mut attributes: Attributes, until: Option<Instant>, since: u64) {
        let mut known = self.known.lock();
        let current = self.changes() == since;
        let old = known.attributes;
        attributes.born = old.born;
        self.lists.forget();
        if self.keeps_size() {
            // The server hears of these from here, and later.
            attributes.size = old.size;
            attributes.modified = old.modified;
            attributes.changed = old.changed;
        } else if !current {
            attributes.size = old.size;
        }
        known.attributes = attributes;
        known.until = until.filter(|_| current);
        if current {
            self.touched.store(0, Ordering::Relaxed);
        }
        drop(known);
        self.look_at_content(&old, &attributes);
    }

    /// Content that was cached goes with a change that others have made.
    fn look_at_content(&self, old: &Attributes, new: &Attributes) {
        if self.kind != FileKind::Regular || self.keeps_size() {
            return;
        }
        let explicit = self.shared.connection.has(InitFlags::EXPLICIT_INVAL_DATA);
        let automatic = self.shared.connection.has(InitFlags::AUTO_INVAL_DATA);
        if new.size < old.size {
            self.content.cut(new.size);
        }
        let other = new.size != old.size && !explicit || automatic && new.modified != old.modified;
        if other {
            self.content.forget_all();
        }
    }

    /// The attributes may be believed no longer.
    pub(crate) fn attributes_outdated(&self) {
        self.changed();
        self.lists.forget();
        self.known.lock().until = None;
    }

    /// Content was written up to here, by the server's word.
    pub(crate) fn written(&self, end: u64) {
        self.changed();
        let mut known = self.known.lock();
        known.attributes.size = known.attributes.size.max(end);
        if self.keeps_size() {
            let now = Timestamp::now();
            known.attributes.modified = now;
            known.attributes.changed = now;
        }
        drop(known);
        self.was_written();
    }

    /// The size as far as it is known.
    pub(crate) fn size(&self) -> u64 {
        self.known.lock().attributes.size
    }

    /// The server has given content up to here.
    pub(crate) fn stored(&self, end: u64) {
        self.changed();
        let mut known = self.known.lock();
        known.attributes.size = known.attributes.size.max(end);
    }

    /// A read has shown that the file ends here, unless something has changed since.
    pub(crate) fn ends_at(&self, size: u64, since: u64) {
        let mut known = self.known.lock();
        if self.changes() == since && size < known.attributes.size {
            known.attributes.size = size;
            known.until = None;
        }
    }

    /// The size was set.
    pub(crate) fn resized(&self, size: u64) {
        self.changed();
        let mut known = self.known.lock();
        known.attributes.size = size;
        drop(known);
        self.was_written();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_validity_is_never_too_long_to_count() {
        let now = Instant::now();
        assert_eq!(lasts(now, 0, 0), None);
        assert!(lasts(now, u64::MAX, u32::MAX).is_some_and(|until| until > now));
        assert_eq!(lasts(now, 1, 0), now.checked_add(Duration::from_secs(1)));
    }

    #[test]
    fn lies_are_told_from_attributes() {
        let good = Attr { mode: 0o100_644, size: 5, blksize: 5000, atimensec: u32::MAX, ..Attr::default() };
        let attributes = from_wire(&good, &UserNamespace::initial()).unwrap();
        assert_eq!((attributes.block_size, attributes.accessed.nanoseconds), (4096, NANOSECONDS_MAX));
        assert_eq!(from_wire(&Attr { mode: 0o644, ..good }, &UserNamespace::initial()), Err(Errno::EIO));
        assert_eq!(from_wire(&Attr { mode: 0o170_644, ..good }, &UserNamespace::initial()), Err(Errno::EIO));
        assert_eq!(from_wire(&Attr { size: 1 << 63, ..good }, &UserNamespace::initial()), Err(Errno::EIO));
    }
}

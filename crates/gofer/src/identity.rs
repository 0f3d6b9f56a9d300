//! What the client is told of a file: identity and attributes.

use ninep::flags::{GetAttr, QidType};
use ninep::{Attr, Qid, Time};
use rustix::fs::{FileType, Statx, StatxTimestamp};

use crate::ids::{Ids, shown};
use crate::node::kind;

/// How many devices get an index.
const MOST_DEVICES: usize = 1 << 12;

/// Tells the devices below one export apart. An inode number is unique on its device only, and one export can span
/// several.
#[derive(Debug, Default)]
pub(crate) struct Identities {
    devices: Vec<(u32, u32)>,
    /// Whose files are whose.
    pub(crate) ids: Ids,
}

impl Identities {
    pub(crate) fn new(ids: Ids) -> Self {
        Self { devices: Vec::new(), ids }
    }

    pub(crate) fn qid(&mut self, stat: &Statx) -> Qid {
        self.make((stat.stx_dev_major, stat.stx_dev_minor), stat.stx_ino, kind(stat))
    }

    /// The identity of a file of which only inode number and type are known, on the device of this other file.
    pub(crate) fn beside(&mut self, other: &Statx, inode: u64, kind: FileType) -> Qid {
        self.make((other.stx_dev_major, other.stx_dev_minor), inode, kind)
    }

    pub(crate) fn attr(&mut self, stat: &Statx) -> Attr {
        Attr {
            valid: (GetAttr::BASIC | GetAttr::BTIME).bits(),
            qid: self.qid(stat),
            mode: stat.stx_mode.into(),
            uid: shown(&self.ids.users, stat.stx_uid),
            gid: shown(&self.ids.groups, stat.stx_gid),
            nlink: stat.stx_nlink.into(),
            rdev: rustix::fs::makedev(stat.stx_rdev_major, stat.stx_rdev_minor),
            size: stat.stx_size,
            blksize: stat.stx_blksize.into(),
            blocks: stat.stx_blocks,
            atime: time(stat.stx_atime),
            mtime: time(stat.stx_mtime),
            ctime: time(stat.stx_ctime),
            btime: time(stat.stx_btime),
            generation: 0,
            data_version: 0,
        }
    }

    fn make(&mut self, device: (u32, u32), inode: u64, kind: FileType) -> Qid {
        let known = self.devices.iter().position(|d| *d == device);
        let index = known.or_else(|| {
            (self.devices.len() < MOST_DEVICES).then(|| {
                self.devices.push(device);
                self.devices.len() - 1
            })
        });
        let path = match index.and_then(|index| u64::try_from(index).ok()) {
            Some(index) if inode >> Qid::INODE_BITS == 0 => index << Qid::INODE_BITS | inode,
            // Filesystems that use the high bits (overlayfs marks the layer there): mixed to 63 bits. Two of a million such files
            // share an identity with a probability of one in twenty million.
            _ => Qid::MIXED | mix(mix(u64::from(device.0) << 32 | u64::from(device.1)) ^ inode),
        };
        let kind = match kind {
            FileType::Directory => QidType::DIRECTORY,
            FileType::Symlink => QidType::SYMLINK,
            _ => QidType::empty(),
        };
        Qid { kind: kind.bits(), version: 0, path }
    }
}

fn time(stamp: StatxTimestamp) -> Time {
    Time { seconds: stamp.tv_sec.cast_unsigned(), nanoseconds: stamp.tv_nsec.into() }
}

/// A bijection of 64-bit numbers without visible pattern (the finaliser of `SplitMix64`).
const fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_different_devices_never_share_an_identity() {
        let mut identities = Identities::default();
        let mut seen = std::collections::HashSet::new();
        for device in [(8, 1), (8, 2), (0, 40)] {
            for inode in [1, 2, 1 << 47, 1 << 48, 1 << 63, u64::MAX, (1 << 63) | 1] {
                assert!(seen.insert(identities.make(device, inode, FileType::RegularFile).path));
            }
        }
        assert_eq!(
            identities.make((8, 1), 2, FileType::Directory).path,
            2,
            "the first device's numbers pass unchanged"
        );
    }
}

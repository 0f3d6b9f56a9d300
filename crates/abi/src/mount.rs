//! Structures of the mount calls: `linux/mount.h`.
#![expect(
    missing_docs,
    reason = "the fields of mount_setattr(2), statmount(2) and listmount(2) by their names"
)]

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `struct mount_attr`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct MountAttr {
    pub set: u64,
    pub clear: u64,
    pub propagation: u64,
    pub userns_fd: u64,
}

/// The first published size of [`MountIdRequest`], bytes.
pub const MNT_ID_REQ_SIZE_VER0: usize = 24;

/// `struct mnt_id_req`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct MountIdRequest {
    pub size: u32,
    pub spare: u32,
    pub mount: u64,
    pub parameter: u64,
    pub namespace: u64,
}

/// `struct statmount` without the texts behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct StatMount {
    pub size: u32,
    pub mnt_opts: u32,
    pub mask: u64,
    pub sb_dev_major: u32,
    pub sb_dev_minor: u32,
    pub sb_magic: u64,
    pub sb_flags: u32,
    pub fs_type: u32,
    pub mnt_id: u64,
    pub mnt_parent_id: u64,
    pub mnt_id_old: u32,
    pub mnt_parent_id_old: u32,
    pub mnt_attr: u64,
    pub mnt_propagation: u64,
    pub mnt_peer_group: u64,
    pub mnt_master: u64,
    pub propagate_from: u64,
    pub mnt_root: u32,
    pub mnt_point: u32,
    pub mnt_ns_id: u64,
    pub fs_subtype: u32,
    pub sb_source: u32,
    pub opt_num: u32,
    pub opt_array: u32,
    pub opt_sec_num: u32,
    pub opt_sec_array: u32,
    pub supported_mask: u64,
    pub mnt_uidmap_num: u32,
    pub mnt_uidmap: u32,
    pub mnt_gidmap_num: u32,
    pub mnt_gidmap: u32,
    pub spare: [u64; 43],
}

impl Default for StatMount {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}

// The texts follow at 512 bytes.
const _: () = assert!(size_of::<StatMount>() == 512);

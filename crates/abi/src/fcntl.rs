//! Commands and constants of fcntl(2), flock(2) and lseek(2).
#![expect(missing_docs, reason = "the constants of fcntl(2) by their names")]

pub const F_DUPFD: u32 = 0;
pub const F_GETFD: u32 = 1;
pub const F_SETFD: u32 = 2;
pub const F_GETFL: u32 = 3;
pub const F_SETFL: u32 = 4;
pub const F_GETLK: u32 = 5;
pub const F_SETLK: u32 = 6;
pub const F_SETLKW: u32 = 7;
pub const F_SETOWN: u32 = 8;
pub const F_GETOWN: u32 = 9;
pub const F_SETSIG: u32 = 10;
pub const F_GETSIG: u32 = 11;
pub const F_SETOWN_EX: u32 = 15;
pub const F_GETOWN_EX: u32 = 16;
pub const F_OFD_GETLK: u32 = 36;
pub const F_OFD_SETLK: u32 = 37;
pub const F_OFD_SETLKW: u32 = 38;
pub const F_SETLEASE: u32 = 1024;
pub const F_GETLEASE: u32 = 1025;
pub const F_NOTIFY: u32 = 1026;
pub const F_DUPFD_QUERY: u32 = 1027;
pub const F_CREATED_QUERY: u32 = 1028;
pub const F_DUPFD_CLOEXEC: u32 = 1030;
pub const F_SETPIPE_SZ: u32 = 1031;
pub const F_GETPIPE_SZ: u32 = 1032;
pub const F_ADD_SEALS: u32 = 1033;
pub const F_GET_SEALS: u32 = 1034;

pub const FD_CLOEXEC: u32 = 1;

pub const F_RDLCK: i16 = 0;
pub const F_WRLCK: i16 = 1;
pub const F_UNLCK: i16 = 2;

pub const F_OWNER_TID: u32 = 0;
pub const F_OWNER_PID: u32 = 1;
pub const F_OWNER_PGRP: u32 = 2;

pub const LOCK_SH: u32 = 1;
pub const LOCK_EX: u32 = 2;
pub const LOCK_NB: u32 = 4;
pub const LOCK_UN: u32 = 8;

pub const SEEK_SET: u32 = 0;
pub const SEEK_CUR: u32 = 1;
pub const SEEK_END: u32 = 2;
pub const SEEK_DATA: u32 = 3;
pub const SEEK_HOLE: u32 = 4;

bitflags::bitflags! {
    /// What `F_NOTIFY` asks for.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct DirectoryNotice: u32 {
        /// A file of it was read (`DN_ACCESS`).
        const ACCESS = 1;
        /// Was written or cut (`DN_MODIFY`).
        const MODIFY = 2;
        /// Was made, or came from elsewhere (`DN_CREATE`).
        const CREATE = 4;
        /// Was removed, or went elsewhere (`DN_DELETE`).
        const DELETE = 8;
        /// Got another name here (`DN_RENAME`).
        const RENAME = 0x10;
        /// Has other attributes (`DN_ATTRIB`).
        const ATTRIB = 0x20;
        /// Until further notice, instead of once (`DN_MULTISHOT`).
        const MULTISHOT = 0x8000_0000;
    }
}

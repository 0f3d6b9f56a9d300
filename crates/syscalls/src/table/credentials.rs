//! Users, groups and capabilities.

use kernel::UserPtr;

use crate::Support::Full;
use crate::credentials::capabilities::{self, Data, Header};
use crate::credentials::{gid, groups, uid};
use crate::{Row, rows};

pub(super) static ROWS: &[Row] = rows! {
    now getuid(uid::getuid) Full;
    now geteuid(uid::geteuid) Full;
    now getresuid(uid::getresuid, real: UserPtr<u32>, effective: UserPtr<u32>, saved: UserPtr<u32>) Full;
    now setuid(uid::setuid, uid: u32) Full;
    now setreuid(uid::setreuid, real: u32, effective: u32) Full;
    now setresuid(uid::setresuid, real: u32, effective: u32, saved: u32) Full;
    now setfsuid(uid::setfsuid, uid: u32) Full;
    now getgid(gid::getgid) Full;
    now getegid(gid::getegid) Full;
    now getresgid(gid::getresgid, real: UserPtr<u32>, effective: UserPtr<u32>, saved: UserPtr<u32>) Full;
    now setgid(gid::setgid, gid: u32) Full;
    now setregid(gid::setregid, real: u32, effective: u32) Full;
    now setresgid(gid::setresgid, real: u32, effective: u32, saved: u32) Full;
    now setfsgid(gid::setfsgid, gid: u32) Full;
    now getgroups(groups::getgroups, room: i32, list: UserPtr<u32>) Full;
    now setgroups(groups::setgroups, count: u32, list: UserPtr<u32>) Full;
    now capget(capabilities::capget, header: UserPtr<Header>, data: UserPtr<Data>) Full;
    now capset(capabilities::capset, header: UserPtr<Header>, data: UserPtr<Data>) Full;
};

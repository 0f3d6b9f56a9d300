//! The data of files.

use abi::file::IoVec;
use kernel::{UserAddr, UserPtr};
use vfs::Fd;

use crate::Support::Full;
use crate::argument::PathPtr;
use crate::file::io::{copy, read, splice, vectored, write};
use crate::file::{advise, seek, size, sync};
use crate::{Row, rows};

pub(super) static ROWS: &[Row] = rows! {
    soon read(read::read_now, read::read, fd: Fd, buffer: UserAddr, count: usize) Full;
    soon pread64(read::pread_now, read::pread, fd: Fd, buffer: UserAddr, count: usize, offset: i64) Full;
    soon write(write::write_now, write::write, fd: Fd, buffer: UserAddr, count: usize) Full;
    soon pwrite64(write::pwrite_now, write::pwrite, fd: Fd, buffer: UserAddr, count: usize, offset: i64) Full;
    later readv(vectored::readv, fd: Fd, array: UserPtr<IoVec>, count: usize) Full;
    later writev(vectored::writev, fd: Fd, array: UserPtr<IoVec>, count: usize) Full;
    later preadv(vectored::preadv, fd: Fd, array: UserPtr<IoVec>, count: usize, offset: i64) Full;
    later pwritev(vectored::pwritev, fd: Fd, array: UserPtr<IoVec>, count: usize, offset: i64) Full;
    later preadv2(vectored::preadv2, fd: Fd, array: UserPtr<IoVec>, count: usize, offset: i64, high: u64, flags: u32) Full;
    later pwritev2(vectored::pwritev2, fd: Fd, array: UserPtr<IoVec>, count: usize, offset: i64, high: u64, flags: u32) Full;
    now lseek(seek::lseek, fd: Fd, offset: i64, whence: u32) Full;
    later sendfile(copy::sendfile, to: Fd, from: Fd, offset: UserPtr<i64>, count: usize) Full;
    later copy_file_range(copy::copy_file_range, from: Fd, from_offset: UserPtr<i64>, to: Fd, to_offset: UserPtr<i64>, length: usize, flags: u32) Full;
    later splice(splice::splice, from: Fd, from_offset: UserPtr<i64>, to: Fd, to_offset: UserPtr<i64>, length: usize, flags: u32) Full;
    later tee(splice::tee, from: Fd, to: Fd, length: usize, flags: u32) Full;
    later vmsplice(splice::vmsplice, fd: Fd, array: UserPtr<IoVec>, count: usize, flags: u32) Full;
    later truncate(size::truncate, path: PathPtr, size: i64) Full;
    now ftruncate(size::ftruncate, fd: Fd, size: i64) Full;
    now fallocate(size::fallocate, fd: Fd, mode: u32, offset: i64, length: i64) Full;
    now fsync(sync::fsync, fd: Fd) Full;
    now fdatasync(sync::fdatasync, fd: Fd) Full;
    now sync(sync::sync) Full;
    now syncfs(sync::syncfs, fd: Fd) Full;
    now sync_file_range(sync::sync_file_range, fd: Fd, offset: i64, length: i64, flags: u32) Full;
    now fadvise64(advise::fadvise64, fd: Fd, offset: i64, length: i64, advice: u32) Full;
    now readahead(advise::readahead, fd: Fd, offset: i64, count: usize) Full;
};

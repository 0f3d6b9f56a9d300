//! The calls on the host.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{self, AtFlags, CWD, FallocateFlags, Mode, OFlags, RenameFlags, SeekFrom, XattrFlags};
use rustix::io::Errno;

use crate::call::{Call, Outcome, World};

/// A directory of the host, which is removed at the end.
pub struct HostWorld {
    root: PathBuf,
    slots: BTreeMap<usize, OwnedFd>,
}

impl HostWorld {
    /// An empty directory below `parent`.
    ///
    /// # Errors
    /// As mkdir(2).
    pub fn new(parent: &Path, name: &str) -> std::io::Result<Self> {
        let root = parent.join(format!("casemate-oracle-{}-{name}", std::process::id()));
        // The umask is the process's, and a gofer in it wants none.
        rustix::process::umask(Mode::empty());
        fs::mkdir(&root, Mode::from_raw_mode(0o755))?;
        Ok(Self { root, slots: BTreeMap::new() })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Closes all that the calls have left open.
    pub fn close_all(&mut self) {
        self.slots.clear();
    }

    fn at(&self, path: &str) -> PathBuf {
        // A path of the host keeps its final slash only as text.
        PathBuf::from(format!("{}/{path}", self.root.display()))
    }

    fn slot(&self, slot: usize) -> Result<&OwnedFd, Errno> {
        self.slots.get(&slot).ok_or(Errno::BADF)
    }

    fn run(&mut self, call: &Call) -> Result<String, Errno> {
        match call {
            Call::Mkdir { path, mode } => fs::mkdir(self.at(path), masked(*mode)).map(done),
            Call::Rmdir { path } => fs::rmdir(self.at(path)).map(done),
            Call::Unlink { path } => fs::unlink(self.at(path)).map(done),
            Call::Symlink { target, path } => fs::symlink(target.as_str(), self.at(path)).map(done),
            Call::Link { from, to, follow } => {
                let flags = if *follow { AtFlags::SYMLINK_FOLLOW } else { AtFlags::empty() };
                fs::linkat(CWD, self.at(from), CWD, self.at(to), flags).map(done)
            }
            Call::Rename { from, to, flags } => {
                let flags = RenameFlags::from_bits_retain(*flags);
                fs::renameat_with(CWD, self.at(from), CWD, self.at(to), flags).map(done)
            }
            Call::Fifo { path, mode } => {
                let mode = masked(*mode);
                fs::mknodat(CWD, self.at(path), fs::FileType::Fifo, mode, 0).map(done)
            }
            Call::Open { slot, path, flags, mode } => {
                self.slots.remove(slot);
                let flags = OFlags::from_bits_retain(*flags) | OFlags::NONBLOCK;
                let file = match fs::open(self.at(path), flags, masked(*mode)) {
                    Err(Errno::NXIO) => return Ok(String::from("fifo")),
                    result => result?,
                };
                let stat = fs::fstat(&file)?;
                if fs::FileType::from_raw_mode(stat.st_mode) == fs::FileType::Fifo {
                    // Whether it opens depends on who else has it open: not this crate's question.
                    return Ok(String::from("fifo"));
                }
                let text = describe(&stat);
                self.slots.insert(*slot, file);
                Ok(text)
            }
            Call::Close { slot } => self.slots.remove(slot).map(|_| String::new()).ok_or(Errno::BADF),
            Call::Write { slot, offset, length, fill } => {
                rustix::io::pwrite(self.slot(*slot)?, &vec![*fill; *length], *offset).map(|n| n.to_string())
            }
            Call::Append { slot, length, fill } => {
                let end = fs::seek(self.slot(*slot)?, SeekFrom::End(0))?;
                let written = rustix::io::write(self.slot(*slot)?, &vec![*fill; *length])?;
                Ok(format!("{end} {written}"))
            }
            Call::Read { slot, offset, length } => {
                let mut buffer = vec![0; *length];
                let count = rustix::io::pread(self.slot(*slot)?, &mut buffer, *offset)?;
                buffer.truncate(count);
                Ok(crate::ours::digest(&buffer))
            }
            Call::Ftruncate { slot, size } => fs::ftruncate(self.slot(*slot)?, *size).map(done),
            Call::Fallocate { slot, mode, offset, length } => {
                let mode = FallocateFlags::from_bits_retain(*mode);
                fs::fallocate(self.slot(*slot)?, mode, *offset, *length).map(done)
            }
            Call::SeekData { slot, offset } => {
                fs::seek(self.slot(*slot)?, SeekFrom::Data(*offset)).map(|at| at.to_string())
            }
            Call::SeekHole { slot, offset } => {
                fs::seek(self.slot(*slot)?, SeekFrom::Hole(*offset)).map(|at| at.to_string())
            }
            Call::Fstat { slot } => fs::fstat(self.slot(*slot)?).map(|stat| describe(&stat)),
            Call::Stat { path } => fs::stat(self.at(path)).map(|stat| describe(&stat)),
            Call::Lstat { path } => fs::lstat(self.at(path)).map(|stat| describe(&stat)),
            Call::Readlink { path } => {
                fs::readlink(self.at(path), Vec::new()).map(|t| t.to_string_lossy().into_owned())
            }
            Call::Chmod { path, mode } => fs::chmod(self.at(path), Mode::from_raw_mode(*mode)).map(done),
            Call::Chown { path, uid, gid } => {
                let id = |id: u32| (id != u32::MAX).then_some(id);
                let (uid, gid) = (id(*uid).map(fs::Uid::from_raw), id(*gid).map(fs::Gid::from_raw));
                fs::chownat(CWD, self.at(path), uid, gid, AtFlags::SYMLINK_NOFOLLOW).map(done)
            }
            Call::Truncate { path, size } => {
                let file = fs::open(self.at(path), OFlags::WRONLY | OFlags::NONBLOCK, Mode::empty())?;
                fs::ftruncate(file, *size).map(done)
            }
            Call::Times { path, accessed, modified } => {
                let at = |tv_sec: i64| fs::Timespec { tv_sec, tv_nsec: 7 };
                let times = fs::Timestamps { last_access: at(*accessed), last_modification: at(*modified) };
                fs::utimensat(CWD, self.at(path), &times, AtFlags::empty())?;
                let stat = fs::stat(self.at(path))?;
                Ok(format!("{}.{} {}", stat.st_atime, stat.st_atime_nsec, stat.st_mtime))
            }
            Call::List { path } => self.list(path),
            Call::SetXattr { path, name, value, flags } => {
                let flags = XattrFlags::from_bits_retain(*flags);
                fs::lsetxattr(self.at(path), name.as_str(), value.as_bytes(), flags).map(done)
            }
            Call::GetXattr { path, name } => {
                let mut buffer = vec![0; 256];
                let count = fs::lgetxattr(self.at(path), name.as_str(), &mut buffer)?;
                buffer.truncate(count);
                Ok(String::from_utf8_lossy(&buffer).into_owned())
            }
            Call::RemoveXattr { path, name } => fs::lremovexattr(self.at(path), name.as_str()).map(done),
            Call::ListXattrs { path } => {
                let mut buffer = vec![0; 1024];
                let count = fs::llistxattr(self.at(path), &mut buffer)?;
                buffer.truncate(count);
                Ok(crate::ours::sorted_names(&buffer))
            }
            Call::Access { path, mode } => {
                let mode = fs::Access::from_bits_retain(*mode);
                fs::accessat(CWD, self.at(path), mode, AtFlags::empty()).map(done)
            }
        }
    }

    fn list(&self, path: &str) -> Result<String, Errno> {
        let directory = fs::open(self.at(path), OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())?;
        let mut names = Vec::new();
        for entry in fs::Dir::new(directory)? {
            let entry = entry?;
            names.push(format!("{}:{:?}", entry.file_name().to_string_lossy(), entry.file_type()));
        }
        names.sort();
        Ok(names.join(" "))
    }
}

impl World for HostWorld {
    fn apply(&mut self, call: &Call) -> Outcome {
        self.run(call).map_err(Errno::raw_os_error)
    }
}

impl Drop for HostWorld {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

/// What a umask of 022 leaves.
fn masked(mode: u32) -> Mode {
    Mode::from_raw_mode(mode & !0o022)
}

fn done(_: ()) -> String {
    String::new()
}

fn describe(stat: &fs::Stat) -> String {
    format!(
        "{:o} links {} owner {}:{} size {} blocks {}",
        stat.st_mode, stat.st_nlink, stat.st_uid, stat.st_gid, stat.st_size, stat.st_blocks
    )
}

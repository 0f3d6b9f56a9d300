//! ioctl(2): the requests that all files know, and then the file's own.

use std::any::Any;
use std::sync::Arc;

use abi::{Errno, ioctl};
use devpts::MasterFile;
use kernel::memory::{read_exact, write_all};
use kernel::{Task, UserAddr, UserPtr};

use vfs::{At, Credentials, Fd, FileKind, Found, IoctlContext, OpenFile, OpenFlags, OpenHow};

use super::{descriptor, inode_flags, job_control, namespace_ioctl, owner};

struct Context<'a> {
    task: &'a Arc<Task>,
    credentials: Arc<Credentials>,
}

impl IoctlContext for Context<'_> {
    fn read(&self, address: u64, into: &mut [u8]) -> Result<(), Errno> {
        read_exact(&*self.task.memory(), UserAddr(address), into)
    }

    fn write(&self, address: u64, from: &[u8]) -> Result<(), Errno> {
        write_all(&*self.task.memory(), UserAddr(address), from)
    }

    fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    fn file(&self, fd: Fd) -> Result<Arc<OpenFile>, Errno> {
        self.task.files().get(fd)
    }

    fn caller(&self) -> &dyn Any {
        &**self.task
    }
}

/// ioctl(2).
///
/// # Errors
/// `EBADF`, `ENOTTY`, `EFAULT`, and those of the requests.
pub fn ioctl(task: &Arc<Task>, fd: Fd, request: u32, argument: u64) -> Result<u64, Errno> {
    let file = descriptor::get(task, fd)?;
    if let Some(done) = common(task, fd, &file, request, argument)? {
        return Ok(done);
    }
    if let Some(done) = job_control::control(task, &file, request, argument)? {
        return Ok(done);
    }
    if let Some(done) = namespace_ioctl::control(task, &file, request, argument)? {
        return Ok(done);
    }
    if request == ioctl::TIOCGPTPEER {
        return open_peer(task, &file, argument);
    }
    if let Some(done) = inode_flags::control(task, &Found::of(Arc::clone(&file)), request, argument)? {
        return Ok(done);
    }
    let context = Context { task, credentials: Arc::clone(&task.credentials()) };
    match file.file.ioctl(&context, request, argument) {
        Err(Errno::ENOTTY) => of_regular(task, &file, request, argument),
        done => done,
    }
}

/// Requests about the descriptor and the description.
fn common(
    task: &Task,
    fd: Fd,
    file: &Arc<OpenFile>,
    request: u32,
    argument: u64,
) -> Result<Option<u64>, Errno> {
    match request {
        ioctl::FIOCLEX => task.files().set_close_on_exec(fd, true)?,
        ioctl::FIONCLEX => task.files().set_close_on_exec(fd, false)?,
        ioctl::FIONBIO => set(task, file, OpenFlags::NONBLOCK, argument)?,
        ioctl::FIOASYNC => {
            let on = UserPtr::<i32>::new(argument).read(&*task.memory())? != 0;
            let changes = on != file.flags().contains(OpenFlags::ASYNC);
            if changes && !owner::set_asynchronous(task, file, fd, on) {
                return Err(Errno::ENOTTY);
            }
            set(task, file, OpenFlags::ASYNC, argument)?;
        }
        ioctl::FIOSETOWN | ioctl::SIOCSPGRP if is_socket(file) => {
            owner::set_from(task, file, UserPtr::new(argument))?;
        }
        ioctl::FIOGETOWN | ioctl::SIOCGPGRP if is_socket(file) => {
            UserPtr::<i32>::new(argument).write(&*task.memory(), &owner::get(task, file))?;
        }
        ioctl::FICLONE | ioctl::FICLONERANGE => clone_blocks(task, file, request, argument)?,
        ioctl::FIOQSIZE => {
            let attributes = file.attributes()?;
            if !matches!(attributes.kind, FileKind::Regular | FileKind::Directory | FileKind::Symlink) {
                return Err(Errno::ENOTTY);
            }
            UserPtr::<u64>::new(argument).write(&*task.memory(), &attributes.size)?;
        }
        _ => return Ok(None),
    }
    Ok(Some(0))
}

/// No filesystem here lets files share blocks: what else is wrong is said first. ioctl_ficlone(2).
fn clone_blocks(task: &Task, to: &OpenFile, request: u32, argument: u64) -> Result<(), Errno> {
    let source = match request {
        ioctl::FICLONERANGE => UserPtr::<i64>::new(argument).read(&*task.memory())?,
        _ => i64::from(u32::try_from(argument & 0xffff_ffff).map_err(|_| Errno::EBADF)?.cast_signed()),
    };
    let from = descriptor::get(task, Fd(i32::try_from(source).map_err(|_| Errno::EBADF)?))?;
    let same = match (&from.path, &to.path) {
        (Some(from), Some(to)) => Arc::ptr_eq(from.mount.superblock(), to.mount.superblock()),
        (from, to) => from.is_none() && to.is_none(),
    };
    let (source, target) = (from.kind(), to.kind());
    match (source, target) {
        _ if !same => Err(Errno::EXDEV),
        (FileKind::Directory, _) | (_, FileKind::Directory) => Err(Errno::EISDIR),
        (FileKind::Regular, FileKind::Regular) => {
            let flags = to.flags();
            let may = from.flags().reads() && flags.writes() && !flags.contains(OpenFlags::APPEND);
            Err(if may { Errno::EOPNOTSUPP } else { Errno::EBADF })
        }
        _ => Err(Errno::EINVAL),
    }
}

fn is_socket(file: &OpenFile) -> bool {
    file.attributes().is_ok_and(|a| a.kind == FileKind::Socket)
}

/// Sets or clears a flag, as the number at `argument` says.
fn set(task: &Task, file: &OpenFile, flag: OpenFlags, argument: u64) -> Result<(), Errno> {
    let on = UserPtr::<i32>::new(argument).read(&*task.memory())? != 0;
    let mut flags = file.flags();
    flags.set(flag, on);
    file.set_flags(flags)
}

/// `TIOCGPTPEER`: opens the slave of a master where the master's filesystem is mounted, whatever is mounted over that for the caller.
fn open_peer(task: &Arc<Task>, file: &OpenFile, flags: u64) -> Result<u64, Errno> {
    let master = file.file.as_any().downcast_ref::<MasterFile>().ok_or(Errno::ENOTTY)?;
    let flags = u32::try_from(flags).map_err(|_| Errno::EINVAL)?;
    let ptmx = file.path.as_ref().ok_or(Errno::ENODEV)?;
    let directory = ptmx.with(ptmx.dentry.parent().ok_or(Errno::ENODEV)?);
    let how = OpenHow::lenient(flags & !OpenFlags::CREAT.bits(), 0)?;
    let name = master.number().to_string();
    let slave = task.with_caller(|caller| caller.open(&At::from(&directory, name.as_bytes()), &how))?;
    if !how.flags.contains(OpenFlags::NOCTTY) {
        job_control::opened(task, &slave);
    }
    let fd = descriptor::install(task, slave, how.flags.contains(OpenFlags::CLOEXEC))?;
    u64::try_from(fd.0).map_err(|_| Errno::EBADF)
}

/// `FIONREAD` on a regular file, which the filesystem need not know.
fn of_regular(task: &Task, file: &OpenFile, request: u32, argument: u64) -> Result<u64, Errno> {
    let attributes = file.attributes()?;
    if request != ioctl::FIONREAD || attributes.kind != FileKind::Regular {
        return Err(Errno::ENOTTY);
    }
    let left = attributes.size.saturating_sub(file.offset());
    UserPtr::<i32>::new(argument).write(&*task.memory(), &i32::try_from(left).unwrap_or(i32::MAX))?;
    Ok(0)
}

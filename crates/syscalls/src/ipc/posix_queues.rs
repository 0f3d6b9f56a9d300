//! mq_open(2), mq_unlink(2), mq_timedsend(2), mq_timedreceive(2), mq_notify(2), mq_getsetattr(2).

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use abi::Errno;
use abi::ipc::MqAttr;
use abi::signal::{SI_MESGQ, Siginfo, Signal};
use abi::time::{SIGEV_NONE, SIGEV_SIGNAL, SIGEV_THREAD, Sigevent, Timespec};
use kernel::limits::Resource;
use kernel::memory::{read_exact, write_all};
use kernel::{Task, ThreadGroup, UserAddr, UserPtr, wait};
use mqueue::{Asked, Notifier, PRIORITY_MAX, QueueFile, Sender, Shape};
use vfs::caller::Found;
use vfs::path::Path;
use vfs::resolve::Lookup;
use vfs::{Access, At, Capability, Events, Fd, Name, OpenFile, OpenFlags, Owner};

use crate::argument::PathPtr;
use crate::file::descriptor;

/// The name of a queue: one component.
fn name(path: &[u8]) -> Result<Name<'_>, Errno> {
    if path.is_empty() {
        return Err(Errno::ENOENT);
    }
    Name::new(path).map_err(|error| if error == Errno::EINVAL { Errno::EACCES } else { error })
}

/// mq_open(2).
///
/// # Errors
/// Those of mq_open(3).
pub fn mq_open(
    task: &Arc<Task>,
    path: PathPtr,
    flags: u32,
    mode: u32,
    attributes: UserPtr<MqAttr>,
) -> Result<Fd, Errno> {
    let attributes = attributes.some().map(|at| at.read(&*task.memory())).transpose()?;
    let path = path.read(task)?;
    let name = name(&path)?;
    let flags = OpenFlags::from_bits_truncate(flags);
    if flags.bits() & 3 == 3 {
        return Err(Errno::EINVAL);
    }
    let ipc = task.ipc();
    let queues = &ipc.posix;
    let root = queues.root();
    let status = flags & (OpenFlags::NONBLOCK | OpenFlags::WRONLY | OpenFlags::RDWR);
    let open = |path: Path| task.with_caller(|caller| caller.open_found(Found::Path(path), status));
    let found = task.with_caller(|caller| {
        caller.find(&At::from(&root, name.as_bytes()), Lookup::empty())?.path_or(Errno::ENOENT)
    });
    let file = match found {
        Ok(_) if flags.contains(OpenFlags::CREAT | OpenFlags::EXCL) => return Err(Errno::EEXIST),
        Ok(path) => open(path)?,
        Err(Errno::ENOENT) if flags.contains(OpenFlags::CREAT) => {
            let (path, made) = make(task, name, mode, attributes)?;
            if made {
                // Its mode says nothing to who made it.
                let file = path.inode().open(status, &task.credentials())?;
                OpenFile::new(file, Some(path), status, Arc::clone(&task.credentials()))
            } else if flags.contains(OpenFlags::EXCL) {
                return Err(Errno::EEXIST);
            } else {
                open(path)?
            }
        }
        Err(error) => return Err(error),
    };
    descriptor::install(task, file, true)
}

fn make(
    task: &Arc<Task>,
    name: Name<'_>,
    mode: u32,
    attributes: Option<MqAttr>,
) -> Result<(Path, bool), Errno> {
    let ipc = task.ipc();
    let queues = &ipc.posix;
    let credentials = task.credentials();
    let root = queues.root();
    let access = Access::WRITE | Access::EXECUTE;
    credentials.check_inode(root.dentry.inode_ref(), &root.attributes()?, access)?;
    let privileged = credentials.has(Capability::SysResource);
    let shape = match attributes {
        Some(given) => Shape::new(given.maxmsg, given.msgsize, privileged)?,
        None => Shape::default(),
    };
    let limit = task.group.limits.lock().get(Resource::Msgqueue).soft;
    let owner = Owner { uid: credentials.fsuid, gid: credentials.fsgid };
    let mode = mode & 0o777 & !task.fs_now().umask;
    queues.make(name, mode, owner, Asked { shape, limit, privileged })
}

/// mq_unlink(2).
///
/// # Errors
/// Those of mq_unlink(3).
pub fn mq_unlink(task: &Arc<Task>, path: PathPtr) -> Result<(), Errno> {
    let path = path.read(task)?;
    let name = name(&path)?;
    let root = task.ipc().posix.root();
    task.with_caller(|caller| caller.remove(&At::from(&root, name.as_bytes())))
}

fn queue_of(file: &OpenFile) -> Result<&QueueFile, Errno> {
    file.file.as_any().downcast_ref().ok_or(Errno::EBADF)
}

/// When a call gives up: an absolute time by the clock of the day.
fn deadline(task: &Task, at: UserPtr<Timespec>) -> Result<Option<Instant>, Errno> {
    let Some(at) = at.some() else { return Ok(None) };
    let at = at.read(&*task.memory())?.duration()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let left = at.checked_sub(now).unwrap_or(Duration::ZERO);
    Ok(Instant::now().checked_add(left))
}

/// mq_timedsend(2).
///
/// # Errors
/// Those of mq_send(3), `ERESTARTSYS`.
pub async fn mq_timedsend(
    task: &Arc<Task>,
    fd: Fd,
    message: UserAddr,
    length: usize,
    priority: u32,
    timeout: UserPtr<Timespec>,
) -> Result<(), Errno> {
    if priority >= PRIORITY_MAX {
        return Err(Errno::EINVAL);
    }
    let until = deadline(task, timeout)?;
    let file = descriptor::get(task, fd)?;
    let queue = queue_of(&file)?.queue();
    if !file.flags().writes() {
        return Err(Errno::EBADF);
    }
    if u64::try_from(length).is_ok_and(|length| length > queue.shape().size) {
        return Err(Errno::EMSGSIZE);
    }
    let mut bytes = vec![0; length];
    read_exact(&*task.memory(), message, &mut bytes)?;
    let sender = Sender { pid: task.pid(), uid: task.credentials().uid };
    let attempt = || queue.send(&bytes, priority, sender);
    if file.flags().contains(OpenFlags::NONBLOCK) {
        return attempt();
    }
    wait::until_deadline(task, &queue.changed, Events::OUT, until, attempt).await
}

/// mq_timedreceive(2).
///
/// # Errors
/// Those of mq_receive(3), `ERESTARTSYS`.
pub async fn mq_timedreceive(
    task: &Arc<Task>,
    fd: Fd,
    message: UserAddr,
    room: usize,
    priority: UserPtr<u32>,
    timeout: UserPtr<Timespec>,
) -> Result<usize, Errno> {
    let until = deadline(task, timeout)?;
    let file = descriptor::get(task, fd)?;
    let queue = queue_of(&file)?.queue();
    if !file.flags().reads() {
        return Err(Errno::EBADF);
    }
    if u64::try_from(room).is_ok_and(|room| room < queue.shape().size) {
        return Err(Errno::EMSGSIZE);
    }
    let (text, of) = match queue.receive() {
        Err(Errno::EAGAIN) if !file.flags().contains(OpenFlags::NONBLOCK) => {
            let _waiting = queue.wait();
            wait::until_deadline(task, &queue.changed, Events::IN, until, || queue.receive()).await?
        }
        done => done?,
    };
    if let Some(priority) = priority.some() {
        priority.write(&*task.memory(), &of)?;
    }
    write_all(&*task.memory(), message, &text)?;
    Ok(text.len())
}

/// mq_notify(2). One that shall start a thread (`SIGEV_THREAD`) comes over a socket of netlink(7), which there is none for.
///
/// # Errors
/// Those of mq_notify(3), `EOPNOTSUPP` for `SIGEV_THREAD`.
pub fn mq_notify(task: &Arc<Task>, fd: Fd, event: UserPtr<Sigevent>) -> Result<(), Errno> {
    let event = event.some().map(|event| event.read(&*task.memory())).transpose()?;
    let signal = match event {
        None => None,
        Some(event) => match event.notify {
            SIGEV_NONE => None,
            SIGEV_SIGNAL => Some(Signal::new(event.signo)?),
            SIGEV_THREAD => return Err(Errno::EOPNOTSUPP),
            _ => return Err(Errno::EINVAL),
        },
    };
    let file = descriptor::get(task, fd)?;
    let open = queue_of(&file)?;
    let Some(event) = event else {
        open.queue().unregister(task.pid());
        return Ok(());
    };
    let group = Arc::downgrade(&task.group);
    open.queue().register(open.id(), Arc::new(ToProcess { group, signal, value: event.value }))
}

/// Tells a process by a signal, or not at all.
struct ToProcess {
    group: Weak<ThreadGroup>,
    signal: Option<Signal>,
    value: u64,
}

impl Notifier for ToProcess {
    fn tell(&self, sender: Sender) {
        if let (Some(group), Some(signal)) = (self.group.upgrade(), self.signal) {
            let (pid, uid) = kernel::signal::sender::identity(&group, sender.pid, sender.uid);
            let info = Siginfo::queue(signal, SI_MESGQ, pid, uid, self.value);
            kernel::signal::send_to_group(&group, info);
        }
    }

    fn process(&self) -> Option<i32> {
        let group = self.group.upgrade()?;
        group.representative().map(|_| group.pid)
    }

    fn signal(&self) -> i32 {
        self.signal.map_or(0, Signal::number)
    }
}

/// mq_getsetattr(2).
///
/// # Errors
/// `EBADF`, `EINVAL` for other flags than `O_NONBLOCK`, `EFAULT`.
pub fn mq_getsetattr(
    task: &Arc<Task>,
    fd: Fd,
    new: UserPtr<MqAttr>,
    old: UserPtr<MqAttr>,
) -> Result<(), Errno> {
    let nonblocking = i64::from(OpenFlags::NONBLOCK.bits());
    let new = new.some().map(|at| at.read(&*task.memory())).transpose()?;
    if new.is_some_and(|new| new.flags & !nonblocking != 0) {
        return Err(Errno::EINVAL);
    }
    let file = descriptor::get(task, fd)?;
    let queue = queue_of(&file)?.queue();
    let flags = file.flags();
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let status = MqAttr {
        flags: if flags.contains(OpenFlags::NONBLOCK) { nonblocking } else { 0 },
        maxmsg: number(queue.shape().messages),
        msgsize: number(queue.shape().size),
        curmsgs: number(queue.status().count),
        reserved: [0; 4],
    };
    if let Some(new) = new {
        let mut flags = flags;
        flags.set(OpenFlags::NONBLOCK, new.flags != 0);
        file.set_flags(flags)?;
    }
    match old.some() {
        Some(old) => old.write(&*task.memory(), &status),
        None => Ok(()),
    }
}

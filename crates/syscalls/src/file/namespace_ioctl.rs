//! ioctl_ns(2): what namespaces say of themselves.

use std::sync::Arc;

use abi::Errno;
use kernel::namespace::{Namespace, NamespaceFile};
use kernel::{Task, UserPtr};
use vfs::{OpenFile, OpenFlags, UserNamespace};

use super::descriptor;

/// `NS_GET_USERNS`.
const GET_USER: u32 = 0xb701;
/// `NS_GET_PARENT`.
const GET_PARENT: u32 = 0xb702;
/// `NS_GET_NSTYPE`.
const GET_TYPE: u32 = 0xb703;
/// `NS_GET_OWNER_UID`.
const GET_OWNER: u32 = 0xb704;
/// `NS_GET_MNTNS_ID`.
const GET_MOUNT_ID: u32 = 0x8008_b705;

/// `NS_GET_PID_FROM_PIDNS` and `NS_GET_TGID_FROM_PIDNS`: what a number there is here.
const PID_HERE: u32 = 0x8004_b706;
const GROUP_HERE: u32 = 0x8004_b707;
/// `NS_GET_PID_IN_PIDNS` and `NS_GET_TGID_IN_PIDNS`: what a number here is there.
const PID_THERE: u32 = 0x8004_b708;
const GROUP_THERE: u32 = 0x8004_b709;

/// The requests about namespaces; nothing if the file is no namespace.
///
/// # Errors
/// `ENOTTY` for other requests, `EINVAL` for kinds that have no such thing, `EPERM` for namespaces outside the caller's own, `EFAULT`.
pub(super) fn control(
    task: &Arc<Task>,
    file: &OpenFile,
    request: u32,
    argument: u64,
) -> Result<Option<u64>, Errno> {
    let opened: Option<&NamespaceFile> = file.file.as_any().downcast_ref();
    let Some(NamespaceFile(namespace)) = opened else { return Ok(None) };
    let memory = task.memory();
    match (request, namespace) {
        (GET_TYPE, _) => return Ok(Some(namespace.kind().flag().bits())),
        (GET_USER, _) | (GET_PARENT, Namespace::User(_)) => {
            return open(task, Namespace::User(owner(task, namespace)?)).map(Some);
        }
        (GET_PARENT, Namespace::Pid(pids)) => {
            let parent = pids.parent.as_ref().filter(|parent| parent.is_within(task.pids()));
            return open(task, Namespace::Pid(Arc::clone(parent.ok_or(Errno::EPERM)?))).map(Some);
        }
        (PID_HERE | GROUP_HERE, Namespace::Pid(pids)) => {
            let id = i32::try_from(argument).ok().and_then(|number| pids.known(number));
            return own_number(task, id, request == GROUP_HERE).map(Some);
        }
        (PID_THERE | GROUP_THERE, Namespace::Pid(pids)) => {
            let id = i32::try_from(argument).ok().and_then(|number| task.pids().known(number));
            let process = number_of(task, id, request == GROUP_THERE);
            let number = process.and_then(|id| pids.number(id)).ok_or(Errno::ESRCH)?;
            return Ok(Some(u64::from(number.unsigned_abs())));
        }
        (GET_OWNER, Namespace::User(user)) => {
            let shown = task.credentials().user.shown_uid(user.owner);
            UserPtr::<u32>::new(argument).write(&*memory, &shown)?;
        }
        (GET_MOUNT_ID, Namespace::Mount(mounts)) => {
            UserPtr::<u64>::new(argument).write(&*memory, &mounts.id)?;
        }
        (GET_PARENT | GET_OWNER | GET_MOUNT_ID | PID_HERE | GROUP_HERE | PID_THERE | GROUP_THERE, _) => {
            return Err(Errno::EINVAL);
        }
        _ => return Err(Errno::ENOTTY),
    }
    Ok(Some(0))
}

/// The user namespace that a namespace belongs to, if the caller may know of it.
fn owner(task: &Task, namespace: &Namespace) -> Result<Arc<UserNamespace>, Errno> {
    let owner = namespace.user().ok_or(Errno::EPERM)?;
    if owner.is_within(&task.credentials().user) { Ok(owner) } else { Err(Errno::EPERM) }
}

/// A thread, or the process that it belongs to.
fn number_of(task: &Task, id: Option<i32>, group: bool) -> Option<i32> {
    let found = task.kernel.task(id?)?;
    Some(if group { found.pid() } else { found.tid() })
}

fn own_number(task: &Task, id: Option<i32>, group: bool) -> Result<u64, Errno> {
    let found = number_of(task, id, group).and_then(|id| task.pids().number(id));
    Ok(u64::from(found.ok_or(Errno::ESRCH)?.unsigned_abs()))
}

fn open(task: &Arc<Task>, namespace: Namespace) -> Result<u64, Errno> {
    let file = Arc::new(NamespaceFile(namespace));
    let open = OpenFile::new(file, None, OpenFlags::empty(), Arc::clone(&task.credentials()));
    let fd = descriptor::install(task, open, true)?;
    Ok(u64::from(fd.0.unsigned_abs()))
}

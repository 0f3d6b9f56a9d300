//! Control messages, cmsg(3): descriptors and credentials.

use std::sync::Arc;

use abi::Errno;
use abi::socket::family::{AF_UNIX, SCM_MAX_FD};
use abi::socket::message::{CMSG_ALIGN, Cmsghdr, MessageFlags, SCM_CREDENTIALS, SCM_RIGHTS, Ucred};
use abi::socket::option::SOL_SOCKET;
use kernel::memory::{read_exact, write_all};
use kernel::{Task, UserAddr};
use socket::options::Stamp;
use socket::{Control, Identity, Received};
use vfs::{Capability, Fd, OpenFile, Timestamp};
use zerocopy::{FromBytes, IntoBytes};

use crate::file::descriptor;

/// The most control data that a message may have (`net.core.optmem_max`).
const CONTROL_MAX: usize = 128 * 1024;
const HEADER: usize = size_of::<Cmsghdr>();

/// What a sender passes along.
#[derive(Default)]
pub(super) struct Passed {
    pub(super) files: Vec<Arc<OpenFile>>,
    pub(super) credentials: Option<Identity>,
    pub(super) control: Vec<Control>,
}

impl Passed {
    /// Reads the control messages of a message: those of AF_UNIX, and for others those that the protocol is to judge.
    ///
    /// # Errors
    /// `ENOBUFS` for too many, `EINVAL` for malformed or unknown ones, `EBADF`, `EPERM` for credentials that are not the sender's,
    /// `EFAULT`.
    pub(super) fn read(task: &Task, domain: u16, at: UserAddr, length: u64) -> Result<Self, Errno> {
        let length = usize::try_from(length).ok().filter(|n| *n <= CONTROL_MAX).ok_or(Errno::ENOBUFS)?;
        let mut bytes = vec![0; length];
        read_exact(&*task.memory(), at, &mut bytes)?;
        let mut passed = Self::default();
        let mut rest = bytes.as_slice();
        while let Ok((header, _)) = Cmsghdr::read_from_prefix(rest) {
            let whole = usize::try_from(header.length).map_err(|_| Errno::EINVAL)?;
            let data = rest.get(HEADER..whole).ok_or(Errno::EINVAL)?;
            let ours = matches!(header.kind, SCM_RIGHTS | SCM_CREDENTIALS);
            match header.level {
                SOL_SOCKET if domain == AF_UNIX => passed.take(task, header.kind, data)?,
                // As Linux: what is for AF_UNIX is passed over by others.
                SOL_SOCKET if ours => {}
                level => passed.control.push(Control::new(level, header.kind, data)),
            }
            rest = rest.get(whole.next_multiple_of(CMSG_ALIGN)..).unwrap_or_default();
        }
        Ok(passed)
    }

    fn take(&mut self, task: &Task, kind: u32, data: &[u8]) -> Result<(), Errno> {
        match kind {
            SCM_RIGHTS => {
                let table = task.files();
                let numbers = data.chunks_exact(size_of::<i32>());
                if self.files.len().saturating_add(numbers.len()) > SCM_MAX_FD {
                    return Err(Errno::EINVAL);
                }
                for number in numbers {
                    let number = i32::read_from_bytes(number).map_err(|_| Errno::EINVAL)?;
                    self.files.push(table.get(Fd(number))?);
                }
                Ok(())
            }
            SCM_CREDENTIALS => {
                let ucred = Ucred::read_from_bytes(data).map_err(|_| Errno::EINVAL)?;
                self.credentials = Some(check(task, ucred)?);
                Ok(())
            }
            _ => Err(Errno::EINVAL),
        }
    }
}

/// A sender may name itself, and others only with the capability for it.
fn check(task: &Task, ucred: Ucred) -> Result<Identity, Errno> {
    let credentials = task.credentials();
    let (uids, gids) = (
        [credentials.uid, credentials.euid, credentials.suid],
        [credentials.gid, credentials.egid, credentials.sgid],
    );
    let ids = credentials.user.uid(ucred.uid).zip(credentials.user.gid(ucred.gid));
    let (uid, gid) = ids.ok_or(Errno::EINVAL)?;
    let allowed = (ucred.pid == task.own_pid()
        || credentials.has_in(Capability::SysAdmin, &task.pids().user))
        && (uids.contains(&uid) || credentials.has_here(Capability::Setuid))
        && (gids.contains(&gid) || credentials.has_here(Capability::Setgid));
    if !allowed {
        return Err(Errno::EPERM);
    }
    Ok(Identity { pid: task.known_id(ucred.pid)?, uid, gid })
}

/// What a program is told of who somebody is: with the numbers of its own user namespace.
pub(super) fn ucred(task: &Task, identity: Identity) -> Ucred {
    if identity == Identity::NONE {
        return Ucred { pid: 0, uid: u32::MAX, gid: u32::MAX };
    }
    let user = &task.credentials().user;
    let pid = task.pids().shown(identity.pid);
    Ucred { pid, uid: user.shown_uid(identity.uid), gid: user.shown_gid(identity.gid) }
}

/// Control messages for a receiver, as far as there is room.
struct Writer {
    bytes: Vec<u8>,
    room: usize,
    truncated: bool,
}

impl Writer {
    fn left(&self) -> usize {
        self.room.saturating_sub(self.bytes.len())
    }

    /// Adds a message; what does not fit of it is cut.
    fn put(&mut self, level: u32, kind: u32, data: &[u8]) {
        let left = self.left();
        if left < HEADER {
            self.truncated = true;
            return;
        }
        let whole = HEADER.saturating_add(data.len());
        self.truncated |= whole > left;
        let whole = whole.min(left);
        let header = Cmsghdr { length: whole as u64, level, kind };
        self.bytes.extend_from_slice(header.as_bytes());
        self.bytes.extend(data.iter().take(whole.saturating_sub(HEADER)));
        let padded = self.bytes.len().next_multiple_of(CMSG_ALIGN).min(self.room);
        self.bytes.resize(padded, 0);
    }
}

/// When a message came: `struct timeval` or `struct timespec`.
fn time_of(stamp: Stamp, arrived: Timestamp) -> Vec<u8> {
    let fraction = if stamp.fine { arrived.nanoseconds } else { arrived.nanoseconds / 1000 };
    [arrived.seconds, i64::from(fraction)].as_bytes().to_vec()
}

/// Writes what came with a message, and with `stamp` when it came. Returns how many bytes that are, and the flags for `msg_flags`.
///
/// # Errors
/// `EFAULT`.
pub(super) fn write(
    task: &Task,
    received: &mut Received,
    stamp: Option<Stamp>,
    at: UserAddr,
    room: u64,
    flags: MessageFlags,
) -> Result<(usize, MessageFlags), Errno> {
    let room = if at.is_null() { 0 } else { usize::try_from(room).unwrap_or(usize::MAX).min(CONTROL_MAX) };
    let mut writer = Writer { bytes: Vec::new(), room, truncated: false };
    if let Some((stamp, arrived)) = stamp.zip(received.arrived) {
        writer.put(SOL_SOCKET, stamp.option(), &time_of(stamp, arrived));
    }
    for control in &received.control {
        writer.put(control.level, control.kind, &control.data);
    }
    if let Some(credentials) = received.credentials {
        writer.put(SOL_SOCKET, SCM_CREDENTIALS, ucred(task, credentials).as_bytes());
    }
    if !received.files.is_empty() {
        put_files(task, &mut writer, std::mem::take(&mut received.files), flags);
    }
    write_all(&*task.memory(), at, &writer.bytes)?;
    let truncated = if writer.truncated { MessageFlags::CTRUNC } else { MessageFlags::empty() };
    Ok((writer.bytes.len(), truncated))
}

/// Gives the files descriptors, as many as there is room for in the message and in the table. The others close.
fn put_files(task: &Task, writer: &mut Writer, files: Vec<Arc<OpenFile>>, flags: MessageFlags) {
    let fitting = writer.left().saturating_sub(HEADER) / size_of::<i32>();
    let count = files.len();
    let close_on_exec = flags.contains(MessageFlags::CMSG_CLOEXEC);
    let mut numbers = Vec::new();
    for file in files.into_iter().take(fitting) {
        match descriptor::install(task, file, close_on_exec) {
            Ok(fd) => numbers.extend_from_slice(fd.0.as_bytes()),
            Err(_) => break,
        }
    }
    writer.truncated |= numbers.len() / size_of::<i32>() < count;
    if !numbers.is_empty() {
        writer.put(SOL_SOCKET, SCM_RIGHTS, &numbers);
    }
}

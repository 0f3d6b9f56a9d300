//! socket(2), socketpair(2).

use std::sync::Arc;

use abi::Errno;
use abi::socket::family::{SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_TYPE_MASK};
use kernel::{Task, UserPtr};
use socket::{Kind, SocketFile};
use vfs::Fd;

use super::descriptor::caller;
use crate::file::descriptor;

/// The second argument of socket(2), taken apart.
struct Type {
    number: u32,
    nonblocking: bool,
    close_on_exec: bool,
}

impl Type {
    fn parse(bits: u32) -> Result<Self, Errno> {
        if bits & !(SOCK_TYPE_MASK | SOCK_NONBLOCK | SOCK_CLOEXEC) != 0 {
            return Err(Errno::EINVAL);
        }
        Ok(Self {
            number: bits & SOCK_TYPE_MASK,
            nonblocking: bits & SOCK_NONBLOCK != 0,
            close_on_exec: bits & SOCK_CLOEXEC != 0,
        })
    }
}

/// socket(2).
///
/// # Errors
/// `EAFNOSUPPORT`, `EINVAL`, `ESOCKTNOSUPPORT`, `EPROTONOSUPPORT`, `EPERM`, `EMFILE`.
pub fn socket(task: &Arc<Task>, domain: u32, kind: u32, protocol: u32) -> Result<Fd, Errno> {
    let kind = Type::parse(kind)?;
    let network = task.network();
    let socket = network.family(domain)?.create(Kind::from_raw(kind.number)?, protocol, &caller(task))?;
    descriptor::install(task, SocketFile::open(socket, kind.nonblocking), kind.close_on_exec)
}

/// socketpair(2).
///
/// # Errors
/// As [`socket`], `EOPNOTSUPP` for families without pairs, `EFAULT`.
pub fn socketpair(
    task: &Arc<Task>,
    domain: u32,
    kind: u32,
    protocol: u32,
    pair: UserPtr<[i32; 2]>,
) -> Result<(), Errno> {
    let kind = Type::parse(kind)?;
    let network = task.network();
    let (a, b) =
        network.family(domain)?.create_pair(Kind::from_raw(kind.number)?, protocol, &caller(task))?;
    let first = descriptor::install(task, SocketFile::open(a, kind.nonblocking), kind.close_on_exec)?;
    let second = descriptor::install(task, SocketFile::open(b, kind.nonblocking), kind.close_on_exec)
        .inspect_err(|_| drop(task.files().remove(first)))?;
    pair.write(&*task.memory(), &[first.0, second.0]).inspect_err(|_| {
        drop(task.files().remove(first));
        drop(task.files().remove(second));
    })
}

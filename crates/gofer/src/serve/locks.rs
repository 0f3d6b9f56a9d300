//! Record locks. They belong to the open fid, as those of open file descriptions do; the server never waits for one.

use abi::Errno;
use host::record_lock::{Kind, RecordLock};
use ninep::flags::lock;
use ninep::message::{Rgetlock, Rlock, Tgetlock, Tlock};

use crate::fids::State;
use crate::session::{Answer, Session};

fn kind(number: u8) -> Result<Kind, Errno> {
    match number {
        lock::READ => Ok(Kind::Read),
        lock::WRITE => Ok(Kind::Write),
        lock::UNLOCK => Ok(Kind::Unlock),
        _ => Err(Errno::EINVAL),
    }
}

fn open_file(session: &Session, fid: u32) -> Result<&std::os::fd::OwnedFd, Errno> {
    match &session.fids.get(fid)?.state {
        State::File(fd, _) => Ok(fd),
        _ => Err(Errno::EBADF),
    }
}

pub(super) fn lock(session: &mut Session, request: &Tlock<'_>, answer: &mut Answer<'_>) -> Result<(), Errno> {
    let wanted = RecordLock { kind: kind(request.kind)?, start: request.start, length: request.length };
    let status = match host::record_lock::set(open_file(session, request.fid)?, wanted) {
        Ok(()) => lock::SUCCESS,
        Err(Errno::EAGAIN | Errno::EACCES) => lock::BLOCKED,
        Err(errno) => return Err(errno),
    };
    answer.reply(&Rlock { status })
}

pub(super) fn getlock(
    session: &mut Session,
    request: &Tgetlock<'_>,
    answer: &mut Answer<'_>,
) -> Result<(), Errno> {
    let wanted = RecordLock { kind: kind(request.kind)?, start: request.start, length: request.length };
    let found = host::record_lock::get(open_file(session, request.fid)?, wanted)?;
    let (kind, start, length) = match found {
        None => (lock::UNLOCK, request.start, request.length),
        Some(held) => {
            let kind = if held.kind == Kind::Write { lock::WRITE } else { lock::READ };
            (kind, held.start, held.length)
        }
    };
    // Who holds it on the host is not told.
    answer.reply(&Rgetlock { kind, start, length, proc_id: request.proc_id, client_id: request.client_id })
}

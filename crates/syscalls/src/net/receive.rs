//! recvfrom(2), recvmsg(2).

use std::sync::Arc;

use abi::Errno;
use abi::socket::family::AF_UNIX;
use abi::socket::message::{MessageFlags, Msghdr};
use kernel::{GuestSink, IoVecs, Task, UserAddr, UserPtr};
use socket::{Incoming, Kind, Received, Socket};
use vfs::{Events, Fd, Sink};

use super::descriptor::Open;
use super::header::{Field, Header};
use super::wait::{Patience, patiently};
use super::{address, control};
use crate::file::{descriptor, io};

/// recvfrom(2); recv(3) without a place for the sender's address.
///
/// # Errors
/// Those of recv(2).
pub async fn recvfrom(
    task: &Arc<Task>,
    fd: Fd,
    buffer: UserAddr,
    count: usize,
    flags: u32,
    from: UserAddr,
    from_length: UserPtr<i32>,
) -> Result<usize, Errno> {
    let file = descriptor::get(task, fd)?;
    let open = Open::of(&file)?;
    let pieces = io::one_cut(buffer, count)?;
    let flags = MessageFlags::from_bits_retain(flags);
    let received = receive(task, open, pieces, flags).await?;
    if !from.is_null() {
        address::write(task, received.from.as_ref(), from, from_length)?;
    }
    Ok(reported(open, &received, flags))
}

/// recvmsg(2).
///
/// # Errors
/// Those of recv(2).
pub async fn recvmsg(task: &Arc<Task>, fd: Fd, header: UserPtr<Msghdr>, flags: u32) -> Result<usize, Errno> {
    let file = descriptor::get(task, fd)?;
    let open = Open::of(&file)?;
    receive_header(task, open, header, MessageFlags::from_bits_retain(flags)).await
}

/// Receives into a header.
pub(super) async fn receive_header(
    task: &Arc<Task>,
    open: Open<'_>,
    at: UserPtr<Msghdr>,
    flags: MessageFlags,
) -> Result<usize, Errno> {
    let header = Header::read(task, at)?;
    if header.raw.name != 0 && i32::try_from(header.raw.name_length).is_err() {
        return Err(Errno::EINVAL);
    }
    let mut received = receive(task, open, header.pieces, flags).await?;
    if header.raw.name != 0 {
        address::write(
            task,
            received.from.as_ref(),
            UserAddr(header.raw.name),
            Field::NameLength.of::<i32>(at),
        )?;
    }
    let room = header.raw.control_length;
    let stamp = open.socket().core().options.lock().timestamp;
    let (control_length, cut) =
        control::write(task, &mut received, stamp, UserAddr(header.raw.control), room, flags)?;
    let memory = task.memory();
    let kept = flags & MessageFlags::CMSG_CLOEXEC;
    Field::Flags.of::<u32>(at).write(&*memory, &(received.flags | cut | kept).bits())?;
    Field::ControlLength.of::<u64>(at).write(&*memory, &(control_length as u64))?;
    Ok(reported(open, &received, flags))
}

/// What the call returns: with `MSG_TRUNC` the length of the message, even if it did not fit.
fn reported(open: Open<'_>, received: &Received, flags: MessageFlags) -> usize {
    let messages = open.socket().core().kind != Kind::Stream;
    if messages && flags.contains(MessageFlags::TRUNC) { received.length } else { received.stored }
}

/// Receives a message, or bytes of a stream: at least one, or with `MSG_WAITALL` as many as there is room for.
pub(super) async fn receive(
    task: &Arc<Task>,
    open: Open<'_>,
    pieces: IoVecs,
    flags: MessageFlags,
) -> Result<Received, Errno> {
    let socket = open.socket();
    // Nobody waits for the queue of errors.
    let errors = flags.contains(MessageFlags::ERRQUEUE) && socket.core().domain != AF_UNIX;
    let patience = Patience::to_receive(open, flags.contains(MessageFlags::DONTWAIT) || errors);
    let flags = if patience.is_none() { flags | MessageFlags::DONTWAIT } else { flags };
    let mut sink = GuestSink::new(task.memory(), pieces);
    let target = target(socket, sink.room(), flags);
    let interest = Events::IN | Events::RDHUP;
    let mut all: Option<Received> = None;
    loop {
        let attempt = || socket.receive(&mut Incoming { into: &mut sink, flags });
        let received = match (patiently(task, open, interest, patience, attempt).await, &mut all) {
            (Ok(received), _) => received,
            (Err(errno), None) => return Err(errno),
            (Err(errno), Some(_)) => {
                // What came is reported now, the error by the next call.
                if errno == Errno::ECONNRESET {
                    socket.core().set_error(errno);
                }
                return Ok(all.unwrap_or_default());
            }
        };
        let ended = received.complete || received.stored == 0;
        let so_far = match &mut all {
            None => all.insert(received),
            Some(so_far) => {
                so_far.stored = so_far.stored.saturating_add(received.stored);
                so_far.length = so_far.length.saturating_add(received.length);
                so_far.files.extend(received.files);
                so_far
            }
        };
        if ended || so_far.stored >= target {
            return Ok(all.unwrap_or_default());
        }
    }
}

/// How many bytes end the call.
fn target(socket: &dyn Socket, room: usize, flags: MessageFlags) -> usize {
    let core = socket.core();
    if core.kind != Kind::Stream || flags.contains(MessageFlags::PEEK) || flags.contains(MessageFlags::TRUNC)
    {
        return 0;
    }
    if flags.contains(MessageFlags::WAITALL) { room } else { core.options.lock().receive_low_water.min(room) }
}

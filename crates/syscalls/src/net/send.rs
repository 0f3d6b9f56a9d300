//! sendto(2), sendmsg(2).

use std::sync::Arc;

use abi::Errno;
use abi::signal::{Siginfo, Signal};
use abi::socket::message::{MessageFlags, Msghdr};
use kernel::{GuestSource, IoVecs, Task, UserAddr, UserPtr};
use socket::{Address, Kind, Outgoing};
use vfs::{Events, Fd, Source};

use super::address;
use super::control::Passed;
use super::descriptor::{Open, caller};
use super::header::Header;
use super::wait::{Patience, patiently};
use crate::file::{descriptor, io};

/// sendto(2); send(3) without a destination.
///
/// # Errors
/// Those of send(2).
pub async fn sendto(
    task: &Arc<Task>,
    fd: Fd,
    buffer: UserAddr,
    count: usize,
    flags: u32,
    to: UserAddr,
    to_length: i32,
) -> Result<usize, Errno> {
    let file = descriptor::get(task, fd)?;
    let open = Open::of(&file)?;
    let to = if to.is_null() { None } else { Some(address::read_destination(task, to, to_length)?) };
    let pieces = io::one_cut(buffer, count)?;
    let flags = MessageFlags::from_bits_retain(flags);
    send(task, open, pieces, to.as_ref(), Passed::default(), flags).await
}

/// sendmsg(2).
///
/// # Errors
/// Those of send(2).
pub async fn sendmsg(task: &Arc<Task>, fd: Fd, header: UserPtr<Msghdr>, flags: u32) -> Result<usize, Errno> {
    let file = descriptor::get(task, fd)?;
    let open = Open::of(&file)?;
    send_header(task, open, header, MessageFlags::from_bits_retain(flags)).await
}

/// Sends the message of a header.
pub(super) async fn send_header(
    task: &Arc<Task>,
    open: Open<'_>,
    header: UserPtr<Msghdr>,
    flags: MessageFlags,
) -> Result<usize, Errno> {
    let header = Header::read(task, header)?;
    let to = header.destination(task)?;
    let passed = if header.raw.control_length > 0 {
        let domain = open.socket().core().domain;
        Passed::read(task, domain, UserAddr(header.raw.control), header.raw.control_length)?
    } else {
        Passed::default()
    };
    send(task, open, header.pieces, to.as_ref(), passed, flags).await
}

/// Sends a message, or all bytes to a stream, waiting for room unless told otherwise. Raises SIGPIPE.
pub(super) async fn send(
    task: &Arc<Task>,
    open: Open<'_>,
    pieces: IoVecs,
    to: Option<&Address>,
    passed: Passed,
    flags: MessageFlags,
) -> Result<usize, Errno> {
    let socket = open.socket();
    let patience = Patience::to_send(open, flags.contains(MessageFlags::DONTWAIT));
    let flags = if patience.is_none() { flags | MessageFlags::DONTWAIT } else { flags };
    let caller = caller(task);
    let mut source = GuestSource::new(task.memory(), pieces);
    let Passed { mut files, credentials, control } = passed;
    let mut sent = 0_usize;
    loop {
        let attempt = || {
            let mut message = Outgoing {
                data: &mut source,
                to,
                files: files.clone(),
                credentials,
                control: &control,
                flags,
                caller: &caller,
            };
            socket.send(&mut message)
        };
        match patiently(task, open, Events::OUT, patience, attempt).await {
            Ok(count) => {
                sent = sent.saturating_add(count);
                files.clear();
                if socket.core().kind != Kind::Stream || count == 0 || source.left() == 0 {
                    return Ok(sent);
                }
            }
            Err(_) if sent > 0 => return Ok(sent),
            Err(errno) => {
                if errno == Errno::EPIPE && socket.raises_sigpipe() && !flags.contains(MessageFlags::NOSIGNAL)
                {
                    kernel::signal::send_to_task(task, Siginfo::kernel(Signal::SIGPIPE));
                }
                return Err(errno);
            }
        }
    }
}

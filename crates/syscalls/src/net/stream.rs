//! read(2) and write(2) on sockets.

use std::sync::Arc;

use abi::Errno;
use abi::socket::message::MessageFlags;
use kernel::{IoVecs, Task};
use vfs::OpenFile;

use super::control::Passed;
use super::descriptor::Open;
use super::receive::receive;
use super::send::send;

fn flags(nonblocking: bool) -> MessageFlags {
    if nonblocking { MessageFlags::DONTWAIT } else { MessageFlags::empty() }
}

/// Receives, as read(2) does. Descriptors that come along are closed.
pub(crate) async fn read(
    task: &Arc<Task>,
    file: &OpenFile,
    pieces: IoVecs,
    nonblocking: bool,
) -> Result<usize, Errno> {
    // As Linux: nothing to read into is no reason to look.
    if pieces.iter().all(|piece| piece.len == 0) {
        return Ok(0);
    }
    receive(task, Open::of(file)?, pieces, flags(nonblocking)).await.map(|received| received.stored)
}

/// Sends, as write(2) does.
pub(crate) async fn write(
    task: &Arc<Task>,
    file: &OpenFile,
    pieces: IoVecs,
    nonblocking: bool,
) -> Result<usize, Errno> {
    send(task, Open::of(file)?, pieces, None, Passed::default(), flags(nonblocking)).await
}

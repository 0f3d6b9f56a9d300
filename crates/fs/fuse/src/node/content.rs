//! What servers tell of content unasked.

use abi::Errno;
use vfs::FileKind;
use zerocopy::IntoBytes;

use super::Node;
use crate::connection::{Asker, Question, Shape};
use crate::wire::{NotifyRetrieveIn, NotifyRetrieveOut, Opcode};

impl Node {
    /// Content of a range is outdated.
    pub(crate) fn content_outdated(&self, start: u64, end: u64) {
        self.content.forget(start, end);
        self.listing.forget();
        *self.target.lock() = None;
    }

    /// Content for the cache. The file becomes as long as that.
    ///
    /// # Errors
    /// `EINVAL` for what is no regular file.
    pub(crate) fn store(&self, offset: u64, data: &[u8]) -> Result<(), Errno> {
        let end = offset.checked_add(data.len() as u64).filter(|end| i64::try_from(*end).is_ok());
        if self.kind != FileKind::Regular {
            return Err(Errno::EINVAL);
        }
        self.stored(end.ok_or(Errno::EINVAL)?);
        self.content.overlay(offset, data);
        Ok(())
    }

    /// Content from the cache: what is there from an offset on goes back to the server.
    pub(crate) fn retrieve(&self, wanted: &NotifyRetrieveOut) {
        let limit = self.shared.connection.settings().max_write;
        let left = self.size().saturating_sub(wanted.offset);
        let size = u64::from(wanted.size.min(limit)).min(left);
        let mut data = vec![0; usize::try_from(size).unwrap_or(0)];
        let got = self.content.copy(wanted.offset, &mut data);
        data.truncate(got);
        let head = NotifyRetrieveIn {
            offset: wanted.offset,
            size: u32::try_from(got).unwrap_or(0),
            ..NotifyRetrieveIn::default()
        };
        let question = Question {
            opcode: Opcode::NotifyReply,
            node: self.id,
            asker: Asker::default(),
            body: [head.as_bytes(), &data].concat(),
            shape: Shape::Silent,
            extension: 0,
        };
        self.shared.connection.post_as(wanted.notify_unique, question);
    }
}

//! The content of a file in an archive, without its holes where it has any (GNU's sparse format 1.0).

use std::io::Write;
use std::ops::Range;
use std::sync::Arc;

use abi::Errno;
use vfs::io::VecSink;
use vfs::{File, InodeRef, OpenFlags, Seek};

use super::entry::{BLOCK, Records, pad, put};
use crate::node::Node;

/// Bytes copied at once.
const CHUNK: u64 = 1 << 20;
/// Holes below this are written as zeros, in bytes: an archive with a map is read by fewer programs.
const WORTH_IT: u64 = 64 << 10;

/// A file's content.
pub(super) struct Content {
    file: Arc<dyn File>,
    size: u64,
    /// Where it has data.
    data: Vec<Range<u64>>,
    /// What stands before the data, if there are holes.
    map: Option<Vec<u8>>,
}

impl Content {
    pub(super) fn of(node: &Arc<Node>, size: u64) -> Result<Self, Errno> {
        let kernel = &node.shared.kernel;
        let file = (Arc::clone(node) as InodeRef).open(OpenFlags::empty(), kernel)?;
        let mut data = ranges(file.as_ref(), size)?;
        let kept: u64 = data.iter().map(length).sum();
        let map = if size.saturating_sub(kept) < WORTH_IT {
            data = std::iter::once(0..size).collect();
            None
        } else {
            Some(map(&data))
        };
        Ok(Self { file, size, data, map })
    }

    /// Bytes that [`Self::write`] writes, but for the rest of the last block.
    pub(super) fn len(&self) -> u64 {
        let data: u64 = self.data.iter().map(length).sum();
        data.saturating_add(self.map.as_ref().map_or(0, |map| map.len() as u64))
    }

    /// The keywords that tell of holes.
    pub(super) fn records(&self, path: &[u8]) -> Records {
        if self.map.is_none() {
            return Vec::new();
        }
        let own = |key: &str, value: &[u8]| (format!("GNU.sparse.{key}").into_bytes(), value.to_vec());
        let size = self.size.to_string();
        vec![own("major", b"1"), own("minor", b"0"), own("name", path), own("realsize", size.as_bytes())]
    }

    pub(super) fn write(&self, to: &mut dyn Write) -> Result<(), Errno> {
        put(to, self.map.as_deref().unwrap_or_default())?;
        for range in &self.data {
            let mut at = range.start;
            while at < range.end {
                let wanted = usize::try_from(range.end.saturating_sub(at).min(CHUNK)).unwrap_or(0);
                let mut sink = VecSink::new(wanted);
                self.file.read(at, &mut sink)?;
                // If it was cut meanwhile, what was promised is still written.
                sink.data.resize(wanted, 0);
                put(to, &sink.data)?;
                at = at.saturating_add(wanted as u64);
            }
        }
        pad(to, self.len())
    }
}

fn length(range: &Range<u64>) -> u64 {
    range.end.saturating_sub(range.start)
}

/// Where a file has data; all of it if it cannot tell.
fn ranges(file: &dyn File, size: u64) -> Result<Vec<Range<u64>>, Errno> {
    let mut ranges = Vec::new();
    let mut at = 0;
    while at < size {
        let start = match file.seek(Seek::Data(at)) {
            Ok(start) if start < size => start,
            Ok(_) | Err(Errno::ENXIO) => break,
            Err(_) => return Ok(std::iter::once(0..size).collect()),
        };
        let end = file.seek(Seek::Hole(start))?.min(size);
        if end <= start {
            return Err(Errno::EIO);
        }
        ranges.push(start..end);
        at = end;
    }
    Ok(ranges)
}

/// The list of what is there, in whole blocks: how many, and of each where and how long. The last one says where the file ends.
fn map(data: &[Range<u64>]) -> Vec<u8> {
    let mut text = format!("{}\n", data.len());
    for range in data {
        text.push_str(&format!("{}\n{}\n", range.start, length(range)));
    }
    let mut map = text.into_bytes();
    map.resize(map.len().next_multiple_of(BLOCK), 0);
    map
}

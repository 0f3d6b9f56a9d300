//! File handles: number and generation, which a server that has `EXPORT_SUPPORT` on finds again after they were forgotten.

use std::sync::Arc;
use std::time::Instant;

use abi::Errno;
use vfs::file_handle::{FileHandle, INO64_GEN};

use super::Node;
use crate::filesystem::Shared;
use crate::wire::InitFlags;

/// Bytes of a handle: both halves of the number, and the generation, the upper half first.
const SIZE: usize = 12;

impl Node {
    /// Its handle, as Linux has it.
    pub(crate) fn handle(&self) -> FileHandle {
        let number = self.id.rotate_left(32).to_le_bytes();
        let generation = self.generation.to_le_bytes();
        let bytes = number.into_iter().chain(generation).take(SIZE).collect();
        FileHandle { kind: INO64_GEN, bytes }
    }

    /// The file of a handle: one that is known, or one that the server knows.
    ///
    /// # Errors
    /// `ESTALE` if there is none, whatever the server says.
    pub(crate) fn by_handle(shared: &Arc<Shared>, handle: &FileHandle) -> Result<Arc<Self>, Errno> {
        let (number, generation) =
            handle.bytes.get(..SIZE).and_then(|bytes| bytes.split_first_chunk()).ok_or(Errno::ESTALE)?;
        let generation: [u8; 4] = generation.try_into().map_err(|_| Errno::ESTALE)?;
        let (id, generation) = (u64::from_le_bytes(*number).rotate_left(32), u32::from_le_bytes(generation));
        if handle.kind != INO64_GEN || id == 0 {
            return Err(Errno::ESTALE);
        }
        let node = match shared.known(id) {
            Some(node) => node,
            None => Self::find_again(shared, id).map_err(|_| Errno::ESTALE)?,
        };
        // Only so much of the generation is in the handle.
        let same = node.generation.to_le_bytes().starts_with(&generation.to_le_bytes());
        if same { Ok(node) } else { Err(Errno::ESTALE) }
    }

    /// Asks the server for a file by its number: what it calls `.` there.
    fn find_again(shared: &Arc<Shared>, id: u64) -> Result<Arc<Self>, Errno> {
        let connection = &shared.connection;
        if !connection.has(InitFlags::EXPORT_SUPPORT) {
            return Err(Errno::ESTALE);
        }
        let asked = Instant::now();
        let entry = connection.lookup(id, b".")?;
        match Self::meet(shared, &entry, asked)? {
            node if node.id == id => Ok(node),
            _ => Err(Errno::EIO),
        }
    }
}

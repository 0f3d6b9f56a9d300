//! The file in which the layer of a container's root is kept when the container has ended: the archive, and behind it what says that it is complete.

use std::fs::File;
use std::io::{BufWriter, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::fd::OwnedFd;
use std::path::Path;

use crate::failure::{Failure, Trying};

/// Bytes that are collected before they are written.
const BUFFER: usize = 64 << 10;
/// What stands behind the archive, with the archive's length before it.
const COMPLETE: &[u8; 8] = b"complete";
const TRAILER: usize = size_of::<u64>() + COMPLETE.len();

/// Writes a layer as an archive. `what` names that in an error.
pub(crate) fn write(
    layer: &overlay::Overlay,
    to: OwnedFd,
    what: &'static str,
) -> Result<BufWriter<File>, Failure> {
    let mut buffered = BufWriter::with_capacity(BUFFER, File::from(to));
    layer.archive(&mut buffered).trying(what)?;
    Ok(buffered)
}

/// An archive for later, in a new file.
pub(crate) fn keep(layer: &overlay::Overlay, to: OwnedFd) -> Result<(), Failure> {
    let mut kept = write(layer, to, "keep the layer of the container's root")?;
    let finished = kept.stream_position().and_then(|length| {
        kept.write_all(&length.to_le_bytes())?;
        kept.write_all(COMPLETE)?;
        kept.flush()
    });
    finished.map_err(|error| Failure::Message(format!("keep the layer of the container's root: {error}")))
}

/// What was kept in a file. Nothing if there is no complete archive.
///
/// # Errors
/// As reading the file has them.
pub fn kept(path: &Path) -> std::io::Result<Option<impl Read + use<>>> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let Some(length) = file.metadata()?.len().checked_sub(TRAILER as u64) else { return Ok(None) };
    file.seek(SeekFrom::Start(length))?;
    let (mut told, mut complete) = ([0; 8], [0; 8]);
    file.read_exact(&mut told)?;
    file.read_exact(&mut complete)?;
    if &complete != COMPLETE || u64::from_le_bytes(told) != length {
        return Ok(None);
    }
    file.rewind()?;
    Ok(Some(file.take(length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_complete_is_not_there() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("kept");
        let found = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            let mut text = Vec::new();
            let kept = kept(&path).unwrap()?.read_to_end(&mut text);
            Some((kept.unwrap(), text))
        };
        assert_eq!(found(b"text\x04\0\0\0\0\0\0\0complete"), Some((4, b"text".to_vec())));
        assert_eq!(found(b"text\x03\0\0\0\0\0\0\0complete"), None);
        assert_eq!(found(b"text\x04\0\0\0\0\0\0\0complet"), None);
        assert_eq!(found(b""), None);
        std::fs::remove_file(&path).unwrap();
        assert!(kept(&path).unwrap().is_none());
    }
}

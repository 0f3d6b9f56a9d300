//! The controlling terminal of the first process: the one that it gets as standard input, output or error.

use std::sync::Arc;

use kernel::terminal::Terminal;
use vfs::{Device, OpenFile};

/// The device number that a host terminal shows.
const PTS_ZERO: Device = Device::new(136, 0);

pub(super) fn of(opened: &[Arc<OpenFile>]) -> Option<Terminal> {
    opened.iter().find_map(|file| {
        let id = file.file.terminal()?;
        Some(Terminal { id, device: PTS_ZERO, file: Arc::clone(&file.file) })
    })
}

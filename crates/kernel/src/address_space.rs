//! What the sentry keeps of a guest's memory: only what the host cannot know.

use std::sync::Arc;

use parking_lot::Mutex;
use platform::Memory;
use vfs::path::Path;

/// The memory of one process (or of several, after vfork).
pub struct AddressSpace {
    /// The bytes.
    pub memory: Arc<dyn Memory>,
    /// What execve(2) laid out.
    pub image: Mutex<Image>,
}

/// The layout of a program image: the ranges that /proc/PID shows and that brk(2) moves.
#[derive(Clone, Default)]
pub struct Image {
    /// The executable, as /proc/PID/exe shows it.
    pub executable: Option<Path>,
    /// First address behind the program's data.
    pub brk_start: u64,
    /// The current program break.
    pub brk: u64,
    /// Argument strings.
    pub arguments: core::ops::Range<u64>,
    /// Environment strings.
    pub environment: core::ops::Range<u64>,
    /// The auxiliary vector as it lies in memory.
    pub auxv: Vec<u8>,
    /// Where the stack began.
    pub stack_start: u64,
}

//! Call sites that jump to the stub instead of entering the host's kernel: which instructions give way, and to what.
//!
//! Pure: bytes in, bytes out. What decides that a site is worth it, and what maps the result, is `stubs::patching`.
//!
//! A hot `syscall` instruction in a program's text is replaced by a jump to a *trampoline* near the text, which goes on to the
//! gate in the stub's text (`interface::GATE` says how). There are two forms:
//!
//! - `mov $nr,%eax; syscall`: the jump takes the place of the `mov`. The `syscall` stays where it is, so whoever is inside the
//!   call, jumps to it or asks for its address finds all as it was.
//! - Any other: the jump takes the place of the `syscall` and of the instructions behind it, which move into the trampoline. Wherever one
//!   of them began within the jump, the jump has a byte there that is no instruction: a thread that was inside the call, or jumps
//!   there, gets a SIGILL, which `stubs::patching` repairs. That byte is part of the jump's distance, so the trampoline's place is chosen for it.
//!
//! Addresses are *positions*: distances from where byte 0 of the file would be mapped. A file's text, its trampolines and what its
//! instructions refer to are equally far from each other in each process, so one patched page serves all of them.

mod area;
mod image;
mod site;
#[cfg(test)]
mod tests;
mod trampoline;

pub use area::{AREA_SIZE, Area};
pub use image::{Added, Image, PAGE, Placed};
pub use site::{Form, Refusal, Site};
pub use trampoline::{JUMP_LENGTH, Trampoline};

/// Bytes that begin no instruction in 64-bit mode, on any processor and in any announced extension.
pub const INVALID: [u8; 19] = [
    0x06, 0x07, 0x0e, 0x16, 0x17, 0x1e, 0x1f, 0x27, 0x2f, 0x37, 0x3f, 0x60, 0x61, 0x82, 0x9a, 0xce, 0xd4,
    0xd6, 0xea,
];

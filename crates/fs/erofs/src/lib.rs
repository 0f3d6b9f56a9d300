//! EROFS, read-only images as mkfs.erofs(1) makes them, without compression.
//!
//! The image is somebody's file, and may say and become anything: every offset and length is checked when it is used, nothing is kept of what
//! was checked before, and what is allocated is bounded by the format's own small fields. What is compressed, lies on further devices or
//! needs any other feature is refused (`EOPNOTSUPP`); what cannot be right is `EUCLEAN`, and what lies behind the image's end `EIO`.
//!
//! The format is described by the kernel's documentation, Documentation/filesystems/erofs.rst.
#![forbid(unsafe_code)]

mod content;
mod crc;
mod directory;
mod file;
mod filesystem;
mod image;
mod mapped;
mod node;
mod record;
mod superblock;
#[cfg(test)]
mod tests;
mod xattrs;

pub use filesystem::mount;
pub use image::{HostImage, Image, OpenImage};

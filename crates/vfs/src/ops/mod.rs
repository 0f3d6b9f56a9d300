//! The file system calls on paths: one module for each family, all of them methods of [`crate::Caller`].

mod access;
mod change;
mod directory_change;
mod handle;
mod link;
mod make;
mod mounting;
mod move_mount;
mod open;
mod open_create;
pub mod open_how;
mod open_path;
mod pivot;
pub mod remount;
mod remove;
mod rename;
pub(crate) mod set_id;
mod status;
mod unmount;
mod xattr;

pub use change::OwnerChange;
pub use remount::{IdChange, MountChange};
pub use set_id::mode_after_write;
pub use status::Status;
pub use unmount::UnmountFlags;
pub use xattr::XattrMode;

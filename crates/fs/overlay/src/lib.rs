//! A writable layer over read-only ones, as Linux's overlayfs.
//!
//! What is not changed is read from the lower layers, which stay as they are. What is changed is copied into the upper layer first,
//! with the directories above it. What is removed is covered with a whiteout there: a character device 0:0. A directory that was
//! removed and made again is opaque: it has an extended attribute which says that the lower layers' directory of the name is no
//! part of it.
//!
//! Hard links of a lower layer stay together when one of them is changed, also without an index; that remembers them from one mount to the
//! next. With `metacopy` a file whose attributes alone are changed is copied without its content. A directory that a lower
//! layer has a part in is renamed only with `redirect_dir` (else `EXDEV`; mv(1) copies it then).
#![forbid(unsafe_code)]

mod archive;
mod copy_data;
mod copy_up;
mod directory_file;
mod file;
mod filesystem;
mod index;
mod inode;
mod listing;
mod lookup;
mod make;
mod marks;
mod node;
mod redirect;
mod remove;
mod rename;

pub use filesystem::{Overlay, Settings, Upper};
pub use marks::Marks;
pub use redirect::Redirects;

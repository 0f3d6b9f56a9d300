//! The Linux ABI of x86-64: numbers, structures, flags, errors.
//!
//! Everything here is a fact of the interface between a program and the kernel; nothing here does anything.
#![no_std]
#![forbid(unsafe_code)]

pub mod aio;
pub mod clone;
pub mod elf;
pub mod epoll;
pub mod errno;
pub mod fcntl;
pub mod file;
pub mod inotify;
pub mod ioctl;
pub mod ipc;
pub mod memory;
pub mod mount;
pub mod nr;
pub mod personality;
pub mod resource;
pub mod signal;
pub mod socket;
pub mod termios;
pub mod time;
pub mod wait;

pub use errno::Errno;

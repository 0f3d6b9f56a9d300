//! /dev: one filesystem for all its mounts, and the devices of mem(4), null(4), full(4) and random(4).
//!
//! A node in a filesystem is only a number; [`Devices`] knows who opens which. The kernel registers what is its own there: terminals.
#![forbid(unsafe_code)]

pub mod devices;
mod filesystem;

pub use devices::{DeviceOpen, DeviceOpener, Devices};
pub use filesystem::Devtmpfs;

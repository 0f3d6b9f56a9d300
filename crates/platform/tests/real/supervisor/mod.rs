//! A tiny kernel: enough for static C programs to run on the real platform and to be watched.

pub(crate) mod build;
pub(crate) mod elf;
mod task;
mod world;

pub(crate) use task::Task;
pub(crate) use world::{Exit, World};

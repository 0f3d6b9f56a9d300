//! A tiny kernel: enough for static C programs to run on the real platform and to be watched.

pub(crate) mod build;
mod company;
pub(crate) mod elf;
mod task;
mod world;

pub(crate) use company::{alone, children, descriptors};
pub(crate) use task::Task;
pub(crate) use world::{Exit, World, patching, without};

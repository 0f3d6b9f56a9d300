//! Calls on files, one after another, as a guest makes them.

mod data;
mod names;
mod pipes;

//! One file per command.

pub(crate) mod create;
mod creation;
pub(crate) mod debug;
pub(crate) mod delete;
pub(crate) mod r#do;
pub(crate) mod events;
pub(crate) mod exec;
pub(crate) mod features;
pub(crate) mod gofer_serve;
pub(crate) mod install;
pub(crate) mod kill;
pub(crate) mod list;
mod membership;
mod output;
pub(crate) mod pause;
pub(crate) mod ps;
pub(crate) mod reserved;
pub(crate) mod run;
pub(crate) mod spec;
pub(crate) mod start;
pub(crate) mod state;
pub(crate) mod tar;
pub(crate) mod update;
pub(crate) mod wait;

//! One file per command.

pub(crate) mod r#do;
pub(crate) mod run;
pub(crate) mod spec;

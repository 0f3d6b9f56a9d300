//! `casemate spec`.

use std::fs::OpenOptions;
use std::io::Write;

use crate::command_line::Spec;
use crate::config::{initial, load};
use crate::error::{Error, Trying};

/// Writes a configuration to start from. One that is there is left alone.
pub(crate) fn execute(arguments: &Spec) -> Result<(), Error> {
    let path = arguments.bundle.join(load::FILE_NAME);
    let spec = if arguments.rootless { initial::without_root() } else { initial::spec() };
    let mut text = serde_json::to_string_pretty(&spec)
        .map_err(|error| Error::Message(format!("cannot write a configuration: {error}")))?;
    text.push('\n');
    let mut file = OpenOptions::new().write(true).create_new(true).open(&path).trying_on("create", &path)?;
    file.write_all(text.as_bytes()).trying_on("write", &path)
}

//! `casemate state`.

use std::collections::HashMap;
use std::path::Path;

use serde::Serialize;

use super::output;
use crate::command_line::{Global, Id};
use crate::error::Error;
use crate::state::{Container, Root, Status};

/// The state of a container as the OCI runtime specification has it, with what runc adds.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct State<'a> {
    oci_version: &'a str,
    pub(super) id: &'a str,
    pub(super) pid: i32,
    pub(super) status: Status,
    pub(super) bundle: &'a Path,
    rootfs: &'a Path,
    pub(super) created: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<&'a HashMap<String, String>>,
    pub(super) owner: String,
}

impl<'a> State<'a> {
    pub(super) fn of(container: &'a Container, status: Status) -> Self {
        let record = &container.record;
        Self {
            oci_version: record.spec.version(),
            id: &record.id,
            // A process that has ended has given its number back.
            pid: record.init.filter(|_| status != Status::Stopped).map_or(0, |init| init.pid),
            status,
            bundle: &record.bundle,
            rootfs: &record.rootfs,
            created: &record.created,
            annotations: record.annotations(),
            owner: String::new(),
        }
    }

    /// Only `list` tells it, as runc does.
    pub(super) fn with_owner(self, owner: String) -> Self {
        Self { owner, ..self }
    }
}

/// Writes the state of a container.
pub(crate) fn execute(global: &Global, arguments: &Id) -> Result<(), Error> {
    let container = Root::of(global).open(&arguments.id)?;
    output::pretty(&State::of(&container, container.status()?))
}

//! A container's state as JSON: for `state`, `list` and hooks.

use std::collections::HashMap;
use std::path::Path;

use serde::Serialize;

use super::{Record, Status};

/// The state of a container as the OCI runtime specification has it, with what runc adds.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct State<'a> {
    oci_version: &'a str,
    pub(crate) id: &'a str,
    pub(crate) pid: i32,
    pub(crate) status: Status,
    pub(crate) bundle: &'a Path,
    rootfs: &'a Path,
    pub(crate) created: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<&'a HashMap<String, String>>,
    pub(crate) owner: String,
}

impl<'a> State<'a> {
    pub(crate) fn of(record: &'a Record, status: Status) -> Self {
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
    pub(crate) fn with_owner(self, owner: String) -> Self {
        Self { owner, ..self }
    }
}

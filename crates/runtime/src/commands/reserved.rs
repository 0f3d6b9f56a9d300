//! `casemate checkpoint` and `casemate restore`: names that are taken for what is to come.

use crate::error::Error;

pub(crate) fn checkpoint() -> Error {
    Error::Message("checkpoint is not there yet: a container cannot be written to files".to_owned())
}

pub(crate) fn restore() -> Error {
    Error::Message("restore is not there yet: a container cannot be brought back from files".to_owned())
}

//! OCI configurations: read, checked, and translated to what a sentry and a gofer are told.

pub(crate) mod capabilities;
pub(crate) mod fields;
mod id_mappings;
pub(crate) mod initial;
pub(crate) mod layers;
pub(crate) mod lenient;
pub(crate) mod linux;
pub(crate) mod load;
pub(crate) mod mounts;
mod namespaces;
pub(crate) mod pod;
pub(crate) mod process;
mod scheduling;
pub(crate) mod seccomp;
pub(crate) mod translate;

pub(crate) use translate::{Export, Plan};

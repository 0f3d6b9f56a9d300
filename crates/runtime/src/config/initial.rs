//! The configuration that `casemate spec` writes to start from.

use oci_spec::runtime::Spec;

/// The version of the OCI runtime specification that is followed.
pub(crate) const OCI_VERSION: &str = "1.2.1";

/// A shell in `rootfs`, with the mounts and limits that runc's own starting point has.
pub(crate) fn spec() -> Spec {
    let mut spec = Spec::default();
    spec.set_version(OCI_VERSION.to_owned());
    spec.set_hostname(Some("casemate".to_owned()));
    spec.set_annotations(None);
    spec
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load::{Config, FILE_NAME};
    use crate::config::translate::translate;

    #[test]
    fn it_can_be_run_as_it_is() {
        let bundle = tempfile::tempdir().unwrap();
        std::fs::create_dir(bundle.path().join("rootfs")).unwrap();
        let config =
            Config { bundle: bundle.path().to_owned(), path: bundle.path().join(FILE_NAME), spec: spec() };
        let plan = translate(&config, "x").unwrap();
        assert_eq!(plan.container.process.args, ["sh"]);
        assert_eq!(plan.container.hostname, "casemate");
    }
}

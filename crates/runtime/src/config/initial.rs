//! The configuration that `casemate spec` writes to start from.

use oci_spec::runtime::{LinuxIdMappingBuilder, LinuxNamespace, LinuxNamespaceType, LinuxResources, Spec};

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

/// The same for a caller who is not root: a user namespace in which that one is root, the caller's network, and no limits.
pub(crate) fn without_root() -> Spec {
    let mut spec = spec();
    let mut linux = spec.linux().clone().unwrap_or_default();
    let own = |kind: LinuxNamespaceType| {
        let mut namespace = LinuxNamespace::default();
        namespace.set_typ(kind);
        namespace
    };
    let mut namespaces = linux.namespaces().clone().unwrap_or_default();
    namespaces.retain(|namespace| namespace.typ() != LinuxNamespaceType::Network);
    namespaces.push(own(LinuxNamespaceType::User));
    linux.set_namespaces(Some(namespaces));
    let only = |id: u32| {
        let mapping = LinuxIdMappingBuilder::default().host_id(id).container_id(0u32).size(1u32).build();
        mapping.ok().map(|mapping| vec![mapping])
    };
    linux.set_uid_mappings(only(rustix::process::geteuid().as_raw()));
    linux.set_gid_mappings(only(rustix::process::getegid().as_raw()));
    linux.set_resources(None::<LinuxResources>);
    spec.set_linux(Some(linux));
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
        for spec in [spec(), without_root()] {
            let config =
                Config { bundle: bundle.path().to_owned(), path: bundle.path().join(FILE_NAME), spec };
            let plan = translate(&config, "x").unwrap();
            assert_eq!(plan.container.process.args, ["sh"]);
            assert_eq!(plan.container.hostname, "casemate");
        }
    }
}

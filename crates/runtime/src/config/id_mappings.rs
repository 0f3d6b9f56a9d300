//! Users and groups of files: what a container's user namespace and idmapped mounts make of the host's ids. Processes have no user of
//! the host in a sandbox, so files are all that mappings are about.

use gofer::{Extent, Ids};
use oci_spec::runtime::{Linux, LinuxIdMapping, LinuxNamespaceType, Mount};

/// Those of files that are mounted as they are.
pub(super) fn of_container(linux: Option<&Linux>) -> Ids {
    let own = |kind: fn(&Linux) -> &Option<Vec<LinuxIdMapping>>| {
        let has_namespace = |linux: &&Linux| {
            let all = linux.namespaces().iter().flatten();
            all.map(oci_spec::runtime::LinuxNamespace::typ).any(|kind| kind == LinuxNamespaceType::User)
        };
        extents(linux.filter(has_namespace).and_then(|linux| kind(linux).as_ref()))
    };
    Ids { users: own(Linux::uid_mappings), groups: own(Linux::gid_mappings) }
}

/// Those of an idmapped mount: by its own mappings, or by the container's where it says only that it is to be one.
pub(super) fn of_mount(mount: &Mount, asked: bool, container: &Ids) -> Result<Ids, String> {
    let mappings = [mount.uid_mappings(), mount.gid_mappings()];
    let [users, groups] = mappings.map(|own| extents(own.as_ref()));
    match (users.is_empty(), groups.is_empty()) {
        (true, true) if !asked => return Ok(container.clone()),
        (true, true) if container.users.is_empty() || container.groups.is_empty() => {
            return Err(".options: idmap: neither the mount nor the container has mappings".to_owned());
        }
        (false, false) | (true, true) => {}
        _ => return Err(".uidMappings: goes with gidMappings".to_owned()),
    }
    let own = if users.is_empty() { container.clone() } else { Ids { users, groups } };
    // It makes ids of the host of those in the file system; of these the container sees those that its own mappings have.
    Ok(container.through(&own.inverted()))
}

fn extents(mappings: Option<&Vec<LinuxIdMapping>>) -> Vec<Extent> {
    let extent = |mapping: &LinuxIdMapping| Extent {
        inside: mapping.container_id(),
        outside: mapping.host_id(),
        count: mapping.size(),
    };
    mappings.into_iter().flatten().map(extent).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn extent(inside: u32, outside: u32, count: u32) -> Extent {
        Extent { inside, outside, count }
    }

    #[test]
    fn a_user_namespace_shows_its_own_ids() {
        let linux: Linux = serde_json::from_str(
            r#"{"namespaces": [{"type": "user"}], "uidMappings": [{"containerID": 0, "hostID": 5000, "size": 10}],
                "gidMappings": [{"containerID": 0, "hostID": 6000, "size": 10}]}"#,
        )
        .unwrap();
        let ids = of_container(Some(&linux));
        assert_eq!((ids.users, ids.groups), (vec![extent(0, 5000, 10)], vec![extent(0, 6000, 10)]));
        assert_eq!(of_container(None), Ids::default());
    }

    #[test]
    fn an_idmapped_mount_of_a_user_namespace_shows_the_files_own_ids() {
        let container = Ids { users: vec![extent(0, 5000, 10)], groups: vec![extent(0, 6000, 10)] };
        let mount: Mount = serde_json::from_str(r#"{"destination": "/m"}"#).unwrap();
        assert_eq!(of_mount(&mount, false, &container).unwrap(), container);
        let mapped = of_mount(&mount, true, &container).unwrap();
        assert_eq!((mapped.users, mapped.groups), (vec![extent(0, 0, 10)], vec![extent(0, 0, 10)]));
        assert!(of_mount(&mount, true, &Ids::default()).is_err());
    }

    #[test]
    fn a_mounts_mapping_is_from_its_files_to_the_host() {
        let mount: Mount = serde_json::from_str(
            r#"{"destination": "/m", "uidMappings": [{"containerID": 0, "hostID": 1000, "size": 5}],
                "gidMappings": [{"containerID": 0, "hostID": 1000, "size": 5}]}"#,
        )
        .unwrap();
        let seen = |container: &[Extent]| {
            let container = Ids { users: container.to_vec(), groups: container.to_vec() };
            let ids = of_mount(&mount, false, &container).unwrap();
            assert_eq!(ids.users, ids.groups);
            ids.users
        };
        assert_eq!(seen(&[]), [extent(1000, 0, 5)]);
        // Files 3 and 4 are 1003 and 1004 of the host, which the container has as 0 and 1.
        assert_eq!(seen(&[extent(0, 1003, 100)]), [extent(0, 3, 2)]);
        let none = seen(&[extent(0, 2000, 100)]);
        assert!(!none.is_empty() && none.iter().all(|extent| extent.count == 0), "no id, and not all");
    }
}

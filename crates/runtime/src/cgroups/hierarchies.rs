//! Which hierarchies the host has mounted, and where in them this process is.

use std::fs;
use std::path::{Path, PathBuf};

use super::Version;

/// A mounted hierarchy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hierarchy {
    pub(super) version: Version,
    pub(super) controllers: Vec<String>,
    pub(super) mount: PathBuf,
    /// This process's own group, relative to the mount.
    pub(super) own: PathBuf,
}

/// Where a host with version 2 alone has it.
const UNIFIED: &str = "/sys/fs/cgroup";

/// Those that containers' groups are made in: that of version 2 if it stands alone, all of version 1 otherwise.
pub(super) fn find() -> Vec<Hierarchy> {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    parse(&read("/proc/self/mountinfo"), &read("/proc/self/cgroup"))
}

fn parse(mountinfo: &str, own: &str) -> Vec<Hierarchy> {
    let mounted: Vec<Hierarchy> = mountinfo.lines().filter_map(|line| mount(line, own)).collect();
    let unified = mounted.iter().find(|h| h.version == Version::Two && h.mount == Path::new(UNIFIED));
    match unified {
        Some(unified) => vec![unified.clone()],
        None => mounted.into_iter().filter(|hierarchy| hierarchy.version == Version::One).collect(),
    }
}

/// One line of mountinfo: "ID PARENT MAJOR:MINOR ROOT MOUNTPOINT OPTIONS [FIELD...] - TYPE SOURCE SUPER_OPTIONS".
fn mount(line: &str, own: &str) -> Option<Hierarchy> {
    let (place, filesystem) = line.split_once(" - ")?;
    let mut place = place.split(' ').skip(3);
    let (root, mount) = (place.next()?, PathBuf::from(place.next()?));
    let mut filesystem = filesystem.split(' ');
    let kind = filesystem.next()?;
    let options = filesystem.nth(1)?;
    let (version, controllers): (_, Vec<String>) = match kind {
        "cgroup2" => (Version::Two, Vec::new()),
        "cgroup" => {
            let names =
                options.split(',').filter(|word| !matches!(*word, "rw" | "ro" | "xattr" | "clone_children"));
            (
                Version::One,
                names.filter(|word| !word.starts_with("release_agent")).map(str::to_owned).collect(),
            )
        }
        _ => return None,
    };
    let path = own_group(own, &controllers)?;
    let own = Path::new(path).strip_prefix(root).unwrap_or(Path::new("")).to_owned();
    Some(Hierarchy { version, controllers, mount, own })
}

/// The line "ID:CONTROLLERS:PATH" of these controllers, in any order.
fn own_group<'a>(own: &'a str, controllers: &[String]) -> Option<&'a str> {
    own.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':');
        let names = fields.nth(1)?;
        let path = fields.next()?;
        let same = match controllers.first() {
            None => names.is_empty(),
            Some(first) => names.split(',').any(|name| name == first),
        };
        same.then_some(path)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const V1: &str = "\
30 25 0:26 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
31 30 0:27 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct
32 30 0:28 /outer /sys/fs/cgroup/memory rw,relatime shared:4 - cgroup cgroup rw,memory
33 30 0:29 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
34 30 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
";
    const OWN: &str = "3:name=systemd:/\n2:memory:/outer/inner\n1:cpu,cpuacct:/\n0::/x\n";

    #[test]
    fn all_hierarchies_of_version_1_are_used() {
        let found = parse(V1, OWN);
        assert_eq!(found.len(), 3);
        assert_eq!(found[0].controllers, ["cpu", "cpuacct"]);
        assert_eq!(
            (found[1].mount.as_path(), found[1].own.as_path()),
            (Path::new("/sys/fs/cgroup/memory"), Path::new("inner"))
        );
        assert_eq!(found[2].controllers, ["name=systemd"]);
    }

    #[test]
    fn version_2_is_used_where_it_stands_alone() {
        let found =
            parse("30 25 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n", "0::/user.slice/x\n");
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].version, found[0].own.as_path()), (Version::Two, Path::new("user.slice/x")));
    }
}

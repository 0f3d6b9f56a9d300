//! Which of the host's users a sandbox runs as.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use abi::Errno;
use gofer::{Extent, Ids};
use host::spawn::Namespaces;
use rustix::process::{Pid, getegid, geteuid};

use crate::config::Export;
use crate::error::{Error, Trying, errno};

/// The host's user and group for the sentry of a runtime that is root: no file belongs to it, and no login.
const SENTRY: u32 = 65_533;
/// The host's user and group for its stubs: `nobody`.
const STUB: u32 = 65_534;
/// The stubs' user as the sandbox's user namespace has it. The sentry's is 0.
const STUB_INSIDE: u32 = 1;

/// How users inside a sandbox map to the host's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Users {
    /// To two unprivileged ones of the host: the runtime is root and may choose.
    Apart,
    /// All to the caller, who has no other to give.
    Caller,
}

impl Users {
    /// What the caller can do.
    pub(crate) fn of_caller() -> Self {
        if geteuid().is_root() { Self::Apart } else { Self::Caller }
    }

    /// The stubs' own user as the sandbox sees it, if they have one.
    pub(crate) fn stub(self) -> Option<u32> {
        match self {
            Self::Apart => Some(STUB_INSIDE),
            Self::Caller => None,
        }
    }

    /// What the gofer gets of its own: it serves files of all users if the caller may.
    pub(crate) fn gofer_namespaces(self) -> Namespaces {
        match self {
            Self::Apart => Namespaces::GOFER,
            Self::Caller => Namespaces::SANDBOX,
        }
    }

    /// The mappings of the container that its gofer's user namespace gets, so that the host translates the owners of files: where the caller
    /// is no root, the gofer could not act as their owners otherwise. Exports are then served as they are.
    pub(super) fn take_mappings(self, exports: &mut [Export]) -> Result<Option<Ids>, Error> {
        let mappings = exports.first().map(|root| root.ids.clone()).filter(|ids| *ids != Ids::default());
        let Some(mappings) = mappings.filter(|_| self == Self::Caller) else { return Ok(None) };
        let without_root = |extents: &[Extent]| !extents.iter().any(|extent| extent.inside == 0);
        if without_root(&mappings.users) || without_root(&mappings.groups) {
            let problem =
                "linux.uidMappings, linux.gidMappings: without root, both have to map the container's 0";
            return Err(Error::Message(problem.to_owned()));
        }
        for export in exports {
            if export.ids != mappings {
                let path = export.path.display();
                return Err(Error::Message(format!("{path}: only root can map the owners of one mount")));
            }
            export.ids = Ids::default();
        }
        Ok(Some(mappings))
    }

    /// The mappings of a sentry that works on files itself, and how it sees the ids of these files then ([`sentry::Document::direct`]). It needs all ids, for its capabilities count
    /// for files only whose owners it has; but the host's root must not be its own user, whom the kernel trusts with more than files.
    pub(super) fn of_direct_sentry(self, gofer: Option<&Ids>) -> Result<(Option<Ids>, Ids), Error> {
        match self {
            Self::Caller => Ok((gofer.cloned(), Ids::default())),
            Self::Apart => {
                let own = |file: &str| {
                    let text =
                        fs::read_to_string(file).map_err(|error| errno(&error)).trying_on("read", file)?;
                    Ok::<_, Error>(own_ids(&text))
                };
                let own = Ids { users: own("/proc/self/uid_map")?, groups: own("/proc/self/gid_map")? };
                let ids = exchanged().through(&own);
                let seen = ids.inverted();
                Ok((Some(ids), seen))
            }
        }
    }

    /// As [`Self::write_maps`], with other mappings. Where the caller is no root, its own ids are mapped by ourselves, subordinate ones (subuid(5)) by
    /// newuidmap(1) and newgidmap(1), which may do it.
    pub(super) fn write_mappings(self, pid: Pid, mappings: &Ids) -> Result<(), Errno> {
        let directory = PathBuf::from(format!("/proc/{}", pid.as_raw_nonzero()));
        let write = |name: &str, text: String| fs::write(directory.join(name), text).map_err(|e| errno(&e));
        if self == Self::Apart {
            let line = |Extent { inside, outside, count }: &Extent| format!("{inside} {outside} {count}\n");
            let text = |extents: &[Extent]| extents.iter().map(line).collect::<String>();
            write("uid_map", text(&mappings.users))?;
            return write("gid_map", text(&mappings.groups));
        }
        let kinds = [
            ("uid_map", "newuidmap", &mappings.users, geteuid().as_raw()),
            ("gid_map", "newgidmap", &mappings.groups, getegid().as_raw()),
        ];
        for (file, helper, extents, own) in kinds {
            match extents.as_slice() {
                [Extent { inside, outside, count: 1 }] if *outside == own => {
                    if file == "gid_map" {
                        write("setgroups", "deny".to_owned())?;
                    }
                    write(file, format!("{inside} {own} 1\n"))?;
                }
                _ => run_helper(helper, pid, extents)?,
            }
        }
        Ok(())
    }

    /// Writes the maps of a new user namespace, user_namespaces(7). To be done before its process goes on.
    pub(crate) fn write_maps(self, pid: Pid) -> Result<(), Errno> {
        let directory = PathBuf::from(format!("/proc/{}", pid.as_raw_nonzero()));
        let write = |name: &str, text: String| fs::write(directory.join(name), text).map_err(|e| errno(&e));
        match self {
            Self::Apart => {
                let map = format!("0 {SENTRY} 1\n{STUB_INSIDE} {STUB} 1\n");
                write("uid_map", map.clone())?;
                write("gid_map", map)
            }
            Self::Caller => {
                // Without this an unprivileged process could drop a group that denies it something.
                write("setgroups", "deny".to_owned())?;
                write("uid_map", format!("0 {} 1\n", geteuid().as_raw()))?;
                write("gid_map", format!("0 {} 1\n", getegid().as_raw()))
            }
        }
    }
}

/// The ids that this process's user namespace has, each as itself.
fn own_ids(map: &str) -> Vec<Extent> {
    let line = |line: &str| {
        let mut numbers = line.split_whitespace().map(str::parse);
        let [first, _, count] = [(); 3].map(|()| numbers.next().and_then(Result::ok));
        Some(Extent { inside: first?, outside: first?, count: count? })
    };
    map.lines().filter_map(line).collect()
}

/// A mapping that has all ids, each as itself, but for those of the sentry and the stubs, which change places with 0 and 1.
fn exchanged() -> Ids {
    let extent = |(inside, outside, count)| Extent { inside, outside, count };
    let all = [
        (0, SENTRY, 1),
        (STUB_INSIDE, STUB, 1),
        (2, 2, SENTRY - 2),
        (SENTRY, 0, 1),
        (STUB, STUB_INSIDE, 1),
        (STUB + 1, STUB + 1, u32::MAX - (STUB + 1)),
    ];
    let all = all.map(extent).to_vec();
    Ids { users: all.clone(), groups: all }
}

fn run_helper(name: &str, pid: Pid, extents: &[Extent]) -> Result<(), Errno> {
    let numbers = extents.iter().flat_map(|extent| [extent.inside, extent.outside, extent.count]);
    let output = Command::new(name)
        .arg(pid.as_raw_nonzero().to_string())
        .args(numbers.map(|number| number.to_string()))
        .output()
        .map_err(|error| {
            tracing::error!("{name}, which maps subordinate ids, cannot be run: {error}");
            errno(&error)
        })?;
    if output.status.success() {
        return Ok(());
    }
    tracing::error!("{}", crate::error::printable(String::from_utf8_lossy(&output.stderr).trim()));
    Err(Errno::EPERM)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exports(all: &[&[Extent]]) -> Vec<Export> {
        let export = |extents: &&[Extent]| Export {
            path: "/x".into(),
            overlay: None,
            read_only: false,
            recursive: false,
            ids: Ids { users: extents.to_vec(), groups: extents.to_vec() },
        };
        all.iter().map(export).collect()
    }

    const fn extent(inside: u32, outside: u32, count: u32) -> Extent {
        Extent { inside, outside, count }
    }

    #[test]
    fn a_sentry_with_files_has_all_ids_but_not_as_root() {
        let of = |map: &str| {
            let own = Ids { users: own_ids(map), groups: own_ids(map) };
            exchanged().through(&own).users
        };
        let all = of("         0          0 4294967295\n");
        assert_eq!(all.iter().map(|extent| u64::from(extent.count)).sum::<u64>(), u64::from(u32::MAX));
        assert_eq!(all.first(), Some(&extent(0, SENTRY, 1)));
        assert!(all.contains(&extent(SENTRY, 0, 1)));
        let some = of("0 1000 1\n1 100000 65535\n");
        assert_eq!(some.iter().map(|extent| extent.count).sum::<u32>(), 65_536);
        assert!(some.contains(&extent(STUB + 1, STUB + 1, 1)));
    }

    #[test]
    fn only_a_caller_without_root_has_the_host_translate() {
        let mapped: &[Extent] = &[extent(0, 1000, 1), extent(1, 100_000, 10)];
        let mut all = exports(&[mapped, mapped]);
        assert_eq!(Users::Apart.take_mappings(&mut all).unwrap(), None);
        assert_eq!(all[1].ids.users, mapped);
        assert_eq!(Users::Caller.take_mappings(&mut all).unwrap().unwrap().groups, mapped);
        assert!(all.iter().all(|export| export.ids == Ids::default()));
        assert_eq!(Users::Caller.take_mappings(&mut all).unwrap(), None);
        assert!(Users::Caller.take_mappings(&mut exports(&[mapped, &[extent(0, 5, 1)]])).is_err());
        assert!(Users::Caller.take_mappings(&mut exports(&[&[extent(1, 1000, 1)]])).is_err());
    }
}

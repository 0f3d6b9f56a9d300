//! The `linux` section, but for mounts, paths and control groups.

use oci_spec::runtime::{Linux, LinuxDeviceType};
use sentry::spec::{DeviceKind, DeviceSpec, LimitSpec, TimeLimit};

/// Settings of /proc/sys, by name.
pub(super) fn sysctl(linux: Option<&Linux>) -> Vec<(String, String)> {
    let all = linux.and_then(|linux| linux.sysctl().as_ref()).into_iter().flatten();
    let mut settings: Vec<_> = all.map(|(name, value)| (name.clone(), value.clone())).collect();
    settings.sort();
    settings
}

/// The words of `rootfsPropagation`.
const PROPAGATION: &[&str] =
    &["private", "rprivate", "slave", "rslave", "shared", "rshared", "unbindable", "runbindable"];

/// Refuses a propagation that is none. All others make no difference: mounts of a container never reach the host.
pub(super) fn check_propagation(linux: Option<&Linux>) -> Result<(), String> {
    match linux.and_then(|linux| linux.rootfs_propagation().as_deref()) {
        Some(word) if !word.is_empty() && !PROPAGATION.contains(&word) => {
            Err(format!("linux.rootfsPropagation: {word:?} is not a propagation of mounts"))
        }
        _ => Ok(()),
    }
}

/// Device nodes.
pub(super) fn devices(linux: Option<&Linux>) -> Result<Vec<DeviceSpec>, String> {
    let all = linux.and_then(|linux| linux.devices().as_ref()).into_iter().flatten();
    let translate = |(index, device): (usize, &oci_spec::runtime::LinuxDevice)| {
        let field = |name: &str, problem: &str| format!("linux.devices[{index}].{name}: {problem}");
        let kind = match device.typ() {
            LinuxDeviceType::C | LinuxDeviceType::U => DeviceKind::Character,
            LinuxDeviceType::B => DeviceKind::Block,
            LinuxDeviceType::P => DeviceKind::Fifo,
            LinuxDeviceType::A => return Err(field("type", "\"a\" is no kind of device node")),
        };
        let path = device.path().to_str().filter(|path| path.starts_with('/'));
        let number =
            |name: &str, value: i64| u32::try_from(value).map_err(|_| field(name, "is not a device number"));
        let named = kind != DeviceKind::Fifo;
        Ok(DeviceSpec {
            path: path.ok_or_else(|| field("path", "is not an absolute path"))?.to_owned(),
            kind,
            major: if named { number("major", device.major())? } else { 0 },
            minor: if named { number("minor", device.minor())? } else { 0 },
            mode: device.file_mode().unwrap_or(0o666),
            uid: device.uid().unwrap_or(0),
            gid: device.gid().unwrap_or(0),
        })
    };
    all.enumerate().map(translate).collect()
}

/// What the container is told that it may use.
pub(crate) fn limits(linux: Option<&Linux>) -> LimitSpec {
    let resources = linux.and_then(|linux| linux.resources().as_ref());
    let memory = resources.and_then(|r| r.memory().as_ref()).and_then(|memory| memory.limit());
    let threads = resources.and_then(|r| r.pids().as_ref()).map(|pids| pids.limit());
    let cpu = resources.and_then(|r| r.cpu().as_ref());
    LimitSpec {
        time: cpu.and_then(|cpu| time(cpu.quota()?, cpu.period())),
        memory: memory.filter(|limit| *limit > 0).and_then(|limit| u64::try_from(limit).ok()),
        threads: threads.filter(|limit| *limit > 0).and_then(|limit| usize::try_from(limit).ok()),
    }
}

/// A quota of processor time, if there is one.
fn time(quota: i64, period: Option<u64>) -> Option<TimeLimit> {
    /// Linux's, in microseconds.
    const PERIOD: u64 = 100_000;
    let quota = u64::try_from(quota).ok().filter(|quota| *quota > 0)?;
    let period = period.filter(|period| *period > 0).unwrap_or(PERIOD);
    Some(TimeLimit { quota, period })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linux(json: &str) -> Linux {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn devices_are_carried_over() {
        let one = r#"{"devices": [{"path": "/dev/x", "type": "c", "major": 1, "minor": 3, "fileMode": 384, "uid": 7}]}"#;
        let found = devices(Some(&linux(one))).unwrap();
        assert_eq!((found[0].kind, found[0].major, found[0].minor), (DeviceKind::Character, 1, 3));
        assert_eq!((found[0].mode, found[0].uid), (0o600, 7));
        let error = |json| devices(Some(&linux(json))).unwrap_err();
        assert!(
            error(r#"{"devices": [{"path": "x", "type": "c", "major": 1, "minor": 3}]}"#)
                .contains("[0].path")
        );
        assert!(
            error(r#"{"devices": [{"path": "/x", "type": "c", "major": -1, "minor": 3}]}"#)
                .contains("[0].major")
        );
    }

    #[test]
    fn a_propagation_is_one_of_linuxs() {
        let checked =
            |word| check_propagation(Some(&linux(&format!(r#"{{"rootfsPropagation": "{word}"}}"#))));
        assert!(checked("rslave").is_ok() && checked("").is_ok() && checked("frob").is_err());
    }

    #[test]
    fn limits_that_are_none_are_not_told() {
        let of = |json| limits(Some(&linux(json)));
        assert_eq!(
            of(r#"{"resources": {"memory": {"limit": -1}, "pids": {"limit": 0}}}"#),
            LimitSpec::default()
        );
        let limited = of(r#"{"resources": {"memory": {"limit": 4096}, "pids": {"limit": 5}}}"#);
        assert_eq!(limited, LimitSpec { memory: Some(4096), threads: Some(5), time: None });
    }

    #[test]
    fn a_quota_has_a_period() {
        assert_eq!(time(150_000, Some(50_000)), Some(TimeLimit { quota: 150_000, period: 50_000 }));
        assert_eq!(time(50_000, None), Some(TimeLimit { quota: 50_000, period: 100_000 }));
        assert_eq!(time(-1, Some(100_000)), None);
    }
}

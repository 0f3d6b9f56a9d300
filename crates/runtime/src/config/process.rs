//! The `process` section.

use std::collections::HashMap;

use oci_spec::runtime::{PosixRlimit, PosixRlimitType, Process};
use sentry::spec::{ConsoleSpec, ProcessSpec, RlimitSpec};

use super::{capabilities, scheduling};

/// Translates, or says which field is wrong.
pub(crate) fn translate(process: &Process) -> Result<ProcessSpec, String> {
    let args = process.args().clone().unwrap_or_default();
    match args.first().map(String::as_str) {
        None => return Err("process.args: there is no program to run".to_owned()),
        Some("") => return Err("process.args: exec \"\": executable file not found in $PATH".to_owned()),
        Some(_) => {}
    }
    let cwd = process.cwd().to_str().ok_or("process.cwd: is not UTF-8")?.to_owned();
    if !cwd.starts_with('/') {
        return Err(format!("process.cwd: {cwd:?} is not an absolute path"));
    }
    let env = environment(process.env().as_deref().unwrap_or_default())?;
    let mut rlimits: Vec<RlimitSpec> = Vec::new();
    for limit in process.rlimits().iter().flatten() {
        let spec = rlimit(limit)?;
        if rlimits.iter().any(|other| other.resource == spec.resource) {
            return Err(format!("process.rlimits: {:?} stands there twice", limit.typ()));
        }
        rlimits.push(spec);
    }
    let user = process.user();
    Ok(ProcessSpec {
        args,
        env,
        cwd,
        uid: user.uid(),
        gid: user.gid(),
        groups: user.additional_gids().clone().unwrap_or_default(),
        umask: user.umask().unwrap_or(0o022),
        capabilities: capabilities::translate(process.capabilities().as_ref()),
        rlimits,
        no_new_privileges: process.no_new_privileges().unwrap_or(false),
        terminal: process.terminal().unwrap_or(false),
        console: ConsoleSpec { size: process.console_size().and_then(size), watch: false },
        oom_score_adj: oom_score_adjustment(process.oom_score_adj().unwrap_or(0))?,
        scheduling: scheduling::scheduler(process.scheduler().as_ref())?,
        io_priority: scheduling::io_priority(process.io_priority().as_ref())?,
    })
}

/// Of several values of a variable the last counts, where the first stands.
fn environment(entries: &[String]) -> Result<Vec<String>, String> {
    let mut places = HashMap::new();
    let mut env: Vec<String> = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        let name = match entry.split_once('=') {
            Some((name, _)) if !name.is_empty() => name,
            _ => return Err(format!("process.env[{index}]: {entry:?} is not of the form NAME=value")),
        };
        let place = *places.entry(name).or_insert(env.len());
        match env.get_mut(place) {
            Some(earlier) => earlier.clone_from(entry),
            None => env.push(entry.clone()),
        }
    }
    Ok(env)
}

/// proc_pid_oom_score_adj(5).
fn oom_score_adjustment(value: i32) -> Result<i32, String> {
    if !(-1000..=1000).contains(&value) {
        let reason = abi::Errno::EINVAL;
        return Err(format!("process.oomScoreAdj: {value} is not between -1000 and 1000: {reason}"));
    }
    Ok(value)
}

/// Rows and columns. A size that no terminal can have is as good as none.
fn size(size: oci_spec::runtime::Box) -> Option<(u16, u16)> {
    Some((u16::try_from(size.height()).ok()?, u16::try_from(size.width()).ok()?))
}

fn rlimit(limit: &PosixRlimit) -> Result<RlimitSpec, String> {
    let (soft, hard) = (limit.soft(), limit.hard());
    if soft > hard {
        return Err(format!("process.rlimits: the soft limit of {:?} is above its hard limit", limit.typ()));
    }
    Ok(RlimitSpec { resource: resource_number(limit.typ()), soft, hard })
}

/// The number of `include/uapi/asm-generic/resource.h`.
const fn resource_number(resource: PosixRlimitType) -> u32 {
    match resource {
        PosixRlimitType::RlimitCpu => 0,
        PosixRlimitType::RlimitFsize => 1,
        PosixRlimitType::RlimitData => 2,
        PosixRlimitType::RlimitStack => 3,
        PosixRlimitType::RlimitCore => 4,
        PosixRlimitType::RlimitRss => 5,
        PosixRlimitType::RlimitNproc => 6,
        PosixRlimitType::RlimitNofile => 7,
        PosixRlimitType::RlimitMemlock => 8,
        PosixRlimitType::RlimitAs => 9,
        PosixRlimitType::RlimitLocks => 10,
        PosixRlimitType::RlimitSigpending => 11,
        PosixRlimitType::RlimitMsgqueue => 12,
        PosixRlimitType::RlimitNice => 13,
        PosixRlimitType::RlimitRtprio => 14,
        PosixRlimitType::RlimitRttime => 15,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(json: &str) -> Result<ProcessSpec, String> {
        translate(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn fields_are_carried_over() {
        let spec = translated(
            r#"{"user": {"uid": 1, "gid": 2, "additionalGids": [3], "umask": 63}, "args": ["ls", "-l"], "cwd": "/tmp",
                "env": ["A=1"], "noNewPrivileges": true, "capabilities": {"effective": ["CAP_KILL"]},
                "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 5, "hard": 9}]}"#,
        );
        let spec = spec.unwrap();
        assert_eq!((spec.uid, spec.gid, spec.umask, spec.groups.as_slice()), (1, 2, 63, &[3][..]));
        assert_eq!((spec.capabilities.effective, spec.capabilities.bounding), (1 << 5, 0));
        assert_eq!(spec.rlimits, [RlimitSpec { resource: 7, soft: 5, hard: 9 }]);
        assert!(spec.no_new_privileges && !spec.terminal);
    }

    #[test]
    fn the_last_value_of_a_variable_counts() {
        let entries = ["A=1", "B=2", "A=3="].map(str::to_owned);
        assert_eq!(environment(&entries).unwrap(), ["A=3=", "B=2"]);
    }

    #[test]
    fn nonsense_is_refused_by_field() {
        let error = |json| translated(json).unwrap_err();
        assert!(error(r#"{"user": {}, "args": [], "cwd": "/"}"#).starts_with("process.args: "));
        assert!(error(r#"{"user": {}, "args": [""], "cwd": "/"}"#).starts_with("process.args: "));
        assert!(error(r#"{"user": {}, "args": ["a"], "cwd": "tmp"}"#).starts_with("process.cwd: \"tmp\""));
        assert!(
            error(r#"{"user": {}, "args": ["a"], "cwd": "/", "env": ["A"]}"#).starts_with("process.env[0]: ")
        );
        assert!(
            error(r#"{"user": {}, "args": ["a"], "cwd": "/", "oomScoreAdj": 1001}"#)
                .starts_with("process.oomScoreAdj: 1001")
        );
        let twice = r#"{"type": "RLIMIT_CPU", "soft": 1, "hard": 1}"#;
        let json = format!(r#"{{"user": {{}}, "args": ["a"], "cwd": "/", "rlimits": [{twice}, {twice}]}}"#);
        assert!(error(&json).ends_with("stands there twice"));
    }
}

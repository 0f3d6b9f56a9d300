//! Which of the host's users a sandbox runs as.

use std::fs;
use std::path::PathBuf;

use abi::Errno;
use host::spawn::Namespaces;
use rustix::process::{Pid, getegid, geteuid};

use crate::error::errno;

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

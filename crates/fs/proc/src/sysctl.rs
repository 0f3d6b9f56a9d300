//! /proc/sys: the settings that programs read, and the few that they may write.

mod ipc;
mod network;

use std::sync::Arc;

use abi::Errno;
use kernel::namespace::Uts;
use kernel::pids::{PID_MAX, THREADS_MAX};
use kernel::version;
use synthetic::tree::{self, Setting};
use synthetic::{Meta, Node};
use vfs::user::Counted;
use vfs::{Capability, Credentials};

use crate::System;
use Setting::{Changeable, Value};

const fn directory_of(entries: &'static [(&'static str, Setting<System>)]) -> Setting<System> {
    Setting::Directory(entries)
}

macro_rules! fixed {
    ($text:expr) => {
        Value(|_| Ok($text.to_string().into_bytes()))
    };
}

/// How many namespaces of a kind each user may make, in the user namespace of whoever looks.
macro_rules! most {
    ($kind:ident) => {
        Changeable(
            |_| Ok(viewer()?.user.most(Counted::$kind).to_string().into_bytes()),
            |_, text| set_most(Counted::$kind, text),
        )
    };
}

static ROOT: &[(&str, Setting<System>)] = &[
    ("dev", directory_of(&[("tty", directory_of(&[("legacy_tiocsti", fixed!(0))]))])),
    (
        "fs",
        directory_of(&[
            ("aio-max-nr", fixed!(kernel::aio::REQUESTS_MAX)),
            ("aio-nr", Value(|system| Ok(system.kernel.asynchronous.used().to_string().into_bytes()))),
            ("file-max", fixed!(i64::MAX)),
            (
                "inotify",
                directory_of(&[
                    ("max_queued_events", fixed!(16384)),
                    ("max_user_instances", fixed!(128)),
                    ("max_user_watches", fixed!(65536)),
                ]),
            ),
            ("lease-break-time", fixed!(vfs::lease::BREAK_TIME.as_secs())),
            ("leases-enable", fixed!(1)),
            (
                "mqueue",
                directory_of(&[
                    ("msg_default", fixed!(mqueue::MESSAGES_DEFAULT)),
                    ("msg_max", fixed!(mqueue::MESSAGES_MAX)),
                    ("msgsize_default", fixed!(mqueue::SIZE_DEFAULT)),
                    ("msgsize_max", fixed!(mqueue::SIZE_MAX)),
                    ("queues_max", fixed!(mqueue::QUEUES_MAX)),
                ]),
            ),
            ("nr_open", fixed!(1 << 20)),
            ("overflowgid", fixed!(65534)),
            ("overflowuid", fixed!(65534)),
            ("pipe-max-size", fixed!(1 << 20)),
            ("protected_hardlinks", fixed!(0)),
            ("protected_symlinks", fixed!(0)),
        ]),
    ),
    (
        "kernel",
        directory_of(&[
            ("cap_last_cap", Value(|_| Ok((vfs::Capability::ALL.len() - 1).to_string().into_bytes()))),
            ("core_pattern", fixed!("core")),
            ("domainname", Value(|system| Ok(names(system).names.lock().domain.clone()))),
            ("hostname", Changeable(|system| Ok(names(system).names.lock().host.clone()), set_hostname)),
            ("msg_next_id", ipc::MSG_NEXT_ID),
            ("msgmax", ipc::MSGMAX),
            ("msgmnb", ipc::MSGMNB),
            ("msgmni", ipc::MSGMNI),
            ("ngroups_max", fixed!(65536)),
            ("osrelease", fixed!(version::RELEASE)),
            ("ostype", fixed!("Linux")),
            ("overflowgid", fixed!(65534)),
            ("overflowuid", fixed!(65534)),
            ("pid_max", fixed!(PID_MAX)),
            (
                "pty",
                directory_of(&[
                    (
                        "max",
                        Changeable(|system| Ok(system.ptys.limit().to_string().into_bytes()), set_pty_max),
                    ),
                    ("nr", Value(|system| Ok(system.ptys.used().to_string().into_bytes()))),
                    ("reserve", fixed!(0)),
                ]),
            ),
            (
                "random",
                directory_of(&[
                    ("boot_id", Value(|_| Ok(boot_id().into_bytes()))),
                    ("entropy_avail", fixed!(256)),
                    ("poolsize", fixed!(256)),
                    ("uuid", Value(|_| Ok(uuid(&random()?).into_bytes()))),
                ]),
            ),
            ("randomize_va_space", fixed!(2)),
            ("seccomp", directory_of(&[("actions_avail", Value(|_| Ok(seccomp_actions().into_bytes())))])),
            ("sem", ipc::SEM),
            ("sem_next_id", ipc::SEM_NEXT_ID),
            ("shm_next_id", ipc::SHM_NEXT_ID),
            ("shm_rmid_forced", fixed!(0)),
            ("shmall", ipc::SHMALL),
            ("shmmax", ipc::SHMMAX),
            ("shmmni", ipc::SHMMNI),
            ("tainted", fixed!(0)),
            ("threads-max", fixed!(THREADS_MAX)),
            ("version", fixed!(version::VERSION)),
        ]),
    ),
    (
        "net",
        directory_of(&[
            (
                "core",
                directory_of(&[
                    ("rmem_default", fixed!(212_992)),
                    ("rmem_max", fixed!(212_992)),
                    ("somaxconn", fixed!(4096)),
                    ("wmem_default", fixed!(212_992)),
                    ("wmem_max", fixed!(212_992)),
                ]),
            ),
            (
                "ipv4",
                directory_of(&[
                    ("ip_local_port_range", fixed!("32768\t60999")),
                    ("ip_unprivileged_port_start", network::UNPRIVILEGED_PORTS),
                    ("ping_group_range", network::PING_GROUPS),
                    ("tcp_rmem", fixed!("4096\t131072\t6291456")),
                    ("tcp_wmem", fixed!("4096\t16384\t4194304")),
                ]),
            ),
            ("unix", directory_of(&[("max_dgram_qlen", fixed!(512))])),
        ]),
    ),
    (
        "user",
        directory_of(&[
            ("max_cgroup_namespaces", most!(Cgroup)),
            ("max_ipc_namespaces", most!(Ipc)),
            ("max_mnt_namespaces", most!(Mount)),
            ("max_net_namespaces", most!(Network)),
            ("max_pid_namespaces", most!(Pid)),
            ("max_time_namespaces", most!(Time)),
            ("max_user_namespaces", most!(User)),
            ("max_uts_namespaces", most!(Uts)),
        ]),
    ),
    (
        "vm",
        directory_of(&[
            ("max_map_count", fixed!(65530)),
            ("min_free_kbytes", fixed!(67584)),
            (
                "mmap_min_addr",
                Value(|system| Ok(system.kernel.platform.address_range().start.to_string().into_bytes())),
            ),
            ("overcommit_memory", fixed!(0)),
            ("overcommit_ratio", fixed!(50)),
            ("swappiness", fixed!(60)),
        ]),
    ),
];

/// The names that whoever looks sees.
fn names(system: &System) -> Arc<Uts> {
    let looks = kernel::current::task().map(|task| task.namespaces());
    Arc::clone(&looks.as_ref().unwrap_or(&system.kernel.namespaces).uts)
}

fn set_hostname(system: &System, text: &[u8]) -> Result<(), Errno> {
    let name: Vec<u8> = text.iter().copied().take_while(|b| !matches!(b, 0 | b'\n')).collect();
    if name.len() > 64 {
        return Err(Errno::EINVAL);
    }
    names(system).names.lock().host = name;
    Ok(())
}

fn viewer() -> Result<Arc<Credentials>, Errno> {
    kernel::current::task().map(|task| Arc::clone(&task.credentials())).ok_or(Errno::ESRCH)
}

fn set_most(kind: Counted, text: &[u8]) -> Result<(), Errno> {
    let viewer = viewer()?;
    viewer.need_here(Capability::SysResource)?;
    let text = str::from_utf8(text).map_err(|_| Errno::EINVAL)?;
    let most: i32 = text.trim().parse().map_err(|_| Errno::EINVAL)?;
    if most < 0 {
        return Err(Errno::EINVAL);
    }
    viewer.user.set_most(kind, most);
    Ok(())
}

fn set_pty_max(system: &System, text: &[u8]) -> Result<(), Errno> {
    let text = str::from_utf8(text).map_err(|_| Errno::EINVAL)?;
    // Linux has no more numbers.
    let limit: u32 = text.trim().parse().map_err(|_| Errno::EINVAL)?;
    if limit > 1 << 20 {
        return Err(Errno::EINVAL);
    }
    system.ptys.set_limit(limit);
    Ok(())
}

fn random() -> Result<[u8; 16], Errno> {
    let mut bytes = [0; 16];
    host::random::fill(&mut bytes)?;
    Ok(bytes)
}

/// A version 4 UUID (RFC 9562) of random bytes.
fn uuid(random: &[u8; 16]) -> String {
    let number = u128::from_be_bytes(*random);
    let number = number & !(0xf << 76) | (4 << 76);
    let number = number & !(0x3 << 62) | (2 << 62);
    let hex = format!("{number:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

fn seccomp_actions() -> String {
    kernel::seccomp::ACTIONS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" ")
}

/// Chosen at the first look, and the same for as long as the sandbox lives.
fn boot_id() -> String {
    static ID: std::sync::OnceLock<[u8; 16]> = std::sync::OnceLock::new();
    uuid(ID.get_or_init(|| random().unwrap_or_default()))
}

/// The directory /proc/sys.
pub(crate) fn directory(system: &System, meta: Meta) -> Node {
    tree::directory(system, ROOT, meta)
}

#[cfg(test)]
mod tests {
    #[test]
    fn uuids_have_version_and_variant() {
        assert_eq!(super::uuid(&[0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(super::uuid(&[0; 16]), "00000000-0000-4000-8000-000000000000");
    }
}

//! /proc/sys/net/ipv4: what each network namespace sets for itself.

use std::sync::Arc;

use abi::Errno;
use socket::Net;
use synthetic::tree::Setting;
use vfs::UserNamespace;

use crate::System;

/// From which port on anybody may bind.
pub(super) const UNPRIVILEGED_PORTS: Setting<System> = Setting::Changeable(
    |system| Ok(net(system).unprivileged_ports().to_string().into_bytes()),
    |system, text| {
        let first = words(text)?.next().ok_or(Errno::EINVAL)?;
        net(system).set_unprivileged_ports(first.parse().map_err(|_| Errno::EINVAL)?)
    },
);

/// The groups, first and last, whose members may send echo requests without privilege, as the viewer numbers them. None if the last is less
/// than the first.
pub(super) const PING_GROUPS: Setting<System> = Setting::Changeable(
    |system| {
        let (first, last) = net(system).ping_groups();
        let user = user();
        Ok(format!("{}\t{}", user.shown_gid(first), user.shown_gid(last)).into_bytes())
    },
    set_ping_groups,
);

/// The network of whoever looks.
fn net(system: &System) -> Arc<Net> {
    let looks = kernel::current::task().map(|task| task.network());
    Arc::clone(&looks.unwrap_or_else(|| system.kernel.network()).net)
}

/// Whose numbers are meant: those of whoever looks, or, while a container is made, its own.
fn user() -> Arc<UserNamespace> {
    let looks = kernel::current::task().map(|task| Arc::clone(&task.credentials().user));
    looks.unwrap_or_else(UserNamespace::initial)
}

fn words(text: &[u8]) -> Result<impl Iterator<Item = &str>, Errno> {
    Ok(str::from_utf8(text).map_err(|_| Errno::EINVAL)?.split_whitespace())
}

fn set_ping_groups(system: &System, text: &[u8]) -> Result<(), Errno> {
    let user = user();
    let mut words = words(text)?;
    let mut next = || -> Result<(u32, u32), Errno> {
        let number: i32 = words.next().ok_or(Errno::EINVAL)?.parse().map_err(|_| Errno::EINVAL)?;
        let number = u32::try_from(number).map_err(|_| Errno::EINVAL)?;
        Ok((number, user.gid(number).ok_or(Errno::EINVAL)?))
    };
    let (first, last) = (next()?, next()?);
    net(system).set_ping_groups(if first.0 <= last.0 && first.1 <= last.1 {
        (first.1, last.1)
    } else {
        socket::NO_GROUPS
    });
    Ok(())
}

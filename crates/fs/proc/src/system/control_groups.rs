//! /proc/cgroups.

use std::sync::atomic::Ordering;

use abi::Errno;
use kernel::control_group::Controllers;

use crate::System;

/// The controllers, all in the unified hierarchy of the reader's container, and how many groups that has.
pub(crate) fn controllers(system: &System) -> Result<Vec<u8>, Errno> {
    let container = kernel::current::task().map_or(0, |task| task.group.container.load(Ordering::Relaxed));
    let groups = system.kernel.control_groups.with(|tree| {
        let root = tree.root(container);
        tree.group(root).map_or(1, |root| root.descendants.saturating_add(root.dying).saturating_add(1))
    });
    let mut text = String::from("#subsys_name\thierarchy\tnum_cgroups\tenabled\n");
    for name in Controllers::OFFERED.names() {
        text.push_str(&format!("{name}\t0\t{groups}\t1\n"));
    }
    Ok(text.into_bytes())
}

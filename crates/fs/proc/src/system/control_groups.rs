//! /proc/cgroups.

use std::sync::atomic::Ordering;

use abi::Errno;
use kernel::control_group::Controllers;

use crate::System;

/// The controllers, the hierarchy of the reader's container that each is in, and how many groups that has.
pub(crate) fn controllers(system: &System) -> Result<Vec<u8>, Errno> {
    let container = kernel::current::task().map_or(0, |task| task.group.container.load(Ordering::Relaxed));
    let mut text = String::from("#subsys_name\thierarchy\tnum_cgroups\tenabled\n");
    system.kernel.control_groups.with(|tree| {
        let unified = tree.root(container);
        for controller in Controllers::all().iter() {
            let of =
                tree.first_versions(container).find(|hierarchy| hierarchy.controllers.contains(controller));
            let (number, root) = of.map_or((0, unified), |hierarchy| (hierarchy.number, hierarchy.root));
            let groups = tree
                .group(root)
                .map_or(1, |root| root.descendants.saturating_add(root.dying).saturating_add(1));
            text.push_str(&format!("{}\t{number}\t{groups}\t1\n", controller.text()));
        }
    });
    Ok(text.into_bytes())
}

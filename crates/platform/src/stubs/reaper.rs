//! The ends of processes.
//!
//! All stubs are children of this process and members of the zygote's process group. The reaper waits for that group alone: other children
//! of the sentry are none of its business. It looks at a dead child before it reaps it, so that nobody uses a pid that
//! may be another's.

use std::sync::Arc;

use super::calls;
use super::process::Process;
use super::shared::Shared;
use crate::Gone;

/// The work of the reaper thread, until the last child of the group is reaped.
pub(super) fn reap_all(shared: &Arc<Shared>) {
    while let Ok(pid) = calls::peek_dead(shared.group) {
        let process = shared.processes.lock().remove(&pid);
        match process {
            Some(process) => bury(&process),
            None => unknown(shared, pid),
        }
    }
    shared.extinct();
}

fn bury(process: &Arc<Process>) {
    let Some(death) = process.reap() else { return };
    let threads = {
        let mut threads = process.threads.lock();
        threads.parked = None;
        core::mem::take(&mut threads.present)
    };
    // The last one must be one that the kernel knows.
    let (known, mut threads): (Vec<_>, Vec<_>) = threads.into_iter().partition(|t| t.is_announced());
    threads.extend(known);
    let count = threads.len();
    for (index, thread) in threads.into_iter().enumerate() {
        if thread.is_starting() {
            process.shared.pool.lost(abi::Errno::EAGAIN);
        }
        thread.died(Gone { last: index + 1 == count, signal: death.signal });
    }
}

/// The zygote, a stub that was never entered, or a child that died before it reported.
fn unknown(shared: &Arc<Shared>, pid: i32) {
    let awaited = shared.awaited.lock().remove(&pid);
    let returned = || shared.live_images().into_iter().find_map(|i| Some((i.clone_that_made(pid)?, i)));
    let child = match awaited {
        Some((image, token)) => image.upgrade().map(|image| (token, image)),
        None if pid == shared.group => None,
        None => returned(),
    };
    let mut processes = shared.processes.lock();
    if let Some(process) = processes.remove(&pid) {
        // It has just become known.
        drop(processes);
        return bury(&process);
    }
    // It is not in any table, so nobody can use its number. Whoever is about to enter it will find it gone.
    let reaped = calls::reap(pid);
    drop(processes);
    if pid == shared.group && !shared.pool.is_closed() {
        tracing::error!(?reaped, "the zygote is dead: there can be no new guest processes");
        shared.pool.close();
    }
    if let Some((token, image)) = child {
        image.clone_failed(token);
    }
}

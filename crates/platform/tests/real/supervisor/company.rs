//! Tests that look at all children and descriptors of this process must be alone in it.

use std::sync::{Condvar, Mutex};

static COUNT: Mutex<(usize, bool)> = Mutex::new((0, false));
static CHANGED: Condvar = Condvar::new();

/// One world among others.
pub(crate) struct Guest;

/// No other world.
pub(crate) struct Alone;

/// Waits until nobody wants to be alone.
pub(crate) fn join() -> Guest {
    let mut count = CHANGED.wait_while(COUNT.lock().unwrap(), |(_, alone)| *alone).unwrap();
    count.0 += 1;
    Guest
}

/// Waits until nobody else is there.
pub(crate) fn alone() -> Alone {
    let mut count =
        CHANGED.wait_while(COUNT.lock().unwrap(), |(guests, alone)| *alone || *guests > 0).unwrap();
    count.1 = true;
    Alone
}

impl Drop for Guest {
    fn drop(&mut self) {
        COUNT.lock().unwrap().0 -= 1;
        CHANGED.notify_all();
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        COUNT.lock().unwrap().1 = false;
        CHANGED.notify_all();
    }
}

/// Children of this process, dead or alive, as the host sees them.
pub(crate) fn children() -> Vec<i32> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse::<i32>().ok()) else { continue };
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        let parent =
            stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse::<u32>().ok());
        if parent == Some(std::process::id()) {
            all.push(pid);
        }
    }
    all
}

/// How many descriptors this process has.
pub(crate) fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

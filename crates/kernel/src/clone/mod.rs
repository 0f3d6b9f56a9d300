//! New threads and processes: clone(2), clone3(2), fork(2), vfork(2).
//!
//! The child is entered into the tables first, then the host makes it, and the parent goes on at once: neither waits for the other. Only
//! the parent of a vfork(2) waits. Until its thread is there the child is like one that has not been scheduled yet.

mod birth;
mod check;
mod child;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use abi::Errno;
use abi::clone::CloneFlags;

pub use birth::Birth;
pub(crate) use birth::{Launched, withdraw};

use crate::control_group::GroupId;
use crate::{Outcome, Task, vfork};

/// A decoded request. Addresses of zero mean "not wanted".
#[derive(Clone, Copy, Debug)]
pub struct CloneRequest {
    /// What is shared and what is set.
    pub flags: CloneFlags,
    /// The signal that the parent gets at the end; 0 for none.
    pub exit_signal: i32,
    /// The child's stack pointer; 0 for the parent's.
    pub stack: u64,
    /// With `SETTLS`.
    pub tls: u64,
    /// With `PARENT_SETTID`, in the parent's memory.
    pub parent_tid: u64,
    /// With `CHILD_SETTID` and `CHILD_CLEARTID`, in the child's memory.
    pub child_tid: u64,
    /// With `PIDFD`, in the parent's memory.
    pub pidfd: u64,
    /// With `INTO_CGROUP`, the group that it is to be in.
    pub control_group: Option<GroupId>,
    /// Numbers that it is to have, in its pid namespace and those above it: clone3(2) `set_tid`.
    pub ids: Ids,
}

/// Wanted numbers, from the innermost pid namespace on.
#[derive(Clone, Copy, Debug)]
pub struct Ids {
    numbers: [i32; Self::MOST],
    count: usize,
}

impl Default for Ids {
    fn default() -> Self {
        Self { numbers: [0; Self::MOST], count: 0 }
    }
}

impl Ids {
    /// As many as there can be levels.
    pub const MOST: usize = 33;

    /// These.
    #[must_use]
    pub fn new(wanted: &[i32]) -> Self {
        let mut ids = Self { count: wanted.len().min(Self::MOST), ..Self::default() };
        ids.numbers.iter_mut().zip(wanted).for_each(|(to, from)| *to = *from);
        ids
    }

    fn as_slice(&self) -> &[i32] {
        self.numbers.get(..self.count).unwrap_or_default()
    }
}

/// Makes a child; the outcome leads to its thread id. With `VFORK` only after the child has executed a program or ended.
///
/// # Errors
/// `EINVAL`, `EPERM`, `EAGAIN` as clone(2) says; `EMFILE` for a pidfd; `ERESTARTNOINTR` if a signal came first, so that a signal for a whole
/// process group cannot miss a child that is just being made.
pub async fn clone(task: &Arc<Task>, request: CloneRequest) -> Result<Outcome, Errno> {
    check::request(task, &request)?;
    if !request.flags.contains(CloneFlags::THREAD) && task.interrupted() {
        return Err(Errno::ERESTARTNOINTR);
    }
    let birth = Birth::prepare(task, &request)?;
    if !request.flags.contains(CloneFlags::VFORK) {
        return Ok(Outcome::Clone(Box::new(birth)));
    }
    let (release, wait) = vfork::gate();
    birth.child().set_vfork(release);
    let id = birth.number();
    birth.carry_out(task).await?;
    wait.opened(task).await;
    Ok(Outcome::from(id))
}

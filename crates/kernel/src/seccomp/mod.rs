//! Filters that a guest sets on its own system calls: seccomp(2).
//!
//! A filter is a program in classic BPF ([`Program`]), checked when it is given and then interpreted here, never by the host. What a task's
//! filters say of a call is decided before the call is carried out ([`judge`]).
//!
//! Most filters allow most calls whatever their arguments are. Which those are is found once, when a filter is added ([`constant`]): they are not
//! looked at again, stay answered beside the guest and stay the host's where they were. All others come to the kernel: answers beside the guest
//! are withdrawn, and the platform is told to watch what it left to the host ([`Filters::watch`]).

mod action;
mod constant;
mod filters;
mod install;
mod judge;
mod program;
mod run;

pub use action::{ACTIONS, Action};
pub use filters::{Filters, MOST_INSTRUCTIONS};
pub use install::{Install, install, set_strict};
pub(crate) use install::{follow, watch_new_program};
pub(crate) use judge::judge;
pub use program::{Instruction, MOST_STEPS, Program};
pub use run::Data;

use std::sync::Arc;

/// What applies to a task.
#[derive(Clone, Debug, Default)]
pub enum Seccomp {
    /// Nothing.
    #[default]
    Off,
    /// read(2), write(2), exit(2) and rt_sigreturn(2) alone.
    Strict,
    /// What the filters say.
    Filtered(Arc<Filters>),
}

impl Seccomp {
    /// As `/proc/PID/status` and `PR_GET_SECCOMP` number it.
    #[must_use]
    pub const fn mode(&self) -> u32 {
        match self {
            Self::Off => 0,
            Self::Strict => 1,
            Self::Filtered(_) => 2,
        }
    }

    /// The filters, if there are any.
    #[must_use]
    pub const fn filters(&self) -> Option<&Arc<Filters>> {
        match self {
            Self::Filtered(filters) => Some(filters),
            Self::Off | Self::Strict => None,
        }
    }

    /// Whether a call is carried out whatever its arguments are.
    pub(crate) fn always_allows(&self, number: u64) -> bool {
        match self {
            Self::Off => true,
            Self::Strict => judge::STRICT.contains(&number),
            Self::Filtered(filters) => filters.always_allows(number),
        }
    }
}

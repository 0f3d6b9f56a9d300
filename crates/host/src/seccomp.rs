//! Seccomp allow lists, written as a table and assembled to classic BPF (seccomp(2)).
//!
//! A process that must survive a break-in lists the host calls it makes, each with its argument rules and the
//! reason it is there. The same table is what the documentation prints:
//!
//! ```
//! use host::seccomp::{AllowList, Mismatch, Row, arg};
//! const TABLE: &[Row] = &[
//!     Row::always(abi::nr::pread64, "reads files"),
//!     Row::when(abi::nr::fcntl, &[&[arg(1).is(1)], &[arg(1).is(3)]], "F_GETFD and F_GETFL only"),
//! ];
//! let filter = AllowList::new(TABLE, Mismatch::Kill)?;
//! assert!(filter.len() < 32);
//! # Ok::<(), abi::Errno>(())
//! ```
//!
//! Rows are tested in order, but a call that is allowed whatever its arguments costs nothing: the kernel keeps
//! those in a bitmap.

use abi::Errno;

mod bpf;
mod install;

pub use bpf::Instruction;
pub use install::Scope;

/// One host call that the process may make.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The number, from [`abi::nr`].
    pub number: u64,
    /// Alternatives: the call is allowed if all rules of one of them hold. Empty means whatever the arguments.
    pub when: &'static [&'static [Rule]],
    /// What a call fails with that no alternative allows, in place of what the list does otherwise. With no alternatives at
    /// all, every call fails so.
    pub refusal: Option<Errno>,
    /// What the process needs it for.
    pub why: &'static str,
}

impl Row {
    /// The call, whatever its arguments.
    #[must_use]
    pub const fn always(number: u64, why: &'static str) -> Self {
        Self { number, when: &[], refusal: None, why }
    }

    /// The call, if all rules of one of the alternatives hold.
    #[must_use]
    pub const fn when(number: u64, when: &'static [&'static [Rule]], why: &'static str) -> Self {
        Self { number, when, refusal: None, why }
    }
}

impl Row {
    /// The call, which always fails: for one that libraries try first and do without.
    #[must_use]
    pub const fn fails(number: u64, error: Errno, why: &'static str) -> Self {
        Self { number, when: &[], refusal: Some(error), why }
    }
}

/// What one argument must be: `argument & mask == value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Which argument, 0 to 5.
    pub argument: u8,
    /// The bits that are looked at.
    pub mask: u64,
    /// Their value.
    pub value: u64,
}

/// An argument to state a rule on.
#[derive(Clone, Copy, Debug)]
pub struct Argument(u8);

/// The argument with this index, 0 to 5.
#[must_use]
pub const fn arg(index: u8) -> Argument {
    Argument(index)
}

impl Argument {
    /// It equals this value as an `int` or `unsigned`: the upper half, which the kernel does not look at for such an
    /// argument, is not compared.
    #[must_use]
    pub const fn is(self, value: u32) -> Rule {
        self.masked(0xffff_ffff, value as u64)
    }

    /// It equals this value in all 64 bits: pointers, sizes and offsets.
    #[must_use]
    pub const fn is_exactly(self, value: u64) -> Rule {
        self.masked(u64::MAX, value)
    }

    /// It is negative as an `int` (a descriptor that is none).
    #[must_use]
    pub const fn is_negative(self) -> Rule {
        self.masked(1 << 31, 1 << 31)
    }

    /// It has no bits but these, in all 64 bits.
    #[must_use]
    pub const fn within(self, bits: u64) -> Rule {
        self.masked(!bits, 0)
    }

    /// None of these bits is set.
    #[must_use]
    pub const fn without(self, bits: u64) -> Rule {
        self.masked(bits, 0)
    }

    /// The bits in `mask` have this value; bits of `value` outside the mask could never match, and are dropped.
    #[must_use]
    pub const fn masked(self, mask: u64, value: u64) -> Rule {
        Rule { argument: self.0, mask, value: value & mask }
    }
}

/// What becomes of a call that no row allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// The process dies with SIGSYS, and the kernel logs it.
    Kill,
    /// The call fails with this error.
    Fail(Errno),
    /// The call is made, and the kernel logs it: to find out what a list lacks.
    Report,
}

/// An assembled filter.
#[derive(Clone, Debug)]
pub struct AllowList {
    program: Vec<Instruction>,
}

impl AllowList {
    /// Assembles the filter. A call made through another architecture's entry, or with x32 numbers, is killed or
    /// fails as any other that has no row.
    ///
    /// # Errors
    /// `EEXIST` for a number with two rows (its alternatives belong in one), `EINVAL` for a number or argument
    /// index that does not exist or for a row too long, `E2BIG` for more than 4096 instructions.
    pub fn new(rows: &[Row], otherwise: Mismatch) -> Result<Self, Errno> {
        let mut seen = std::collections::BTreeSet::new();
        for row in rows {
            if abi::nr::name(row.number).is_none() {
                return Err(Errno::EINVAL);
            }
            if !seen.insert(row.number) {
                return Err(Errno::EEXIST);
            }
        }
        Ok(Self { program: bpf::assemble(rows, otherwise)? })
    }

    /// How many instructions.
    #[must_use]
    pub fn len(&self) -> usize {
        self.program.len()
    }

    /// Never true: even a list without rows has the instructions that refuse everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.program.is_empty()
    }

    /// The program, for tests and for the documentation.
    #[must_use]
    pub fn program(&self) -> &[Instruction] {
        &self.program
    }

    /// Puts the filter in force, for good. Sets no_new_privs, without which the kernel accepts filters from the
    /// privileged only.
    ///
    /// # Errors
    /// `ESRCH` if a thread of the process has a filter that this one does not descend from, else as seccomp(2).
    pub fn install(&self, scope: Scope) -> Result<(), Errno> {
        install::install(&self.program, scope)
    }
}

#[cfg(test)]
mod tests;

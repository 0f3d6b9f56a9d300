//! A filter's program: classic BPF as seccomp(2) takes it, decoded and checked.
//!
//! What has passed the check ends: jumps go forward only and stay inside, the last instruction returns, no memory is read
//! before it is written, and nothing but `struct seccomp_data` is loaded.

use abi::Errno;

/// The longest program, in instructions (`BPF_MAXINSNS`).
pub const MOST_STEPS: usize = 4096;
/// Words of memory that a program has.
pub(super) const MEMORY: usize = 16;
/// Bytes of `struct seccomp_data`.
const DATA: u32 = 64;

/// `struct sock_filter`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Operation.
    pub code: u16,
    /// How many instructions to leave out if a test holds.
    pub if_true: u8,
    /// And if not.
    pub if_false: u8,
    /// The operation's constant.
    pub k: u32,
}

impl Instruction {
    /// As it lies in memory.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        let [c0, c1, if_true, if_false, k0, k1, k2, k3] = bytes;
        Self {
            code: u16::from_le_bytes([c0, c1]),
            if_true,
            if_false,
            k: u32::from_le_bytes([k0, k1, k2, k3]),
        }
    }
}

/// The second operand of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operand {
    Constant(u32),
    X,
}

/// Arithmetic on the accumulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    And,
    Or,
    Xor,
    ShiftLeft,
    ShiftRight,
}

/// A comparison of the accumulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Test {
    Equal,
    Greater,
    AtLeast,
    AnyBit,
}

/// One decoded instruction. Jumps name the instruction that follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A word of the data.
    Load(u8),
    Set(u32),
    SetX(u32),
    Recall(u8),
    RecallX(u8),
    Store(u8),
    StoreX(u8),
    Compute(Arithmetic, Operand),
    Negate,
    Jump(u16),
    Branch {
        test: Test,
        operand: Operand,
        yes: u16,
        no: u16,
    },
    Return(u32),
    ReturnAccumulator,
    ToX,
    FromX,
}

/// A program that has passed the check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program(Vec<Step>);

impl Program {
    /// Checks a program.
    ///
    /// # Errors
    /// `EINVAL` if it is none.
    pub fn new(instructions: &[Instruction]) -> Result<Self, Errno> {
        if instructions.is_empty() || instructions.len() > MOST_STEPS {
            return Err(Errno::EINVAL);
        }
        let count = instructions.len();
        let decoded = instructions.iter().enumerate().map(|(at, one)| decode(*one, at, count));
        let steps = decoded.collect::<Result<Vec<Step>, Errno>>()?;
        let ends = matches!(steps.last(), Some(Step::Return(_) | Step::ReturnAccumulator));
        if !ends || !memory_is_written_first(&steps) {
            return Err(Errno::EINVAL);
        }
        Ok(Self(steps))
    }

    pub(super) fn step(&self, at: u16) -> Option<Step> {
        self.0.get(usize::from(at)).copied()
    }

    /// How many instructions it has.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "none is empty")]
    pub const fn len(&self) -> usize {
        self.0.len()
    }
}

fn decode(one: Instruction, at: usize, count: usize) -> Result<Step, Errno> {
    let target = |distance: usize| {
        let to = at.checked_add(1).and_then(|next| next.checked_add(distance)).filter(|to| *to < count);
        to.and_then(|to| u16::try_from(to).ok()).ok_or(Errno::EINVAL)
    };
    let place = || u8::try_from(one.k).ok().filter(|k| usize::from(*k) < MEMORY).ok_or(Errno::EINVAL);
    let branch = |test, operand| {
        let (yes, no) = (target(one.if_true.into())?, target(one.if_false.into())?);
        Ok(Step::Branch { test, operand, yes, no })
    };
    let constant = Operand::Constant(one.k);
    let shift = |kind| {
        if one.k < 32 { Ok(Step::Compute(kind, constant)) } else { Err(Errno::EINVAL) }
    };
    Ok(match one.code {
        0x20 if one.k < DATA && one.k.is_multiple_of(4) => {
            Step::Load(u8::try_from(one.k / 4).map_err(|_| Errno::EINVAL)?)
        }
        0x80 => Step::Set(DATA),
        0x81 => Step::SetX(DATA),
        0x00 => Step::Set(one.k),
        0x01 => Step::SetX(one.k),
        0x60 => Step::Recall(place()?),
        0x61 => Step::RecallX(place()?),
        0x02 => Step::Store(place()?),
        0x03 => Step::StoreX(place()?),
        0x04 => Step::Compute(Arithmetic::Add, constant),
        0x0c => Step::Compute(Arithmetic::Add, Operand::X),
        0x14 => Step::Compute(Arithmetic::Subtract, constant),
        0x1c => Step::Compute(Arithmetic::Subtract, Operand::X),
        0x24 => Step::Compute(Arithmetic::Multiply, constant),
        0x2c => Step::Compute(Arithmetic::Multiply, Operand::X),
        0x34 if one.k != 0 => Step::Compute(Arithmetic::Divide, constant),
        0x3c => Step::Compute(Arithmetic::Divide, Operand::X),
        0x44 => Step::Compute(Arithmetic::Or, constant),
        0x4c => Step::Compute(Arithmetic::Or, Operand::X),
        0x54 => Step::Compute(Arithmetic::And, constant),
        0x5c => Step::Compute(Arithmetic::And, Operand::X),
        0x64 => shift(Arithmetic::ShiftLeft)?,
        0x6c => Step::Compute(Arithmetic::ShiftLeft, Operand::X),
        0x74 => shift(Arithmetic::ShiftRight)?,
        0x7c => Step::Compute(Arithmetic::ShiftRight, Operand::X),
        0x84 => Step::Negate,
        0xa4 => Step::Compute(Arithmetic::Xor, constant),
        0xac => Step::Compute(Arithmetic::Xor, Operand::X),
        0x05 => Step::Jump(target(usize::try_from(one.k).map_err(|_| Errno::EINVAL)?)?),
        0x15 => branch(Test::Equal, constant)?,
        0x1d => branch(Test::Equal, Operand::X)?,
        0x25 => branch(Test::Greater, constant)?,
        0x2d => branch(Test::Greater, Operand::X)?,
        0x35 => branch(Test::AtLeast, constant)?,
        0x3d => branch(Test::AtLeast, Operand::X)?,
        0x45 => branch(Test::AnyBit, constant)?,
        0x4d => branch(Test::AnyBit, Operand::X)?,
        0x06 => Step::Return(one.k),
        0x16 => Step::ReturnAccumulator,
        0x07 => Step::ToX,
        0x87 => Step::FromX,
        _ => return Err(Errno::EINVAL),
    })
}

/// Whether each word of memory that is read has been written before, on every way to that place.
fn memory_is_written_first(steps: &[Step]) -> bool {
    // For each step what is written on all ways that lead there by a jump; for the next step also what falls through.
    let mut known = vec![u16::MAX; steps.len()];
    let mut through: u16 = 0;
    let join = |known: &mut Vec<u16>, to: u16, written: u16| {
        if let Some(there) = known.get_mut(usize::from(to)) {
            *there &= written;
        }
    };
    for (at, step) in steps.iter().enumerate() {
        let written = through & known.get(at).copied().unwrap_or_default();
        through = written;
        match *step {
            Step::Store(place) | Step::StoreX(place) => through |= 1 << place,
            Step::Recall(place) | Step::RecallX(place) if written & (1 << place) == 0 => return false,
            Step::Jump(to) => {
                join(&mut known, to, written);
                through = u16::MAX;
            }
            Step::Branch { yes, no, .. } => {
                join(&mut known, yes, written);
                join(&mut known, no, written);
                through = u16::MAX;
            }
            // Nothing comes here from above.
            Step::Return(_) | Step::ReturnAccumulator => through = u16::MAX,
            _ => {}
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: &[(u16, u8, u8, u32)]) -> Result<Program, Errno> {
        let all: Vec<_> = code
            .iter()
            .map(|(code, if_true, if_false, k)| Instruction {
                code: *code,
                if_true: *if_true,
                if_false: *if_false,
                k: *k,
            })
            .collect();
        Program::new(&all)
    }

    const ALLOW: (u16, u8, u8, u32) = (0x06, 0, 0, 0x7fff_0000);

    #[test]
    fn what_does_not_end_is_no_program() {
        assert!(check(&[ALLOW]).is_ok());
        assert!(check(&[]).is_err());
        assert!(check(&[(0x20, 0, 0, 0)]).is_err(), "no return");
        assert!(check(&[(0x15, 1, 0, 0), ALLOW]).is_err(), "a branch out of it");
        assert!(check(&[(0x05, 0, 0, u32::MAX), ALLOW]).is_err(), "a jump backwards");
        assert!(check(&[(0x05, 0, 0, 1), ALLOW]).is_err(), "a jump to its end");
        assert!(check(&vec![ALLOW; MOST_STEPS]).is_ok());
        assert!(check(&vec![ALLOW; MOST_STEPS + 1]).is_err());
    }

    #[test]
    fn only_the_data_of_a_call_is_loaded() {
        assert!(check(&[(0x20, 0, 0, 60), ALLOW]).is_ok());
        for bad in [64, 62, u32::MAX] {
            assert!(check(&[(0x20, 0, 0, bad), ALLOW]).is_err(), "{bad}");
        }
        for bad in [0x28, 0x30, 0x40, 0x94, 0xb1, 0xffff] {
            assert!(check(&[(bad, 0, 0, 0), ALLOW]).is_err(), "{bad:#x}");
        }
        assert!(check(&[(0x34, 0, 0, 0), ALLOW]).is_err(), "division by 0");
        assert!(check(&[(0x64, 0, 0, 32), ALLOW]).is_err(), "a shift by 32");
    }

    #[test]
    fn memory_is_read_only_after_it_was_written() {
        let (store, recall) = ((0x02, 0, 0, 3), (0x60, 0, 0, 3));
        assert!(check(&[store, recall, ALLOW]).is_ok());
        assert!(check(&[recall, ALLOW]).is_err());
        assert!(check(&[(0x02, 0, 0, 16), ALLOW]).is_err());
        assert!(check(&[(0x15, 1, 0, 0), store, recall, ALLOW]).is_err(), "one way leaves it out");
        assert!(check(&[(0x15, 1, 0, 0), ALLOW, store, recall, ALLOW]).is_ok());
    }
}

//! Assembles allow lists to classic BPF over `struct seccomp_data`.

use abi::Errno;

use super::{Mismatch, Row, Rule};

/// One classic BPF instruction (`struct sock_filter`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Instruction {
    /// The operation.
    pub code: u16,
    /// How many instructions to skip if a comparison holds.
    pub jump_true: u8,
    /// How many if it does not.
    pub jump_false: u8,
    /// The operand.
    pub k: u32,
}

/// `BPF_LD | BPF_W | BPF_ABS`: loads a word of `seccomp_data`.
pub(super) const LOAD: u16 = 0x20;
/// `BPF_ALU | BPF_AND | BPF_K`.
pub(super) const AND: u16 = 0x54;
/// `BPF_JMP | BPF_JEQ | BPF_K`.
pub(super) const JUMP_EQUAL: u16 = 0x15;
/// `BPF_JMP | BPF_JA`.
pub(super) const JUMP: u16 = 0x05;
/// `BPF_RET | BPF_K`.
pub(super) const RETURN: u16 = 0x06;

/// Where `seccomp_data` has the system call's number.
pub(super) const NUMBER: u32 = 0;
/// Where it has the architecture.
pub(super) const ARCH: u32 = 4;
/// Where its arguments begin, eight bytes each, low half first.
pub(super) const ARGUMENTS: u32 = 16;
/// `AUDIT_ARCH_X86_64`.
pub(super) const X86_64: u32 = 0xc000_003e;

/// `SECCOMP_RET_ALLOW`.
pub(super) const ALLOW: u32 = 0x7fff_0000;
/// `SECCOMP_RET_KILL_PROCESS`.
pub(super) const KILL_PROCESS: u32 = 0x8000_0000;
/// `SECCOMP_RET_ERRNO`, with the number in the low half.
pub(super) const FAIL: u32 = 0x0005_0000;

/// `SECCOMP_RET_LOG`: the call is made.
const LOG: u32 = 0x7ffc_0000;

/// `BPF_MAXINSNS`.
const LONGEST: usize = 4096;

const fn statement(code: u16, k: u32) -> Instruction {
    Instruction { code, jump_true: 0, jump_false: 0, k }
}

fn fail(errno: Errno) -> u32 {
    FAIL | (errno.raw().unsigned_abs() & 0xffff)
}

pub(super) fn assemble(rows: &[Row], otherwise: Mismatch) -> Result<Vec<Instruction>, Errno> {
    let refuse = statement(
        RETURN,
        match otherwise {
            Mismatch::Kill => KILL_PROCESS,
            Mismatch::Fail(errno) => fail(errno),
            Mismatch::Report => LOG,
        },
    );
    let allow = statement(RETURN, ALLOW);

    let mut program = vec![
        statement(LOAD, ARCH),
        Instruction { code: JUMP_EQUAL, jump_true: 1, jump_false: 0, k: X86_64 },
        refuse,
        statement(LOAD, NUMBER),
    ];
    for row in rows {
        let number = u32::try_from(row.number).map_err(|_| Errno::EINVAL)?;
        let mut body = Vec::new();
        let refusal = row.refusal.map(|errno| statement(RETURN, fail(errno)));
        if row.when.is_empty() {
            body.push(refusal.unwrap_or(allow));
        } else {
            for rules in row.when {
                body.extend(alternative(rules)?);
            }
            body.push(refusal.unwrap_or(refuse));
        }
        // A conditional jump reaches 255 instructions, an unconditional one any number.
        program.push(Instruction { code: JUMP_EQUAL, jump_true: 1, jump_false: 0, k: number });
        program.push(statement(JUMP, u32::try_from(body.len()).map_err(|_| Errno::EINVAL)?));
        program.extend(body);
    }
    program.push(refuse);
    if program.len() > LONGEST {
        return Err(Errno::E2BIG);
    }
    Ok(program)
}

/// Allows the call if every rule holds, else falls through to the instruction behind.
fn alternative(rules: &[Rule]) -> Result<Vec<Instruction>, Errno> {
    let mut tests = Vec::new();
    for rule in rules {
        if rule.argument > 5 {
            return Err(Errno::EINVAL);
        }
        let low = ARGUMENTS + u32::from(rule.argument) * 8;
        let halves = [
            (low, rule.mask & 0xffff_ffff, rule.value & 0xffff_ffff),
            (low + 4, rule.mask >> 32, rule.value >> 32),
        ];
        for (offset, mask, value) in halves {
            let mask = u32::try_from(mask).map_err(|_| Errno::EINVAL)?;
            let value = u32::try_from(value).map_err(|_| Errno::EINVAL)?;
            if mask == 0 {
                continue;
            }
            tests.push(statement(LOAD, offset));
            if mask != u32::MAX {
                tests.push(statement(AND, mask));
            }
            tests.push(statement(JUMP_EQUAL, value));
        }
    }
    tests.push(statement(RETURN, ALLOW));
    let end = tests.len();
    for (at, instruction) in tests.iter_mut().enumerate() {
        if instruction.code == JUMP_EQUAL {
            instruction.jump_false = u8::try_from(end - at - 1).map_err(|_| Errno::EINVAL)?;
        }
    }
    Ok(tests)
}

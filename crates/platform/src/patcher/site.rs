//! What can be done about a system call instruction, by what stands around it.

use core::fmt;

use iced_x86::{Decoder, DecoderOptions, Instruction, MemorySize, Mnemonic, OpKind, Register};

use super::trampoline::JUMP_LENGTH;

/// `syscall`.
const SYSCALL: [u8; 2] = [0x0f, 0x05];
/// `mov imm32,%eax`, before its number.
const MOVE: u8 = 0xb8;
/// How much of the code before a `mov` is decoded to find out whether it is one.
const RUN_UP: core::ops::RangeInclusive<usize> = 16..=56;
/// Where compilers align what follows padding.
const ALIGNMENT: usize = 16;

/// A system call instruction that can be patched. Offsets count from the start of its page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Where the jump goes.
    pub start: usize,
    /// What the jump replaces.
    pub form: Form,
}

/// The two kinds of sites.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// `mov number,%eax` gives way; the `syscall` behind it stays.
    Numbered(u32),
    /// The `syscall` gives way, and these instructions behind it with it.
    Displaced(Vec<Displaced>),
}

/// An instruction that moves into the trampoline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Displaced {
    /// Where it began, from the start of the site.
    pub offset: usize,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What in it depends on where it stands.
    pub relative: Relative,
    /// Whether nothing is executed behind it.
    pub ends: bool,
}

/// How an instruction depends on its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relative {
    /// Not at all.
    No,
    /// Its 32-bit displacement at this offset counts from its end.
    Data(usize),
    /// `jmp` to this distance from the site's start.
    Jump(i64),
    /// The conditional jump with this condition code, to this distance from the site's start.
    Branch(u8, i64),
}

/// Why a system call is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// There is no system call instruction there: the text has changed.
    NotThere,
    /// The page ends too soon.
    PageEnd,
    /// What follows cannot be moved.
    Unmovable,
    /// It would have to share bytes with another site.
    Overlap,
    /// No place for a trampoline is at the right distance.
    NoPlace,
    /// The file has as many patched sites or pages as it may.
    Full,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotThere => "no system call is there",
            Self::PageEnd => "the page ends",
            Self::Unmovable => "what follows cannot be moved",
            Self::Overlap => "another site is in the way",
            Self::NoPlace => "no place for a trampoline",
            Self::Full => "the file has enough",
        })
    }
}

impl Site {
    /// Looks at the `syscall` at this offset of a page, which was executed with this number.
    ///
    /// # Errors
    /// Why it cannot be patched.
    pub fn find(page: &[u8], at: usize, number: u32) -> Result<Self, Refusal> {
        // Its second byte may lie in the next page, which does not matter to what stands before it.
        let after = at.checked_add(SYSCALL.len()).ok_or(Refusal::NotThere)?.min(page.len());
        if !page.get(at..after).is_some_and(|code| !code.is_empty() && SYSCALL.starts_with(code)) {
            return Err(Refusal::NotThere);
        }
        if let Some(start) = at.checked_sub(JUMP_LENGTH).filter(|start| is_move(page, *start, number)) {
            return Ok(Self { start, form: Form::Numbered(number) });
        }
        // An operand-size prefix would shorten the jump; more likely the byte belongs to the instruction before.
        if at.checked_sub(1).and_then(|before| page.get(before)) == Some(&0x66) {
            return Err(Refusal::Unmovable);
        }
        displaced(page, at).map(|list| Self { start: at, form: Form::Displaced(list) })
    }

    /// How many bytes the site takes, the `syscall` that stays not counted.
    #[must_use]
    pub fn length(&self) -> usize {
        match &self.form {
            Form::Numbered(_) => JUMP_LENGTH,
            Form::Displaced(list) => list.last().map_or(0, |i| i.offset + i.bytes.len()).max(JUMP_LENGTH),
        }
    }

    /// Where, within the jump, an instruction began: those offsets must hold an invalid byte.
    pub fn boundaries(&self) -> impl Iterator<Item = usize> {
        let list: &[Displaced] = match &self.form {
            Form::Numbered(_) => &[],
            Form::Displaced(list) => list,
        };
        list.iter().map(|i| i.offset).filter(|offset| *offset < JUMP_LENGTH)
    }
}

/// Whether `mov number,%eax` begins there. The bytes could be the end of a longer instruction: then most of what is decoded from
/// places before it steps over them.
fn is_move(page: &[u8], start: usize, number: u32) -> bool {
    let wanted = [[MOVE].as_slice(), &number.to_le_bytes()].concat();
    if page.get(start..start + JUMP_LENGTH) != Some(&wanted) {
        return false;
    }
    // A prefix would make it another register or width; that byte may as well be the end of something else, but who knows.
    let before = start.checked_sub(1).and_then(|at| page.get(at));
    if before.is_none_or(|byte| matches!(byte, 0x40..=0x4f | 0x66 | 0x67 | 0xf0 | 0xf2 | 0xf3 | 0xd5)) {
        return false;
    }
    let mut tried = 0_usize;
    let mut met = 0_usize;
    for distance in RUN_UP {
        let Some(code) = start.checked_sub(distance).and_then(|from| page.get(from..start + JUMP_LENGTH))
        else {
            break;
        };
        tried += 1;
        met += usize::from(meets(code, distance));
    }
    tried >= 8 && met * 4 >= tried * 3
}

/// Whether an instruction begins at this offset if one begins at the start.
fn meets(code: &[u8], at: usize) -> bool {
    let mut decoder = Decoder::new(64, code, DecoderOptions::NONE);
    let mut instruction = Instruction::default();
    while decoder.position() < at && decoder.can_decode() {
        decoder.decode_out(&mut instruction);
    }
    decoder.position() == at
}

/// The instructions behind the `syscall` that have to give way to the jump.
fn displaced(page: &[u8], at: usize) -> Result<Vec<Displaced>, Refusal> {
    if page.len() < at + JUMP_LENGTH {
        return Err(Refusal::PageEnd);
    }
    let code = page.get(at..).unwrap_or_default();
    let mut decoder = Decoder::with_ip(64, code, 0, DecoderOptions::NONE);
    decoder.set_position(SYSCALL.len()).map_err(|_| Refusal::PageEnd)?;
    decoder.set_ip(SYSCALL.len() as u64);
    let mut list: Vec<Displaced> = Vec::new();
    while decoder.position() < JUMP_LENGTH {
        let offset = decoder.position();
        let instruction = decoder.decode();
        if instruction.is_invalid() {
            let cut = code.len() < offset + 15;
            return Err(if cut { Refusal::PageEnd } else { Refusal::Unmovable });
        }
        let bytes = code.get(offset..offset + instruction.len()).ok_or(Refusal::PageEnd)?.to_vec();
        let displacement = decoder.get_constant_offsets(&instruction);
        let one = movable(&instruction, offset, bytes, displacement.displacement_offset())?;
        let (ends, end) = (one.ends, offset + instruction.len());
        list.push(one);
        if ends && (end >= JUMP_LENGTH || is_padding(page, at + end, at + JUMP_LENGTH)) {
            return Ok(list);
        }
        // Behind what nothing follows stands code only if something leads there.
        if ends && !is_branched_to(page, at + end) {
            return Err(Refusal::Unmovable);
        }
    }
    Ok(list)
}

/// One instruction, if it does the same from elsewhere.
fn movable(
    instruction: &Instruction,
    offset: usize,
    bytes: Vec<u8>,
    displacement: usize,
) -> Result<Displaced, Refusal> {
    use Mnemonic as M;
    let target = instruction.near_branch64().cast_signed();
    let near = instruction.op_count() > 0 && instruction.op0_kind() == OpKind::NearBranch64;
    let (relative, ends) = match (instruction.mnemonic(), bytes.as_slice()) {
        // What leaves an address behind, enters the kernel, marks a target of indirect jumps or stops.
        (
            M::Call
            | M::Syscall
            | M::Sysenter
            | M::Sysret
            | M::Int
            | M::Int1
            | M::Int3
            | M::Hlt
            | M::Ud0
            | M::Ud1
            | M::Ud2
            | M::Iret
            | M::Iretd
            | M::Iretq
            | M::Retf
            | M::Xbegin
            | M::Xabort
            | M::Endbr64
            | M::Endbr32,
            _,
        ) => return Err(Refusal::Unmovable),
        (M::Ret, _) => (Relative::No, true),
        (M::Jmp, [0xeb | 0xe9, ..]) if near => (Relative::Jump(target), true),
        (M::Jmp, _) if near || is_far(instruction) => return Err(Refusal::Unmovable),
        (M::Jmp, _) => (data(instruction, displacement), true),
        (_, [code @ 0x70..=0x7f, _] | [0x0f, code @ 0x80..=0x8f, ..]) if near => {
            (Relative::Branch(code & 0xf, target), false)
        }
        _ if near || is_far(instruction) || instruction.memory_base() == Register::EIP => {
            return Err(Refusal::Unmovable);
        }
        _ => (data(instruction, displacement), false),
    };
    Ok(Displaced { offset, bytes, relative, ends })
}

fn is_far(instruction: &Instruction) -> bool {
    let far = |kind| matches!(kind, OpKind::FarBranch16 | OpKind::FarBranch32);
    let memory = instruction.mnemonic() == Mnemonic::Jmp
        && instruction.op0_kind() == OpKind::Memory
        && instruction.memory_size() != MemorySize::QwordOffset;
    memory || (0..instruction.op_count()).any(|n| far(instruction.op_kind(n)))
}

fn data(instruction: &Instruction, displacement: usize) -> Relative {
    if instruction.is_ip_rel_memory_operand() { Relative::Data(displacement) } else { Relative::No }
}

/// Whether a short conditional jump before leads to this offset: with musl, the way out of a call that has been cancelled stands right behind its return.
fn is_branched_to(page: &[u8], to: usize) -> bool {
    const REACH: usize = 127;
    let from = to.saturating_sub(REACH + 2);
    let jumps = page.get(from..to).unwrap_or_default().windows(2).zip(from..);
    jumps.into_iter().any(|(code, at)| {
        matches!(code, [0x70..=0x7f, distance @ 0..=0x7f] if at + 2 + usize::from(*distance) == to)
    })
}

/// Whether nothing lies from here on, at least up to `to` and until the next aligned place, but what fills gaps.
fn is_padding(page: &[u8], from: usize, to: usize) -> bool {
    let end = from.next_multiple_of(ALIGNMENT);
    let Some(gap) = page.get(from..end).filter(|_| end >= to) else { return false };
    if gap.iter().all(|byte| *byte == 0) {
        return true;
    }
    let mut decoder = Decoder::new(64, gap, DecoderOptions::NONE);
    let fills = |i: Instruction| matches!(i.mnemonic(), Mnemonic::Nop | Mnemonic::Int3);
    decoder.iter().all(fills)
}

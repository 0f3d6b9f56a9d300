//! A trampoline's code.

use super::INVALID;
use super::site::{Form, Relative, Site};

/// Bytes of `jmp rel32`.
pub const JUMP_LENGTH: usize = 5;
const JUMP: u8 = 0xe9;
/// What is left of a site behind its jump.
const FILL: u8 = INVALID[0];

/// The code that a site jumps to, for one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trampoline {
    /// Its instructions.
    pub code: Vec<u8>,
    /// For each instruction: its offset in `code`, and the offset in the site where a thread that stands before it is as well.
    pub points: Vec<(usize, usize)>,
    /// For each displaced instruction: its offset in the site, and in `code`.
    pub moved: Vec<(usize, usize)>,
}

/// Collects instructions.
struct Writer {
    at: i64,
    code: Vec<u8>,
    points: Vec<(usize, usize)>,
}

impl Writer {
    fn put(&mut self, stands_for: usize, bytes: &[u8]) {
        self.points.push((self.code.len(), stands_for));
        self.code.extend_from_slice(bytes);
    }

    /// An instruction that ends with the distance to a position.
    fn put_relative(&mut self, stands_for: usize, opcode: &[u8], to: i64) -> Option<()> {
        let length = opcode.len() + 4;
        let distance = self.distance(to, length)?;
        self.put(stands_for, &[opcode, &distance].concat());
        Some(())
    }

    /// From the end of the next instruction, which is so long, to a position.
    fn distance(&self, to: i64, length: usize) -> Option<[u8; 4]> {
        let end = self.at.checked_add(i64::try_from(self.code.len() + length).ok()?)?;
        i32::try_from(to.checked_sub(end)?).ok().map(i32::to_le_bytes)
    }
}

impl Trampoline {
    /// The trampoline at `at` for a site that starts at the position `from`, on to this gate. Nothing if something is out of reach.
    ///
    /// The gate finds all registers as at the `syscall`, but for `r11`, which the call destroys anyway, and `rcx`: the
    /// address to resume at, which a plain `syscall` stands before.
    #[must_use]
    pub fn new(site: &Site, from: i64, at: i64, gate: u64) -> Option<Self> {
        let mut out = Writer { at, code: Vec::with_capacity(64), points: Vec::with_capacity(8) };
        let mut moved = Vec::new();
        // lea rel32(%rip),%rcx; mov imm64,%r11; jmp *%r11.
        const LOAD_RESUME: [u8; 3] = [0x48, 0x8d, 0x0d];
        let load_gate = [[0x49, 0xbb].as_slice(), &gate.to_le_bytes()].concat();
        const JUMP_GATE: [u8; 3] = [0x41, 0xff, 0xe3];
        match &site.form {
            Form::Numbered(number) => {
                let syscall = JUMP_LENGTH;
                out.put(0, &[[0xb8].as_slice(), &number.to_le_bytes()].concat());
                let resume = from.checked_add(i64::try_from(syscall + 2).ok()?)?;
                out.put_relative(syscall, &LOAD_RESUME, resume)?;
                out.put(syscall, &load_gate);
                out.put(syscall, &JUMP_GATE);
            }
            Form::Displaced(list) => {
                let to_resume =
                    i64::try_from(LOAD_RESUME.len() + 4 + load_gate.len() + JUMP_GATE.len() + 2).ok()?;
                out.put_relative(0, &LOAD_RESUME, at.checked_add(to_resume)?)?;
                out.put(0, &load_gate);
                out.put(0, &JUMP_GATE);
                out.put(0, &[0x0f, 0x05]);
                for one in list {
                    moved.push((one.offset, out.code.len()));
                    match one.relative {
                        Relative::No => out.put(one.offset, &one.bytes),
                        Relative::Data(place) => {
                            let old = one.bytes.get(place..place + 4)?.first_chunk().copied()?;
                            let end = i64::try_from(one.offset + one.bytes.len()).ok()?;
                            let data = from.checked_add(end)?.checked_add(i32::from_le_bytes(old).into())?;
                            let mut bytes = one.bytes.clone();
                            let new = out.distance(data, bytes.len())?;
                            bytes.get_mut(place..place + 4)?.copy_from_slice(&new);
                            out.put(one.offset, &bytes);
                        }
                        Relative::Jump(to) => out.put_relative(one.offset, &[JUMP], from.checked_add(to)?)?,
                        Relative::Branch(condition, to) => {
                            out.put_relative(one.offset, &[0x0f, 0x80 | condition], from.checked_add(to)?)?;
                        }
                    }
                }
                if list.last().is_none_or(|last| !last.ends) {
                    let back = from.checked_add(i64::try_from(site.length()).ok()?)?;
                    out.put_relative(site.length(), &[JUMP], back)?;
                }
            }
        }
        Some(Self { code: out.code, points: out.points, moved })
    }

    /// How long the trampoline of a site is, wherever it stands.
    #[must_use]
    pub fn length(site: &Site) -> usize {
        let far = match &site.form {
            Form::Numbered(_) => return 25,
            Form::Displaced(list) => list,
        };
        let moved: usize = far
            .iter()
            .map(|one| match one.relative {
                Relative::No | Relative::Data(_) => one.bytes.len(),
                Relative::Jump(_) => JUMP_LENGTH,
                Relative::Branch(..) => JUMP_LENGTH + 1,
            })
            .sum();
        let back = if far.last().is_some_and(|last| last.ends) { 0 } else { JUMP_LENGTH };
        22 + moved + back
    }
}

/// What a site becomes: the jump to its trampoline, and what fills the rest. Nothing if the trampoline is out of reach.
#[must_use]
pub(super) fn jump(site: &Site, from: i64, to: i64) -> Option<Vec<u8>> {
    let end = from.checked_add(i64::try_from(JUMP_LENGTH).ok()?)?;
    let distance = i32::try_from(to.checked_sub(end)?).ok()?;
    let mut bytes = [[JUMP].as_slice(), &distance.to_le_bytes()].concat();
    bytes.resize(site.length(), FILL);
    let holds = |offset: usize| bytes.get(offset).is_some_and(|byte| INVALID.contains(byte));
    site.boundaries().all(holds).then_some(bytes)
}

//! The interpreter.

use super::program::{Arithmetic, MEMORY, Operand, Program, Step, Test};

/// What a program is told of a call (`struct seccomp_data`), word by word: number, architecture, instruction pointer, arguments. A word that
/// is not known makes everything unknown that depends on it.
#[derive(Clone, Copy, Debug)]
pub struct Data([Option<u32>; 16]);

/// `AUDIT_ARCH_X86_64`.
pub(super) const ARCHITECTURE: u32 = 0xc000_003e;

/// The halves of a word, the lower first.
const fn halves(word: u64) -> [u32; 2] {
    let [a, b, c, d, e, f, g, h] = word.to_le_bytes();
    [u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h])]
}

impl Data {
    /// A call that is being made.
    #[must_use]
    pub fn new(number: u64, ip: u64, args: &[u64; 6]) -> Self {
        let [number, _] = halves(number);
        let rest = std::iter::once(ip).chain(args.iter().copied()).flat_map(halves);
        let words = [number, ARCHITECTURE].into_iter().chain(rest);
        let mut data = [None; 16];
        data.iter_mut().zip(words).for_each(|(to, word)| *to = Some(word));
        Self(data)
    }

    /// Any call of this number.
    pub(super) fn any(number: u32) -> Self {
        let mut data = [None; 16];
        let [nr, arch, ..] = &mut data;
        (*nr, *arch) = (Some(number), Some(ARCHITECTURE));
        Self(data)
    }

    /// The same, with an argument whose upper half is 0.
    pub(super) fn with_argument(mut self, index: usize, value: u32) -> Self {
        let words = self.0.iter_mut().skip(4 + 2 * index).take(2);
        words.zip([value, 0]).for_each(|(to, word)| *to = Some(word));
        self
    }
}

/// A program's registers and memory.
#[derive(Default)]
struct Machine {
    a: Option<u32>,
    x: Option<u32>,
    memory: [Option<u32>; MEMORY],
}

impl Machine {
    fn new() -> Self {
        Self { a: Some(0), x: Some(0), memory: [None; MEMORY] }
    }

    fn operand(&self, operand: Operand) -> Option<u32> {
        match operand {
            Operand::Constant(k) => Some(k),
            Operand::X => self.x,
        }
    }
}

impl Program {
    /// The program's result; none if it depends on what is not known.
    #[must_use]
    pub fn run(&self, data: &Data) -> Option<u32> {
        let mut machine = Machine::new();
        let mut at = 0;
        loop {
            let next = at + 1;
            at = next;
            // A step always follows: the last one returns, and no jump leaves the program.
            match self.step(next - 1)? {
                Step::Load(word) => machine.a = data.0.get(usize::from(word)).copied().flatten(),
                Step::Set(k) => machine.a = Some(k),
                Step::SetX(k) => machine.x = Some(k),
                Step::Recall(place) => machine.a = machine.memory.get(usize::from(place)).copied().flatten(),
                Step::RecallX(place) => machine.x = machine.memory.get(usize::from(place)).copied().flatten(),
                Step::Store(place) => store(&mut machine.memory, place, machine.a),
                Step::StoreX(place) => store(&mut machine.memory, place, machine.x),
                Step::Compute(kind, operand) => {
                    machine.a = match (machine.a, machine.operand(operand)) {
                        // As Linux has it, the program returns 0.
                        (_, Some(0)) if kind == Arithmetic::Divide => return Some(0),
                        (_, None) if kind == Arithmetic::Divide => return None,
                        (Some(a), Some(b)) => Some(compute(kind, a, b)),
                        _ => None,
                    }
                }
                Step::Negate => machine.a = machine.a.map(u32::wrapping_neg),
                Step::Jump(to) => at = to,
                Step::Branch { test, operand, yes, no } => {
                    let holds = holds(test, machine.a?, machine.operand(operand)?);
                    at = if holds { yes } else { no };
                }
                Step::Return(k) => return Some(k),
                Step::ReturnAccumulator => return machine.a,
                Step::ToX => machine.x = machine.a,
                Step::FromX => machine.a = machine.x,
            }
        }
    }
}

fn store(memory: &mut [Option<u32>; MEMORY], place: u8, value: Option<u32>) {
    if let Some(word) = memory.get_mut(usize::from(place)) {
        *word = value;
    }
}

/// Shifts go by the lower five bits, as the processor's.
fn compute(kind: Arithmetic, a: u32, b: u32) -> u32 {
    match kind {
        Arithmetic::Add => a.wrapping_add(b),
        Arithmetic::Subtract => a.wrapping_sub(b),
        Arithmetic::Multiply => a.wrapping_mul(b),
        Arithmetic::Divide => a.checked_div(b).unwrap_or_default(),
        Arithmetic::And => a & b,
        Arithmetic::Or => a | b,
        Arithmetic::Xor => a ^ b,
        Arithmetic::ShiftLeft => a.wrapping_shl(b),
        Arithmetic::ShiftRight => a.wrapping_shr(b),
    }
}

const fn holds(test: Test, a: u32, b: u32) -> bool {
    match test {
        Test::Equal => a == b,
        Test::Greater => a > b,
        Test::AtLeast => a >= b,
        Test::AnyBit => a & b != 0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Instruction;
    use super::*;

    fn program(code: &[(u16, u8, u8, u32)]) -> Program {
        let instruction = |(code, if_true, if_false, k): &(u16, u8, u8, u32)| Instruction {
            code: *code,
            if_true: *if_true,
            if_false: *if_false,
            k: *k,
        };
        Program::new(&code.iter().map(instruction).collect::<Vec<_>>()).unwrap()
    }

    fn data() -> Data {
        Data::new(39, 0x1_0000_0002, &[0xa_0000_000b, 2, 3, 4, 5, 6])
    }

    #[test]
    fn words_lie_where_the_structure_has_them() {
        let load = |offset| program(&[(0x20, 0, 0, offset), (0x16, 0, 0, 0)]).run(&data());
        let words: Vec<_> = [0, 4, 8, 12, 16, 20, 24, 56].map(load).into_iter().flatten().collect();
        assert_eq!(words, [39, ARCHITECTURE, 2, 1, 0xb, 0xa, 2, 6]);
    }

    #[test]
    fn arithmetic_is_that_of_32_bits() {
        let calculate =
            |code, a, k| program(&[(0x00, 0, 0, a), (code, 0, 0, k), (0x16, 0, 0, 0)]).run(&data());
        assert_eq!(calculate(0x04, u32::MAX, 2), Some(1));
        assert_eq!(calculate(0x14, 1, 2), Some(u32::MAX));
        assert_eq!(calculate(0x24, 1 << 31, 2), Some(0));
        assert_eq!(calculate(0x34, 7, 2), Some(3));
        assert_eq!(calculate(0xa4, 5, 1), Some(4));
        assert_eq!(calculate(0x64, 1, 31), Some(1 << 31));
        assert_eq!(calculate(0x84, 1, 0), Some(u32::MAX));
    }

    #[test]
    fn division_by_nothing_returns_nothing() {
        let code = [(0x00, 0, 0, 9), (0x01, 0, 0, 0), (0x3c, 0, 0, 0), (0x06, 0, 0, 0x7fff_0000)];
        assert_eq!(program(&code).run(&data()), Some(0));
    }

    #[test]
    fn what_depends_on_the_unknown_is_unknown() {
        let code = [(0x20, 0, 0, 16), (0x15, 0, 1, 7), (0x06, 0, 0, 1), (0x06, 0, 0, 2)];
        let program = program(&code);
        assert_eq!(program.run(&Data::any(39)), None);
        assert_eq!(program.run(&Data::any(39).with_argument(0, 7)), Some(1));
        assert_eq!(program.run(&Data::any(39).with_argument(0, 8)), Some(2));
    }
}

//! What a program says of a call whatever its arguments are.

use abi::nr;

use super::action::Action;
use super::program::Program;
use super::run::Data;

/// Numbers that are looked at: those above are judged each time.
const NUMBERS: u32 = 512;
/// Words of a set of numbers.
const WORDS: usize = 8;

/// A set of call numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Numbers([u64; WORDS]);

impl Numbers {
    pub(super) const ALL: Self = Self([u64::MAX; WORDS]);

    pub(super) fn has(&self, number: u64) -> bool {
        let word = usize::try_from(number / 64).ok().and_then(|at| self.0.get(at));
        word.is_some_and(|word| word & (1 << (number % 64)) != 0)
    }

    fn remove(&mut self, number: u32) {
        let word = usize::try_from(number / 64).ok().and_then(|at| self.0.get_mut(at));
        if let Some(word) = word {
            *word &= !(1 << (number % 64));
        }
    }

    /// Those of them that a program allows, too.
    pub(super) fn allowed_by(&self, program: &Program) -> Self {
        let mut left = self.clone();
        for number in (0..NUMBERS).filter(|number| self.has(u64::from(*number))) {
            if !allows(program, &Data::any(number)) {
                left.remove(number);
            }
        }
        left
    }
}

/// Operations of futex(2) that the host carries out, with all their flags.
pub(super) fn futex_operations() -> impl Iterator<Item = u32> {
    const PRIVATE: u32 = 128;
    const REALTIME: u32 = 256;
    let flags = [0, PRIVATE, REALTIME, PRIVATE | REALTIME];
    [0, 1, 3, 4, 5, 9, 10].into_iter().flat_map(move |operation| flags.map(|flags| operation | flags))
}

/// Those of these operations that a program allows wherever the futex is.
pub(super) fn allowed_futex(program: &Program, operations: &[u32]) -> Vec<u32> {
    let Ok(number) = u32::try_from(nr::futex) else { return Vec::new() };
    let allowed = |operation: &u32| allows(program, &Data::any(number).with_argument(1, *operation));
    operations.iter().copied().filter(allowed).collect()
}

fn allows(program: &Program, data: &Data) -> bool {
    program.run(data).is_some_and(|result| Action::of(result) == Action::Allow)
}

#[cfg(test)]
mod tests {
    use super::super::Instruction;
    use super::*;

    /// Allows getpid, futex with operation 1, and nothing else.
    fn program() -> Program {
        let code = [
            (0x20, 0, 0, 0),
            (0x15, 0, 1, 39),
            (0x06, 0, 0, 0x7fff_0000),
            (0x15, 0, 3, 202),
            (0x20, 0, 0, 24),
            (0x15, 0, 1, 1),
            (0x06, 0, 0, 0x7fff_0000),
            (0x06, 0, 0, 0x0005_0001),
        ];
        let instruction = |(code, if_true, if_false, k)| Instruction { code, if_true, if_false, k };
        Program::new(&code.map(instruction)).unwrap()
    }

    #[test]
    fn only_what_no_argument_can_change_is_always_allowed() {
        let allowed = Numbers::ALL.allowed_by(&program());
        assert!(allowed.has(39) && !allowed.has(202) && !allowed.has(0));
        assert!(!Numbers::ALL.has(512));
    }

    #[test]
    fn operations_of_futex_are_told_apart() {
        let all: Vec<u32> = futex_operations().collect();
        assert_eq!(allowed_futex(&program(), &all), [1]);
    }
}

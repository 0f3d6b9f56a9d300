//! The filters of a task.

use std::sync::Arc;

use abi::{Errno, nr};
use platform::Watch;

use super::action::{ALLOW, Action, rank};
use super::constant::{Numbers, allowed_futex, futex_operations};
use super::program::Program;
use super::run::Data;

/// How many instructions all filters of a task may have together (`MAX_INSNS_PER_PATH`).
pub const MOST_INSTRUCTIONS: usize = 32_768;
/// What each filter counts besides its instructions.
const EXTRA: usize = 4;

/// One filter.
#[derive(Clone, Debug)]
struct Filter {
    program: Arc<Program>,
    /// `SECCOMP_FILTER_FLAG_LOG`.
    logs: bool,
}

/// All filters of a task, which its children share until one of them adds another.
#[derive(Clone, Debug)]
pub struct Filters {
    /// The newest first.
    all: Vec<Filter>,
    always: Numbers,
    free_futex: Vec<u32>,
}

impl Filters {
    /// The filters of `older` and one more.
    ///
    /// # Errors
    /// `ENOMEM` if they become too long.
    pub fn with(older: Option<&Self>, program: Program, logs: bool) -> Result<Self, Errno> {
        let before = older.map_or(&[][..], |older| &older.all);
        let length = before.iter().map(|filter| filter.program.len() + EXTRA).sum::<usize>();
        if length + program.len() > MOST_INSTRUCTIONS {
            return Err(Errno::ENOMEM);
        }
        let always = older.map_or(&Numbers::ALL, |older| &older.always).allowed_by(&program);
        let free_futex = match older {
            Some(older) => allowed_futex(&program, &older.free_futex),
            None => allowed_futex(&program, &futex_operations().collect::<Vec<_>>()),
        };
        let newest = Filter { program: Arc::new(program), logs };
        let all = std::iter::once(newest).chain(before.iter().cloned()).collect();
        Ok(Self { all, always, free_futex })
    }

    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.all.len()
    }

    /// Whether these are the filters of `ancestor` and perhaps others on top.
    #[must_use]
    pub fn descend_from(&self, ancestor: &Self) -> bool {
        let common = self.all.len().checked_sub(ancestor.all.len()).and_then(|more| self.all.get(more..));
        common.is_some_and(|common| {
            common.iter().zip(&ancestor.all).all(|(a, b)| Arc::ptr_eq(&a.program, &b.program))
        })
    }

    pub(super) fn always_allows(&self, number: u64) -> bool {
        self.always.has(number)
    }

    /// What is to become of a call, and whether it is to be noted.
    pub(super) fn decide(&self, data: &Data) -> (Action, bool) {
        let (mut result, mut logs) = (ALLOW, false);
        for filter in &self.all {
            // Everything is known of a call that is being made.
            let said = filter.program.run(data).unwrap_or_default();
            if rank(said) < rank(result) {
                (result, logs) = (said, filter.logs);
            }
        }
        (Action::of(result), logs)
    }

    /// What the platform must bring to the kernel of what it would leave to the host.
    #[must_use]
    pub fn watch(&self, native: &[u64]) -> Watch {
        let calls: Vec<u64> = native.iter().copied().filter(|number| !self.always.has(*number)).collect();
        let futex = calls.contains(&nr::futex);
        Watch { calls, free_futex: if futex { self.free_futex.clone() } else { Vec::new() } }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Instruction;
    use super::*;

    /// Returns `result` for getpid and allows all else.
    fn getpid(result: u32) -> Program {
        let code = [(0x20, 0, 0, 0), (0x15, 0, 1, 39), (0x06, 0, 0, result), (0x06, 0, 0, ALLOW)];
        let instruction = |(code, if_true, if_false, k)| Instruction { code, if_true, if_false, k };
        Program::new(&code.map(instruction)).unwrap()
    }

    fn call(number: u64) -> Data {
        Data::new(number, 0, &[0; 6])
    }

    #[test]
    fn the_strictest_decides_and_of_equals_the_newest() {
        let one = Filters::with(None, getpid(0x0005_0001), true).unwrap();
        let two = Filters::with(Some(&one), getpid(0x0005_0002), false).unwrap();
        let three = Filters::with(Some(&two), getpid(ALLOW), false).unwrap();
        assert_eq!(one.decide(&call(39)), (Action::Errno(1), true));
        assert_eq!(three.decide(&call(39)), (Action::Errno(2), false));
        assert_eq!(three.decide(&call(40)), (Action::Allow, false));
        assert!(!three.always_allows(39) && three.always_allows(40));
        assert!(three.descend_from(&one) && three.descend_from(&three) && !one.descend_from(&three));
        let other = Filters::with(None, getpid(ALLOW), false).unwrap();
        assert!(!three.descend_from(&other));
    }

    #[test]
    fn they_are_bounded() {
        let long =
            || Program::new(&vec![Instruction { code: 6, if_true: 0, if_false: 0, k: ALLOW }; 4096]).unwrap();
        let mut filters = None;
        let mut count = 0;
        while let Ok(more) = Filters::with(filters.as_ref(), long(), false) {
            filters = Some(more);
            count += 1;
        }
        assert_eq!(count, 7);
    }

    #[test]
    fn what_is_always_allowed_need_not_be_watched() {
        let one = Filters::with(None, getpid(0), false).unwrap();
        assert_eq!(one.watch(&[nr::mmap, 39]).calls, [39]);
    }
}

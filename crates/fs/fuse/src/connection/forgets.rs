//! FORGET and BATCH_FORGET: what the server need not remember any longer.

use std::collections::VecDeque;

use zerocopy::IntoBytes;

use super::request::{Asker, message};
use crate::wire::{BatchForgetIn, ForgetIn, ForgetOne, InHeader, Opcode};

/// How many are told in a row before a request gets its turn, and how many requests then come before the next.
const IN_A_ROW: i32 = 16;
const REQUESTS_BETWEEN: i32 = 8;

/// Those that the server has not been told of.
#[derive(Default)]
pub(super) struct Forgets {
    queue: VecDeque<ForgetOne>,
    batch: i32,
}

impl Forgets {
    pub(super) fn push(&mut self, node: u64, count: u64) {
        self.queue.push_back(ForgetOne { nodeid: node, nlookup: count });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether one is to be told now. `alone` if there is no request.
    pub(super) fn turn(&mut self, alone: bool) -> bool {
        if self.queue.is_empty() {
            return false;
        }
        if alone {
            return true;
        }
        let turn = self.batch > 0;
        self.batch -= 1;
        if self.batch <= -REQUESTS_BETWEEN {
            self.batch = IN_A_ROW;
        }
        turn
    }

    /// The next message: one, or as many as fit if several may go together.
    pub(super) fn next(&mut self, unique: u64, room: usize, together: bool) -> Vec<u8> {
        let asker = Asker::default();
        if (self.queue.len() == 1 || !together)
            && let Some(one) = self.queue.pop_front()
        {
            let body = ForgetIn { nlookup: one.nlookup };
            return message(Opcode::Forget, unique, one.nodeid, asker, &[body.as_bytes()], 0);
        }
        let fixed = size_of::<InHeader>().saturating_add(size_of::<BatchForgetIn>());
        let most = room.saturating_sub(fixed) / size_of::<ForgetOne>();
        let some: Vec<ForgetOne> = self.queue.drain(..most.min(self.queue.len())).collect();
        let count = BatchForgetIn { count: u32::try_from(some.len()).unwrap_or(u32::MAX), dummy: 0 };
        message(Opcode::BatchForget, unique, 0, asker, &[count.as_bytes(), some.as_bytes()], 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_goes_alone_and_several_together() {
        let mut forgets = Forgets::default();
        forgets.push(7, 2);
        let one = forgets.next(2, 8192, true);
        assert_eq!((one.len(), one[4]), (48, 2));
        (0..5).for_each(|node| forgets.push(node, 1));
        let many = forgets.next(4, 40 + 8 + 3 * 16, true);
        assert_eq!((many.len(), many[4], many[40]), (96, 42, 3));
        assert_eq!(forgets.next(6, 8192, false).len(), 48);
        assert_eq!(forgets.next(8, 8192, true).len(), 48);
        assert!(forgets.is_empty());
    }

    #[test]
    fn neither_forgets_nor_requests_starve() {
        let mut forgets = Forgets::default();
        (0..200).for_each(|node| forgets.push(node, 1));
        let told = (0..100).filter(|_| forgets.turn(false)).count();
        assert!((40..80).contains(&told), "{told} of 100");
    }
}

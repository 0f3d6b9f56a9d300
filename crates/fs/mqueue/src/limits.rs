//! What queues may hold, and how much of that a user may have.

use std::collections::HashMap;
use std::sync::Arc;

use abi::Errno;
use parking_lot::Mutex;

/// Messages in a queue unless it is told otherwise: `/proc/sys/fs/mqueue/msg_default`.
pub const MESSAGES_DEFAULT: u64 = 10;
/// Bytes of a message unless it is told otherwise: `msgsize_default`.
pub const SIZE_DEFAULT: u64 = 8192;
/// Messages that the unprivileged may ask for: `msg_max`.
pub const MESSAGES_MAX: u64 = 10;
/// Bytes of a message that they may ask for: `msgsize_max`.
pub const SIZE_MAX: u64 = 8192;
/// Queues in a namespace: `queues_max`.
pub const QUEUES_MAX: usize = 256;
/// Messages that the privileged may ask for: `HARD_MSGMAX`.
const MESSAGES_HARD: u64 = 65_536;
/// Bytes of a message that they may ask for: `HARD_MSGSIZEMAX`.
const SIZE_HARD: u64 = 16 << 20;
/// Queues with privilege: they are the sandbox's own memory.
const QUEUES_HARD: usize = 4096;
/// Bytes that all queues of a namespace may hold, whatever limits their users have.
const BYTES_HARD: u64 = 256 << 20;
/// What Linux counts for each priority in use, and for each message besides its text.
const OVERHEAD: u64 = 48 + 8;

/// How many messages of which size a queue holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// `mq_maxmsg`.
    pub messages: u64,
    /// `mq_msgsize`, in bytes.
    pub size: u64,
}

impl Default for Shape {
    fn default() -> Self {
        Self { messages: MESSAGES_DEFAULT, size: SIZE_DEFAULT }
    }
}

impl Shape {
    /// Checks what was asked for.
    ///
    /// # Errors
    /// `EINVAL` for what the limits do not allow.
    pub fn new(messages: i64, size: i64, privileged: bool) -> Result<Self, Errno> {
        let (most, largest) = if privileged { (MESSAGES_HARD, SIZE_HARD) } else { (MESSAGES_MAX, SIZE_MAX) };
        let within = |given: i64, limit: u64| {
            u64::try_from(given).ok().filter(|given| (1..=limit).contains(given)).ok_or(Errno::EINVAL)
        };
        Ok(Self { messages: within(messages, most)?, size: within(size, largest)? })
    }

    /// What counts against `RLIMIT_MSGQUEUE`.
    fn bytes(self) -> u64 {
        self.messages.saturating_mul(self.size.saturating_add(OVERHEAD))
    }
}

/// What the queues of a namespace take.
#[derive(Default)]
pub(crate) struct Usage {
    state: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    queues: usize,
    bytes: u64,
    users: HashMap<u32, u64>,
}

/// What one queue takes, until it is dropped.
pub struct Reservation {
    usage: Arc<Usage>,
    uid: u32,
    bytes: u64,
}

impl Usage {
    /// Room for a queue of a user who may have `limit` bytes in all.
    ///
    /// # Errors
    /// `ENOSPC` with too many queues, `EMFILE` with too many bytes.
    pub(crate) fn reserve(
        self: &Arc<Self>,
        shape: Shape,
        uid: u32,
        limit: u64,
        privileged: bool,
    ) -> Result<Reservation, Errno> {
        let bytes = shape.bytes();
        let mut taken = self.state.lock();
        if taken.queues >= if privileged { QUEUES_HARD } else { QUEUES_MAX } {
            return Err(Errno::ENOSPC);
        }
        let of_user = taken.users.get(&uid).copied().unwrap_or_default().saturating_add(bytes);
        let all = taken.bytes.saturating_add(bytes);
        if of_user > limit || all > BYTES_HARD {
            return Err(Errno::EMFILE);
        }
        taken.users.insert(uid, of_user);
        taken.bytes = all;
        taken.queues = taken.queues.saturating_add(1);
        Ok(Reservation { usage: Arc::clone(self), uid, bytes })
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut taken = self.usage.state.lock();
        taken.queues = taken.queues.saturating_sub(1);
        taken.bytes = taken.bytes.saturating_sub(self.bytes);
        let left = taken.users.get(&self.uid).copied().unwrap_or_default().saturating_sub(self.bytes);
        if left == 0 {
            taken.users.remove(&self.uid);
        } else {
            taken.users.insert(self.uid, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_bounded_by_privilege() {
        assert!(Shape::new(10, 8192, false).is_ok());
        for (messages, size) in [(0, 1), (1, 0), (-1, 5), (11, 1), (1, 8193)] {
            assert_eq!(Shape::new(messages, size, false), Err(Errno::EINVAL));
        }
        assert!(Shape::new(65_536, 16 << 20, true).is_ok());
        assert_eq!(Shape::new(65_537, 1, true), Err(Errno::EINVAL));
    }

    #[test]
    fn a_user_gets_back_what_a_queue_took() {
        let usage = Arc::new(Usage::default());
        let shape = Shape { messages: 10, size: 8192 };
        let bytes = shape.bytes();
        let first = usage.reserve(shape, 7, bytes, false).unwrap();
        assert_eq!(usage.reserve(shape, 7, bytes, false).err(), Some(Errno::EMFILE));
        let other = usage.reserve(shape, 8, bytes, false).unwrap();
        drop(first);
        let again = usage.reserve(shape, 7, bytes, false).unwrap();
        drop((again, other));
        assert_eq!(usage.state.lock().bytes, 0);
    }
}

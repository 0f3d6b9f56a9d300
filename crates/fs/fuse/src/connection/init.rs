//! INIT: which version both sides speak, and what they can.

use std::sync::{Arc, Weak};
use std::time::Duration;

use abi::Errno;
use vfs::Events;
use zerocopy::{FromZeros, IntoBytes};

use super::queues::Phase;
use super::settings::{PAGE, PAGES, PAGES_MOST, READAHEAD, STACK_MOST, Settings};
use super::{Answered, Asker, Connection, Question, Shape, timeout};
use crate::wire::{InitFlags, InitIn, InitOut, MAJOR, MINOR, MINOR_OLDEST, Opcode};

/// The shortest answer: both versions.
const SHORTEST: usize = 8;

/// Waits for the answer.
struct Negotiation {
    connection: Weak<Connection>,
    /// The mount's own limit of READ, bytes.
    max_read: u32,
}

impl Connection {
    /// Asks the server what it speaks. Everything else waits for the answer.
    pub(crate) fn start(self: &Arc<Self>, max_read: u32) {
        let offered = InitFlags::all().bits();
        let body = InitIn {
            major: MAJOR,
            minor: MINOR,
            max_readahead: READAHEAD,
            flags: low(offered),
            flags2: low(offered >> 32),
            unused: [0; 11],
        };
        let question = Question {
            opcode: Opcode::Init,
            node: 0,
            asker: Asker::default(),
            body: body.as_bytes().to_vec(),
            shape: Shape::UpTo(size_of::<InitOut>()),
            extension: 0,
        };
        let listener = Negotiation { connection: Arc::downgrade(self), max_read };
        self.post(question, Some(Box::new(listener)));
    }

    fn agree(self: &Arc<Self>, agreed: Result<(Settings, InitOut), Errno>) {
        let mut limit_of_requests = 0;
        let mut queues = self.queues.lock();
        if queues.phase == Phase::Starting {
            queues.phase = Phase::Refused;
            if let Ok((settings, told)) = agreed {
                let told_limits = settings.limits_background();
                let limit = |told: u16| (told_limits && told > 0).then(|| u32::from(told));
                *self.settings.lock() = Arc::new(settings);
                queues.phase = Phase::Serving;
                limit_of_requests = told.request_timeout;
                queues.set_background_limits(limit(told.max_background), limit(told.congestion_threshold));
            }
        }
        drop(queues);
        if limit_of_requests > 0 && self.has(InitFlags::REQUEST_TIMEOUT) {
            timeout::watch(self, Duration::from_secs(limit_of_requests.into()));
        }
        self.room.notify(Events::all());
    }
}

impl Answered for Negotiation {
    fn answered(self: Box<Self>, answer: Result<Vec<u8>, Errno>) {
        if let Some(connection) = self.connection.upgrade() {
            connection.agree(answer.and_then(|bytes| negotiate(&bytes, self.max_read)));
        }
    }
}

const fn low(bits: u64) -> u32 {
    let [a, b, c, d, ..] = bits.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// What an answer means. One that ends early is that of an older server: what is missing is zero.
fn negotiate(bytes: &[u8], max_read: u32) -> Result<(Settings, InitOut), Errno> {
    if bytes.len() < SHORTEST {
        return Err(Errno::EPROTO);
    }
    let mut told = InitOut::new_zeroed();
    for (to, from) in told.as_mut_bytes().iter_mut().zip(bytes) {
        *to = *from;
    }
    if told.major != MAJOR || told.minor < MINOR_OLDEST {
        return Err(Errno::EPROTO);
    }
    let mut bits = u64::from(told.flags);
    if bits & InitFlags::INIT_EXT.bits() != 0 {
        bits |= u64::from(told.flags2) << 32;
    }
    let mut flags = InitFlags::from_bits_truncate(bits);
    // As Linux has it: not both, and not without a depth that there can be.
    let stacks =
        (1..=STACK_MOST).contains(&told.max_stack_depth) && !flags.contains(InitFlags::WRITEBACK_CACHE);
    flags.set(InitFlags::PASSTHROUGH, flags.contains(InitFlags::PASSTHROUGH) && stacks);
    let pages = match u32::from(told.max_pages) {
        pages if flags.contains(InitFlags::MAX_PAGES) => pages.clamp(1, PAGES_MOST),
        _ => PAGES,
    };
    let most = pages.saturating_mul(PAGE);
    let settings = Settings {
        minor: told.minor,
        flags,
        max_write: told.max_write.clamp(PAGE, most.max(PAGE)),
        max_read: max_read.min(most).max(PAGE),
        readahead: told.max_readahead.min(READAHEAD),
        granularity: told.time_gran.clamp(1, 1_000_000_000),
        stack_depth: if flags.contains(InitFlags::PASSTHROUGH) { told.max_stack_depth } else { 0 },
    };
    Ok((settings, told))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(change: impl FnOnce(&mut InitOut)) -> Vec<u8> {
        let mut out = InitOut { major: 7, minor: 38, max_write: 1 << 20, ..InitOut::default() };
        change(&mut out);
        out.as_bytes().to_vec()
    }

    #[test]
    fn limits_are_kept_within_what_both_can() {
        let (settings, _) = negotiate(&answer(|_| ()), u32::MAX).unwrap();
        assert_eq!((settings.max_write, settings.max_read), (32 * 4096, 32 * 4096));
        let large = answer(|out| {
            out.flags = low(InitFlags::MAX_PAGES.bits());
            out.max_pages = 60_000;
            out.max_write = u32::MAX;
        });
        let (settings, _) = negotiate(&large, 65_536).unwrap();
        assert_eq!((settings.max_write, settings.max_read), (256 * 4096, 65_536));
        let (settings, _) = negotiate(&answer(|out| out.max_write = 1), 1).unwrap();
        assert_eq!((settings.max_write, settings.max_read), (4096, 4096));
    }

    #[test]
    fn flags_that_were_not_offered_are_not_on() {
        let (settings, _) = negotiate(&answer(|out| out.flags = u32::MAX), u32::MAX).unwrap();
        assert!(settings.flags.contains(InitFlags::ASYNC_READ));
        assert_eq!(settings.flags.bits() & !InitFlags::all().bits(), 0);
        let without = answer(|out| out.flags2 = u32::MAX);
        assert!(!negotiate(&without, u32::MAX).unwrap().0.flags.contains(InitFlags::HAS_RESEND));
    }

    #[test]
    fn old_servers_answer_shortly_and_others_not_at_all() {
        let old = answer(|out| out.minor = 12);
        assert_eq!(negotiate(&old[..24], u32::MAX).unwrap().0.minor, 12);
        assert!(negotiate(&old[..7], u32::MAX).is_err());
        assert!(negotiate(&answer(|out| out.minor = 11), u32::MAX).is_err());
        assert!(negotiate(&answer(|out| out.major = 8), u32::MAX).is_err());
    }
}

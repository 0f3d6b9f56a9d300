//! Linux is the oracle: a sequence of file system calls runs on the host's filesystem and on one of ours, and each
//! call's result must be the same. Only tests use this crate.
#![forbid(unsafe_code)]

mod call;
mod host;
mod ours;
mod random;

pub use call::{Call, Outcome, World};
pub use host::HostWorld;
pub use ours::OurWorld;
pub use random::Random;

/// Runs random calls on both worlds, and fails at the first result that differs, with the calls that led to it.
///
/// # Panics
/// If a result differs.
#[expect(clippy::panic, reason = "this is how a test fails")]
pub fn compare(seed: u64, calls: u32, host: &mut dyn World, ours: &mut dyn World) {
    let mut random = Random::new(seed);
    let mut history = Vec::new();
    for number in 0..calls {
        let call = Call::random(&mut random, seed.is_multiple_of(2));
        let (expected, got) = (host.apply(&call), ours.apply(&call));
        history.push(format!("{number}: {call:?} -> {expected:?}"));
        if expected != got {
            let lines = history.get(history.len().saturating_sub(60)..).unwrap_or_default().join("\n");
            panic!("seed {seed}\n{lines}\nhost {expected:?}\nours {got:?}");
        }
    }
}

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

/// What of the results is compared.
#[derive(Clone, Copy, Default)]
pub struct Rules {
    /// Number and size of directories' entries are the filesystem's own business, as are the blocks of files that were reserved.
    pub own_directories: bool,
    /// Directories are not renamed.
    pub directories_stay: bool,
    /// Renames leave no whiteouts.
    pub no_whiteouts: bool,
}

impl Rules {
    fn skips(self, call: &Call, host: &mut dyn World) -> bool {
        let Call::Rename { from, to, flags } = call else { return false };
        if self.no_whiteouts && flags & 4 != 0 {
            return true;
        }
        let mut is_directory = |path: &String| {
            let status = host.apply(&Call::Lstat { path: path.clone() });
            status.is_ok_and(|text| is_directory_status(&text))
        };
        self.directories_stay && (is_directory(from) || flags & 2 != 0 && is_directory(to))
    }

    fn shown(self, outcome: Outcome) -> Outcome {
        match outcome {
            Ok(text) if self.own_directories && is_directory_status(&text) => {
                let words: Vec<&str> = text.split(' ').collect();
                let kept = [words.first(), words.get(4)];
                Ok(kept.into_iter().flatten().copied().collect::<Vec<_>>().join(" "))
            }
            other => other,
        }
    }
}

fn is_directory_status(text: &str) -> bool {
    text.contains(" links ") && text.len() > 5 && text.find(' ') == Some(5) && text.starts_with('4')
}

/// Runs random calls on both worlds, and fails at the first result that differs, with the calls that led to it.
///
/// # Panics
/// If a result differs.
#[expect(clippy::panic, reason = "this is how a test fails")]
pub fn compare(seed: u64, calls: u32, rules: Rules, host: &mut dyn World, ours: &mut dyn World) {
    let mut random = Random::new(seed);
    let mut history = Vec::new();
    for number in 0..calls {
        let call = Call::random(&mut random, seed.is_multiple_of(2));
        if rules.skips(&call, host) {
            continue;
        }
        let (expected, got) = (rules.shown(host.apply(&call)), rules.shown(ours.apply(&call)));
        history.push(format!("{number}: {call:?} -> {expected:?}"));
        if expected != got {
            let lines = history.get(history.len().saturating_sub(60)..).unwrap_or_default().join("\n");
            panic!("seed {seed}\n{lines}\nhost {expected:?}\nours {got:?}");
        }
    }
}

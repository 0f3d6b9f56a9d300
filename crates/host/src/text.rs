//! The program's own code and constants, in the memory of the process that runs it.

use rustix::event::Timespec;

/// When a process that has begun to wait has come to rest: so long after, it lets go of what it does not need while it waits.
pub const REST: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

const PAGE: usize = 4096;

unsafe extern "C" {
    // Both are the linker's: where the program begins, and the end of its code. What is between is never written.
    safe static __executable_start: u8;
    safe static etext: u8;
}

/// Lets go of the pages of code and constants that this process has come to hold: most of them were needed once, at its start, and are most of
/// what an idle sandbox takes. They are a file's, unchanged; those that are needed again are mapped again.
pub fn let_go() {
    let start = (&raw const __executable_start).addr().next_multiple_of(PAGE);
    let end = (&raw const etext).addr() / PAGE * PAGE;
    // SAFETY: the range is within the program's read-only mappings of its own file: what is dropped reads the same when it is touched
    // again, the code of this function too.
    let _ = unsafe {
        libc::madvise(
            core::ptr::with_exposed_provenance_mut(start),
            end.saturating_sub(start),
            libc::MADV_DONTNEED,
        )
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    /// KiB of this process that are pages of its own program, without those it has written.
    fn held() -> u64 {
        let program = std::env::current_exe().unwrap().display().to_string();
        let text = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let mut ours = false;
        let mut sum = 0;
        for line in text.lines() {
            if line.contains(" r-xp ")
                || line.contains("---p")
                || line.contains(" r--p ")
                || line.contains(" rw-p ")
            {
                ours = line.ends_with(&program) && line.contains(" r-xp ");
            } else if let Some(rest) = line.strip_prefix("Rss:").filter(|_| ours) {
                sum += rest.trim().trim_end_matches(" kB").parse::<u64>().unwrap();
            }
        }
        sum
    }

    #[test]
    fn code_that_was_let_go_is_held_no_more_and_still_runs() {
        let before = held();
        let_go();
        let after = held();
        assert!(after < before, "{after} of {before} KiB");
        assert_eq!("7".parse::<u8>(), Ok(7));
    }
}

//! What a host kernel may lack, and what is done without it.

use super::{arch, calls};

bitflags::bitflags! {
    /// Mechanisms of the host that the platform uses where they are, and does without where they are not.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Mechanisms: u8 {
        /// `SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP`: the answered thread runs at once, on the answering processor.
        const SYNCHRONOUS_WAKE_UP = 1;
        /// A receiver hears of it when the last thread behind its listener has died.
        const END_WAKES_RECEIVER = 2;
        /// An answer is not lost if it comes while a signal is waking the thread that waits for it.
        const PROMPT_ANSWERS = 4;
        /// The instructions that read and write segment bases (FSGSBASE).
        const SEGMENT_INSTRUCTIONS = 8;
        /// A process may move its vDSO.
        const MOVABLE_VDSO = 16;
    }
}

/// One mechanism, for the log and for docs/host-kernels.md.
pub struct Row {
    /// Which.
    pub mechanism: Mechanisms,
    /// Its name.
    pub name: &'static str,
    /// The first version of Linux that has it.
    pub since: (u32, u32),
    /// What is done without it, and what that costs.
    pub without: &'static str,
}

/// All of them.
pub const TABLE: &[Row] = &[
    Row {
        mechanism: Mechanisms::SYNCHRONOUS_WAKE_UP,
        name: "SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP",
        since: (6, 6),
        without: "the scheduler decides where an answered thread runs: a system call takes 5 to 80 us instead of 5",
    },
    Row {
        mechanism: Mechanisms::END_WAKES_RECEIVER,
        name: "a listener that wakes its receiver at the end of the last thread",
        since: (6, 11),
        without: "receivers poll before they receive, at one host call more for each system call",
    },
    Row {
        mechanism: Mechanisms::PROMPT_ANSWERS,
        name: "the fix of SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV for answers that come at once",
        since: (6, 17),
        without: "the sentry sees that an interrupted thread sleeps before it answers, at 10 us for each interrupted call; nobody polls the windows of hot threads",
    },
    Row {
        mechanism: Mechanisms::SEGMENT_INSTRUCTIONS,
        name: "FSGSBASE",
        since: (5, 9),
        without: "segment bases are read and written by arch_prctl(2), at two host calls more for each trap; patched call sites make plain calls",
    },
    Row {
        mechanism: Mechanisms::MOVABLE_VDSO,
        name: "a vDSO that mremap(2) can move, so without CONFIG_MSEAL_SYSTEM_MAPPINGS",
        since: (4, 8),
        without: "guests see the host's vDSO instead of one that is the same on every host",
    },
];

impl Mechanisms {
    /// What this host has. Versions decide where trying it out would cost a process; a kernel with a feature of a later one is not asked.
    fn of_this_host() -> Self {
        let newer = |row: &&Row| !calls::kernel_before(row.since.0, row.since.1);
        let mut found = TABLE.iter().filter(newer).fold(Self::empty(), |all, row| all | row.mechanism);
        found.set(Self::SEGMENT_INSTRUCTIONS, arch::has_segment_instructions());
        found
    }

    /// Does without this one, which has turned out not to work.
    pub(super) fn give_up(&mut self, mechanism: Self) {
        self.remove(mechanism);
        for row in TABLE.iter().filter(|row| row.mechanism == mechanism) {
            tracing::info!("without {}: {}", row.name, row.without);
        }
    }

    /// What is to be used of what this host has. Each that is not is told, once.
    pub(super) fn choose(withheld: Self) -> Self {
        let chosen = Self::of_this_host().difference(withheld);
        for row in TABLE.iter().filter(|row| !chosen.contains(row.mechanism)) {
            let (major, minor) = row.since;
            tracing::info!("without {} (Linux {major}.{minor}): {}", row.name, row.without);
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mechanism_has_its_row_and_its_line_in_the_documentation() {
        let rows = TABLE.iter().fold(Mechanisms::empty(), |all, row| all | row.mechanism);
        assert_eq!(rows, Mechanisms::all());
        let page = include_str!("../../../../docs/host-kernels.md");
        for row in TABLE {
            let (major, minor) = row.since;
            let line = format!("| {} | {major}.{minor} | {} |", row.name, row.without);
            assert!(page.contains(&line), "docs/host-kernels.md lacks: {line}");
        }
    }

    #[test]
    fn what_is_withheld_is_not_used() {
        let chosen = Mechanisms::choose(Mechanisms::PROMPT_ANSWERS);
        assert_eq!(chosen, Mechanisms::of_this_host().difference(Mechanisms::PROMPT_ANSWERS));
        assert_eq!(Mechanisms::choose(Mechanisms::all()), Mechanisms::empty());
    }
}

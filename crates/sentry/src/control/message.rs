//! What is said.

use serde::{Deserialize, Serialize};

/// How many processes one [`Event::Processes`] lists at most, so that it stays below the longest message.
pub const PROCESSES_IN_A_MESSAGE: usize = 16;

/// What the runtime asks of a sentry. Each is answered by one event: [`Event::Done`] or [`Event::Failed`] where nothing else is said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Runs the program of a container that was created: [`Event::Started`].
    Start,
    /// Delivers a signal. Not answered: a signal that nobody takes is lost, as on Linux.
    Signal {
        /// Its number.
        number: i32,
        /// Who gets it.
        to: Recipients,
    },
    /// Delivers a signal, and is answered.
    Kill {
        /// Its number.
        number: i32,
        /// Who gets it.
        to: Recipients,
    },
    /// Starts one more process: [`Event::Started`], and [`Event::Exited`] at its end. With the message come descriptors: a memory file with a
    /// [`ProcessSpec`](crate::spec::ProcessSpec) as JSON, then those of the process from 0 on.
    Exec,
    /// What follows on this connection is about another container of the sandbox: [`Event::Done`], or [`Event::Absent`].
    Select {
        /// Its id.
        id: String,
    },
    /// Makes one more container in the sandbox: [`Event::Created`], and [`Event::Exited`] at its end. It lives as long as the
    /// connection, which is about it from then on. With the message come descriptors: a memory file with a
    /// [`Further`](crate::spec::Further) as JSON, those of the first process from 0 on, and the connections to its gofer.
    Create,
    /// Asks for [`Event::Exited`] at the end of the container.
    Wait,
    /// What the container is at: [`Event::Status`].
    Status,
    /// What the platform has done so far: [`Event::Counters`].
    Counters,
    /// Which processes it has: one or more [`Event::Processes`].
    Processes,
    /// Writes the layer that keeps what was written to its root, as a tar archive, to the descriptor that comes with the message.
    Archive,
    /// What its processes have used and use: [`Event::Used`].
    Used,
    /// Stops every process where it is; no guest code runs once this is answered.
    Pause,
    /// Lets them go on.
    Resume,
    /// Tells the container other limits.
    Limit(crate::spec::LimitSpec),
}

/// Who gets a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Recipients {
    /// The connection's process.
    Process,
    /// The foreground process group of its terminal, where it has one: the user pressed a key. Otherwise the process.
    Foreground,
    /// Every process of the container.
    All,
}

/// What a sentry tells the runtime.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The container stands; its program was found, and waits for [`Request::Start`].
    Created,
    /// A process runs its program.
    Started {
        /// Its id in the container. 0 if it ended before that, which the end of the container tells.
        pid: i32,
    },
    /// The connection's process ended.
    Exited(ExitStatus),
    /// What was asked for could not be done; for the runtime that creates the container also that it could not go on.
    Failed {
        /// One sentence that names the field or path.
        message: String,
    },
    /// It is done.
    Done,
    /// The container is not there, or not any more.
    Absent,
    /// What the container is at.
    Status(Status),
    /// What was counted, by name.
    Counters(Vec<(String, u64)>),
    /// What the processes of one container use.
    Used(Used),
    /// Processes.
    Processes {
        /// Some of them.
        list: Vec<ProcessEntry>,
        /// Whether another message with more of them follows.
        more: bool,
    },
}

/// What a container is at. One that has ended has no sentry to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// It waits to be started.
    Created,
    /// Its first process runs.
    Running,
    /// Its processes are stopped.
    Paused,
}

/// A process, as ps(1) shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessEntry {
    /// Its id in the container.
    pub pid: i32,
    /// Its parent's.
    pub parent: i32,
    /// Effective user.
    pub uid: u32,
    /// Number of its controlling pseudo-terminal.
    pub terminal: Option<u32>,
    /// How long it has been there, in seconds.
    pub age: u64,
    /// Processor time that it used, in milliseconds.
    pub used: u64,
    /// Arguments with spaces between, or the name in brackets; cut after 500 bytes.
    pub command: String,
}

/// What processes use, those that have ended too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// Processor time in user mode, in nanoseconds.
    pub user: u64,
    /// And in the host's kernel.
    pub system: u64,
    /// Resident memory without a file behind it, in bytes.
    pub anonymous: u64,
    /// Resident memory of mapped files, and what is shared.
    pub shared: u64,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExitStatus {
    /// It called exit(2).
    Code(u8),
    /// A signal ended it.
    Signal(u8),
}

impl ExitStatus {
    /// What a shell makes of it: the code, or 128 plus the signal.
    #[must_use]
    pub fn shell_code(self) -> u8 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => signal.saturating_add(128),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shells_see_signals_above_128() {
        assert_eq!(ExitStatus::Code(255).shell_code(), 255);
        assert_eq!(ExitStatus::Signal(11).shell_code(), 139);
    }

    #[test]
    fn a_full_list_of_processes_fits_a_message() {
        let entry = ProcessEntry {
            pid: i32::MAX,
            parent: i32::MAX,
            uid: u32::MAX,
            terminal: Some(u32::MAX),
            age: u64::MAX,
            used: u64::MAX,
            // Control characters take six bytes in JSON; the sentry sends them as question marks.
            command: "\"".repeat(500),
        };
        let event = Event::Processes { list: vec![entry; PROCESSES_IN_A_MESSAGE], more: true };
        assert!(serde_json::to_vec(&event).unwrap().len() <= super::super::LONGEST);
    }
}

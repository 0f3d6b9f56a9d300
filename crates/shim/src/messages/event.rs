//! What a shim tells containerd without being asked.

use super::{Any, Mount, Timestamp};
use crate::wire::Message;

messages! {
    /// An event on its way to everybody who listens.
    ForwardRequest = "containerd.services.events.ttrpc.v1.ForwardRequest" {
        1 envelope: Option<Envelope>,
    }

    /// When, where and what.
    Envelope = "containerd.services.events.ttrpc.v1.Envelope" {
        1 timestamp: Option<Timestamp>,
        2 namespace: String,
        3 topic: String,
        4 event: Option<Any>,
    }

    /// A container was created.
    TaskCreate = "containerd.events.TaskCreate" {
        1 container_id: String,
        2 bundle: String,
        3 rootfs: Vec<Mount>,
        4 io: Option<TaskIo>,
        5 checkpoint: String,
        6 pid: u32,
    }

    /// Where its standard descriptors lead.
    TaskIo = "containerd.events.TaskIO" {
        1 stdin: String,
        2 stdout: String,
        3 stderr: String,
        4 terminal: bool,
    }

    /// Its program runs.
    TaskStart = "containerd.events.TaskStart" {
        1 container_id: String,
        2 pid: u32,
    }

    /// It was deleted.
    TaskDelete = "containerd.events.TaskDelete" {
        1 container_id: String,
        2 pid: u32,
        3 exit_status: u32,
        4 exited_at: Option<Timestamp>,
    }

    /// A process has ended: the container's first if `id` is the container's, else a further one.
    TaskExit = "containerd.events.TaskExit" {
        1 container_id: String,
        2 id: String,
        3 pid: u32,
        4 exit_status: u32,
        5 exited_at: Option<Timestamp>,
    }

    /// A process of it was killed because memory ran out.
    TaskOom = "containerd.events.TaskOOM" {
        1 container_id: String,
    }

    /// A further process was described.
    TaskExecAdded = "containerd.events.TaskExecAdded" {
        1 container_id: String,
        2 exec_id: String,
    }

    /// It runs.
    TaskExecStarted = "containerd.events.TaskExecStarted" {
        1 container_id: String,
        2 exec_id: String,
        3 pid: u32,
    }

    /// All processes were stopped where they are.
    TaskPaused = "containerd.events.TaskPaused" {
        1 container_id: String,
    }

    /// They go on.
    TaskResumed = "containerd.events.TaskResumed" {
        1 container_id: String,
    }
}

/// Messages that are events.
pub(crate) trait Event: Message {
    /// Under which name listeners find it.
    const TOPIC: &'static str;
}

macro_rules! topics {
    ($($event:ident $topic:literal,)*) => { $(
        impl Event for $event {
            const TOPIC: &'static str = $topic;
        }
    )* };
}

topics! {
    TaskCreate "/tasks/create",
    TaskStart "/tasks/start",
    TaskDelete "/tasks/delete",
    TaskExit "/tasks/exit",
    TaskOom "/tasks/oom",
    TaskExecAdded "/tasks/exec-added",
    TaskExecStarted "/tasks/exec-started",
    TaskPaused "/tasks/paused",
    TaskResumed "/tasks/resumed",
}

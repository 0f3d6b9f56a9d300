//! The task API: `containerd.task.v2.Task`. Its version 3 has the same messages.

use super::{Any, Mount, Timestamp};

messages! {
    /// Creates a container from a bundle, after its root was mounted.
    CreateTaskRequest = "containerd.task.v2.CreateTaskRequest" {
        1 id: String,
        2 bundle: String,
        3 rootfs: Vec<Mount>,
        4 terminal: bool,
        5 stdin: String,
        6 stdout: String,
        7 stderr: String,
        8 checkpoint: String,
        10 options: Option<Any>,
    }

    /// Of a process that was started or will be.
    PidResponse = "containerd.task.v2.StartResponse" {
        1 pid: u32,
    }

    /// What all calls about one process say: the container, and the further process if it is not the first.
    ProcessRequest = "containerd.task.v2.StartRequest" {
        1 id: String,
        2 exec_id: String,
    }

    /// How a process that was forgotten had ended.
    DeleteResponse = "containerd.task.v2.DeleteResponse" {
        1 pid: u32,
        2 exit_status: u32,
        3 exited_at: Option<Timestamp>,
    }

    /// Describes a further process.
    ExecProcessRequest = "containerd.task.v2.ExecProcessRequest" {
        1 id: String,
        2 exec_id: String,
        3 terminal: bool,
        4 stdin: String,
        5 stdout: String,
        6 stderr: String,
        7 spec: Option<Any>,
    }

    /// A terminal's window has another size.
    ResizePtyRequest = "containerd.task.v2.ResizePtyRequest" {
        1 id: String,
        2 exec_id: String,
        3 width: u32,
        4 height: u32,
    }

    /// What a process is at.
    StateResponse = "containerd.task.v2.StateResponse" {
        1 id: String,
        2 bundle: String,
        3 pid: u32,
        4 status: u32,
        5 stdin: String,
        6 stdout: String,
        7 stderr: String,
        8 terminal: bool,
        9 exit_status: u32,
        10 exited_at: Option<Timestamp>,
        11 exec_id: String,
    }

    /// Sends a signal.
    KillRequest = "containerd.task.v2.KillRequest" {
        1 id: String,
        2 exec_id: String,
        3 signal: u32,
        4 all: bool,
    }

    /// Nobody will write to a process's standard input any more.
    CloseIoRequest = "containerd.task.v2.CloseIORequest" {
        1 id: String,
        2 exec_id: String,
        3 stdin: bool,
    }

    /// The processes of a container.
    PidsResponse = "containerd.task.v2.PidsResponse" {
        1 processes: Vec<ProcessInfo>,
    }

    /// One of them.
    ProcessInfo = "containerd.v1.types.ProcessInfo" {
        1 pid: u32,
        2 info: Option<Any>,
    }

    /// What more is known of a process, as runc's shim tells it.
    ProcessDetails = "containerd.runc.v1.ProcessDetails" {
        1 exec_id: String,
    }

    /// Changes limits.
    UpdateTaskRequest = "containerd.task.v2.UpdateTaskRequest" {
        1 id: String,
        2 resources: Option<Any>,
    }

    /// How a process has ended.
    WaitResponse = "containerd.task.v2.WaitResponse" {
        1 exit_status: u32,
        2 exited_at: Option<Timestamp>,
    }

    /// What a container uses.
    StatsResponse = "containerd.task.v2.StatsResponse" {
        1 stats: Option<Any>,
    }

    /// Who the shim is.
    ConnectResponse = "containerd.task.v2.ConnectResponse" {
        1 shim_pid: u32,
        2 task_pid: u32,
        3 version: String,
    }

    /// The shim may go.
    ShutdownRequest = "containerd.task.v2.ShutdownRequest" {
        1 id: String,
        2 now: bool,
    }
}

/// What a process is at, as [`StateResponse`] has it.
pub(crate) mod status {
    pub(crate) const CREATED: u32 = 1;
    pub(crate) const RUNNING: u32 = 2;
    pub(crate) const STOPPED: u32 = 3;
    pub(crate) const PAUSED: u32 = 4;
}

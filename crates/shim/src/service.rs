//! The task API: decode, find the container, delegate.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::container::{Container, Surroundings, not_yet};
use crate::failure::{Code, Failure};
use crate::messages::{
    CloseIoRequest, ConnectResponse, CreateTaskRequest, DeleteResponse, Empty, ExecProcessRequest,
    KillRequest, PidResponse, PidsResponse, ProcessRequest, ResizePtyRequest, ShutdownRequest, StateResponse,
    StatsResponse, TaskDelete, UpdateTaskRequest, WaitResponse, status,
};
use crate::process::Stage;
use crate::server::Handler;
use crate::wire::Message;

/// Both versions of the API: they have the same calls, and the same messages.
const SERVICES: [&str; 2] = ["containerd.task.v2.Task", "containerd.task.v3.Task"];
/// The call after which the shim goes, if it has nothing left to do.
const SHUTDOWN: &str = "Shutdown";

/// The containers of a shim.
#[derive(Debug)]
pub(crate) struct Service {
    surroundings: Arc<Surroundings>,
    containers: Mutex<HashMap<String, Arc<Container>>>,
}

impl Service {
    pub(crate) fn new(surroundings: Surroundings) -> Self {
        Self { surroundings: Arc::new(surroundings), containers: Mutex::default() }
    }

    fn create(&self, request: CreateTaskRequest) -> Result<PidResponse, Failure> {
        if self.containers().contains_key(&request.id) {
            let message = format!("container {:?} exists already", request.id);
            return Err(Failure::new(Code::AlreadyExists, message));
        }
        let container = Container::create(request, &self.surroundings)?;
        let pid = container.first.stage().pid();
        self.containers().insert(container.id.clone(), container);
        Ok(PidResponse { pid })
    }

    fn state(&self, request: &ProcessRequest) -> Result<StateResponse, Failure> {
        let container = self.container(&request.id)?;
        let process = container.process(&request.exec_id)?;
        let stage = process.stage();
        let paused = container.is_paused() && matches!(stage, Stage::Running(_));
        let exit = stage.exit();
        Ok(StateResponse {
            id: container.id.clone(),
            bundle: container.bundle.display().to_string(),
            pid: stage.pid(),
            status: if paused { status::PAUSED } else { stage.status() },
            stdin: process.io.stdin.clone(),
            stdout: process.io.stdout.clone(),
            stderr: process.io.stderr.clone(),
            terminal: process.io.terminal,
            exit_status: exit.map_or(0, |exit| exit.status),
            exited_at: exit.map(|exit| exit.at.into()),
            exec_id: process.exec_id.clone(),
        })
    }

    fn delete(&self, request: &ProcessRequest) -> Result<DeleteResponse, Failure> {
        let container = self.container(&request.id)?;
        let (pid, exit) = container.delete(&request.exec_id)?;
        let exited_at = Some(exit.at.into());
        if request.exec_id.is_empty() {
            self.containers().remove(&container.id);
            self.surroundings.publisher.publish(&TaskDelete {
                container_id: container.id.clone(),
                pid,
                exit_status: exit.status,
                exited_at: exited_at.clone(),
            });
        }
        Ok(DeleteResponse { pid, exit_status: exit.status, exited_at })
    }

    fn resize(&self, request: &ResizePtyRequest) -> Result<Empty, Failure> {
        let process = self.container(&request.id)?.process(&request.exec_id)?;
        let sizes = u16::try_from(request.width).ok().zip(u16::try_from(request.height).ok());
        let (columns, rows) =
            sizes.ok_or_else(|| Failure::new(Code::InvalidArgument, "a window is not that large"))?;
        match &process.held().copier {
            Some(copier) => copier.resize(columns, rows).map(|()| Empty {}),
            // It has none, or not yet, or not any more: as with runc's shim.
            None => Ok(Empty {}),
        }
    }

    fn close_io(&self, request: &CloseIoRequest) -> Result<Empty, Failure> {
        let process = self.container(&request.id)?.process(&request.exec_id)?;
        if request.stdin {
            process.held().input = None;
        }
        Ok(Empty {})
    }

    fn wait(&self, request: &ProcessRequest) -> Result<WaitResponse, Failure> {
        let process = self.container(&request.id)?.process(&request.exec_id)?;
        let exit = process.wait();
        Ok(WaitResponse { exit_status: exit.status, exited_at: Some(exit.at.into()) })
    }

    fn pids(&self, request: &ProcessRequest) -> Result<PidsResponse, Failure> {
        Ok(PidsResponse { processes: self.container(&request.id)?.pids() })
    }

    fn connect(&self, request: &ProcessRequest) -> ConnectResponse {
        let task_pid = self.container(&request.id).map_or(0, |container| container.first.stage().pid());
        ConnectResponse {
            shim_pid: std::process::id(),
            task_pid,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    fn update(&self, request: UpdateTaskRequest) -> Result<Empty, Failure> {
        let missing = || Failure::new(Code::InvalidArgument, "there is nothing to change");
        let resources = request.resources.ok_or_else(missing)?;
        self.container(&request.id)?.update(&resources.value).map(|()| Empty {})
    }

    fn container(&self, id: &str) -> Result<Arc<Container>, Failure> {
        let found = self.containers().get(id).cloned();
        found.ok_or_else(|| Failure::not_found(format!("container {id:?} does not exist")))
    }

    fn containers(&self) -> MutexGuard<'_, HashMap<String, Arc<Container>>> {
        self.containers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Decodes a message, has it carried out, and encodes the answer.
fn with<M: Message, A: Message>(
    message: &[u8],
    carry_out: impl FnOnce(M) -> Result<A, Failure>,
) -> Result<Vec<u8>, Failure> {
    carry_out(M::decode(message)?).map(|answer| answer.encode())
}

impl Handler for Service {
    fn call(&self, service: &str, method: &str, message: &[u8]) -> Result<Vec<u8>, Failure> {
        if !SERVICES.contains(&service) {
            return Err(Failure::new(Code::Unimplemented, format!("service {service}")));
        }
        match method {
            "Checkpoint" => Err(not_yet("checkpoint")),
            "CloseIO" => with(message, |request| self.close_io(&request)),
            "Connect" => with(message, |request| Ok(self.connect(&request))),
            "Create" => with(message, |request| self.create(request)),
            "Delete" => with(message, |request| self.delete(&request)),
            "Exec" => with(message, |request: ExecProcessRequest| {
                self.container(&request.id)?.add(request).map(|()| Empty {})
            }),
            "Kill" => with(message, |request: KillRequest| {
                let container = self.container(&request.id)?;
                container.kill(&request.exec_id, request.signal, request.all).map(|()| Empty {})
            }),
            "Pause" => with(message, |request: ProcessRequest| {
                self.container(&request.id)?.pause().map(|()| Empty {})
            }),
            "Pids" => with(message, |request| self.pids(&request)),
            "ResizePty" => with(message, |request| self.resize(&request)),
            "Resume" => with(message, |request: ProcessRequest| {
                self.container(&request.id)?.resume().map(|()| Empty {})
            }),
            SHUTDOWN => with(message, |_: ShutdownRequest| Ok(Empty {})),
            "Start" => with(message, |request: ProcessRequest| {
                let pid = self.container(&request.id)?.start(&request.exec_id)?;
                Ok(PidResponse { pid })
            }),
            "State" => with(message, |request| self.state(&request)),
            "Stats" => with(message, |request: ProcessRequest| {
                Ok(StatsResponse { stats: Some(self.container(&request.id)?.stats()?) })
            }),
            "Update" => with(message, |request| self.update(request)),
            "Wait" => with(message, |request| self.wait(&request)),
            _ => Err(Failure::new(Code::Unimplemented, format!("method {method} of {service}"))),
        }
    }

    fn answered(&self, method: &str) {
        if method == SHUTDOWN && self.containers().is_empty() {
            self.surroundings.publisher.finish();
            // The bundle that it was started for may be gone.
            let _ = std::fs::remove_file(&self.surroundings.socket);
            std::process::exit(0);
        }
    }
}

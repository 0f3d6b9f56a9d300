//! Requests of runtimes: those of the one that creates the container, and those of later commands.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use abi::Errno;
use abi::signal::Signal;
use kernel::{ThreadGroup, executor};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::SocketFlags;
use serde::de::DeserializeOwned;

use super::container::{Container, send};
use super::listing;
use super::sandbox::Sandbox;
use crate::archive;
use crate::control::{Channel, Event, PROCESSES_IN_A_MESSAGE, ReceiveError, Recipients, Request};
use crate::failure::{Failure, Trying};
use crate::spec::ProcessSpec;

/// The longest description of a process or container that is read, in bytes: arguments and environment may take Linux's 2 MiB, and more as JSON.
const LONGEST_PROCESS: u64 = 16 << 20;
/// The stack of a thread that serves one connection, in bytes.
const STACK: usize = 256 << 10;

/// Takes connections on a thread of its own.
pub(super) fn listen(listener: OwnedFd, sandbox: Arc<Sandbox>) -> Result<(), Failure> {
    let body = move || {
        let quiet = poll(&mut [PollFd::new(&listener, PollFlags::IN)], Some(&host::text::REST));
        if quiet == Ok(0) {
            host::text::let_go();
        }
        loop {
            match rustix::net::accept_with(&listener, SocketFlags::CLOEXEC) {
                Ok(socket) => serve(&Arc::new(Channel::new(socket)), &sandbox),
                Err(rustix::io::Errno::INTR | rustix::io::Errno::CONNABORTED) => {}
                Err(error) => {
                    tracing::error!(%error, "no more commands can reach the sandbox");
                    return;
                }
            }
        }
    };
    thread("control", body)
}

/// Serves one connection on a thread of its own, until it is closed.
pub(super) fn serve(channel: &Arc<Channel>, sandbox: &Arc<Sandbox>) {
    let connection = Connection {
        channel: Arc::clone(channel),
        container: Arc::clone(&sandbox.first),
        sandbox: Arc::clone(sandbox),
        process: None,
        made: false,
    };
    if let Err(error) = thread("command", move || connection.run()) {
        let _ = channel.send(&Event::Failed { message: error.to_string() });
    }
}

pub(super) fn thread(name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
    let started = std::thread::Builder::new().name(name.to_owned()).stack_size(STACK).spawn(body);
    started
        .map(drop)
        .map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(0)))
        .trying("start a thread for commands")
}

struct Connection {
    channel: Arc<Channel>,
    sandbox: Arc<Sandbox>,
    /// The container that it is about.
    container: Arc<Container>,
    /// The process that this connection has started.
    process: Option<Arc<ThreadGroup>>,
    /// Whether it has made the container.
    made: bool,
}

impl Connection {
    fn run(mut self) {
        loop {
            let received = self.channel.receive_with::<Request>();
            let sandbox = Arc::clone(&self.sandbox);
            let _answering = sandbox.first.answering();
            let answer = match received {
                Ok((request, descriptors)) => self.carry_out(&request, descriptors),
                Err(ReceiveError::Malformed) => Err(Failure::Message("malformed request".to_owned())),
                Err(ReceiveError::Closed | ReceiveError::Host(_)) => break,
            };
            let event = match answer {
                Ok(None) => continue,
                Ok(Some(event)) => event,
                Err(failure) => Event::Failed { message: failure.to_string() },
            };
            if self.channel.send(&event).is_err() {
                break;
            }
            // Only now, so that its end is told after its start.
            match event {
                Event::Started { pid } if pid > 0 => self.container.watch(pid, &self.channel),
                Event::Created => self.container.watch_end(&self.channel),
                _ => {}
            }
        }
        let process = self.process.take().or_else(|| self.container.first().filter(|_| self.made));
        if let Some(process) = process {
            self.container.put_modes_back(process.pid);
            executor::turn(|| send(&process, Signal::SIGKILL));
        } else if self.made {
            self.end_unstarted(Signal::SIGKILL);
        }
    }

    fn carry_out(&mut self, request: &Request, descriptors: Vec<OwnedFd>) -> Result<Option<Event>, Failure> {
        let done = Ok(Some(Event::Done));
        match request {
            Request::Start => self.start().map(Some),
            Request::Create => self.create(descriptors).map(Some),
            Request::Select { id } => Ok(Some(self.select(id))),
            Request::Signal { number, to } => {
                if let Err(error) = self.signal(*number, *to) {
                    tracing::debug!("a signal was lost: {error}");
                }
                Ok(None)
            }
            Request::Kill { number, to } => self.signal(*number, *to).map(|()| Some(Event::Done)),
            Request::Exec => self.execute(descriptors).map(Some),
            Request::Wait => {
                self.container.watch_end(&self.channel);
                Ok(None)
            }
            Request::Status => Ok(Some(Event::Status(self.container.status()))),
            Request::Counters => Ok(Some(Event::Counters(self.counters()))),
            Request::Processes => self.processes(),
            Request::Archive => self.archive(descriptors).map(|()| Some(Event::Done)),
            Request::Used => Ok(Some(Event::Used(self.container.used()))),
            // What else it may use it shares with its sandbox.
            Request::Limit(limits) if self.container.is_further() => {
                self.container.limit_threads(limits.threads);
                done
            }
            Request::Pause => {
                self.container.pause().trying("stop all processes")?;
                done
            }
            Request::Limit(limits) => {
                super::tell_limits(&self.container.kernel, *limits);
                done
            }
            Request::Resume => {
                self.container.resume();
                done
            }
        }
    }

    fn start(&self) -> Result<Event, Failure> {
        let started = self.container.start();
        // What could not be started has ended.
        if let Some(status) = self.container.end().filter(|_| self.container.is_further()) {
            self.sandbox.finish(&self.container, status);
        }
        Ok(Event::Started { pid: started? })
    }

    /// Another container is meant.
    fn select(&mut self, id: &str) -> Event {
        match self.sandbox.find(id) {
            Some(container) if self.process.is_none() && !self.made => {
                self.container = container;
                Event::Done
            }
            _ => Event::Absent,
        }
    }

    fn create(&mut self, descriptors: Vec<OwnedFd>) -> Result<Event, Failure> {
        if self.process.is_some() || self.made {
            return Err(Failure::Message("the connection has a process already".to_owned()));
        }
        let mut descriptors = descriptors.into_iter();
        let document = descriptors.next().ok_or(Errno::EBADF).trying("read what to create")?;
        self.container = self.sandbox.create(read(document)?, descriptors.collect())?;
        self.made = true;
        Ok(Event::Created)
    }

    fn execute(&mut self, descriptors: Vec<OwnedFd>) -> Result<Event, Failure> {
        if self.process.is_some() {
            return Err(Failure::Message("the connection has a process already".to_owned()));
        }
        let mut descriptors = descriptors.into_iter();
        let document = descriptors.next().ok_or(Errno::EBADF).trying("read what to execute")?;
        let process: ProcessSpec = read(document)?;
        let group = self.container.execute(&process, descriptors.collect())?;
        let pid = group.pid;
        self.process = Some(group);
        Ok(Event::Started { pid })
    }

    fn archive(&self, descriptors: Vec<OwnedFd>) -> Result<(), Failure> {
        let given = descriptors.into_iter().next().ok_or(Errno::EBADF).trying("write an archive")?;
        let none = || Failure::Message("what the container writes is not kept in a layer".to_owned());
        let layer = self.container.layer().ok_or_else(none)?;
        let mut written = archive::write(layer, given, "write the layer of the container's root")?;
        written.flush().map_err(|error| Failure::Message(format!("write the archive: {error}")))
    }

    fn counters(&self) -> Vec<(String, u64)> {
        let counted = self.container.kernel.platform.counters();
        counted.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn processes(&self) -> Result<Option<Event>, Failure> {
        let mut all = listing::list(&self.container);
        while all.len() > PROCESSES_IN_A_MESSAGE {
            let rest = all.split_off(PROCESSES_IN_A_MESSAGE);
            self.channel.send(&Event::Processes { list: all, more: true }).trying("tell of processes")?;
            all = rest;
        }
        Ok(Some(Event::Processes { list: all, more: false }))
    }

    /// A signal for a container that waits to be started.
    fn end_unstarted(&self, signal: Signal) {
        if let Some(status) = self.container.end_unstarted(signal).filter(|_| self.container.is_further()) {
            self.sandbox.finish(&self.container, status);
        }
    }

    fn signal(&self, number: i32, to: Recipients) -> Result<(), Failure> {
        let signal =
            Signal::new(number).map_err(|_| Failure::Message(format!("signal {number} does not exist")))?;
        let Some(process) = self.process.clone().or_else(|| self.container.first()) else {
            self.end_unstarted(signal);
            return Ok(());
        };
        let resized = signal == Signal::SIGWINCH && to == Recipients::Foreground;
        executor::turn(|| match to {
            // The runtime's window: the process has another one, which follows.
            Recipients::Foreground if resized && self.container.follow_size(process.pid) => {}
            Recipients::Process => send(&process, signal),
            Recipients::Foreground => send_to_foreground(&process, signal),
            Recipients::All => {
                self.container.processes().iter().for_each(|member| send(member, signal));
            }
        });
        if signal == Signal::SIGKILL {
            // What is paused could not die.
            self.container.resume();
        }
        Ok(())
    }
}

fn read<D: DeserializeOwned>(document: OwnedFd) -> Result<D, Failure> {
    let mut text = Vec::new();
    let read = File::from(document).take(LONGEST_PROCESS).read_to_end(&mut text);
    read.map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(0))).trying("read what to do")?;
    serde_json::from_slice(&text)
        .map_err(|error| Failure::Message(format!("cannot understand what to do: {error}")))
}

fn send_to_foreground(process: &Arc<ThreadGroup>, signal: Signal) {
    let pids = &process.kernel.pids;
    match pids.foreground(process.session()) {
        0 => send(process, signal),
        group => pids.process_group(group).iter().for_each(|member| send(member, signal)),
    }
}

//! Telling containerd what happens, in the order in which it happened.

use std::collections::VecDeque;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::log;
use crate::messages::{Any, Envelope, Event, ForwardRequest, Request, Response};
use crate::wire::{Frame, Message};

const SERVICE: &str = "containerd.services.events.ttrpc.v1.Events";
/// How many events wait for a containerd that is not there. The oldest are lost first.
const MOST: usize = 2048;
/// How long containerd may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often one event is tried, and how long is waited between.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(1);

/// Publishes events from a thread of its own.
#[derive(Debug)]
pub(crate) struct Publisher {
    namespace: String,
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Envelope>,
    /// Whether one is on its way.
    busy: bool,
}

impl Publisher {
    /// Events will go to this socket of containerd.
    pub(crate) fn start(namespace: &str, socket: PathBuf) -> io::Result<Arc<Self>> {
        let publisher = Arc::new(Self {
            namespace: namespace.to_owned(),
            queue: Mutex::default(),
            changed: Condvar::new(),
        });
        let own = Arc::clone(&publisher);
        std::thread::Builder::new().name("publisher".to_owned()).spawn(move || own.work(&socket))?;
        Ok(publisher)
    }

    /// Something has happened.
    pub(crate) fn publish<E: Event>(&self, event: &E) {
        let envelope = Envelope {
            timestamp: Some(SystemTime::now().into()),
            namespace: self.namespace.clone(),
            topic: E::TOPIC.to_owned(),
            event: Some(Any::of(event)),
        };
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.waiting.len() == MOST {
            queue.waiting.pop_front();
        }
        queue.waiting.push_back(envelope);
        self.changed.notify_all();
    }

    /// Waits until all has been told, but not for ever.
    pub(crate) fn finish(&self) {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let pending = |queue: &mut Queue| queue.busy || !queue.waiting.is_empty();
        drop(self.changed.wait_timeout_while(queue, PATIENCE, pending));
    }

    fn work(&self, socket: &Path) {
        let mut connection = None;
        loop {
            let envelope = {
                let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
                loop {
                    if let Some(envelope) = queue.waiting.pop_front() {
                        queue.busy = true;
                        break envelope;
                    }
                    queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
                }
            };
            deliver(&envelope, socket, &mut connection);
            self.queue.lock().unwrap_or_else(PoisonError::into_inner).busy = false;
            self.changed.notify_all();
        }
    }
}

/// Tries until it has been taken, with a new connection after each failure: containerd may have been started anew.
fn deliver(envelope: &Envelope, socket: &Path, connection: &mut Option<Connection>) {
    for attempt in 1..=TRIES {
        let sent = match connection.take() {
            Some(open) => Ok(open),
            None => Connection::open(socket),
        };
        match sent.and_then(|mut open| open.forward(envelope).map(|()| open)) {
            Ok(open) => {
                *connection = Some(open);
                return;
            }
            Err(error) if attempt == TRIES => {
                log::warn(&format!("the event {} is lost: {error}", envelope.topic));
            }
            Err(_) => std::thread::sleep(PAUSE * (attempt - 1)),
        }
    }
}

#[derive(Debug)]
struct Connection {
    stream: UnixStream,
    /// The number of the next call. Those of callers are odd.
    next: u32,
}

impl Connection {
    fn open(socket: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream, next: 1 })
    }

    fn forward(&mut self, envelope: &Envelope) -> io::Result<()> {
        let request = Request {
            service: SERVICE.to_owned(),
            method: "Forward".to_owned(),
            payload: ForwardRequest { envelope: Some(envelope.clone()) }.encode(),
            limit: PATIENCE.as_nanos().try_into().unwrap_or(0),
        };
        let stream = self.next;
        self.next = self.next.wrapping_add(2);
        Frame { stream, kind: crate::wire::Kind::Request, message: request.encode() }
            .write(&mut self.stream)?;
        loop {
            let frame = Frame::read(&mut self.stream)?.ok_or(io::ErrorKind::UnexpectedEof)?;
            if frame.stream == stream {
                let response = Response::decode(&frame.message).map_err(io::Error::other)?;
                return match response.status {
                    Some(status) if status.code != 0 => Err(io::Error::other(status.message)),
                    _ => Ok(()),
                };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;
    use crate::messages::{TaskPaused, TaskResumed};

    #[test]
    fn events_arrive_in_order_and_survive_a_new_containerd() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("s");
        let publisher = Publisher::start("n", socket.clone()).unwrap();
        let listener = UnixListener::bind(&socket).unwrap();
        let id = |number: u32| format!("c{number}");
        publisher.publish(&TaskPaused { container_id: id(0) });
        publisher.publish(&TaskResumed { container_id: id(1) });
        let mut topics = Vec::new();
        for _ in 0..2 {
            // One event for each connection: each containerd goes away after its first answer.
            let (mut stream, _) = listener.accept().unwrap();
            let frame = Frame::read(&mut stream).unwrap().unwrap();
            let request = Request::decode(&frame.message).unwrap();
            assert_eq!((request.service.as_str(), request.method.as_str()), (SERVICE, "Forward"));
            let envelope = ForwardRequest::decode(&request.payload).unwrap().envelope.unwrap();
            assert_eq!(envelope.namespace, "n");
            topics.push(envelope.topic);
            let answer = Response::default().encode();
            Frame { stream: frame.stream, kind: crate::wire::Kind::Response, message: answer }
                .write(&mut stream)
                .unwrap();
        }
        publisher.finish();
        assert_eq!(topics, ["/tasks/paused", "/tasks/resumed"]);
    }
}

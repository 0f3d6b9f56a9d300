//! Serving calls: a thread for each connection, and one for each call, because some wait for the end of a process.

use std::io::BufReader;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Mutex, PoisonError};

use crate::failure::{Code, Failure};
use crate::log;
use crate::messages::{Request, Response, Status};
use crate::wire::{Frame, Kind, Message};

/// The stack of a thread, in bytes.
const STACK: usize = 256 << 10;

/// Who carries out calls: given service, method and message, the answer.
pub(crate) trait Handler: Send + Sync + 'static {
    fn call(&self, service: &str, method: &str, message: &[u8]) -> Result<Vec<u8>, Failure>;
    /// The answer to a call was sent.
    fn answered(&self, method: &str);
}

/// Takes connections, for ever.
pub(crate) fn serve(listener: &UnixListener, handler: &Arc<impl Handler>) -> ! {
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                let handler = Arc::clone(handler);
                thread("connection", move || {
                    if let Err(error) = connection(stream, &handler) {
                        log::warn(&format!("a connection was closed: {error}"));
                    }
                });
            }
            Err(error) => {
                log::warn(&format!("cannot take a connection: {error}"));
                // As long as there are no descriptors, for example.
                std::thread::sleep(std::time::Duration::from_millis(100));
            }
        }
    }
}

fn thread(name: &str, body: impl FnOnce() + Send + 'static) {
    if let Err(error) = std::thread::Builder::new().name(name.to_owned()).stack_size(STACK).spawn(body) {
        log::warn(&format!("cannot start a thread: {error}"));
    }
}

fn connection(stream: UnixStream, handler: &Arc<impl Handler>) -> std::io::Result<()> {
    let sink = Arc::new(Mutex::new(stream.try_clone()?));
    let mut source = BufReader::new(stream);
    while let Some(frame) = Frame::read(&mut source)? {
        if frame.kind != Kind::Request {
            continue;
        }
        let (handler, sink) = (Arc::clone(handler), Arc::clone(&sink));
        thread("call", move || {
            let (method, response) = answer(&frame.message, &*handler);
            let frame = Frame { stream: frame.stream, kind: Kind::Response, message: response.encode() };
            let sent = frame.write(&mut *sink.lock().unwrap_or_else(PoisonError::into_inner));
            // A caller that has gone needs no answer.
            let _ = sent;
            handler.answered(&method);
        });
    }
    Ok(())
}

fn answer(message: &[u8], handler: &impl Handler) -> (String, Response) {
    let request = match Request::decode(message) {
        Ok(request) => request,
        Err(malformed) => return (String::new(), failed(&malformed.into())),
    };
    let response = match handler.call(&request.service, &request.method, &request.payload) {
        Ok(payload) => Response { status: Some(Status::default()), payload },
        Err(failure) => failed(&failure),
    };
    (request.method, response)
}

fn failed(failure: &Failure) -> Response {
    let code = match failure.code {
        Code::Unknown => 2,
        Code::InvalidArgument => 3,
        Code::NotFound => 5,
        Code::AlreadyExists => 6,
        Code::FailedPrecondition => 9,
        Code::Unimplemented => 12,
    };
    Response { status: Some(Status { code, message: failure.message.clone() }), payload: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Echo;

    impl Handler for Echo {
        fn call(&self, service: &str, method: &str, message: &[u8]) -> Result<Vec<u8>, Failure> {
            match method {
                "Echo" => Ok([service.as_bytes(), message].concat()),
                _ => Err(Failure::new(Code::Unimplemented, method)),
            }
        }

        fn answered(&self, _: &str) {}
    }

    #[test]
    fn calls_are_answered_on_their_streams() {
        let (client, server) = UnixStream::pair().unwrap();
        std::thread::spawn(move || connection(server, &Arc::new(Echo)));
        let mut client = client;
        for (stream, method) in [(1, "Echo"), (3, "Other")] {
            let request = Request {
                service: "s".to_owned(),
                method: method.to_owned(),
                payload: b"x".to_vec(),
                ..Default::default()
            };
            Frame { stream, kind: Kind::Request, message: request.encode() }.write(&mut client).unwrap();
            let frame = Frame::read(&mut client).unwrap().unwrap();
            assert_eq!((frame.stream, frame.kind), (stream, Kind::Response));
            let response = Response::decode(&frame.message).unwrap();
            match method {
                "Echo" => assert_eq!(response.payload, b"sx"),
                _ => assert_eq!(response.status.unwrap(), Status { code: 12, message: "Other".to_owned() }),
            }
        }
        Frame { stream: 5, kind: Kind::Request, message: b"\xff".to_vec() }.write(&mut client).unwrap();
        let frame = Frame::read(&mut client).unwrap().unwrap();
        assert_eq!(Response::decode(&frame.message).unwrap().status.unwrap().code, 3);
    }
}

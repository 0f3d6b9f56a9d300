//! Sockets that a container binds on a shared mount, and that programs of the host connect to or do not: `--host-uds create`.

use std::fs;
use std::io::{IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use rustix::net::{
    AddressFamily, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix,
    SocketType, connect, recv, send, sendmsg, socket,
};
use rustix::process::Signal;
use serde_json::{Value, json};

use super::support::{LIMIT, Running, config, send as signal};
use crate::place::Place;
use crate::sandbox::Sandbox;

/// What the container says up to where the host comes in.
const INSIDE: &str = "\
0o750 True
in use EADDRINUSE
in use EADDRINUSE
nobody yet EAGAIN
b'inside' /shared/stream (0, 0)
";

/// What it says of the host's part.
const REACHED: &str = "\
True
'' /shared/stream '' (0, 65534, 65534)
True b'hel' b'hello'
b'with a descriptor' []
descriptors stay here ENOTSUP
True b'one'
b'one ' True None
150000 0 [(0, 65534, 65534)]
b'inside'
True
b'first' b'second'
5 150000
b''
True b'long'
b'once more'
['directory', 'file', 'packets', 'sequence', 'stream']
";

/// What it says if nobody can come.
const ALONE: &str = "\
nobody EAGAIN
nothing EAGAIN
['directory', 'file', 'packets', 'sequence', 'stream']
";

/// The container, up to where it listens, and the directory that it shares.
struct Serving {
    shared: PathBuf,
    sandbox: Sandbox,
    running: Running,
}

impl Serving {
    fn start(place: &Place, name: &str, options: &'static [&'static str], policy: &str) -> Result<Self> {
        let shared = place.directory(&format!("{name}-files"))?;
        fs::create_dir(shared.join("directory"))?;
        fs::write(shared.join("file"), "")?;
        let mut config = config(place, &["python3", "/cases/py/host_serve.py", policy]);
        let mounts = config.pointer_mut("/mounts").and_then(Value::as_array_mut).context("no mounts")?;
        mounts
            .push(json!({"destination": "/shared", "type": "bind", "source": shared, "options": ["rbind"]}));
        let mut sandbox = Sandbox::with_config(place, name, &config)?;
        sandbox.options = options;
        let mut running = Running::start(&mut sandbox.command(name))?;
        running.expect("bound")?;
        // Nobody listens yet.
        let early = UnixStream::connect(shared.join("stream"));
        ensure!(early.is_err_and(|e| e.kind() == std::io::ErrorKind::ConnectionRefused), "connected early");
        running.say("\n")?;
        running.expect("listening")?;
        Ok(Self { shared, sandbox, running })
    }

    /// Its end, and what it has said until then.
    fn finish(mut self, wanted: &str) -> Result<()> {
        self.running.say("\n")?;
        let outcome = self.running.finish()?;
        let said = String::from_utf8_lossy(&outcome.stdout);
        let wanted = format!("{INSIDE}{wanted}");
        ensure!(outcome.code == Some(0) && said == wanted, "{}\n{}", outcome.shown(), self.sandbox.logged());
        Ok(())
    }
}

fn sequence(path: &Path) -> Result<OwnedFd> {
    let socket = socket(AddressFamily::UNIX, SocketType::SEQPACKET, None)?;
    connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket)
}

/// A stream, with a descriptor that comes along and a million bytes.
fn talk(path: &Path) -> Result<()> {
    let mut stream = UnixStream::connect(path)?;
    stream.write_all(b"hello")?;
    let mut answer = [0; 17];
    stream.read_exact(&mut answer)?;
    ensure!(&answer == b"hello from inside");
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let passed = [stream.as_fd()];
    ensure!(control.push(SendAncillaryMessage::ScmRights(&passed)));
    sendmsg(&stream, &[IoSlice::new(b"with a descriptor")], &mut control, SendFlags::empty())?;
    // The container has taken these bytes when it goes on to what follows: a descriptor ends what one call reads.
    stream.write_all(&[b'x'; 1_000_000])?;
    stream.shutdown(Shutdown::Write)?;
    let mut count = String::new();
    stream.read_to_string(&mut count)?;
    ensure!(count == "1000000", "{count}");
    Ok(())
}

fn reached(place: &Place, name: &str, options: &'static [&'static str]) -> Result<()> {
    let mut serving = Serving::start(place, name, options, "create")?;
    let path = |name: &str| serving.shared.join(name);
    talk(&path("stream"))?;

    let packets = UnixDatagram::unbound()?;
    packets.connect(path("packets"))?;
    packets.send(b"one message")?;
    packets.send(&[b'y'; 150_000])?;

    let records = sequence(&path("sequence"))?;
    send(&records, b"first", SendFlags::empty())?;
    send(&records, b"second", SendFlags::empty())?;
    let mut record = vec![0; 200_000];
    let lengths =
        [(); 2].map(|()| recv(&records, &mut *record, RecvFlags::empty()).map(|(_, length)| length));
    ensure!(lengths == [Ok(5), Ok(150_000)], "{lengths:?}");
    drop(records);

    // Its name is too long to be connected to from here.
    fs::rename(path("directory").join("l".repeat(107)), path("long"))?;
    UnixStream::connect(path("long"))?.write_all(b"long")?;
    fs::remove_file(path("long"))?;

    let refused =
        |at: &Path| UnixStream::connect(at).is_err_and(|e| e.kind() == std::io::ErrorKind::ConnectionRefused);
    let (stream, packets) = (path("stream"), path("packets"));
    ensure!(!refused(&packets) && UnixStream::connect(&packets).is_err(), "a stream to a datagram socket");
    serving.running.expect("shut None")?;
    ensure!(refused(&stream), "connected to what was shut down");
    serving.running.say("\n")?;
    serving.running.expect("again")?;
    UnixStream::connect(&stream)?.write_all(b"once more")?;
    serving.running.expect("closed")?;
    ensure!(refused(&stream), "connected to what is closed");
    serving.finish(REACHED)
}

pub(super) fn create(place: &Place) -> Result<()> {
    reached(place, "serve-create", &["--host-uds", "create"])
}

pub(super) fn all_directly(place: &Place) -> Result<()> {
    reached(place, "serve-directly", &["--host-uds", "all", "--directfs=on"])
}

/// Without the policy, and with the one that only reaches what the host has.
pub(super) fn alone(place: &Place) -> Result<()> {
    for (name, options) in [("serve-none", &[][..]), ("serve-open", &["--host-uds", "open"][..])] {
        let mut serving = Serving::start(place, name, options, "none")?;
        let stream = UnixStream::connect(serving.shared.join("stream"));
        let packets = UnixDatagram::unbound()?.send_to(b"one", serving.shared.join("packets"));
        ensure!(stream.is_err() && packets.is_err(), "reached: {stream:?}, {packets:?}");
        serving.running.say("\n")?;
        serving.finish(ALONE)?;
    }
    Ok(())
}

/// Who talks to a container whose gofer is killed hears its end.
pub(super) fn gofer_killed(place: &Place) -> Result<()> {
    let serving = Serving::start(place, "serve-killed", &["--host-uds", "create"], "create")?;
    let mut stream = UnixStream::connect(serving.shared.join("stream"))?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.write_all(b"hello")?;
    let mut answer = [0; 17];
    stream.read_exact(&mut answer)?;
    let tree = serving.running.tree()?;
    let gofer = *tree.named("casemate-gofer").first().context("no gofer")?;
    signal(gofer, Signal::KILL)?;
    let mut rest = Vec::new();
    // The end, or a reset where something was left unread.
    let _ = stream.read_to_end(&mut rest);
    ensure!(rest.is_empty(), "{rest:?}");
    tree.gone_within(LIMIT)?;
    let late = UnixStream::connect(serving.shared.join("stream"));
    ensure!(late.is_err_and(|e| e.kind() == std::io::ErrorKind::ConnectionRefused), "connected late");
    let outcome = serving.running.finish()?;
    ensure!(outcome.code != Some(0), "{}", outcome.shown());
    Ok(())
}

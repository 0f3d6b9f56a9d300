//! Sockets and FIFOs of the host, which a container reaches or does not: `--host-uds`, `--host-fifo`.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};

use anyhow::{Context, Result, ensure};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::json;

use super::host_files::Offered;
use super::support::{LIMIT, config};
use crate::place::Place;
use crate::sandbox::Sandbox;

/// What the container says when nothing is within reach.
const NONE: &str = "\
stream ECONNREFUSED
packets ECONNREFUSED
packets ECONNREFUSED
left ECONNREFUSED
file ECONNREFUSED
from inside
nobody reads ENXIO
9 b'to myself'
nothing there EAGAIN
mount ECONNREFUSED
";

/// And when all is.
const OPEN: &str = "\
stream None
/shared/stream True
True b'hello'
b'1000000' b''
again EISCONN
descriptors stay here ENOTSUP
packets EPROTOTYPE
packets None
3 3
left ECONNREFUSED
file ECONNREFUSED
from the host
11
nobody reads ENXIO
9 b'to myself'
nothing there EAGAIN
mount ok
['made', 'moved', 'there'] content
umount ok
";

/// What the host's processes do with what they have in a directory, and what they hear.
fn host(directory: &Path) -> Result<Receiver<String>> {
    let (tell, heard) = channel();
    let listener = UnixListener::bind(directory.join("stream"))?;
    drop(UnixListener::bind(directory.join("left"))?);
    fs::write(directory.join("file"), "")?;
    let packets = UnixDatagram::bind(directory.join("packets"))?;
    for fifo in ["in", "out", "lonely"] {
        mknodat(CWD, directory.join(fifo), FileType::Fifo, Mode::from_bits_truncate(0o600), 0)?;
    }
    // They wait for ever if nobody comes, and end with the tests.
    std::thread::spawn(move || {
        let (mut client, _) = listener.accept()?;
        let mut word = [0; 5];
        client.read_exact(&mut word)?;
        client.write_all(&word)?;
        let mut rest = Vec::new();
        client.read_to_end(&mut rest)?;
        client.write_all(rest.len().to_string().as_bytes())
    });
    let path = directory.join("in");
    std::thread::spawn(move || fs::write(path, "from the host"));
    let (path, read) = (directory.join("out"), tell.clone());
    std::thread::spawn(move || read.send(fs::read_to_string(path).unwrap_or_default()));
    std::thread::spawn(move || {
        let mut words = Vec::new();
        for _ in 0..2 {
            let mut packet = [0; 100];
            let count = packets.recv(&mut packet).unwrap_or(0);
            words.push(String::from_utf8_lossy(packet.get(..count).unwrap_or_default()).into_owned());
        }
        tell.send(words.join(" "))
    });
    Ok(heard)
}

fn container(place: &Place, name: &str, options: &'static [&'static str], policy: &str) -> Result<()> {
    let reaches = policy == "open";
    let shared = place.directory(&format!("{name}-files"))?;
    let served = place.directory(&format!("{name}-served"))?;
    fs::write(served.join("there"), "")?;
    let offered = Offered::start(place, &format!("{name}-offered"), &served, &[])?;
    // It listens from then on.
    drop(offered.client()?);
    let heard = host(&shared)?;
    let mut config = config(place, &["python3", "/cases/py/host_reach.py", policy]);
    let mounts = config.pointer_mut("/mounts").and_then(serde_json::Value::as_array_mut);
    let offering = offered.socket.parent().context("the socket lies nowhere")?;
    let bind = |at, source: &Path| json!({"destination": at, "type": "bind", "source": source, "options": ["rbind"]});
    mounts.context("no mounts")?.extend([bind("/shared", &shared), bind("/offered", offering)]);
    let mut sandbox = Sandbox::with_config(place, name, &config)?;
    sandbox.options = options;
    let outcome = sandbox.run(b"", LIMIT)?;
    let said = String::from_utf8_lossy(&outcome.stdout);
    let wanted = if reaches { OPEN } else { NONE };
    ensure!(outcome.code == Some(0) && said == wanted, "{}\n{}", outcome.shown(), sandbox.logged());
    if reaches {
        let mut all = [heard.recv_timeout(LIMIT)?, heard.recv_timeout(LIMIT)?];
        all.sort();
        ensure!(all == ["from inside", "one two"], "the host heard {all:?}");
    }
    Ok(())
}

pub(super) fn none(place: &Place) -> Result<()> {
    container(place, "reach-none", &[], "none")
}

pub(super) fn open(place: &Place) -> Result<()> {
    container(place, "reach-open", &["--host-uds", "open", "--host-fifo", "open"], "open")
}

pub(super) fn open_directly(place: &Place) -> Result<()> {
    let options = &["--host-uds", "open", "--host-fifo", "open", "--directfs=on"];
    container(place, "reach-directly", options, "open")
}

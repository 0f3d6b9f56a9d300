//! A gofer in a thread, over a temporary directory.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use abi::Errno;
use gofer::{Config, Export};
use ninep::client::{Client, Fid};
use ninep::message::{Rwalkattr, Twalkattr};
use ninep::{Attr, NO_FID, Target, Text};

pub(crate) struct Served {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) socket: Option<UnixStream>,
    pub(crate) thread: JoinHandle<Result<(), gofer::Error>>,
}

pub(crate) fn serve(read_only: bool) -> Served {
    serve_reaching(read_only, gofer::Reach::default())
}

/// The same for a client that may reach so much more.
pub(crate) fn serve_reaching(read_only: bool, reach: gofer::Reach) -> Served {
    let directory = tempfile::tempdir().unwrap();
    let (ours, theirs) = UnixStream::pair().unwrap();
    let root: OwnedFd = std::fs::File::open(directory.path()).unwrap().into();
    let exports = vec![Export {
        socket: theirs.into(),
        tree: gofer::Tree { root, read_only, ids: gofer::Ids::default() },
    }];
    let config = Config { reach, ..Config::without_walls(exports) };
    let thread = std::thread::spawn(move || gofer::serve(config));
    Served { directory, socket: Some(ours), thread }
}

impl Served {
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn client(&mut self) -> (Arc<Client>, Fid) {
        let client = Client::connect(self.socket.take().unwrap().into()).unwrap();
        let root = client.attach(b"").unwrap();
        (client, root)
    }
}

/// Walks over a path's components to a fid.
pub(crate) fn walk(from: &Fid, path: &str) -> Result<(Fid, Attr), Errno> {
    let client = from.client();
    let fid = client.new_fid()?;
    let names: Vec<&str> = path.split('/').collect();
    let targets = names
        .iter()
        .enumerate()
        .map(|(at, name)| Target {
            fid: if at + 1 == names.len() { fid.number() } else { NO_FID },
            name: Text(name.as_bytes()),
        })
        .collect();
    let request = Twalkattr { fid: from.number(), targets };
    let (stopped, attrs) = client.call(&request, |Rwalkattr { stopped, attrs }| (stopped, attrs))?;
    if stopped != 0 {
        return Err(Errno::from_raw(stopped.cast_signed()));
    }
    Ok((fid.into_held(), *attrs.last().unwrap()))
}

//! Others speak the same protocol: diod's tools at our server, and our client at diod's server. Where diod is not installed nothing can be
//! said, and the tests say that.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use abi::Errno;
use gofer::{Config, Export};
use ninep::client::{Client, Fid};
use ninep::message::*;
use ninep::version::Dialect;
use ninep::{Data, NO_FID, SetAttr, Text};

/// Bytes of a file that takes many messages.
const LARGE: usize = 3 << 20;

fn installed(program: &str) -> bool {
    let found =
        Command::new(program).arg("--help").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !found {
        println!("skipped: {program} is not installed");
    }
    found
}

fn large() -> Vec<u8> {
    (0..LARGE).map(|at| u8::try_from(at * 31 % 251).unwrap()).collect()
}

/// Serves a directory to the next so many connections over TCP, which is all that diod's tools speak.
fn offer(directory: &Path, connections: usize) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let directory = directory.to_path_buf();
    std::thread::spawn(move || {
        for socket in listener.incoming().take(connections) {
            let root = std::fs::File::open(&directory).unwrap().into();
            let tree = gofer::Tree { root, read_only: false, ids: gofer::Ids::default() };
            let exports = vec![Export { socket: socket.unwrap().into(), tree }];
            gofer::serve(Config::without_walls(exports)).unwrap();
        }
    });
    port
}

fn tool(program: &str, port: u16, arguments: &[&str]) -> (Vec<u8>, String) {
    let server = format!("127.0.0.1:{port}");
    let mut command = Command::new(program);
    let output = command.args(["-s", &server, "-a", "/", "-t", "20"]).args(arguments).output().unwrap();
    (output.stdout, String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn their_tools_list_and_read_what_we_serve() {
    if !installed("diodls") || !installed("diodcat") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("sub")).unwrap();
    std::fs::write(directory.path().join("sub/file"), "content").unwrap();
    std::fs::write(directory.path().join("large"), large()).unwrap();
    for number in 0..300 {
        std::fs::write(directory.path().join(format!("sub/{number}")), "").unwrap();
    }
    let port = offer(directory.path(), 4);
    let (listing, problems) = tool("diodls", port, &["-l", "sub"]);
    let listing = String::from_utf8(listing).unwrap();
    assert!(
        listing.lines().any(|line| line.starts_with("-rw-r--r--") && line.ends_with(" file")),
        "{problems}"
    );
    // They look at both dots too, which are no names to our server.
    assert_eq!(listing.lines().count(), 301, "{problems}");
    assert_eq!(tool("diodcat", port, &["sub/file"]), (b"content".to_vec(), String::new()));
    assert!(tool("diodcat", port, &["large"]).0 == large());
    assert!(tool("diodcat", port, &["sub/missing"]).1.contains("No such file"));
}

/// diod's server over a directory, until it is dropped.
struct Diod {
    process: Child,
    port: u16,
}

impl Diod {
    fn start(directory: &Path) -> Self {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let mut command = Command::new("diod");
        command.args(["-f", "-n", "-N", "-c", "/dev/null", "-L", "stderr", "-l"]);
        command.arg(format!("127.0.0.1:{port}")).arg("-e").arg(directory).stderr(Stdio::null());
        Self { process: command.spawn().unwrap(), port }
    }

    fn connect(&self) -> TcpStream {
        let end = Instant::now() + Duration::from_secs(100);
        loop {
            match TcpStream::connect(SocketAddrV4::new(Ipv4Addr::LOCALHOST, self.port)) {
                Ok(socket) => return socket,
                Err(error) if Instant::now() > end => panic!("diod does not listen: {error}"),
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }
}

impl Drop for Diod {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn walk(from: &Fid, names: &[&str]) -> Result<Fid, Errno> {
    let fid = from.client().new_fid()?;
    let names: Vec<_> = names.iter().map(|name| Text(name.as_bytes())).collect();
    let wanted = names.len();
    let request = Twalk { fid: from.number(), newfid: fid.number(), names };
    let walked = from.client().call(&request, |reply| reply.qids.len())?;
    if walked == wanted { Ok(fid.into_held()) } else { Err(Errno::ENOENT) }
}

fn attach(client: &Arc<Client>, tree: &Path) -> Fid {
    let fid = client.new_fid().unwrap();
    let aname = tree.to_str().unwrap().as_bytes();
    let request =
        Tattach { fid: fid.number(), afid: NO_FID, uname: Text(b""), aname: Text(aname), n_uname: 0 };
    client.call(&request, |_| ()).unwrap();
    fid.into_held()
}

#[test]
fn our_client_works_with_their_server() {
    if !installed("diod") || !rustix::process::geteuid().is_root() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let diod = Diod::start(directory.path());
    let client = Client::connect(diod.connect().into()).unwrap();
    assert_eq!(client.dialect(), Dialect::Base, "they do not know our extension");
    let root = attach(&client, directory.path());

    // A large file, written and read back in pieces.
    let file = walk(&root, &[]).unwrap();
    let name = Text(b"large");
    client.call(&Tlcreate { fid: file.number(), name, flags: 2, mode: 0o640, gid: 0 }, |_| ()).unwrap();
    let piece = usize::try_from(client.message_size()).unwrap() - 64;
    let content = large();
    for (index, data) in content.chunks(piece).enumerate() {
        let offset = u64::try_from(index * piece).unwrap();
        let count =
            client.call(&Twrite { fid: file.number(), offset, data: Data(data) }, |r| r.count).unwrap();
        assert_eq!(usize::try_from(count).unwrap(), data.len());
    }
    client.call(&Tfsync { fid: file.number(), datasync: 0 }, |_| ()).unwrap();
    assert!(std::fs::read(directory.path().join("large")).unwrap() == content);
    let mut back = Vec::new();
    loop {
        let offset = u64::try_from(back.len()).unwrap();
        let request = Tread { fid: file.number(), offset, count: u32::try_from(piece).unwrap() };
        let got = client.call(&request, |reply| reply.data.0.to_vec()).unwrap();
        if got.is_empty() {
            break;
        }
        back.extend(got);
    }
    assert!(back == content);

    // Attributes, locks, directories, names.
    let attr = client.call(&Tgetattr { fid: file.number(), mask: 0x7ff }, |reply| reply.attr).unwrap();
    assert_eq!((attr.mode & 0o7777, attr.size), (0o640, content.len() as u64));
    let set = SetAttr { valid: ninep::flags::SetAttrMask::SIZE.bits(), size: 5, ..SetAttr::default() };
    client.call(&Tsetattr { fid: file.number(), set }, |_| ()).unwrap();
    assert_eq!(std::fs::metadata(directory.path().join("large")).unwrap().len(), 5);
    let owner = Text(b"us");
    let lock =
        Tlock { fid: file.number(), kind: 1, flags: 0, start: 0, length: 0, proc_id: 7, client_id: owner };
    assert_eq!(client.call(&lock, |reply| reply.status), Ok(0));
    client.call(&Tmkdir { dfid: root.number(), name: Text(b"d"), mode: 0o755, gid: 0 }, |_| ()).unwrap();
    let inner = walk(&root, &["d"]).unwrap();
    let (old, new) = (Text(b"large"), Text(b"moved"));
    let rename =
        Trenameat { olddirfid: root.number(), oldname: old, newdirfid: inner.number(), newname: new };
    if client.call(&rename, |_| ()) == Err(Errno::EOPNOTSUPP) {
        // Older servers move only what is held; Linux's client falls back to that too.
        let held = walk(&root, &["large"]).unwrap();
        let rename = Trename { fid: held.number(), dfid: inner.number(), name: new };
        client.call(&rename, |_| ()).unwrap();
    }
    let link = Tsymlink { dfid: root.number(), name: Text(b"link"), target: Text(b"d/moved"), gid: 0 };
    client.call(&link, |_| ()).unwrap();
    let link = walk(&root, &["link"]).unwrap();
    assert_eq!(client.call(&Treadlink { fid: link.number() }, |r| r.target.0.to_vec()).unwrap(), b"d/moved");
    let moved = walk(&root, &["d", "moved"]).unwrap();
    let hard = Tlink { dfid: root.number(), fid: moved.number(), name: Text(b"hard") };
    client.call(&hard, |_| ()).unwrap();
    let opened = walk(&root, &[]).unwrap();
    client.call(&Tlopen { fid: opened.number(), flags: 0o200_000 }, |_| ()).unwrap();
    let request = Treaddir { fid: opened.number(), offset: 0, count: 4096 };
    let entries = client.call(&request, |reply| reply.data.0.to_vec()).unwrap();
    for name in [&b"hard"[..], b"link", b"d"] {
        assert!(entries.windows(name.len()).any(|window| window == name));
    }

    // An extended attribute, if their filesystem and they take one.
    let writer = walk(&root, &["hard"]).unwrap();
    let create = Txattrcreate { fid: writer.number(), name: Text(b"user.test"), size: 5, flags: 0 };
    if client.call(&create, |_| ()).is_ok() {
        client.call(&Twrite { fid: writer.number(), offset: 0, data: Data(b"value") }, |_| ()).unwrap();
        client.call(&Tclunk { fid: writer.number() }, |_| ()).unwrap();
        std::mem::forget(writer);
        let (from, reader) = (walk(&root, &["hard"]).unwrap(), client.new_fid().unwrap());
        let ask = Txattrwalk { fid: from.number(), newfid: reader.number(), name: Text(b"user.test") };
        assert_eq!(client.call(&ask, |reply| reply.size), Ok(5));
        let read = Tread { fid: reader.number(), offset: 0, count: 10 };
        assert_eq!(client.call(&read, |reply| reply.data.0.to_vec()).unwrap(), b"value");
        drop(reader.into_held());
    }

    for name in ["hard", "link"] {
        let gone = Tunlinkat { dirfid: root.number(), name: Text(name.as_bytes()), flags: 0 };
        if client.call(&gone, |_| ()) == Err(Errno::EOPNOTSUPP) {
            let held = walk(&root, &[name]).unwrap();
            client.call(&Tremove { fid: held.number() }, |_| ()).unwrap();
            std::mem::forget(held);
        }
        assert_eq!(walk(&root, &[name]).err(), Some(Errno::ENOENT));
    }
    let statfs = client.call(&Tstatfs { fid: root.number() }, |reply| reply.statfs).unwrap();
    assert!(statfs.blocks > 0 && statfs.namelen >= 255);
}

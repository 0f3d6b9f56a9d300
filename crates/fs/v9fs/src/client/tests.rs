use ninep::message::{Rattach, Rclunk, Rflush, Rstatfs, Tattach, Tstatfs};
use ninep::{NO_FID, NO_UID, Qid, Request, StatFs};
use vfs::io::{SliceSource, VecSink};
use vfs::{CapabilitySet, Credentials, File, OpenFile, OpenFlags, Owner};

use super::*;

fn open(file: Arc<dyn File>, flags: OpenFlags) -> Arc<OpenFile> {
    OpenFile::new(file, None, flags, Arc::new(Credentials::root(CapabilitySet::default())))
}

/// Waits until an operation on a file can be done.
fn patiently<T>(file: &dyn File, mut attempt: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    let mut result = Err(Errno::EAGAIN);
    waiting::until(file.readiness().unwrap(), Patience::Endless, || {
        result = attempt();
        !matches!(result, Err(Errno::EAGAIN))
    })
    .unwrap();
    result
}

/// A client, and a server over two pipes in which `answer` writes the replies to each request.
fn connected(
    mut answer: impl FnMut(u16, &Request<'_>, &mut Vec<u8>) + Send + 'static,
) -> (Result<Arc<Client>, Errno>, std::thread::JoinHandle<Vec<String>>) {
    let (requests, to_server) = pipe::pair(Owner::default(), false);
    let (replies, from_server) = pipe::pair(Owner::default(), false);
    let server = std::thread::spawn(move || {
        let (mut seen, mut input) = (Vec::new(), Vec::new());
        loop {
            let mut sink = VecSink::new(4096);
            if patiently(&*requests, || requests.read(0, &mut sink)).unwrap_or(0) == 0 {
                return seen;
            }
            input.append(&mut sink.data);
            while let Some((frame, used)) = first(&input, 1 << 20).unwrap() {
                let request = Request::decode(frame.number, frame.body).unwrap();
                seen.push(format!("{request:?}").split('(').next().unwrap().to_owned());
                let mut output = Vec::new();
                answer(frame.tag, &request, &mut output);
                input.drain(..used);
                let mut source = SliceSource::new(&output);
                while vfs::Source::left(&source) > 0 {
                    if patiently(&*from_server, || from_server.write(None, &mut source)).is_err() {
                        return seen;
                    }
                }
            }
        }
    });
    let (reading, writing) = (open(replies, OpenFlags::empty()), open(to_server, OpenFlags::WRONLY));
    (Client::connect(|queue| Transport::new(reading, writing, queue), 8192), server)
}

fn polite(tag: u16, request: &Request<'_>, output: &mut Vec<u8>) {
    match request {
        Request::Version(v) => append(output, tag, &Rversion { msize: v.msize, version: v.version }),
        Request::Attach(_) => append(output, tag, &Rattach { qid: Qid::default() }),
        Request::Clunk(_) => append(output, tag, &Rclunk {}),
        Request::Flush(_) => append(output, tag, &Rflush {}),
        Request::StatFs(t) => {
            append(output, tag, &Rstatfs { statfs: StatFs { bsize: t.fid, ..StatFs::default() } })
        }
        _ => append(output, tag, &Rlerror { ecode: 512 }),
    }
    .unwrap();
}

fn attach(client: &Arc<Client>) -> Fid {
    let request = |fid| Tattach { fid, afid: NO_FID, uname: Text(b""), aname: Text(b""), n_uname: NO_UID };
    client.make(request, |_| ()).unwrap().0
}

#[test]
fn a_fid_is_given_up_and_its_number_used_again() {
    let (client, server) = connected(polite);
    let client = client.unwrap();
    let fid = attach(&client);
    assert_eq!(fid.number(), 0);
    drop(fid);
    // The answer to this comes behind the one to the clunk.
    assert_eq!(client.call(&Tstatfs { fid: 7 }, |reply| reply.statfs.bsize), Ok(7));
    assert_eq!(attach(&client).number(), 0);
    drop(client);
    assert_eq!(server.join().unwrap(), ["Version", "Attach", "Clunk", "StatFs", "Attach", "Clunk"]);
}

#[test]
fn threads_share_a_connection() {
    let (client, _server) = connected(polite);
    let client = client.unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4_u32 {
            let client = &client;
            scope.spawn(move || {
                for fid in (0..200).map(|n| n * 4 + thread) {
                    assert_eq!(client.call(&Tstatfs { fid }, |reply| reply.statfs.bsize), Ok(fid));
                }
            });
        }
    });
}

#[test]
fn a_server_of_another_dialect_is_refused() {
    for (msize, version) in [(8192, &b"unknown"[..]), (8192, b"9P2000.u"), (4095, BASE)] {
        let (client, _server) = connected(move |tag, _, output| {
            append(output, tag, &Rversion { msize, version: Text(version) }).unwrap();
        });
        assert_eq!(client.map(|_| ()), Err(Errno::EREMOTEIO));
    }
}

#[test]
fn errors_between_the_kernel_and_itself_are_none_of_a_servers() {
    let (client, _server) = connected(polite);
    let client = client.unwrap();
    assert_eq!(client.call(&ninep::message::Treadlink { fid: 0 }, |_| ()), Err(Errno::EIO));
    assert_eq!(client.call(&Tstatfs { fid: 1 }, |_| ()), Ok(()), "the connection goes on");
}

#[test]
fn a_server_that_makes_no_sense_loses_the_connection() {
    type Nonsense = fn(u16, &mut Vec<u8>);
    let cases: [(&str, Nonsense); 5] = [
        ("wrong tag", |tag, out| append(out, tag ^ 1, &Rclunk {}).unwrap()),
        ("wrong type", |tag, out| append(out, tag, &Rclunk {}).unwrap()),
        ("cut short", |tag, out| out.extend([8, 0, 0, 0, 9, tag.to_le_bytes()[0], tag.to_le_bytes()[1], 0])),
        ("too long", |_, out| out.extend([255; 16])),
        ("too short", |_, out| out.extend([0; 16])),
    ];
    for (what, nonsense) in cases {
        let (client, _server) = connected(move |tag, request, output| match request {
            Request::StatFs(_) => nonsense(tag, output),
            other => polite(tag, other, output),
        });
        let client = client.unwrap();
        assert_eq!(client.call(&Tstatfs { fid: 0 }, |_| ()), Err(Errno::EIO), "{what}");
        assert_eq!(client.call(&Tstatfs { fid: 0 }, |_| ()), Err(Errno::EIO), "{what}: it stays lost");
    }
}

#[test]
fn a_server_that_goes_leaves_nobody_waiting() {
    let (requests, to_server) = pipe::pair(Owner::default(), false);
    let (replies, from_server) = pipe::pair(Owner::default(), false);
    let (reading, writing) = (open(replies, OpenFlags::empty()), open(to_server, OpenFlags::WRONLY));
    let waits = std::thread::spawn(move || {
        Client::connect(|queue| Transport::new(reading, writing, queue), 8192).map(|_| ())
    });
    let mut sink = VecSink::new(4096);
    patiently(&*requests, || requests.read(0, &mut sink)).unwrap();
    drop((requests, from_server));
    assert_eq!(waits.join().unwrap(), Err(Errno::EIO));
}

#[test]
fn a_tag_is_in_use_until_its_flush_is_answered() {
    let mut table = Table::default();
    let tag = table.post(None, vec![0; 7]).map_err(|_| ()).unwrap();
    table.leave(tag, vec![0; 9]);
    let reply = || Reply { number: 0, body: Vec::new() };
    assert!(matches!(table.answer(tag, reply()), Ok(None)), "it may come all the same");
    assert!(!table.has_come(tag));
    let flush = tag + 1;
    assert!(matches!(table.answer(flush, reply()), Ok(None)));
    assert!(table.answer(tag, reply()).is_err(), "nothing is asked by it any more");
}

//! The gofer behind its walls, as a process of its own. Needs the privilege to make mounts, and says so if it has none.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, symlink};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use abi::Errno;
use gofer::{Source, confine};
use ninep::client::{Client, Fid};
use ninep::message::*;
use ninep::{Data, NO_UID, SetAttr, Target, Text, Time};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

/// Where the child finds its tree. The socket is its standard input.
const TREE: &str = "GOFER_TEST_TREE";
const READ_ONLY: &str = "GOFER_TEST_READ_ONLY";

/// Not a test of its own: what the child runs.
#[test]
fn child() {
    let Some(tree) = std::env::var_os(TREE) else { return };
    let socket = std::io::stdin().as_fd().try_clone_to_owned().unwrap();
    let read_only = std::env::var_os(READ_ONLY).is_some();
    // The test harness has a thread besides this one; a mount namespace is this thread's, and the capabilities too.
    let ids = gofer::Ids::default();
    let source = Source { socket, root: tree.into(), overlay: None, read_only, recursive: true, ids };
    let outcome = confine(vec![source]).and_then(gofer::serve);
    std::process::exit(i32::from(outcome.is_err()));
}

fn may_mount() -> bool {
    let sets = rustix::thread::capabilities(None).unwrap();
    sets.effective.contains(rustix::thread::CapabilitySet::SYS_ADMIN)
}

fn start(tree: &std::path::Path, read_only: bool) -> (Child, Arc<Client>, Fid) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--nocapture", "--test-threads=1"]).env(TREE, tree);
    if read_only {
        command.env(READ_ONLY, "1");
    }
    command.stdin(std::os::fd::OwnedFd::from(theirs)).stdout(Stdio::null());
    let child = command.spawn().unwrap();
    drop(command);
    let client = Client::connect(ours.into()).unwrap();
    let root = client.attach(b"").unwrap();
    (child, client, root)
}

/// The thread that serves, in /proc. The test harness of the child has others, outside the walls.
fn serving_thread(process: u32) -> std::path::PathBuf {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let mut paths = tasks.map(|task| task.unwrap().path());
    paths.find(|task| std::fs::read_to_string(task.join("comm")).unwrap() == "mount 0\n").unwrap()
}

/// Does all that there is to do, so that a call missing from the filter's table kills the gofer.
#[test]
fn everything_works_behind_the_walls() {
    if !may_mount() {
        eprintln!("skipped: no CAP_SYS_ADMIN");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    symlink("/etc/passwd", directory.path().join("out")).unwrap();
    let (mut child, client, root) = start(directory.path(), false);
    let rootfid = root.number();
    let name = Text(b"file");

    let file = client.new_fid().unwrap();
    let create =
        Tcreatefile { dfid: rootfid, newfid: file.number(), name, flags: 2, mode: 0o6711, uid: 7, gid: 8 };
    let (attr, donated) = client.call_with_descriptor(&create, |r| r.attr).unwrap();
    assert_eq!((attr.uid, attr.gid, attr.mode), (7, 8, 0o106_711));
    assert!(donated.is_some());
    let file = file.into_held();
    let fid = file.number();
    client.call(&Tdonate { fid, flags: 2 }, |_| ()).unwrap();
    for (name, mode) in [(&b"dir"[..], 0o040_755), (b"fifo", 0o010_600), (b"link", 0o120_777)] {
        let new = client.new_fid().unwrap();
        let (name, target) = (Text(name), Text(b"file"));
        let make =
            Tmakenode { dfid: rootfid, newfid: new.number(), name, target, mode, uid: NO_UID, gid: NO_UID };
        client.call(&make, |_| ()).unwrap();
        client.call(&Tgetattr { fid: new.number(), mask: 0 }, |_| ()).unwrap();
        drop(new.into_held());
    }
    let set = SetAttr {
        valid: 0x1bf,
        mode: 0o600,
        uid: 1,
        gid: 1,
        size: 100,
        atime: Time { seconds: 5, nanoseconds: 5 },
        mtime: Time { seconds: 6, nanoseconds: 6 },
    };
    client.call(&Tchangeattr { fid, set }, |_| ()).unwrap();
    client.call(&Tlink { dfid: rootfid, fid, name: Text(b"hard") }, |_| ()).unwrap();
    let renamed =
        Trenameat { olddirfid: rootfid, oldname: Text(b"hard"), newdirfid: rootfid, newname: Text(b"h2") };
    client.call(&renamed, |_| ()).unwrap();
    client.call(&Treaddirattr { fid: rootfid, offset: 0, count: 60_000 }, |r| assert_eq!(r.end, 1)).unwrap();
    client.call(&Tunlinkat { dirfid: rootfid, name: Text(b"h2"), flags: 0 }, |_| ()).unwrap();
    client.call(&Tunlinkat { dirfid: rootfid, name: Text(b"dir"), flags: 0x200 }, |_| ()).unwrap();
    let name = Text(b"user.a");
    match client.call(&Txattrset { fid, flags: 0, name, value: Data(b"1") }, |_| ()) {
        Err(Errno::EOPNOTSUPP) => {}
        result => {
            result.unwrap();
            client.call(&Txattrget { fid, size: 9, name }, |r| assert_eq!(r.data.0, b"1")).unwrap();
            client.call(&Txattrlist { fid, size: 900 }, |_| ()).unwrap();
            client.call(&Txattrremove { fid, name }, |_| ()).unwrap();
        }
    }
    client.call(&Tstatfs { fid: rootfid }, |_| ()).unwrap();
    // The requests of the base dialect on an open fid.
    client.call(&Tlopen { fid, flags: 2 }, |_| ()).unwrap();
    client.call(&Twrite { fid, offset: 0, data: Data(b"abc") }, |_| ()).unwrap();
    client.call(&Tread { fid, offset: 0, count: 1 << 19 }, |r| assert_eq!(r.data.0.len(), 100)).unwrap();
    client.call(&Tfsync { fid, datasync: 0 }, |_| ()).unwrap();
    client.call(&Tfsync { fid, datasync: 1 }, |_| ()).unwrap();
    client.call(&Tallocate { fid, mode: 0, offset: 0, length: 8192 }, |_| ()).unwrap();
    let lock = Tlock { fid, kind: 1, flags: 0, start: 0, length: 0, proc_id: 0, client_id: Text(b"") };
    client.call(&lock, |r| assert_eq!(r.status, 0)).unwrap();
    let getlock = Tgetlock { fid, kind: 1, start: 0, length: 0, proc_id: 0, client_id: Text(b"") };
    client.call(&getlock, |_| ()).unwrap();

    // What it can see of itself is what the walls leave.
    let thread = serving_thread(child.id());
    let status = std::fs::read_to_string(thread.join("status")).unwrap();
    let field = |name: &str| {
        status.lines().find_map(|l| l.strip_prefix(name)).map(|v| v.trim().to_owned()).unwrap_or_default()
    };
    let seen = std::fs::read_dir(thread.join("root")).unwrap();
    let entries: Vec<_> = seen.map(|e| e.unwrap().file_name()).collect();
    assert_eq!(entries, ["fd"]);
    assert_eq!((field("NoNewPrivs:"), field("Seccomp:")), ("1".into(), "2".into()));
    let bits = |value: &str| u64::from_str_radix(value, 16).unwrap();
    let six = bits("4001f");
    for set in ["CapEff:", "CapPrm:", "CapBnd:", "CapInh:", "CapAmb:"] {
        assert_eq!(bits(&field(set)) & !six, 0, "{set}");
    }

    drop((file, root, client));
    let status = child.wait().unwrap();
    assert_eq!((status.code(), status.signal()), (Some(0), None));
    assert_eq!(std::fs::metadata(directory.path().join("file")).unwrap().uid(), 1);
}

/// As when its terminal stops it, its control group is frozen or the machine sleeps. The host lets a wait with a timeout go on by a system call of its
/// own, and the first second has one.
#[test]
fn it_can_be_stopped_at_any_time() {
    if !may_mount() {
        eprintln!("skipped: no CAP_SYS_ADMIN");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let (mut child, client, root) = start(directory.path(), false);
    let pid = Pid::from_child(&child);
    let wait = |options| waitpid(Some(pid), options).unwrap().unwrap().1;
    for round in 0..20 {
        kill_process(pid, Signal::STOP).unwrap();
        assert!(wait(WaitOptions::UNTRACED).stopped(), "round {round}");
        kill_process(pid, Signal::CONT).unwrap();
        let status = wait(WaitOptions::CONTINUED);
        assert!(status.continued(), "round {round}: {status:?}");
        client.call(&Tgetattr { fid: root.number(), mask: 0 }, |_| ()).unwrap();
        // Into its waits again.
        std::thread::sleep(Duration::from_millis(5));
    }
    drop((root, client));
    let status = child.wait().unwrap();
    assert_eq!((status.code(), status.signal()), (Some(0), None));
}

#[test]
fn the_host_itself_refuses_changes_of_a_read_only_mount() {
    if !may_mount() {
        eprintln!("skipped: no CAP_SYS_ADMIN");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("file"), "text").unwrap();
    let (mut child, client, root) = start(directory.path(), true);
    let targets = vec![Target { fid: 77, name: Text(b"file") }];
    client.call(&Twalkattr { fid: root.number(), targets }, |_| ()).unwrap();
    assert_eq!(client.call(&Tdonate { fid: 77, flags: 2 }, |_| ()), Err(Errno::EROFS));
    let (_, file) = client.call_with_descriptor(&Tdonate { fid: 77, flags: 0 }, |_| ()).unwrap();
    // Even somebody who could reopen it for writing meets the mount.
    use std::os::fd::AsRawFd;
    let again = format!("/proc/self/fd/{}", file.as_ref().unwrap().as_raw_fd());
    let refused = std::fs::File::options().write(true).open(again).unwrap_err();
    assert_eq!(refused.raw_os_error(), Some(Errno::EROFS.raw()));
    drop((root, client));
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_tree_that_is_not_there_is_named() {
    let (_ours, theirs) = UnixStream::pair().unwrap();
    if !may_mount() {
        return;
    }
    // On a thread of its own: mount namespace and capabilities are a thread's.
    let text = std::thread::spawn(|| {
        let source = Source {
            socket: theirs.into(),
            root: "/nowhere/at/all".into(),
            overlay: None,
            read_only: false,
            recursive: true,
            ids: gofer::Ids::default(),
        };
        confine(vec![source]).unwrap_err().to_string()
    });
    assert_eq!(
        text.join().unwrap(),
        "the gofer cannot open /nowhere/at/all: No such file or directory (os error 2)"
    );
}

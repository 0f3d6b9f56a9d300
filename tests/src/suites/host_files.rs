//! Files that the host and a container change at the same time, and what a policy says about that.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use ninep::client::Client;
use ninep::message::{Rread, Tlcreate, Tlopen, Tmkdir, Tread, Twalk, Twrite};
use ninep::version::Dialect;
use ninep::{Data, Text};
use serde_json::{Value, json};

use super::support::{LIMIT, Running, config};
use crate::bundle;
use crate::native::native;
use crate::place::Place;
use crate::root::Root;
use crate::sandbox::Sandbox;

/// A shell in a container that is told line by line what to do, and answers with a line `done` after each.
struct Shell(Running);

/// What it runs.
const SCRIPT: &str = "while read -r line; do eval \"$line\"; echo done; done";

impl Shell {
    /// One with a directory of the host at /shared.
    fn start(place: &Place, name: &str, shared: &Path, options: &[&str]) -> Result<(Self, Sandbox)> {
        let config = config(place, &["sh", "-c", SCRIPT]);
        Self::mounted(place, name, shared, config, options, &[])
    }

    /// One with a configuration and options of casemate's own.
    fn mounted(
        place: &Place,
        name: &str,
        shared: &Path,
        mut config: Value,
        options: &[&str],
        global: &'static [&'static str],
    ) -> Result<(Self, Sandbox)> {
        let mounts = config.pointer_mut("/mounts").and_then(Value::as_array_mut);
        let options: Vec<&str> = ["rbind"].iter().chain(options).copied().collect();
        mounts.context("no mounts")?.push(json!({
            "destination": "/shared", "type": "bind", "source": shared, "options": options,
        }));
        let mut sandbox = Sandbox::with_config(place, name, &config)?;
        sandbox.options = global;
        Ok((Self(Running::start(&mut sandbox.command(name))?), sandbox))
    }

    /// Does something that has to say exactly this line.
    fn says(&mut self, command: &str, line: &str) -> Result<()> {
        self.0.say(&format!("{command}\n"))?;
        self.0.expect(line).with_context(|| format!("after {command:?}"))?;
        self.0.expect("done")
    }

    /// Whether one of the sandbox's processes has a file open for reading or writing.
    fn holds(&self, file: &Path) -> Result<bool> {
        use std::os::unix::fs::MetadataExt;
        const PATH_ONLY: u32 = 0o10_000_000;
        let identity = |found: fs::Metadata| (found.dev(), found.ino());
        let wanted = identity(fs::metadata(file)?);
        for pid in self.0.tree()?.named("casemate") {
            for entry in fs::read_dir(format!("/proc/{pid}/fd"))?.flatten() {
                let number = entry.file_name().to_string_lossy().into_owned();
                let info = fs::read_to_string(format!("/proc/{pid}/fdinfo/{number}")).unwrap_or_default();
                let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
                let flags =
                    flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok()).unwrap_or(PATH_ONLY);
                if flags & PATH_ONLY == 0
                    && fs::metadata(entry.path()).is_ok_and(|found| identity(found) == wanted)
                {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn ends(self) -> Result<()> {
        let outcome = self.0.finish()?;
        if outcome.code == Some(0) { Ok(()) } else { bail!("{}", outcome.shown()) }
    }
}

/// Bind mounts unless they say otherwise, and those that keep nothing: each look finds what the host has now.
pub(super) fn changes_are_seen(place: &Place) -> Result<()> {
    for (name, options) in
        [("seen-default", &[][..]), ("seen-none", &["cache=none"]), ("seen-shared", &["cache=revalidating"])]
    {
        let shared = place.directory(&format!("{name}-files"))?;
        let at = |name: &str| shared.join(name);
        fs::write(at("file"), "one\n")?;
        let (mut shell, _sandbox) = Shell::start(place, name, &shared, options)?;
        shell.says("cat /shared/file", "one")?;
        shell.says("exec 7< /shared/file; echo open", "open")?;
        fs::write(at("file"), "second\n")?;
        shell.says("stat -c %s /shared/file", "7")?;
        shell.says("cat /shared/file", "second")?;
        // Another file in its place; the open one stays what it was.
        fs::write(at("other"), "third\n")?;
        fs::rename(at("other"), at("file"))?;
        shell.says("cat /shared/file", "third")?;
        shell.says("cat <&7", "second")?;
        shell.says("stat -L -c %h /proc/self/fd/7", "0")?;
        // What is written inside is outside at once, and stays after fsync(2).
        shell.says("echo back > /shared/back; sync -d /shared/back; echo written", "written")?;
        if fs::read_to_string(at("back"))? != "back\n" {
            bail!("what was written is not there");
        }
        fs::remove_file(at("file"))?;
        shell.says("cat /shared/file 2> /dev/null || echo gone", "gone")?;
        fs::create_dir_all(at("file/inner"))?;
        shell.says("ls /shared/file", "inner")?;
        // A directory that goes while somebody stands in it.
        shell.says("cd /shared/file/inner; echo inside", "inside")?;
        fs::remove_dir_all(at("file"))?;
        shell.says("touch new 2> /dev/null || echo nowhere", "nowhere")?;
        shell.says("cd /; ls /shared", "back")?;
        // Attributes and permissions.
        fs::set_permissions(at("back"), std::os::unix::fs::PermissionsExt::from_mode(0o751))?;
        shell.says("stat -c %a /shared/back", "751")?;
        shell.says("chmod 604 /shared/back; echo changed", "changed")?;
        if std::os::unix::fs::PermissionsExt::mode(&fs::metadata(at("back"))?.permissions()) & 0o777 != 0o604
        {
            bail!("the mode was not changed");
        }
        shell.ends()?;
    }
    Ok(())
}

/// A mount that nobody else changes is asked once; contents are the host's all the same.
pub(super) fn all_is_kept(place: &Place) -> Result<()> {
    for policy in ["cache=all", "cache=writethrough"] {
        let name = policy.replace('=', "-");
        let shared = place.directory(&format!("{name}-files"))?;
        fs::write(shared.join("file"), "one\n")?;
        let (mut shell, _sandbox) = Shell::start(place, &name, &shared, &[policy])?;
        shell.says("stat -c %s /shared/file", "4")?;
        shell.says("test -e /shared/late || echo missing", "missing")?;
        fs::write(shared.join("late"), "")?;
        shell.says("test -e /shared/late || echo missing", "missing")?;
        shell.says("echo more >> /shared/file; stat -c %s /shared/file", "9")?;
        if fs::read_to_string(shared.join("file"))? != "one\nmore\n" {
            bail!("what was written is not there");
        }
        shell.ends()?;
    }
    Ok(())
}

/// What is kept of the files of root and mounts, by `--file-access` and `--file-access-mounts`: names and attributes, and descriptors.
pub(super) fn policies(place: &Place) -> Result<()> {
    const MOUNTS_ALL: &[&str] = &["--file-access", "none", "--file-access-mounts", "all"];
    const MOUNTS_THROUGH: &[&str] = &["--file-access", "shared", "--file-access-mounts", "writethrough"];
    const MOUNTS_SHARED: &[&str] = &["--file-access", "exclusive", "--file-access-mounts", "shared"];
    const MOUNTS_NONE: &[&str] = &["--file-access", "writethrough", "--file-access-mounts", "none"];
    let (all, shared, none) = ((true, true), (false, true), (false, false));
    for (options, of_root, of_mounts) in [
        (MOUNTS_ALL, none, all),
        (MOUNTS_THROUGH, shared, all),
        (MOUNTS_SHARED, all, shared),
        (MOUNTS_NONE, all, none),
    ] {
        let name = format!("policies-{}", options.join("-").replace("--", ""));
        let root = Root::own(place, &place.root, &name)?;
        let directories = [root.path().join("kept"), place.directory(&format!("{name}-files"))?];
        for directory in &directories {
            fs::create_dir_all(directory)?;
            fs::write(directory.join("file"), "one\n")?;
            fs::write(directory.join("looked-at"), "one\n")?;
        }
        let config = bundle::config(root.path(), place, &["sh", "-c", SCRIPT], false);
        let (mut shell, _sandbox) = Shell::mounted(place, &name, &directories[1], config, &[], options)?;
        for (at, directory, (names, descriptors)) in
            [("/kept", &directories[0], of_root), ("/shared", &directories[1], of_mounts)]
        {
            let told = |text: &str| format!("{options:?} {at}: {text}");
            shell.says(&format!("test -e {at}/late || echo missing"), "missing")?;
            // Somebody who has it open by name only: as long as it is known at all, a descriptor to read it may be kept for the next reader.
            let hold = format!(
                "import os, signal; os.open(\\\"{at}/file\\\", os.O_PATH); print(1, flush=True); signal.pause()"
            );
            shell.says(
                &format!(
                    "mkfifo /tmp{at}; python3 -c \"{hold}\" >/tmp{at} & read held </tmp{at}; echo $held"
                ),
                "1",
            )?;
            shell.says(&format!("stat -c %s {at}/looked-at; cat {at}/file >/dev/null"), "4")?;
            if shell.holds(&directory.join("file"))? != descriptors {
                bail!(told("a descriptor of what is closed"));
            }
            fs::write(directory.join("late"), "late\n")?;
            let found = if names { "missing" } else { "late" };
            shell
                .says(&format!("cat {at}/late 2>/dev/null || echo missing"), found)
                .context(told("a name"))?;
            // Nobody has opened that one: where a descriptor is kept the host is asked by it.
            fs::write(directory.join("looked-at"), "longer\n")?;
            let size = if names { "4" } else { "7" };
            shell.says(&format!("stat -c %s {at}/looked-at"), size).context(told("a size"))?;
            // What is written is the host's at once, whatever is kept.
            shell.says(&format!("exec 8>{at}/made; echo made >&8; echo written"), "written")?;
            if fs::read_to_string(directory.join("made"))? != "made\n" {
                bail!(told("what was written is not there"));
            }
        }
        shell.ends()?;
    }
    Ok(())
}

/// Nothing of a read-only mount can be changed, by any name.
pub(super) fn read_only_mounts(place: &Place) -> Result<()> {
    let shared = place.directory("read-only-files")?;
    fs::write(shared.join("file"), "same\n")?;
    let (mut shell, _sandbox) = Shell::start(place, "read-only-mount", &shared, &["ro"])?;
    for change in [
        "echo x > /shared/file",
        "echo x > /shared/new",
        "rm /shared/file",
        "mv /shared/file /shared/moved",
        "ln /shared/file /shared/link",
        "mkdir /shared/d",
        "chmod 777 /shared/file",
        "touch /shared/file",
        "truncate -s 0 /shared/file",
    ] {
        shell.says(&format!("({change}) 2> /dev/null || echo refused"), "refused")?;
    }
    shell.says("cat /shared/file", "same")?;
    shell.ends()
}

/// A directory for 9P clients that are no containers.
pub(super) struct Offered {
    process: Child,
    /// Where.
    pub(super) socket: std::path::PathBuf,
}

impl Offered {
    pub(super) fn start(place: &Place, name: &str, directory: &Path, options: &[&str]) -> Result<Self> {
        let socket = place.directory(name)?.join("socket");
        let mut command = Command::new(&place.casemate);
        command.args(["gofer", "serve"]).args(options).arg("--socket").arg(&socket).arg(directory);
        Ok(Self { process: command.stdin(Stdio::null()).spawn()?, socket })
    }

    pub(super) fn client(&self) -> Result<std::sync::Arc<Client>> {
        let end = Instant::now() + LIMIT;
        loop {
            match UnixStream::connect(&self.socket) {
                Ok(socket) => {
                    return Client::connect_as(socket.into(), Dialect::Base).map_err(anyhow::Error::from);
                }
                Err(error) if Instant::now() > end => bail!("nobody listens: {error}"),
                Err(_) => std::thread::sleep(std::time::Duration::from_millis(20)),
            }
        }
    }
}

impl Drop for Offered {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What a server offers is mounted by a container that asks for 9P; another protocol is refused.
pub(super) fn mounted_by_a_container(place: &Place) -> Result<()> {
    let directory = place.directory("offered-mount")?;
    fs::create_dir(directory.join("sub"))?;
    fs::write(directory.join("sub/file"), "content\n")?;
    let offered = Offered::start(place, "offered-socket", &directory, &[])?;
    drop(offered.client()?);
    let program = "cat /mnt/sub/file; echo new > /mnt/sub/new; mv /mnt/sub/new /mnt/moved; ls /mnt; grep -c ' /mnt 9p ' /proc/mounts";
    let run = |options: serde_json::Value| {
        let mut spec = config(place, &["sh", "-c", program]);
        let mount =
            json!({"destination": "/mnt", "type": "9p", "source": offered.socket, "options": options});
        let mounts = spec.pointer_mut("/mounts").and_then(serde_json::Value::as_array_mut);
        mounts.context("no mounts")?.push(mount);
        Sandbox::with_config(place, "offered-mount", &spec)?.run(b"", LIMIT)
    };
    let outcome = run(json!(["trans=unix", "version=9p2000.L", "cache=mmap", "nosuid"]))?;
    let right = b"content\nmoved\nsub\n1\n";
    if outcome.code != Some(0) || outcome.stdout != right || fs::read(directory.join("moved"))? != b"new\n" {
        bail!("{}", outcome.shown());
    }
    for (options, words) in
        [(json!([]), "trans=tcp"), (json!(["trans=unix", "version=9p2000.u"]), "options of a 9P mount")]
    {
        let outcome = run(options)?;
        if outcome.code != Some(1) || !outcome.shown().contains(words) {
            bail!("{}", outcome.shown());
        }
    }
    Ok(())
}

/// A container works on a directory that is offered: names, attributes, large files, locks. What becomes of it is compared with the same on a tmpfs of the host's.
pub(super) fn worked_on_by_a_container(place: &Place) -> Result<()> {
    let program = |at| ["python3", "/cases/py/ninep_offered.py", at];
    let expected = native(place, &Root::shared(place), &program("/work"), b"", LIMIT)?;
    ensure!(expected.code == Some(0), "natively {}", expected.shown());
    let directory = place.directory("offered-work")?;
    let offered = Offered::start(place, "offered-work-socket", &directory, &[])?;
    drop(offered.client()?);
    let mut spec = config(place, &program("/mnt"));
    let options = ["trans=unix", "version=9p2000.L", "access=client"];
    let mount = json!({"destination": "/mnt", "type": "9p", "source": offered.socket, "options": options});
    let mounts = spec.pointer_mut("/mounts").and_then(serde_json::Value::as_array_mut);
    mounts.context("no mounts")?.push(mount);
    let found = Sandbox::with_config(place, "offered-work", &spec)?.run(b"", LIMIT)?;
    ensure!(
        found.code == expected.code && found.stdout == expected.stdout,
        "natively {}, in the sandbox {}",
        expected.shown(),
        found.shown()
    );
    Ok(())
}

/// `casemate gofer serve`: several clients at a time, each with the whole directory and nothing else.
pub(super) fn offered(place: &Place) -> Result<()> {
    let directory = place.directory("offered-files")?;
    fs::create_dir(directory.join("sub"))?;
    fs::write(directory.join("sub/file"), "content")?;
    let offered = Offered::start(place, "offered", &directory, &[])?;
    let clients = [offered.client()?, offered.client()?];
    for (client, new) in clients.iter().zip(["first", "second"]) {
        let root = client.attach(b"/")?;
        let fid = client.new_fid()?;
        let names = vec![Text(b"sub"), Text(b"file")];
        client.call(&Twalk { fid: root.number(), newfid: fid.number(), names }, |_| ())?;
        let file = fid.into_held();
        client.call(&Tlopen { fid: file.number(), flags: 0 }, |_| ())?;
        let read = Tread { fid: file.number(), offset: 0, count: 100 };
        let text = client.call(&read, |Rread { data }| data.0.to_vec())?;
        let copy = client.new_fid()?;
        client.call(&Twalk { fid: root.number(), newfid: copy.number(), names: vec![] }, |_| ())?;
        let made = copy.into_held();
        let create =
            Tlcreate { fid: made.number(), name: Text(new.as_bytes()), flags: 1, mode: 0o600, gid: 0 };
        client.call(&create, |_| ())?;
        client.call(&Twrite { fid: made.number(), offset: 0, data: Data(new.as_bytes()) }, |_| ())?;
        if text != b"content" || fs::read_to_string(directory.join(new))? != new {
            bail!("{text:?} was read");
        }
    }
    let refused = Offered::start(place, "offered-read-only", &directory, &["--read-only"])?;
    let client = refused.client()?;
    let root = client.attach(b"")?;
    let make = Tmkdir { dfid: root.number(), name: Text(b"d"), mode: 0o755, gid: 0 };
    match client.call(&make, |_| ()) {
        Err(abi::Errno::EROFS) => Ok(()),
        other => bail!("a directory in what is read-only: {other:?}"),
    }
}

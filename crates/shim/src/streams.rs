//! Where the standard descriptors of a process lead: pipes with names that containerd's clients read and write, files, and programs that
//! keep logs.
//!
//! The process gets the pipes themselves. Of each the shim holds the other end, so that a client that goes away, or a containerd that is
//! started anew, neither ends the process's input nor breaks its output.

use std::fs::{File, OpenOptions};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

use crate::console::Copier;
use crate::failure::{Code, Failure, Trying};
use crate::logger;
use crate::messages::TaskIo;
use crate::runtime::Standard;

/// How long a client may take to read from the pipes that it has named.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often that is looked at.
const PAUSE: Duration = Duration::from_millis(5);

/// What the shim holds for one process.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// The writing end of its standard input, until a client says that nobody writes any more.
    pub(crate) input: Option<OwnedFd>,
    /// The reading ends of its output.
    outputs: Vec<OwnedFd>,
    /// Of a terminal.
    pub(crate) copier: Option<Copier>,
}

impl Held {
    /// Lets go of everything. What a terminal has shown is carried out first.
    pub(crate) fn finish(self) {
        let Self { input, outputs, copier } = self;
        // So that a pipe that nobody reads holds nobody up.
        drop((input, outputs));
        if let Some(copier) = copier {
            copier.finish();
        }
    }
}

/// Who logs, for programs that keep logs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) id: &'a str,
}

/// Opens what the names say. With a terminal the last is not used.
pub(crate) fn open(names: &TaskIo, identity: Identity<'_>) -> Result<(Standard, Held), Failure> {
    let mut held = Held::default();
    let stdin = match names.stdin.as_str() {
        "" => null()?,
        name => {
            let path = Path::new(name);
            let (reading, writing) = input(path).trying_on("open", path)?;
            held.input = Some(writing);
            reading
        }
    };
    if let Some(program) = names.stdout.strip_prefix("binary://") {
        let [stdout, stderr] = logger::start(program, identity)?;
        return Ok(([stdin, stdout, stderr], held));
    }
    let stdout = output(&names.stdout, &mut held)?;
    let stderr = if names.terminal { null()? } else { output(&names.stderr, &mut held)? };
    Ok(([stdin, stdout, stderr], held))
}

fn null() -> Result<OwnedFd, Failure> {
    let path = Path::new("/dev/null");
    File::options().read(true).write(true).open(path).trying_on("open", path).map(OwnedFd::from)
}

/// Both ends of a pipe with a name. The reading end waits, as programs expect.
fn input(path: &Path) -> std::io::Result<(OwnedFd, OwnedFd)> {
    let flags = OFlags::NONBLOCK.bits().try_into().unwrap_or(0);
    let reading = File::options().read(true).custom_flags(flags).open(path)?;
    let writing = File::options().write(true).open(path)?;
    rustix::fs::fcntl_setfl(&reading, OFlags::empty())?;
    Ok((reading.into(), writing.into()))
}

fn output(name: &str, held: &mut Held) -> Result<OwnedFd, Failure> {
    if name.is_empty() {
        return null();
    }
    let path = match name.strip_prefix("file://") {
        Some(path) => Path::new(path),
        None if name.contains("://") => {
            let message = format!("standard output cannot go to {name:?}");
            return Err(Failure::new(Code::InvalidArgument, message));
        }
        None => Path::new(name),
    };
    if !path.metadata().is_ok_and(|metadata| metadata.file_type().is_fifo()) {
        let file = OpenOptions::new().append(true).create(true).open(path);
        return file.trying_on("open", path).map(OwnedFd::from);
    }
    let writing = when_read(path).trying_on("open", path)?;
    held.outputs.push(File::open(path).trying_on("open", path)?.into());
    Ok(writing)
}

/// The writing end of a pipe, as soon as a client reads: one that opens it later than the process ends would wait for ever.
fn when_read(path: &Path) -> std::io::Result<OwnedFd> {
    let flags = OFlags::NONBLOCK.bits().try_into().unwrap_or(0);
    let deadline = Instant::now() + PATIENCE;
    loop {
        match File::options().write(true).custom_flags(flags).open(path) {
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error()) => {
                if Instant::now() > deadline {
                    return Err(std::io::Error::other("nobody reads from it"));
                }
                std::thread::sleep(PAUSE);
            }
            opened => {
                let writing = opened?;
                rustix::fs::fcntl_setfl(&writing, OFlags::empty())?;
                return Ok(writing.into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use rustix::fs::{CWD, Mode, mkfifoat};

    use super::*;

    const IDENTITY: Identity<'_> = Identity { namespace: "n", id: "i" };

    #[test]
    fn input_ends_when_the_shim_says_so() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("in");
        mkfifoat(CWD, &path, Mode::RUSR | Mode::WUSR).unwrap();
        let names = TaskIo { stdin: path.display().to_string(), ..Default::default() };
        let ([stdin, ..], mut held) = open(&names, IDENTITY).unwrap();
        // A client comes, writes and goes; another does the same.
        for word in ["one ", "two"] {
            File::options().write(true).open(&path).unwrap().write_all(word.as_bytes()).unwrap();
        }
        held.input = None;
        let mut text = String::new();
        File::from(stdin).read_to_string(&mut text).unwrap();
        assert_eq!(text, "one two");
    }

    #[test]
    fn output_survives_its_reader() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out");
        mkfifoat(CWD, &path, Mode::RUSR | Mode::WUSR).unwrap();
        let name = path.display().to_string();
        let client = std::thread::spawn(move || drop(File::open(path).unwrap()));
        let mut held = Held::default();
        let mut writing = File::from(output(&name, &mut held).unwrap());
        client.join().unwrap();
        writing.write_all(b"x").unwrap();
        held.finish();
        assert_eq!(writing.write_all(b"x").unwrap_err().kind(), std::io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn files_are_appended_to_and_other_places_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        std::fs::write(&path, "old ").unwrap();
        let name = format!("file://{}", path.display());
        let mut held = Held::default();
        File::from(output(&name, &mut held).unwrap()).write_all(b"new").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old new");
        assert_eq!(output("tcp://host", &mut held).unwrap_err().code, Code::InvalidArgument);
    }
}

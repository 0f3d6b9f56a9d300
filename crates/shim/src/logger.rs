//! Programs that keep a container's log (`binary://PATH?KEY=VALUE`): they read its output from descriptors 3 and 4, and close 5 when they
//! are ready.

use std::ffi::CString;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use host::spawn::{Namespaces, Spawn};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pipe::{PipeFlags, pipe_with};

use crate::failure::{Failure, Trying};
use crate::streams::Identity;

/// How long one may take to be ready, in seconds.
const PATIENCE: i64 = 10;

/// Starts one. Returns where the container's standard output and error go.
pub(crate) fn start(location: &str, identity: Identity<'_>) -> Result<[OwnedFd; 2], Failure> {
    let (path, words) = command_line(location);
    let pipe = || pipe_with(PipeFlags::CLOEXEC).trying("make a pipe");
    let ((out, stdout), (err, stderr), (ready, starting)) = (pipe()?, pipe()?, pipe()?);
    let program = File::open(Path::new(&path)).trying_on("open", Path::new(&path))?;
    let null = File::options().read(true).write(true).open("/dev/null").trying("open /dev/null")?;
    let text =
        |text: String| CString::new(text).map_err(std::io::Error::from).trying("start a logging program");
    let words = std::iter::once(path).chain(words).map(text).collect::<Result<Vec<_>, _>>()?;
    let environment = [
        format!("CONTAINER_ID={}", identity.id),
        format!("CONTAINER_NAMESPACE={}", identity.namespace),
        format!("PATH={}", std::env::var("PATH").unwrap_or_default()),
    ];
    let environment = environment.into_iter().map(text).collect::<Result<Vec<_>, _>>()?;
    let (null, out, err) = (null.as_fd(), out.as_fd(), err.as_fd());
    let spawn = Spawn {
        program: program.as_fd(),
        arguments: &words.iter().map(CString::as_c_str).collect::<Vec<_>>(),
        environment: &environment.iter().map(CString::as_c_str).collect::<Vec<_>>(),
        descriptors: &[null, null, null, out, err, starting.as_fd()],
        namespaces: Namespaces::NONE,
        become_root: None,
    };
    let started = spawn.start(|_| Ok(())).map_err(|error| std::io::Error::from_raw_os_error(error.raw()));
    drop(started.trying("start a logging program")?);
    drop(starting);
    let limit = Timespec { tv_sec: PATIENCE, tv_nsec: 0 };
    let mut watched = [PollFd::new(&ready, PollFlags::IN)];
    if rustix::io::retry_on_intr(|| poll(&mut watched, Some(&limit))).trying("wait for a logging program")?
        == 0
    {
        return Err(Failure::unknown(format!("the logging program {location:?} is not ready")));
    }
    Ok([stdout, stderr])
}

/// The program, and its arguments: each key, followed by its value if it has one.
fn command_line(location: &str) -> (String, Vec<String>) {
    let (path, query) = location.split_once('?').unwrap_or((location, ""));
    let mut words = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        words.push(decoded(key, true));
        if !value.is_empty() {
            words.push(decoded(value, true));
        }
    }
    (decoded(path, false), words)
}

/// `%20` is a space, and in a query `+` too.
fn decoded(text: &str, query: bool) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let digits = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match (first, digits.and_then(|two| u8::from_str_radix(two, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
                continue;
            }
            (b'+', _) if query => bytes.push(b' '),
            _ => bytes.push(*first),
        }
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn locations_are_command_lines() {
        let words = |location: &str| command_line(location);
        assert_eq!(words("/bin/x"), ("/bin/x".to_owned(), Vec::new()));
        let expected = ["a", "b c", "d", "%zz"].map(str::to_owned).to_vec();
        assert_eq!(words("/bin/a%20b+?a=b%20c&d&%zz"), ("/bin/a b+".to_owned(), expected));
    }

    #[test]
    fn a_program_reads_what_is_written() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("log");
        let script = directory.path().join("logger");
        let text = "echo $CONTAINER_ID $CONTAINER_NAMESPACE $2 > $2; exec 5>&-; cat <&3 >> $2; cat <&4 >> $2";
        std::fs::write(&script, text).unwrap();
        let location = format!("/bin/sh?{}={}", script.display(), log.display());
        // Its own words are behind the script: `sh SCRIPT LOG`.
        let text = text.replace("$2", "$1");
        std::fs::write(&script, text).unwrap();
        let [stdout, stderr] = start(&location, Identity { namespace: "n", id: "i" }).unwrap();
        File::from(stdout).write_all(b"out\n").unwrap();
        File::from(stderr).write_all(b"err\n").unwrap();
        let expected = format!("i n {}\nout\nerr\n", log.display());
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while std::fs::read_to_string(&log).unwrap() != expected && std::time::Instant::now() < deadline {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        assert_eq!(std::fs::read_to_string(&log).unwrap(), expected);
    }
}

//! A process's terminal: the runtime sends its master over a socket, and the shim carries what is typed and shown between it and pipes.

use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::failure::{Failure, Trying};

/// How long what was shown may take to be read when the process has been deleted.
const PATIENCE: Duration = Duration::from_secs(5);
/// How much is carried at once, in bytes.
const PIECE: usize = 16 << 10;
/// The stack of a thread that carries, in bytes.
const STACK: usize = 128 << 10;

/// Where the runtime sends the master.
#[derive(Debug)]
pub(crate) struct Socket {
    listener: UnixListener,
    pub(crate) path: PathBuf,
}

impl Socket {
    /// In a directory whose name is short: the address of a socket holds 108 bytes.
    pub(crate) fn new(path: PathBuf) -> Result<Self, Failure> {
        let listener = UnixListener::bind(&path).trying_on("make the socket", &path)?;
        listener.set_nonblocking(true).trying("listen for a terminal")?;
        Ok(Self { listener, path })
    }

    /// The master. It was sent before the runtime's command ended.
    pub(crate) fn receive(&self) -> Result<OwnedFd, Failure> {
        let (stream, _) = self.listener.accept().trying("receive the terminal")?;
        stream.set_nonblocking(true).trying("receive the terminal")?;
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut name = [0; 4096];
        recvmsg(&stream, &mut [IoSliceMut::new(&mut name)], &mut control, RecvFlags::CMSG_CLOEXEC)
            .trying("receive the terminal")?;
        let sent = control.drain().find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
            _ => None,
        });
        sent.ok_or_else(|| Failure::unknown("the runtime has sent no terminal"))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Carries between a terminal and pipes.
#[derive(Debug)]
pub(crate) struct Copier {
    master: OwnedFd,
    /// Ends the thread that carries what is typed.
    stop: OwnedFd,
    /// Ends when all that was shown has been carried.
    shown: Receiver<()>,
}

impl Copier {
    /// Starts carrying: `typed` to the master, and from there to `shown`.
    pub(crate) fn start(master: OwnedFd, typed: OwnedFd, shown: OwnedFd) -> Result<Self, Failure> {
        let copy = || master.try_clone().trying("duplicate a terminal");
        let (stopped, stop) = pipe_with(PipeFlags::CLOEXEC).trying("make a pipe")?;
        let (done, all_shown) = channel();
        let (to, from) = (copy()?, copy()?);
        thread("typed", move || carry_typed(&typed, &to, &stopped))?;
        thread("shown", move || {
            carry_shown(&from, &shown);
            drop(done);
        })?;
        Ok(Self { master, stop, shown: all_shown })
    }

    /// The window has another size.
    pub(crate) fn resize(&self, columns: u16, rows: u16) -> Result<(), Failure> {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&self.master, size).trying("size a terminal")
    }

    /// The process has ended: waits until what it has shown was carried, but not for ever.
    pub(crate) fn finish(self) {
        drop(self.stop);
        let _ = self.shown.recv_timeout(PATIENCE);
    }
}

fn thread(name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
    let started = std::thread::Builder::new().name(name.to_owned()).stack_size(STACK).spawn(body);
    started.map(drop).trying("start a thread")
}

fn carry_typed(typed: &OwnedFd, master: &OwnedFd, stopped: &OwnedFd) {
    let mut buffer = vec![0; PIECE];
    loop {
        let mut watched = [PollFd::new(typed, PollFlags::IN), PollFd::new(stopped, PollFlags::IN)];
        let ready = rustix::io::retry_on_intr(|| poll(&mut watched, None));
        let [typed_at, stopped_at] = watched.map(|fd| !fd.revents().is_empty());
        if ready.is_err() || stopped_at || !typed_at {
            return;
        }
        match rustix::io::read(typed, buffer.as_mut_slice()) {
            Err(Errno::INTR) => {}
            Ok(0) | Err(_) => return,
            Ok(count) => {
                if write_all(master, buffer.get(..count).unwrap_or_default()).is_err() {
                    return;
                }
            }
        }
    }
}

/// Until no process has the terminal any more. If nobody reads it is thrown away, so that the processes can go on.
fn carry_shown(master: &OwnedFd, shown: &OwnedFd) {
    let mut buffer = vec![0; PIECE];
    let mut read = true;
    loop {
        match rustix::io::read(master, buffer.as_mut_slice()) {
            Err(Errno::INTR) => {}
            Ok(0) | Err(_) => return,
            Ok(count) => read = read && write_all(shown, buffer.get(..count).unwrap_or_default()).is_ok(),
        }
    }
}

fn write_all(fd: impl AsFd, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        let count = rustix::io::retry_on_intr(|| rustix::io::write(&fd, bytes))?;
        bytes = bytes.get(count..).unwrap_or_default();
    }
    Ok(())
}

/// A path for a socket in a directory, different each time.
pub(crate) fn unique(directory: &Path) -> Result<PathBuf, Failure> {
    let mut random = [0; 8];
    rustix::rand::getrandom(random.as_mut_slice(), rustix::rand::GetRandomFlags::empty())
        .trying("get a random number")?;
    Ok(directory.join(format!("{:016x}", u64::from_ne_bytes(random))))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
    use rustix::termios::{OptionalActions, tcgetattr, tcgetwinsize, tcsetattr};

    use super::*;

    #[test]
    fn what_is_typed_and_shown_is_carried() {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags).unwrap();
        grantpt(&master).and_then(|()| unlockpt(&master)).unwrap();
        let slave = ioctl_tiocgptpeer(&master, flags).unwrap();
        let mut modes = tcgetattr(&slave).unwrap();
        modes.make_raw();
        tcsetattr(&slave, OptionalActions::Now, &modes).unwrap();

        let ((typed, typing), (showing, shown)) =
            (rustix::pipe::pipe().unwrap(), rustix::pipe::pipe().unwrap());
        let copier = Copier::start(master, typed, shown).unwrap();
        copier.resize(90, 30).unwrap();
        let size = tcgetwinsize(&slave).unwrap();
        assert_eq!((size.ws_col, size.ws_row), (90, 30));
        let mut slave = std::fs::File::from(slave);
        std::fs::File::from(typing).write_all(b"key").unwrap();
        let mut key = [0; 3];
        slave.read_exact(&mut key).unwrap();
        assert_eq!(&key, b"key");
        slave.write_all(b"last words").unwrap();
        drop(slave);
        copier.finish();
        assert_eq!(std::io::read_to_string(std::fs::File::from(showing)).unwrap(), "last words");
    }
}

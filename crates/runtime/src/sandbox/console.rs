//! The host's side of a terminal that a container's process asks for (`process.terminal`).
//!
//! In the foreground it is the caller's own terminal, in raw mode: the line discipline is the container's. Otherwise it is a new one, whose master goes
//! to whoever listens at the console socket, as runc sends it.

use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, Winsize, tcgetattr, tcsetattr, tcsetwinsize};
use sentry::spec::ProcessSpec;

use super::descriptors;
use crate::error::{Error, Trying};

/// The standard descriptors of a process: the caller's, or those of a new terminal, where it wants one and a socket that takes the other side
/// is given.
pub(crate) fn standard(
    process: &mut ProcessSpec,
    socket: Option<&Path>,
    attached: bool,
) -> Result<Vec<OwnedFd>, Error> {
    match (process.terminal, socket, attached) {
        (_, Some(_), true) | (false, Some(_), _) => Err(Error::Message(
            "--console-socket: only a process in the background with a terminal (process.terminal) has one to send"
                .to_owned(),
        )),
        (true, None, false) => Err(Error::Message(
            "process.terminal: in the background the terminal must go to somebody: --console-socket is missing"
                .to_owned(),
        )),
        (true, Some(socket), false) => {
            process.console.watch = true;
            new_terminal(process.console.size, socket)
        }
        (_, None, true) | (false, None, false) => descriptors::standard(),
    }
}

fn new_terminal(size: Option<(u16, u16)>, socket: &Path) -> Result<Vec<OwnedFd>, Error> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = openpt(flags).trying("make a terminal")?;
    grantpt(&master).and_then(|()| unlockpt(&master)).trying("unlock a terminal")?;
    let slave = ioctl_tiocgptpeer(&master, flags).trying("open a terminal")?;
    let mut modes = tcgetattr(&slave).trying("read a terminal's modes")?;
    modes.make_raw();
    tcsetattr(&slave, OptionalActions::Now, &modes).trying("change a terminal's modes")?;
    if let Some((rows, columns)) = size {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&slave, size).trying("size a terminal")?;
    }
    send(&master, socket)?;
    let copy = || slave.try_clone().trying("duplicate a terminal");
    Ok(vec![copy()?, copy()?, copy()?])
}

/// Sends a master, with the name of its slave as data.
fn send(master: &OwnedFd, socket: &Path) -> Result<(), Error> {
    let stream = UnixStream::connect(socket).trying_on("connect to the console socket", socket)?;
    let name = ptsname(master, Vec::new()).trying("name a terminal")?;
    let fds = [master.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&fds));
    sendmsg(&stream, &[IoSlice::new(name.to_bytes())], &mut control, SendFlags::NOSIGNAL)
        .map(drop)
        .trying_on("send the terminal to", socket)
}

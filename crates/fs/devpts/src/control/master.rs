//! Requests that only a master knows.

use abi::signal::Signal;
use abi::{Errno, ioctl};
use vfs::IoctlContext;

use super::{get, put};
use crate::pair::{Change, Pair};

/// Whether the request is one of these.
pub(super) fn ioctl(
    pair: &Pair,
    context: &dyn IoctlContext,
    request: u32,
    argument: u64,
) -> Result<bool, Errno> {
    match request {
        ioctl::TIOCGPTN => put(context, argument, &pair.number)?,
        ioctl::TIOCSPTLCK => {
            let locked = get::<i32>(context, argument)? != 0;
            pair.act(|state| (state.locked = locked, Change::empty()));
        }
        ioctl::TIOCGPTLCK => put(context, argument, &i32::from(pair.look(|state| state.locked)))?,
        ioctl::TIOCPKT => {
            let on = get::<i32>(context, argument)? != 0;
            pair.act(|state| {
                if on && !state.packets {
                    // What happened before is not told.
                    state.discipline.take_packet();
                }
                (state.packets = on, Change::empty())
            });
        }
        ioctl::TIOCGPKT => put(context, argument, &i32::from(pair.look(|state| state.packets)))?,
        ioctl::TIOCSIG => {
            let number = i32::try_from(argument & 0xffff_ffff).map_err(|_| Errno::EINVAL)?;
            let signal = Signal::new(number)?;
            if !matches!(signal, Signal::SIGINT | Signal::SIGQUIT | Signal::SIGTSTP) {
                return Err(Errno::EINVAL);
            }
            pair.signal(signal);
        }
        _ => return Ok(false),
    }
    Ok(true)
}

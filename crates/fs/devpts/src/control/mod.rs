//! ioctl(2) on both sides: ioctl_tty(2) but for what concerns sessions.

mod flow;
mod master;
mod settings;

use abi::{Errno, ioctl};
use vfs::{Capability, IoctlContext, Terminal};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::pair::{Change, Pair};

/// Which side is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Master,
    Slave,
}

/// Carries out a request.
///
/// # Errors
/// `ENOTTY` for requests that it does not know, `EFAULT`, and those of the request.
pub(crate) fn ioctl(
    pair: &Pair,
    side: Side,
    context: &dyn IoctlContext,
    request: u32,
    argument: u64,
) -> Result<u64, Errno> {
    let done = settings::ioctl(pair, context, request, argument)?
        || flow::ioctl(pair, side, request, argument)?
        || side == Side::Master && master::ioctl(pair, context, request, argument)?
        || common(pair, side, context, request, argument)?;
    if done { Ok(0) } else { Err(Errno::ENOTTY) }
}

fn common(
    pair: &Pair,
    side: Side,
    context: &dyn IoctlContext,
    request: u32,
    argument: u64,
) -> Result<bool, Errno> {
    let put = |number: i32| put(context, argument, &number);
    match request {
        ioctl::TIOCGWINSZ => self::put(context, argument, &pair.look(|state| state.window))?,
        ioctl::TIOCSWINSZ => pair.resize(get(context, argument)?),
        ioctl::FIONREAD => put(waiting(pair, side))?,
        // What is written is out at once.
        ioctl::TIOCOUTQ => put(0)?,
        ioctl::TIOCGETD => put(0)?,
        ioctl::TIOCSETD => {
            if get::<i32>(context, argument)? != 0 {
                return Err(Errno::EINVAL);
            }
        }
        ioctl::TIOCEXCL | ioctl::TIOCNXCL => {
            pair.act(|state| (*state.exclusive(side) = request == ioctl::TIOCEXCL, Change::empty()));
        }
        ioctl::TIOCGEXCL => put(i32::from(pair.act(|state| (*state.exclusive(side), Change::empty()))))?,
        ioctl::TIOCGDEV => {
            let number = u32::try_from(pair.device().encode()).map_err(|_| Errno::EINVAL)?;
            self::put(context, argument, &number)?;
        }
        ioctl::TIOCSTI => fake_input(pair, context, argument)?,
        ioctl::TIOCVHANGUP if side == Side::Slave => {
            context.credentials().need(Capability::SysAdmin)?;
            pair.hang_up_all();
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn waiting(pair: &Pair, side: Side) -> i32 {
    let count = pair.look(|state| match side {
        Side::Slave => state.discipline.waiting(),
        Side::Master => state.discipline.output_len(),
    });
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// Input that nobody typed lets a program drive the shell that it was started from, so it takes privilege: Linux with
/// `dev.tty.legacy_tiocsti` off.
fn fake_input(pair: &Pair, context: &dyn IoctlContext, argument: u64) -> Result<(), Errno> {
    if !context.credentials().has(Capability::SysAdmin) {
        return Err(Errno::EIO);
    }
    let byte: u8 = get(context, argument)?;
    pair.act(|state| {
        state.discipline.receive(&[byte]);
        ((), Change::INPUT)
    });
    Ok(())
}

/// Reads a structure of the guest.
fn get<T: FromBytes + IntoBytes>(context: &dyn IoctlContext, address: u64) -> Result<T, Errno> {
    let mut value = T::new_zeroed();
    context.read(address, value.as_mut_bytes())?;
    Ok(value)
}

/// Writes a structure to the guest.
fn put<T: IntoBytes + Immutable>(context: &dyn IoctlContext, address: u64, value: &T) -> Result<(), Errno> {
    context.write(address, value.as_bytes())
}

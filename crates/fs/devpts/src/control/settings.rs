//! Getting and changing the settings, in each of the three forms that there are. On a master they are those of its slave.

use abi::termios::{SPEEDS, Termio, Termios, control};
use abi::{Errno, ioctl};
use vfs::IoctlContext;
use zerocopy::{FromBytes, IntoBytes};

use super::{get, put};
use crate::pair::{Change, Pair};

/// Whether the request is one of these.
pub(super) fn ioctl(
    pair: &Pair,
    context: &dyn IoctlContext,
    request: u32,
    argument: u64,
) -> Result<bool, Errno> {
    let now = pair.look(|state| *state.discipline.termios());
    match request {
        ioctl::TCGETS => {
            let bytes = now.as_bytes().get(..Termios::SHORT).unwrap_or_default();
            context.write(argument, bytes)?;
        }
        ioctl::TCGETS2 => put(context, argument, &now)?,
        ioctl::TCGETA => put(context, argument, &halved(&now))?,
        ioctl::TCSETS | ioctl::TCSETSW | ioctl::TCSETSF => {
            let mut bytes = [0; size_of::<Termios>()];
            let short = bytes.get_mut(..Termios::SHORT).ok_or(Errno::EINVAL)?;
            context.read(argument, short)?;
            let wanted = Termios::read_from_bytes(&bytes).map_err(|_| Errno::EINVAL)?;
            let kept = Termios { ispeed: now.ispeed, ospeed: now.ospeed, ..wanted };
            set(pair, kept, request == ioctl::TCSETSF);
        }
        ioctl::TCSETS2 | ioctl::TCSETSW2 | ioctl::TCSETSF2 => {
            set(pair, get(context, argument)?, request == ioctl::TCSETSF2);
        }
        ioctl::TCSETA | ioctl::TCSETAW | ioctl::TCSETAF => {
            set(pair, merged(now, &get(context, argument)?), request == ioctl::TCSETAF);
        }
        ioctl::TIOCGSOFTCAR => put(context, argument, &i32::from(now.cflag & control::CLOCAL != 0))?,
        ioctl::TIOCSSOFTCAR => {
            let on = get::<i32>(context, argument)? != 0;
            let bit = if on { control::CLOCAL } else { 0 };
            set(pair, Termios { cflag: now.cflag & !control::CLOCAL | bit, ..now }, false);
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn set(pair: &Pair, mut wanted: Termios, flush: bool) {
    wanted.ospeed = speed(wanted.cflag & control::CBAUD, wanted.ospeed);
    let input = wanted.cflag >> control::IBSHIFT & control::CBAUD;
    wanted.ispeed = if input == 0 { wanted.ospeed } else { speed(input, wanted.ispeed) };
    pair.act(|state| {
        if flush {
            state.discipline.flush_input();
        }
        state.discipline.set(wanted);
        // What can be read or written may be another thing now.
        ((), Change::INPUT | Change::OUTPUT_ROOM | Change::INPUT_ROOM)
    });
}

/// Bits a second that a number `B*` stands for.
fn speed(number: u32, other: u32) -> u32 {
    let place = match number {
        control::BOTHER => return other,
        above if above > control::BOTHER => above - control::BOTHER + 15,
        below => below,
    };
    usize::try_from(place).ok().and_then(|place| SPEEDS.get(place)).copied().unwrap_or(0)
}

fn halved(termios: &Termios) -> Termio {
    let half = |word: u32| u16::try_from(word & 0xffff).unwrap_or_default();
    let mut cc = [0; 8];
    cc.iter_mut().zip(termios.cc).for_each(|(to, from)| *to = from);
    Termio {
        iflag: half(termios.iflag),
        oflag: half(termios.oflag),
        cflag: half(termios.cflag),
        lflag: half(termios.lflag),
        line: termios.line,
        cc,
        pad: 0,
    }
}

fn merged(mut termios: Termios, termio: &Termio) -> Termios {
    let merge = |word: u32, half: u16| word & 0xffff_0000 | u32::from(half);
    termios.iflag = merge(termios.iflag, termio.iflag);
    termios.oflag = merge(termios.oflag, termio.oflag);
    termios.cflag = merge(termios.cflag, termio.cflag);
    termios.lflag = merge(termios.lflag, termio.lflag);
    termios.line = termio.line;
    termios.cc.iter_mut().zip(termio.cc).for_each(|(to, from)| *to = from);
    termios
}

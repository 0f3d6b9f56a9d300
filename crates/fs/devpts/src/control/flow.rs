//! Flow, flushes and breaks: tcflow(3), tcflush(3), tcsendbreak(3), tcdrain(3).

use abi::termios::ControlCharacter;
use abi::{Errno, ioctl};

use super::Side;
use crate::pair::{Change, Pair, State};

const BOTH: Change = Change::INPUT.union(Change::INPUT_ROOM).union(Change::OUTPUT_ROOM);

/// Whether the request is one of these.
pub(super) fn ioctl(pair: &Pair, side: Side, request: u32, argument: u64) -> Result<bool, Errno> {
    match request {
        ioctl::TCXONC => pair.act(|state| (flow(state, side, argument), BOTH))?,
        ioctl::TCFLSH => pair.act(|state| (flush(state, side, argument), BOTH))?,
        // A pseudoterminal has no line to break, and all that is written is out.
        ioctl::TCSBRK | ioctl::TCSBRKP | ioctl::TIOCSBRK | ioctl::TIOCCBRK => {}
        _ => return Ok(false),
    }
    Ok(true)
}

fn flow(state: &mut State, side: Side, argument: u64) -> Result<(), Errno> {
    match (argument, side) {
        (0 | 1, Side::Slave) => state.discipline.hold(argument == 0),
        (0 | 1, Side::Master) => state.master_held = argument == 0,
        (2 | 3, _) => {
            let which = if argument == 2 { ControlCharacter::Stop } else { ControlCharacter::Start };
            let byte = state.discipline.termios().character(which);
            match side {
                _ if byte == 0 => {}
                Side::Slave => state.discipline.send_past(byte),
                Side::Master => {
                    state.discipline.receive(&[byte]);
                }
            }
        }
        _ => return Err(Errno::EINVAL),
    }
    Ok(())
}

fn flush(state: &mut State, side: Side, argument: u64) -> Result<(), Errno> {
    if argument > 2 {
        return Err(Errno::EINVAL);
    }
    let (input, output) = (argument != 1, argument != 0);
    match side {
        Side::Slave => {
            if input {
                state.discipline.flush_input();
            }
            if output {
                state.discipline.flush_output();
            }
        }
        Side::Master => {
            if input {
                state.discipline.drop_output();
            }
            if output {
                state.backlog.clear();
            }
        }
    }
    Ok(())
}

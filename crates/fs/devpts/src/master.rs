//! The side that a terminal emulator holds.

use std::any::Any;
use std::sync::Arc;

use abi::Errno;
use abi::termios::WindowSize;
use vfs::{Events, File, IoctlContext, Sink, Source, Terminal, WaitQueue, scratch};

use crate::control::{self, Side};
use crate::pair::{Change, Pair, State};

/// The first byte of a read in packet mode that brings data.
const DATA: u8 = 0;
/// A read takes no more at once, as Linux's buffer has no more.
const MOST: usize = 4096;

/// An open master.
pub struct MasterFile {
    pair: Arc<Pair>,
}

impl MasterFile {
    pub(crate) const fn new(pair: Arc<Pair>) -> Self {
        Self { pair }
    }

    /// Its number: the name of its slave in the filesystem.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.pair.number
    }

    /// Lets the slave be opened, as unlockpt(3).
    pub fn unlock(&self) {
        self.pair.act(|state| (state.locked = false, Change::empty()));
    }

    /// Changes the window size; the foreground hears of it.
    pub fn resize(&self, window: WindowSize) {
        self.pair.resize(window);
    }
}

/// What a read of up to `room` bytes gets.
fn take(state: &mut State, room: usize) -> Result<Vec<u8>, Errno> {
    if state.packets && !state.discipline.packet().is_empty() {
        return Ok(vec![state.discipline.take_packet().bits()]);
    }
    if state.discipline.output_len() == 0 {
        return Err(if state.slave_gone { Errno::EIO } else { Errno::EAGAIN });
    }
    let mut piece = if state.packets { vec![DATA] } else { Vec::new() };
    let left = room.saturating_sub(piece.len());
    piece.append(&mut state.discipline.take_output(left));
    Ok(piece)
}

impl Drop for MasterFile {
    fn drop(&mut self) {
        self.pair.master_closed();
    }
}

impl File for MasterFile {
    fn read(&self, _: u64, into: &mut dyn Sink) -> Result<usize, Errno> {
        let room = into.room().min(MOST);
        if room == 0 {
            return Ok(0);
        }
        let piece = self.pair.act(|state| match take(state, room) {
            Ok(piece) => (Ok(piece), Change::OUTPUT_ROOM),
            Err(errno) => (Err(errno), Change::empty()),
        })?;
        into.put(&piece)
    }

    fn write(&self, _: Option<u64>, from: &mut dyn Source) -> Result<(usize, u64), Errno> {
        let written = scratch::drain(from, |_, piece| {
            self.pair.act(|state| {
                let taken = piece.get(..state.backlog_room()).unwrap_or(piece);
                if taken.is_empty() && !piece.is_empty() {
                    return (Err(Errno::EAGAIN), Change::empty());
                }
                state.backlog.extend(taken);
                (Ok(taken.len()), Change::INPUT)
            })
        });
        written.map(|count| (count, 0))
    }

    fn seekable(&self) -> bool {
        false
    }

    fn poll(&self) -> Events {
        self.pair.look(|state| {
            let told = state.packets && !state.discipline.packet().is_empty();
            let mut events = Events::empty();
            events.set(Events::IN | Events::RDNORM, told || state.discipline.output_len() > 0);
            events.set(Events::PRI, told);
            events.set(Events::OUT | Events::WRNORM, state.backlog_room() > 0);
            events.set(Events::HUP, state.slave_gone);
            events
        })
    }

    fn readiness(&self) -> Option<&Arc<WaitQueue>> {
        Some(&self.pair.master_queue)
    }

    fn ioctl(&self, context: &dyn IoctlContext, request: u32, argument: u64) -> Result<u64, Errno> {
        control::ioctl(&self.pair, Side::Master, context, request, argument)
    }

    fn master_of(&self) -> Option<Arc<dyn Terminal>> {
        self.pair.shared()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

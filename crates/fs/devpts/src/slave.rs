//! The terminal itself, open.

use std::any::Any;
use std::sync::Arc;

use abi::{Errno, ioctl};
use vfs::{Credentials, Events, File, IoctlContext, OpenFlags, Sink, Source, Terminal, WaitQueue, scratch};

use crate::control::{self, Side};
use crate::pair::{Change, Pair, State};

/// An open slave.
pub(crate) struct SlaveFile {
    pair: Arc<Pair>,
    /// How many hang-ups there had been when it was opened: with another one it is dead.
    hang_ups: u64,
}

impl SlaveFile {
    pub(crate) const fn new(pair: Arc<Pair>, hang_ups: u64) -> Self {
        Self { pair, hang_ups }
    }

    fn is_dead(&self, state: &State) -> bool {
        state.hang_ups != self.hang_ups
    }
}

impl Drop for SlaveFile {
    fn drop(&mut self) {
        self.pair.slave_closed();
    }
}

impl File for SlaveFile {
    fn read(&self, _: u64, into: &mut dyn Sink) -> Result<usize, Errno> {
        let room = into.room();
        if room == 0 {
            return Ok(0);
        }
        let piece = self.pair.act(|state| {
            if self.is_dead(state) {
                return (Ok(Vec::new()), Change::empty());
            }
            match state.discipline.read(room) {
                Some(piece) => (Ok(piece), Change::INPUT_ROOM),
                None => (Err(Errno::EAGAIN), Change::empty()),
            }
        })?;
        if piece.is_empty() { Ok(0) } else { into.put(&piece) }
    }

    fn write(&self, _: Option<u64>, from: &mut dyn Source) -> Result<(usize, u64), Errno> {
        let written = scratch::drain(from, |_, piece| {
            self.pair.act(|state| {
                if self.is_dead(state) {
                    return (Err(Errno::EIO), Change::empty());
                }
                match state.discipline.write(piece) {
                    0 if !piece.is_empty() => (Err(Errno::EAGAIN), Change::empty()),
                    count => (Ok(count), Change::empty()),
                }
            })
        });
        written.map(|count| (count, 0))
    }

    fn seekable(&self) -> bool {
        false
    }

    fn poll(&self) -> Events {
        self.pair.look(|state| {
            if self.is_dead(state) {
                return Events::ALWAYS | Events::ERR | Events::HUP;
            }
            let mut events = Events::empty();
            events.set(Events::IN | Events::RDNORM, state.discipline.is_readable());
            events.set(Events::OUT | Events::WRNORM, state.discipline.takes_output());
            events
        })
    }

    fn readiness(&self) -> Option<&Arc<WaitQueue>> {
        Some(&self.pair.slave_queue)
    }

    fn ioctl(&self, context: &dyn IoctlContext, request: u32, argument: u64) -> Result<u64, Errno> {
        if self.pair.look(|state| self.is_dead(state)) {
            return Err(if request == ioctl::TIOCSPGRP { Errno::ENOTTY } else { Errno::EIO });
        }
        control::ioctl(&self.pair, Side::Slave, context, request, argument)
    }

    fn reopen(&self, _: OpenFlags, credentials: &Credentials) -> Result<Arc<dyn File>, Errno> {
        self.pair.open_slave(credentials)
    }

    fn terminal(&self) -> Option<Arc<dyn Terminal>> {
        if self.pair.look(|state| self.is_dead(state)) { None } else { self.pair.shared() }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

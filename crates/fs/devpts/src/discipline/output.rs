//! What programs write, on its way to whoever looks at the terminal.

use abi::termios::{OutputModes, Packet};

use super::{Discipline, letters};

/// Bytes that wait at most for the other side.
pub(super) const CAPACITY: usize = 12 * 1024;
/// What the other side has as good as read: a flush does not take it back.
const DELIVERED: usize = 4095;

impl Discipline {
    /// How many bytes the other side still takes.
    pub(super) fn output_room(&self) -> usize {
        if self.stopped { 0 } else { CAPACITY.saturating_sub(self.output.len()) }
    }

    /// Puts bytes out as they are. There must be room.
    pub(super) fn emit(&mut self, bytes: &[u8]) {
        self.output.extend(bytes);
    }

    /// Takes what a program writes. Returns how much there was room for.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> usize {
        self.show_echoes();
        if !self.output_mode(OutputModes::OPOST) {
            let taken = bytes.get(..self.output_room()).unwrap_or(bytes);
            self.emit(taken);
            return taken.len();
        }
        bytes.iter().take_while(|byte| self.put(**byte)).count()
    }

    /// Puts one character out as the output modes say. Whether there was room.
    pub(super) fn put(&mut self, byte: u8) -> bool {
        let room = self.output_room();
        if room == 0 {
            return false;
        }
        if !self.output_mode(OutputModes::OPOST) {
            self.emit(&[byte]);
            return true;
        }
        match byte {
            b'\n' => self.put_newline(room),
            b'\r' => self.put_return(),
            b'\t' => self.put_tab(room),
            8 => {
                self.column = self.column.saturating_sub(1);
                self.emit(&[byte]);
                true
            }
            _ => {
                self.put_character(byte);
                true
            }
        }
    }

    fn put_newline(&mut self, room: usize) -> bool {
        if self.output_mode(OutputModes::ONLRET) {
            self.column = 0;
        }
        if self.output_mode(OutputModes::ONLCR) {
            if room < 2 {
                return false;
            }
            self.column = 0;
            self.emit(b"\r\n");
        } else {
            self.emit(b"\n");
        }
        self.line_column = self.column;
        true
    }

    fn put_return(&mut self) -> bool {
        if self.output_mode(OutputModes::ONOCR) && self.column == 0 {
            return true;
        }
        let newline = self.output_mode(OutputModes::OCRNL);
        if !newline || self.output_mode(OutputModes::ONLRET) {
            self.column = 0;
            self.line_column = 0;
        }
        self.emit(if newline { b"\n" } else { b"\r" });
        true
    }

    fn put_tab(&mut self, room: usize) -> bool {
        let width = 8 - (self.column & 7);
        if self.output_mode(OutputModes::XTABS) {
            let spaces = usize::try_from(width).unwrap_or(8);
            if room < spaces {
                return false;
            }
            self.output.extend(std::iter::repeat_n(b' ', spaces));
        } else {
            self.emit(b"\t");
        }
        self.column = self.column.wrapping_add(width);
        true
    }

    fn put_character(&mut self, byte: u8) {
        let mut shown = byte;
        if !byte.is_ascii_control() {
            if self.output_mode(OutputModes::OLCUC) {
                shown = letters::to_upper(byte);
            }
            if !self.is_continuation(byte) {
                self.column = self.column.wrapping_add(1);
            }
        }
        self.emit(&[shown]);
    }

    /// Whether programs may write now.
    pub(crate) fn takes_output(&self) -> bool {
        self.output_room() > 0
    }

    /// How much waits for the other side.
    pub(crate) fn output_len(&self) -> usize {
        self.output.len()
    }

    /// Gives the other side up to `room` bytes.
    pub(crate) fn take_output(&mut self, room: usize) -> Vec<u8> {
        let count = room.min(self.output.len());
        let taken = self.output.drain(..count).collect();
        // What waited for room is shown now.
        self.show_echoes();
        taken
    }

    /// Forgets what has not gone out.
    pub(crate) fn flush_output(&mut self) {
        self.output.truncate(DELIVERED);
        self.packet |= Packet::FLUSHWRITE;
    }

    /// Forgets all of it, which only the other side can ask for.
    pub(crate) fn drop_output(&mut self) {
        self.output.clear();
    }
}

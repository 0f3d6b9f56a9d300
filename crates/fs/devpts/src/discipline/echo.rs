//! What a terminal shows of what is typed.
//!
//! Echoes wait in a queue of their own until all of a piece of input was looked at, and as long as the output is stopped or full.

use std::collections::VecDeque;

use abi::termios::LocalModes;

use super::Discipline;

/// Echoes that wait at most; the oldest are lost.
const LIMIT: usize = 4096;
/// So many are shown before the piece of input ends.
const MANY: usize = 256;

/// One thing to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Echo {
    /// A character.
    Plain(u8),
    /// A control character, as `^X`.
    Caret(u8),
    /// A tab is taken back: so many columns were used before it since the last tab, or since the beginning of the line.
    EraseTab { columns: u32, after_tab: bool },
    /// The line being typed begins here.
    LineStart,
    /// One column less than the characters would say: the rest of a character of several bytes.
    StepBack,
}

impl Discipline {
    fn queue(&mut self, echo: Echo) {
        if self.echoes.len() >= LIMIT {
            self.echoes.pop_front();
        }
        self.echoes.push_back(echo);
    }

    /// Shows a character as it is.
    pub(super) fn echo_raw(&mut self, byte: u8) {
        self.queue(Echo::Plain(byte));
    }

    /// Shows all of these as they are.
    pub(super) fn echo_all(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.echo_raw(*byte));
    }

    /// Shows a character, control characters with a caret if the modes say so.
    pub(super) fn echo(&mut self, byte: u8) {
        let caret = self.local(LocalModes::ECHOCTL) && byte.is_ascii_control() && byte != b'\t';
        self.queue(if caret { Echo::Caret(byte) } else { Echo::Plain(byte) });
    }

    pub(super) fn echo_erased_tab(&mut self, columns: u32, after_tab: bool) {
        self.queue(Echo::EraseTab { columns, after_tab });
    }

    pub(super) fn echo_step_back(&mut self) {
        self.queue(Echo::StepBack);
    }

    /// Shows a character that is added to the line.
    pub(super) fn echo_typed(&mut self, byte: u8) {
        if self.input.line_is_empty() {
            self.queue(Echo::LineStart);
        }
        self.echo(byte);
    }

    /// Ends the display of erased characters between `\` and `/`.
    pub(super) fn finish_erasing(&mut self) {
        if std::mem::take(&mut self.erasing) {
            self.echo_raw(b'/');
        }
    }

    /// Shows what waits if that has become much.
    pub(super) fn show_if_many(&mut self) {
        if self.echoes.len() >= MANY {
            self.show_echoes();
        }
    }

    /// Shows what waits, as far as there is room.
    pub(crate) fn show_echoes(&mut self) {
        while let Some(echo) = self.echoes.front().copied() {
            if !self.show(echo) {
                break;
            }
            self.echoes.pop_front();
        }
        if self.echoes.is_empty() && self.echoes.capacity() > MANY {
            self.echoes = VecDeque::new();
        }
    }

    /// Whether there was room for it.
    fn show(&mut self, echo: Echo) -> bool {
        match echo {
            Echo::Plain(byte) => return self.put(byte),
            Echo::Caret(byte) => {
                if self.output_room() < 2 {
                    return false;
                }
                self.column = self.column.wrapping_add(2);
                self.emit(&[b'^', byte ^ 0x40]);
            }
            Echo::EraseTab { columns, after_tab } => {
                let before = if after_tab { columns } else { columns.wrapping_add(self.line_column) };
                let width = 8 - (before & 7);
                let backspaces = [8_u8; 8];
                let Some(back) = usize::try_from(width).ok().and_then(|n| backspaces.get(..n)) else {
                    return true;
                };
                if self.output_room() < back.len() {
                    return false;
                }
                self.column = self.column.saturating_sub(width);
                self.emit(back);
            }
            Echo::LineStart => self.line_column = self.column,
            Echo::StepBack => self.column = self.column.saturating_sub(1),
        }
        true
    }
}

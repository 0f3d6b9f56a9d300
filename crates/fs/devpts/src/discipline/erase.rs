//! Taking back what was typed: a character, a word, the line.

use abi::termios::{ControlCharacter, LocalModes};

use super::{Discipline, letters};

/// What is done for one character that is taken back.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Character,
    Word,
    Line,
}

impl Discipline {
    pub(super) fn erase_character(&mut self) {
        self.erase(Extent::Character);
    }

    pub(super) fn erase_word(&mut self) {
        self.erase(Extent::Word);
    }

    pub(super) fn kill_line(&mut self) {
        if self.input.line_is_empty() {
            return;
        }
        if !self.local(LocalModes::ECHO) {
            self.input.drop_line();
            return;
        }
        let visibly = LocalModes::ECHOK | LocalModes::ECHOKE | LocalModes::ECHOE;
        if self.local(visibly) {
            self.erase(Extent::Line);
            return;
        }
        self.input.drop_line();
        self.finish_erasing();
        self.echo(self.termios.character(ControlCharacter::Kill));
        if self.local(LocalModes::ECHOK) {
            self.echo_raw(b'\n');
        }
    }

    /// Shows the line being typed again.
    pub(super) fn reprint(&mut self, byte: u8) {
        self.finish_erasing();
        self.echo(byte);
        self.echo_raw(b'\n');
        let line: Vec<u8> = self.input.line().collect();
        line.into_iter().for_each(|byte| self.echo(byte));
    }

    fn erase(&mut self, extent: Extent) {
        if self.input.line_is_empty() {
            return;
        }
        let mut in_word = false;
        while let Some(length) = self.last_character() {
            let first = self.input.line().rev().nth(length - 1).unwrap_or_default();
            if extent == Extent::Word {
                if letters::is_alphanumeric(first) || first == b'_' {
                    in_word = true;
                } else if in_word {
                    break;
                }
            }
            let mut bytes: Vec<u8> = (0..length).filter_map(|_| self.input.pop()).collect();
            bytes.reverse();
            if self.local(LocalModes::ECHO) {
                self.show_erased(&bytes, extent);
            }
            if extent == Extent::Character {
                break;
            }
        }
        if self.input.line_is_empty() && self.local(LocalModes::ECHO) {
            self.finish_erasing();
        }
    }

    /// How many bytes the last character of the line has; nothing if there is none, or only the rest of one.
    fn last_character(&self) -> Option<usize> {
        self.input.line().rev().position(|byte| !self.is_continuation(byte)).map(|rest| rest + 1)
    }

    fn show_erased(&mut self, character: &[u8], extent: Extent) {
        let Some((first, rest)) = character.split_first() else { return };
        let carets = self.local(LocalModes::ECHOCTL);
        if self.local(LocalModes::ECHOPRT) {
            if !std::mem::replace(&mut self.erasing, true) {
                self.echo_raw(b'\\');
            }
            self.echo(*first);
            for byte in rest {
                self.echo_raw(*byte);
                self.echo_step_back();
            }
        } else if extent == Extent::Character && !self.local(LocalModes::ECHOE) {
            self.echo(self.termios.character(ControlCharacter::Erase));
        } else if *first == b'\t' {
            let (columns, after_tab) = self.columns_before_tab();
            self.echo_erased_tab(columns, after_tab);
        } else {
            if first.is_ascii_control() && carets {
                self.echo_all(b"\x08 \x08");
            }
            if !first.is_ascii_control() || carets {
                self.echo_all(b"\x08 \x08");
            }
        }
    }

    /// The columns that the line has used since its last tab, or since it began.
    fn columns_before_tab(&self) -> (u32, bool) {
        let mut columns: u32 = 0;
        for byte in self.input.line().rev() {
            match byte {
                b'\t' => return (columns, true),
                _ if byte.is_ascii_control() && self.local(LocalModes::ECHOCTL) => columns += 2,
                _ if byte.is_ascii_control() || self.is_continuation(byte) => {}
                _ => columns += 1,
            }
        }
        (columns, false)
    }
}

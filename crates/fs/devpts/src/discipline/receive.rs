//! What is done with each character that is typed.

use abi::signal::Signal;
use abi::termios::{ControlCharacter, InputModes, LocalModes};

use super::input::{CAPACITY, Mark};
use super::{Discipline, letters};

impl Discipline {
    /// Takes characters as far as there is room for them, and returns how many.
    pub(crate) fn receive(&mut self, bytes: &[u8]) -> usize {
        let mut taken: usize = 0;
        for byte in bytes {
            if !self.make_room() {
                break;
            }
            self.receive_one(*byte);
            self.show_if_many();
            taken = taken.saturating_add(1);
        }
        self.show_echoes();
        taken
    }

    /// Whether another character is taken now. A line that is too long must be able to end: all its characters but the last stay, so that the
    /// newline finds a place.
    fn make_room(&mut self) -> bool {
        let used = self.input.len();
        let worst = if self.input_mode(InputModes::PARMRK) { 3 } else { 1 };
        if used.saturating_add(worst) < CAPACITY {
            return true;
        }
        let endless = self.is_canonical() && !self.input.has_line();
        if endless && used >= CAPACITY {
            self.input.pop();
        }
        endless
    }

    fn receive_one(&mut self, byte: u8) {
        let literal = std::mem::take(&mut self.literal_next);
        let byte = self.mapped(byte);
        if literal {
            self.ordinary(byte);
        } else if self.local(LocalModes::EXTPROC) {
            self.input.push(byte);
        } else {
            self.special(byte);
        }
    }

    fn mapped(&self, mut byte: u8) -> u8 {
        if self.input_mode(InputModes::ISTRIP) {
            byte &= 0x7f;
        }
        if self.input_mode(InputModes::IUCLC) && self.local(LocalModes::IEXTEN) {
            byte = letters::to_lower(byte);
        }
        byte
    }

    /// Whether a character is the one that the settings give for this purpose; 0 gives none.
    fn is(&self, byte: u8, which: ControlCharacter) -> bool {
        byte != 0 && byte == self.termios.character(which)
    }

    fn special(&mut self, byte: u8) {
        if self.input_mode(InputModes::IXON) {
            if self.is(byte, ControlCharacter::Start) {
                return self.start();
            }
            if self.is(byte, ControlCharacter::Stop) {
                return self.stop();
            }
        }
        if self.local(LocalModes::ISIG) {
            let signals = [
                (ControlCharacter::Intr, Signal::SIGINT),
                (ControlCharacter::Quit, Signal::SIGQUIT),
                (ControlCharacter::Susp, Signal::SIGTSTP),
            ];
            if let Some((_, signal)) = signals.into_iter().find(|(which, _)| self.is(byte, *which)) {
                return self.signal_character(byte, signal);
            }
        }
        self.restart_by_any();
        match byte {
            b'\r' if self.input_mode(InputModes::IGNCR) => {}
            b'\r' if self.input_mode(InputModes::ICRNL) => self.converted(b'\n'),
            b'\n' if self.input_mode(InputModes::INLCR) => self.converted(b'\r'),
            _ if self.is_canonical() && self.edit(byte) => {}
            _ => self.ordinary(byte),
        }
    }

    /// A newline or return that was the other one before.
    fn converted(&mut self, byte: u8) {
        if self.is_canonical() && self.edit(byte) {
            return;
        }
        if self.local(LocalModes::ECHO) {
            self.finish_erasing();
            if byte == b'\n' { self.echo_raw(byte) } else { self.echo_typed(byte) }
        }
        self.store(byte);
    }

    /// A character without a meaning of its own.
    fn ordinary(&mut self, byte: u8) {
        self.restart_by_any();
        if self.local(LocalModes::ECHO) {
            self.finish_erasing();
            self.echo_typed(byte);
        }
        self.store(byte);
    }

    fn store(&mut self, byte: u8) {
        // Marked, so that a program can tell it from the mark of a parity error.
        if byte == 0xff && self.input_mode(InputModes::PARMRK) {
            self.input.push(byte);
        }
        self.input.push(byte);
    }

    fn restart_by_any(&mut self) {
        let any = InputModes::IXON | InputModes::IXANY;
        if self.stopped && self.input_mode(any) {
            self.start();
        }
    }

    fn signal_character(&mut self, byte: u8, signal: Signal) {
        self.signal(signal);
        if !self.local(LocalModes::NOFLSH) {
            self.echoes.clear();
            self.flush_output();
            self.flush_input();
        }
        if self.input_mode(InputModes::IXON) {
            self.start();
        }
        if self.local(LocalModes::ECHO) {
            self.echo(byte);
        }
    }

    /// The characters that edit a line or end it. Whether this was one.
    fn edit(&mut self, byte: u8) -> bool {
        let extended = self.local(LocalModes::IEXTEN);
        let echo = self.local(LocalModes::ECHO);
        if self.is(byte, ControlCharacter::Erase) {
            self.erase_character();
        } else if self.is(byte, ControlCharacter::Kill) {
            self.kill_line();
        } else if extended && self.is(byte, ControlCharacter::Werase) {
            self.erase_word();
        } else if extended && self.is(byte, ControlCharacter::Lnext) {
            self.quote_next();
        } else if extended && echo && self.is(byte, ControlCharacter::Reprint) {
            self.reprint(byte);
        } else if byte == b'\n' {
            if echo || self.local(LocalModes::ECHONL) {
                self.echo_raw(b'\n');
            }
            self.end_line(byte, Mark::End);
        } else if self.is(byte, ControlCharacter::Eof) {
            self.end_line(0, Mark::EndOfFile);
        } else if self.is(byte, ControlCharacter::Eol) || extended && self.is(byte, ControlCharacter::Eol2) {
            if echo {
                self.echo_typed(byte);
            }
            if byte == 0xff && self.input_mode(InputModes::PARMRK) {
                self.input.push(byte);
            }
            self.end_line(byte, Mark::End);
        } else {
            return false;
        }
        true
    }

    fn end_line(&mut self, byte: u8, mark: Mark) {
        self.input.push_end(byte, mark);
    }

    fn quote_next(&mut self) {
        self.literal_next = true;
        if self.local(LocalModes::ECHO) {
            self.finish_erasing();
            if self.local(LocalModes::ECHOCTL) {
                self.echo_all(b"^\x08");
            }
        }
    }
}

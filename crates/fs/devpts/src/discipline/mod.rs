//! The line discipline of a terminal, Linux's `N_TTY`, as termios(3) describes it: a state machine without locks, time or processes.
//!
//! Characters that are typed go in by [`Discipline::receive`] and come out by [`Discipline::read`]; what programs write goes in by [`Discipline::write`]
//! and comes out, with the echo of what was typed, by [`Discipline::take_output`]. What else shall happen is noted: signals for the
//! foreground, and what packet mode tells.

mod echo;
mod erase;
mod flow;
mod input;
mod letters;
mod output;
mod receive;
mod settings;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use abi::signal::Signal;
use abi::termios::{ControlCharacter, InputModes, LocalModes, OutputModes, Packet, Termios};
use vfs::terminal::ReadRule;

use echo::Echo;
use input::Input;
pub(crate) use settings::initial;

/// The state of a terminal.
#[derive(Debug)]
pub(crate) struct Discipline {
    termios: Termios,
    input: Input,
    echoes: VecDeque<Echo>,
    output: VecDeque<u8>,
    /// Where the cursor is, if nobody moved it.
    column: u32,
    /// Where the line being typed began.
    line_column: u32,
    /// The next character has no meaning of its own.
    literal_next: bool,
    /// Erased characters are being shown between `\` and `/`.
    erasing: bool,
    /// The output is stopped,
    stopped: bool,
    /// and not by a character that was typed.
    held: bool,
    signals: Vec<Signal>,
    packet: Packet,
}

impl Discipline {
    pub(crate) fn new() -> Self {
        Self {
            termios: initial(),
            input: Input::default(),
            echoes: VecDeque::new(),
            output: VecDeque::new(),
            column: 0,
            line_column: 0,
            literal_next: false,
            erasing: false,
            stopped: false,
            held: false,
            signals: Vec::new(),
            packet: Packet::empty(),
        }
    }

    pub(crate) const fn termios(&self) -> &Termios {
        &self.termios
    }

    fn input_mode(&self, mode: InputModes) -> bool {
        self.termios.input().contains(mode)
    }

    fn output_mode(&self, mode: OutputModes) -> bool {
        self.termios.output().contains(mode)
    }

    fn local(&self, mode: LocalModes) -> bool {
        self.termios.local().contains(mode)
    }

    fn is_canonical(&self) -> bool {
        self.local(LocalModes::ICANON)
    }

    /// Whether reading goes by lines. With `EXTPROC` the other side has made the lines.
    fn reads_lines(&self) -> bool {
        self.is_canonical() && !self.local(LocalModes::EXTPROC)
    }

    /// Whether a byte goes on a character of several bytes.
    fn is_continuation(&self, byte: u8) -> bool {
        self.input_mode(InputModes::IUTF8) && byte & 0xc0 == 0x80
    }

    fn signal(&mut self, signal: Signal) {
        if !self.signals.contains(&signal) {
            self.signals.push(signal);
        }
    }

    /// The signals that the foreground process group shall get.
    pub(crate) fn take_signals(&mut self) -> Vec<Signal> {
        std::mem::take(&mut self.signals)
    }

    /// What packet mode has to tell.
    pub(crate) const fn packet(&self) -> Packet {
        self.packet
    }

    /// As [`Self::packet`], which then is told.
    pub(crate) fn take_packet(&mut self) -> Packet {
        std::mem::replace(&mut self.packet, Packet::empty())
    }

    /// How many characters wait, for `FIONREAD`.
    pub(crate) fn waiting(&self) -> usize {
        if self.reads_lines() { self.input.line_bytes() } else { self.input.len() }
    }

    /// Whether poll(2) shall say that there is something to read.
    pub(crate) fn is_readable(&self) -> bool {
        if self.reads_lines() {
            return self.input.has_line();
        }
        let rule = self.read_rule();
        let wanted = if rule.between.is_none() && rule.first.is_none() { rule.minimum } else { 1 };
        self.input.len() >= wanted.max(1)
    }

    /// Takes what a read of up to `room` bytes gets now. Nothing if there is nothing; an empty piece is the end of a file.
    pub(crate) fn read(&mut self, room: usize) -> Option<Vec<u8>> {
        if self.reads_lines() {
            self.input.take_line(room)
        } else if self.input.len() == 0 {
            None
        } else {
            Some(self.input.take(room))
        }
    }

    /// When a read is complete.
    pub(crate) fn read_rule(&self) -> ReadRule {
        ReadRule::of(
            self.is_canonical(),
            self.termios.character(ControlCharacter::Min),
            self.termios.character(ControlCharacter::Time),
        )
    }

    /// Forgets what was typed.
    pub(crate) fn flush_input(&mut self) {
        self.input.clear();
        self.literal_next = false;
        self.erasing = false;
        self.packet |= Packet::FLUSHREAD;
    }
}

//! Stopping the output and letting it go on.

use abi::termios::Packet;

use super::Discipline;

impl Discipline {
    /// As the STOP character does.
    pub(super) fn stop(&mut self) {
        if !self.stopped {
            self.stopped = true;
            self.packet = self.packet.difference(Packet::START) | Packet::STOP;
        }
    }

    /// As the START character does: without effect if a program holds the output.
    pub(super) fn start(&mut self) {
        if self.stopped && !self.held {
            self.stopped = false;
            self.packet = self.packet.difference(Packet::STOP) | Packet::START;
        }
        self.show_echoes();
    }

    /// tcflow(3) `TCOOFF` and `TCOON`.
    pub(crate) fn hold(&mut self, on: bool) {
        if on && !self.held {
            self.stop();
            self.held = true;
        } else if !on && self.held {
            self.held = false;
            self.start();
        }
    }

    /// Sends a character past all modes, even while the output is stopped: tcflow(3) `TCIOFF` and `TCION`.
    pub(crate) fn send_past(&mut self, byte: u8) {
        let stopped = std::mem::take(&mut self.stopped);
        if self.output_room() > 0 {
            self.emit(&[byte]);
        }
        self.stopped = stopped;
    }
}

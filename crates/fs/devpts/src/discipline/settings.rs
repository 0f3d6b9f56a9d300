//! The settings of a terminal: what a new one has, and what changing them does.

use abi::termios::{InputModes, LocalModes, OutputModes, Packet, Termios, control};

use super::Discipline;

/// INTR, QUIT, ERASE, KILL, EOF, TIME, MIN, SWTC, START, STOP, SUSP, EOL, REPRINT, DISCARD, WERASE, LNEXT, EOL2.
const CHARACTERS: [u8; 19] =
    [0x03, 0x1c, 0x7f, 0x15, 0x04, 0, 1, 0, 0x11, 0x13, 0x1a, 0, 0x12, 0x0f, 0x17, 0x16, 0, 0, 0];
const DEFAULT_SPEED: u32 = 38_400;

/// What a new terminal has.
pub(crate) const fn initial() -> Termios {
    let local = LocalModes::ISIG
        .union(LocalModes::ICANON)
        .union(LocalModes::ECHO)
        .union(LocalModes::ECHOE)
        .union(LocalModes::ECHOK)
        .union(LocalModes::ECHOCTL)
        .union(LocalModes::ECHOKE)
        .union(LocalModes::IEXTEN);
    Termios {
        iflag: InputModes::ICRNL.union(InputModes::IXON).bits(),
        oflag: OutputModes::OPOST.union(OutputModes::ONLCR).bits(),
        cflag: control::B38400 | control::CS8 | control::CREAD,
        lflag: local.bits(),
        line: 0,
        cc: CHARACTERS,
        ispeed: DEFAULT_SPEED,
        ospeed: DEFAULT_SPEED,
    }
}

/// Whether ^S and ^Q, as such, control the flow: then the other side may do it for the terminal.
fn plain_flow(termios: &Termios) -> bool {
    use abi::termios::ControlCharacter::{Start, Stop};
    termios.input().contains(InputModes::IXON)
        && termios.character(Stop) == 0x13
        && termios.character(Start) == 0x11
}

impl Discipline {
    /// Takes other settings. A pseudoterminal has eight bits and no parity, whatever is asked for.
    pub(crate) fn set(&mut self, mut new: Termios) {
        new.cflag &= !(control::CSIZE | control::PARENB);
        new.cflag |= control::CS8 | control::CREAD;
        let old = std::mem::replace(&mut self.termios, new);
        self.note_change(&old);
        let lines = LocalModes::ICANON | LocalModes::EXTPROC;
        if (old.local() ^ new.local()).intersects(lines) {
            self.input.regroup(self.is_canonical());
            self.erasing = false;
            self.literal_next = false;
        }
        if old.input().contains(InputModes::IXON) && !self.input_mode(InputModes::IXON) {
            self.start();
        }
    }

    fn note_change(&mut self, old: &Termios) {
        let flow = plain_flow(&self.termios);
        let external = (old.local() | self.termios.local()).contains(LocalModes::EXTPROC);
        if flow != plain_flow(old) {
            self.packet -= Packet::DOSTOP | Packet::NOSTOP;
            self.packet |= if flow { Packet::DOSTOP } else { Packet::NOSTOP };
        }
        if external {
            self.packet |= Packet::IOCTL;
        }
    }

    /// All as in the beginning, but for what the other side has yet to read: a hang-up.
    pub(crate) fn reset(&mut self) {
        let output = std::mem::take(&mut self.output);
        *self = Self { output, ..Self::new() };
    }
}

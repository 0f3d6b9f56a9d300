//! Terminal settings: `asm-generic/termbits.h`, `asm-generic/termios.h` and the packets of ioctl_tty(2) `TIOCPKT`.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

bitflags::bitflags! {
    /// `c_iflag`: what is done to input.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct InputModes: u32 {
        /// Breaks are ignored.
        const IGNBRK = 0x0001;
        /// A break interrupts.
        const BRKINT = 0x0002;
        /// Characters with wrong parity are ignored.
        const IGNPAR = 0x0004;
        /// They are marked; a `\\377` is doubled.
        const PARMRK = 0x0008;
        /// Parity is checked.
        const INPCK = 0x0010;
        /// The eighth bit is dropped.
        const ISTRIP = 0x0020;
        /// Newline becomes return.
        const INLCR = 0x0040;
        /// Return is ignored.
        const IGNCR = 0x0080;
        /// Return becomes newline.
        const ICRNL = 0x0100;
        /// Upper case becomes lower case.
        const IUCLC = 0x0200;
        /// STOP and START control the output.
        const IXON = 0x0400;
        /// Any character starts it again.
        const IXANY = 0x0800;
        /// They control the input too.
        const IXOFF = 0x1000;
        /// A full input rings the bell.
        const IMAXBEL = 0x2000;
        /// Characters are of UTF-8, for erasing.
        const IUTF8 = 0x4000;
    }

    /// `c_oflag`: what is done to output.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct OutputModes: u32 {
        /// Output is processed.
        const OPOST = 0x0001;
        /// Lower case becomes upper case.
        const OLCUC = 0x0002;
        /// Newline becomes return and newline.
        const ONLCR = 0x0004;
        /// Return becomes newline.
        const OCRNL = 0x0008;
        /// No return in the first column.
        const ONOCR = 0x0010;
        /// Newline does what return does.
        const ONLRET = 0x0020;
        /// Tabs become spaces.
        const XTABS = 0x1800;
    }

    /// `c_lflag`: how a terminal talks to whoever sits at it.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct LocalModes: u32 {
        /// INTR, QUIT and SUSP send signals.
        const ISIG = 0x0001;
        /// Input goes by lines.
        const ICANON = 0x0002;
        /// Upper case is escaped.
        const XCASE = 0x0004;
        /// Input is shown.
        const ECHO = 0x0008;
        /// ERASE and WERASE take back what was shown.
        const ECHOE = 0x0010;
        /// KILL ends the line on the screen.
        const ECHOK = 0x0020;
        /// A newline is shown whatever `ECHO` says.
        const ECHONL = 0x0040;
        /// Signals do not flush.
        const NOFLSH = 0x0080;
        /// Background processes are stopped when they write.
        const TOSTOP = 0x0100;
        /// Control characters are shown as `^X`.
        const ECHOCTL = 0x0200;
        /// Erased characters are printed.
        const ECHOPRT = 0x0400;
        /// KILL takes back what was shown.
        const ECHOKE = 0x0800;
        /// Output is dropped.
        const FLUSHO = 0x1000;
        /// Input is shown again at the next read.
        const PENDIN = 0x4000;
        /// The characters that POSIX does not know have a meaning.
        const IEXTEN = 0x8000;
        /// The other side does the processing.
        const EXTPROC = 0x1_0000;
    }

    /// What the first byte of a read says in packet mode; none of them means data.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Packet: u8 {
        /// The input was flushed.
        const FLUSHREAD = 1;
        /// The output was flushed.
        const FLUSHWRITE = 2;
        /// The output was stopped.
        const STOP = 4;
        /// It goes on.
        const START = 8;
        /// ^S and ^Q do not control the output.
        const NOSTOP = 16;
        /// They do.
        const DOSTOP = 32;
        /// The settings were changed.
        const IOCTL = 64;
    }
}

/// Which element of `c_cc` holds what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the V* numbers of termios(3) by their names")]
pub enum ControlCharacter {
    Intr = 0,
    Quit = 1,
    Erase = 2,
    Kill = 3,
    Eof = 4,
    Time = 5,
    Min = 6,
    Start = 8,
    Stop = 9,
    Susp = 10,
    Eol = 11,
    Reprint = 12,
    Discard = 13,
    Werase = 14,
    Lnext = 15,
    Eol2 = 16,
}

/// The kernel's `struct termios2`. Its first [`Termios::SHORT`] bytes are `struct termios`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
#[expect(missing_docs, reason = "the fields of termios(3) by their names")]
pub struct Termios {
    pub iflag: u32,
    pub oflag: u32,
    pub cflag: u32,
    pub lflag: u32,
    pub line: u8,
    pub cc: [u8; 19],
    pub ispeed: u32,
    pub ospeed: u32,
}

impl Termios {
    /// The size of `struct termios`, which has no speeds of its own.
    pub const SHORT: usize = 36;

    /// `c_iflag`.
    #[must_use]
    pub const fn input(&self) -> InputModes {
        InputModes::from_bits_retain(self.iflag)
    }

    /// `c_oflag`.
    #[must_use]
    pub const fn output(&self) -> OutputModes {
        OutputModes::from_bits_retain(self.oflag)
    }

    /// `c_lflag`.
    #[must_use]
    pub const fn local(&self) -> LocalModes {
        LocalModes::from_bits_retain(self.lflag)
    }

    /// An element of `c_cc`.
    #[must_use]
    pub fn character(&self, which: ControlCharacter) -> u8 {
        self.cc.get(which as usize).copied().unwrap_or_default()
    }
}

/// `struct termio` of System V: the lower halves of the flags and the first control characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
#[expect(missing_docs, reason = "the fields of the structure by their names")]
pub struct Termio {
    pub iflag: u16,
    pub oflag: u16,
    pub cflag: u16,
    pub lflag: u16,
    pub line: u8,
    pub cc: [u8; 8],
    pub pad: u8,
}

/// `struct winsize`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
#[expect(missing_docs, reason = "the fields of ioctl_tty(2) TIOCGWINSZ by their names")]
pub struct WindowSize {
    pub rows: u16,
    pub columns: u16,
    pub x_pixels: u16,
    pub y_pixels: u16,
}

/// Speed and size bits of `c_cflag`.
pub mod control {
    /// The output speed.
    pub const CBAUD: u32 = 0x100f;
    /// The speed is in `c_ospeed` or `c_ispeed`.
    pub const BOTHER: u32 = 0x1000;
    /// How far left of [`CBAUD`] the input speed lies.
    pub const IBSHIFT: u32 = 16;
    /// Bits a character.
    pub const CSIZE: u32 = 0x30;
    /// Eight of them.
    pub const CS8: u32 = 0x30;
    /// The receiver is on.
    pub const CREAD: u32 = 0x80;
    /// Parity.
    pub const PARENB: u32 = 0x100;
    /// Modem control lines are ignored.
    pub const CLOCAL: u32 = 0x800;
    /// 38,400 bits a second.
    pub const B38400: u32 = 0xf;
}

/// Bits a second, in the order of the numbers `B0`, `B50` and on of termios(3), of which the first 16 are 0 to 15 and the others follow
/// from [`control::BOTHER`] plus 1.
pub const SPEEDS: [u32; 31] = [
    0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19_200, 38_400, 57_600, 115_200,
    230_400, 460_800, 500_000, 576_000, 921_600, 1_000_000, 1_152_000, 1_500_000, 2_000_000, 2_500_000,
    3_000_000, 3_500_000, 4_000_000,
];

//! A terminal of the host as sessions of the sandbox know it. Its line discipline is the host's.

use std::sync::Arc;

use abi::Errno;
use rustix::termios::{LocalModes, SpecialCodeIndex, tcgetattr};
use vfs::terminal::{ReadRule, Terminal};
use vfs::{Credentials, Device, File, OpenFlags, TerminalId};

use crate::HostFile;

impl Terminal for HostFile {
    fn id(&self) -> TerminalId {
        TerminalId::Host(self.inode)
    }

    fn device(&self) -> Device {
        self.kind.device(0)
    }

    fn stops_background_output(&self) -> bool {
        tcgetattr(&self.fd).is_ok_and(|modes| modes.local_modes.contains(LocalModes::TOSTOP))
    }

    /// What the host would do, if it were not asked without waiting.
    fn read_rule(&self) -> ReadRule {
        tcgetattr(&self.fd).map_or(ReadRule::AT_ONCE, |modes| {
            let character = |which| modes.special_codes[which];
            ReadRule::of(
                modes.local_modes.contains(LocalModes::ICANON),
                character(SpecialCodeIndex::VMIN),
                character(SpecialCodeIndex::VTIME),
            )
        })
    }

    fn open(&self, flags: OpenFlags, credentials: &Credentials) -> Result<Arc<dyn File>, Errno> {
        self.reopen(flags, credentials)
    }
}

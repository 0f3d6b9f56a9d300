//! Requests of ioctl(2), as `include/uapi/asm-generic/ioctls.h` and its neighbours number them.

macro_rules! requests {
    ($($name:ident = $number:literal, $text:literal;)*) => {
        $(#[doc = concat!($text, ".")] pub const $name: u32 = $number;)*

        /// The name of a request.
        #[must_use]
        pub const fn name(request: u32) -> Option<&'static str> {
            match request { $($number => Some(stringify!($name)),)* _ => None }
        }
    };
}

requests! {
    TCGETS = 0x5401, "Gets the `termios` settings";
    TCSETS = 0x5402, "Sets them now";
    TCSETSW = 0x5403, "Sets them when the output is written";
    TCSETSF = 0x5404, "Sets them when the output is written, and drops the input";
    TCGETA = 0x5405, "Gets the `termio` settings of System V";
    TCSETA = 0x5406, "Sets them now";
    TCSETAW = 0x5407, "Sets them when the output is written";
    TCSETAF = 0x5408, "Sets them when the output is written, and drops the input";
    TCSBRK = 0x5409, "Sends a break, or waits for the output";
    TCXONC = 0x540a, "Stops and starts the flow";
    TCFLSH = 0x540b, "Drops input or output";
    TIOCEXCL = 0x540c, "Exclusive mode";
    TIOCNXCL = 0x540d, "Ends exclusive mode";
    TIOCSCTTY = 0x540e, "Makes it the controlling terminal";
    TIOCGPGRP = 0x540f, "Gets the foreground process group";
    TIOCSPGRP = 0x5410, "Sets the foreground process group";
    TIOCOUTQ = 0x5411, "Bytes of output that wait";
    TIOCSTI = 0x5412, "Fakes input";
    TIOCGWINSZ = 0x5413, "Gets the window size";
    TIOCSWINSZ = 0x5414, "Sets the window size";
    TIOCGSOFTCAR = 0x5419, "Gets whether modem lines are ignored";
    TIOCSSOFTCAR = 0x541a, "Sets whether modem lines are ignored";
    FIONREAD = 0x541b, "Bytes of input that wait";
    TIOCPKT = 0x5420, "Packet mode";
    TIOCNOTTY = 0x5422, "Gives up the controlling terminal";
    TIOCSETD = 0x5423, "Sets the line discipline";
    TIOCGETD = 0x5424, "Gets the line discipline";
    TCSBRKP = 0x5425, "Sends a break, POSIX";
    TIOCSBRK = 0x5427, "Starts a break";
    TIOCCBRK = 0x5428, "Ends a break";
    TIOCGSID = 0x5429, "Gets the session";
    TCGETS2 = 0x802c_542a, "Gets the `termios2` settings";
    TCSETS2 = 0x402c_542b, "Sets the `termios2` settings now";
    TCSETSW2 = 0x402c_542c, "Sets them when the output is written";
    TCSETSF2 = 0x402c_542d, "Sets them when the output is written, and drops the input";
    TIOCGPTN = 0x8004_5430, "Gets the number of a pseudoterminal";
    TIOCSPTLCK = 0x4004_5431, "Locks or unlocks a pseudoterminal";
    TIOCGDEV = 0x8004_5432, "Gets the device number";
    TIOCSIG = 0x4004_5436, "Signals the foreground process group";
    TIOCVHANGUP = 0x5437, "Hangs up";
    TIOCGPKT = 0x8004_5438, "Gets packet mode";
    TIOCGPTLCK = 0x8004_5439, "Gets whether a pseudoterminal is locked";
    TIOCGEXCL = 0x8004_5440, "Gets exclusive mode";
    TIOCGPTPEER = 0x5441, "Opens the other side of a pseudoterminal";
    FIONBIO = 0x5421, "Sets or clears `O_NONBLOCK`";
    FIONCLEX = 0x5450, "Clears close-on-exec";
    FIOCLEX = 0x5451, "Sets close-on-exec";
    FIOSETOWN = 0x8901, "Sets who gets a socket's signals";
    SIOCSPGRP = 0x8902, "The same";
    FIOGETOWN = 0x8903, "Gets who gets a socket's signals";
    SIOCGPGRP = 0x8904, "The same";
    FIOASYNC = 0x5452, "Sets or clears `O_ASYNC`";
    FIOQSIZE = 0x5460, "Gets the size of a file";
    FIBMAP = 1, "The block number of a file's block";
    FIGETBSZ = 2, "The block size of the filesystem";
    FICLONE = 0x4004_9409, "Shares the data of another file";
    FICLONERANGE = 0x4020_940d, "Shares a part of the data of another file";
    FS_IOC_GETFLAGS = 0x8008_6601, "Gets the attributes of chattr(1)";
    FS_IOC_SETFLAGS = 0x4008_6602, "Sets the attributes of chattr(1)";
    FS_IOC_FSGETXATTR = 0x801c_581f, "Gets them, and those of extents and projects";
    FS_IOC_FSSETXATTR = 0x401c_5820, "Sets them, and those of extents and projects";
}

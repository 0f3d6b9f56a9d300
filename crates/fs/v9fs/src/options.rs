//! The options of a mount: the kernel's `Documentation/filesystems/9p.rst`.

use std::sync::Arc;

use abi::Errno;
use vfs::{Fd, MountOption};

/// Bytes of a message that are offered unless said otherwise.
const MESSAGE_SIZE: u32 = 128 << 10;
/// The largest message that is offered, whatever is asked for.
const MESSAGE_MOST: u32 = 1 << 20;
/// `P9_LOCK_TIMEOUT`: seconds between two tries to have a lock that somebody else has.
const LOCK_TIMEOUT: u32 = 30;
/// The port of the protocol.
const PORT: u16 = 564;
/// Nobody's number.
const NOBODY: u32 = 65534;

/// What the connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// `trans=tcp`: to the address that is mounted.
    Tcp,
    /// `trans=unix`: to the socket that is mounted.
    Unix,
    /// `trans=fd`: two open descriptors, which may be one.
    Descriptors,
}

impl Transport {
    const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Unix => "unix",
            Self::Descriptors => "fd",
        }
    }
}

/// Who may use the mount, and as whom the server sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// `client`: each user is attached, and modes and access control lists are checked here.
    Client,
    /// `user`: each user is attached.
    User,
    /// `any`: everybody is the user that mounted.
    Any,
    /// A number: that user alone.
    Single(u32),
}

/// What is kept of files, as bits (`CACHE_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cache(u8);

impl Cache {
    const WRITE_BACK: u8 = 0b0010;
    const ATTRIBUTES: u8 = 0b0100;
    const LOOSE: u8 = 0b1000;

    fn parse(text: &[u8]) -> Result<Self, Errno> {
        Ok(Self(match text {
            b"none" => 0,
            b"readahead" => 0b0001,
            b"mmap" => 0b0011,
            b"loose" => 0b1111,
            b"fscache" => 0b1000_1111,
            bits => u8::try_from(number(bits)?).map_err(|_| Errno::EINVAL)?,
        }))
    }

    /// Whether files can be mapped so that what is changed there reaches the server.
    pub(crate) const fn maps_shared(self) -> bool {
        self.0 & Self::WRITE_BACK != 0
    }

    /// Whether names and attributes are believed once they are known.
    pub(crate) const fn keeps_names(self) -> bool {
        self.0 & (Self::ATTRIBUTES | Self::LOOSE) != 0
    }
}

/// The options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// `trans`.
    pub transport: Transport,
    /// `rfdno`, `wfdno`.
    pub descriptors: (Option<Fd>, Option<Fd>),
    /// `port`.
    pub port: u16,
    /// `privport`: the connection comes from a port that only the privileged can have.
    pub privileged_port: bool,
    /// `msize`.
    pub(crate) message_size: u32,
    pub(crate) user: Arc<[u8]>,
    pub(crate) tree: Arc<[u8]>,
    pub(crate) default_owner: (u32, u32),
    pub(crate) access: Access,
    pub(crate) cache: Cache,
    pub(crate) posix_acl: bool,
    pub(crate) no_xattr: bool,
    /// `locktimeout`, in seconds.
    pub(crate) lock_timeout: u32,
    /// Those without a value that are only shown: everything is past the cache here, and so on.
    shown: Vec<&'static str>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            transport: Transport::Tcp,
            descriptors: (None, None),
            port: PORT,
            privileged_port: false,
            message_size: MESSAGE_SIZE,
            user: Arc::from(b"nobody".as_slice()),
            tree: Arc::from(b"".as_slice()),
            default_owner: (NOBODY, NOBODY),
            access: Access::Client,
            cache: Cache(0),
            posix_acl: false,
            no_xattr: false,
            lock_timeout: LOCK_TIMEOUT,
            shown: Vec::new(),
        }
    }
}

/// A number, in hexadecimal behind `0x`.
fn number(text: &[u8]) -> Result<u32, Errno> {
    let text = std::str::from_utf8(text).map_err(|_| Errno::EINVAL)?;
    match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => text.parse(),
    }
    .map_err(|_| Errno::EINVAL)
}

fn descriptor(text: &[u8]) -> Result<Option<Fd>, Errno> {
    i32::try_from(number(text)?).map(|fd| Some(Fd(fd))).map_err(|_| Errno::EINVAL)
}

impl Options {
    /// The options of a mount.
    ///
    /// # Errors
    /// `EINVAL` for unknown ones and values that make no sense.
    pub fn parse(options: &[MountOption]) -> Result<Self, Errno> {
        let mut parsed = Self::default();
        options.iter().try_for_each(|option| parsed.take(option))?;
        // Lists are looked at only by whom the server trusts to do so.
        parsed.posix_acl &= parsed.access == Access::Client;
        Ok(parsed)
    }

    /// Takes one option over.
    ///
    /// # Errors
    /// `EINVAL`.
    pub fn take(&mut self, option: &MountOption) -> Result<(), Errno> {
        let value = option.value.as_deref();
        let text = value.ok_or(Errno::EINVAL);
        match option.key.as_slice() {
            b"trans" => {
                self.transport = match text? {
                    b"tcp" => Transport::Tcp,
                    b"unix" => Transport::Unix,
                    b"fd" => Transport::Descriptors,
                    _ => return Err(Errno::EINVAL),
                }
            }
            b"rfdno" => self.descriptors.0 = descriptor(text?)?,
            b"wfdno" => self.descriptors.1 = descriptor(text?)?,
            b"port" => self.port = u16::try_from(number(text?)?).map_err(|_| Errno::EINVAL)?,
            b"privport" if value.is_none() => self.privileged_port = true,
            // The one dialect that has Linux's files in it.
            b"version" if text? == b"9p2000.L" => {}
            b"msize" => {
                let size = number(text?)?;
                if size < ninep::version::SMALLEST_SIZE {
                    return Err(Errno::EINVAL);
                }
                self.message_size = size.min(MESSAGE_MOST);
            }
            b"uname" => self.user = Arc::from(text?),
            b"aname" => self.tree = Arc::from(text?),
            b"dfltuid" => self.default_owner.0 = number(text?)?,
            b"dfltgid" => self.default_owner.1 = number(text?)?,
            b"access" => {
                self.access = match text? {
                    b"client" => Access::Client,
                    b"user" => Access::User,
                    b"any" => Access::Any,
                    uid => Access::Single(number(uid)?),
                }
            }
            b"cache" => self.cache = Cache::parse(text?)?,
            // Short for it.
            b"loose" if value.is_none() => self.cache = Cache::parse(b"loose")?,
            b"posixacl" if value.is_none() => self.posix_acl = true,
            b"noxattr" if value.is_none() => self.no_xattr = true,
            b"locktimeout" => match number(text?)? {
                0 => return Err(Errno::EINVAL),
                seconds => self.lock_timeout = seconds,
            },
            b"debug" => drop(number(text?)?),
            b"directio" if value.is_none() => self.shown.push("directio"),
            b"ignoreqv" if value.is_none() => self.shown.push("ignoreqv"),
            b"nodevmap" if value.is_none() => self.shown.push("nodevmap"),
            // The VFS sees to these.
            b"ro" | b"rw" | b"source" => {}
            _ => return Err(Errno::EINVAL),
        }
        Ok(())
    }

    /// As /proc/mounts shows them, with the message size that was agreed on.
    pub(crate) fn shown(&self, message_size: u32) -> String {
        let mut shown = String::new();
        let mut add = |text: String| {
            shown.push(',');
            shown.push_str(&text);
        };
        if self.default_owner.0 != NOBODY {
            add(format!("dfltuid={}", self.default_owner.0));
        }
        if self.default_owner.1 != NOBODY {
            add(format!("dfltgid={}", self.default_owner.1));
        }
        if *self.user != *b"nobody" {
            add(format!("uname={}", String::from_utf8_lossy(&self.user)));
        }
        if !self.tree.is_empty() {
            add(format!("aname={}", String::from_utf8_lossy(&self.tree)));
        }
        if self.cache.0 != 0 {
            add(format!("cache={:x}", self.cache.0));
        }
        add(match self.access {
            Access::Client => String::from("access=client"),
            Access::User => String::from("access=user"),
            Access::Any => String::from("access=any"),
            Access::Single(uid) => format!("access={uid}"),
        });
        self.shown.iter().for_each(|name| add((*name).to_owned()));
        if self.posix_acl {
            add(String::from("posixacl"));
        }
        if self.no_xattr {
            add(String::from("noxattr"));
        }
        if message_size != MESSAGE_SIZE {
            add(format!("msize={message_size}"));
        }
        add(format!("trans={}", self.transport.name()));
        match (self.transport, self.descriptors) {
            (Transport::Tcp, _) if self.port != PORT => add(format!("port={}", self.port)),
            (Transport::Descriptors, (Some(reading), Some(writing))) => {
                add(format!("rfd={}", reading.0));
                add(format!("wfd={}", writing.0));
            }
            _ => {}
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &[u8]) -> Result<Options, Errno> {
        Options::parse(&MountOption::split(text))
    }

    #[test]
    fn what_is_said_is_shown() {
        let all = b"trans=fd,rfdno=3,wfdno=4,version=9p2000.L,msize=8192,uname=root,aname=/srv,dfltuid=5,access=any,cache=mmap,noxattr,directio";
        let options = parse(all).unwrap();
        assert_eq!(options.descriptors, (Some(Fd(3)), Some(Fd(4))));
        assert_eq!(
            options.shown(8192),
            ",dfltuid=5,uname=root,aname=/srv,cache=3,access=any,directio,noxattr,msize=8192,trans=fd,rfd=3,wfd=4"
        );
        assert_eq!(parse(b"").unwrap().shown(MESSAGE_SIZE), ",access=client,trans=tcp");
        assert_eq!(parse(b"access=1000").unwrap().access, Access::Single(1000));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for bad in [
            &b"trans=virtio"[..],
            b"trans",
            b"version=9p2000.u",
            b"version=9p2000",
            b"msize=4095",
            b"msize=many",
            b"access=nobody",
            b"cache=some",
            b"cache=0x100",
            b"port=65536",
            b"locktimeout=0",
            b"posixacl=1",
            b"unknown",
        ] {
            assert_eq!(parse(bad), Err(Errno::EINVAL), "{}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn lists_count_only_where_modes_are_checked_here() {
        assert!(parse(b"posixacl").unwrap().posix_acl);
        assert!(!parse(b"posixacl,access=user").unwrap().posix_acl);
    }
}

//! Options of IP, IPv6, TCP and UDP that are a number, kept and reported as Linux does.

mod rows;
mod rule;

use std::collections::BTreeMap;

use abi::Errno;
use abi::socket::family::AF_INET6;
use abi::socket::option::{SOL_IP, SOL_IPV6, SOL_TCP, SOL_UDP};
use rows::{ROWS, Row};
use socket::{Caller, Kind, OptionValue};
use vfs::Capability;

/// Which sockets have an option, and may set it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    All,
    Streams,
    /// Streams report the default, and refuse to change it as the [`Errno`] says.
    Messages(Errno),
}

/// The options of a socket that differ from their defaults.
#[derive(Clone, Debug, Default)]
pub(crate) struct Numbers {
    set: BTreeMap<(u32, u32), i32>,
}

/// What kind of socket the options are of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owner {
    pub(crate) domain: u16,
    pub(crate) kind: Kind,
}

impl Owner {
    const fn is_stream(self) -> bool {
        matches!(self.kind, Kind::Stream)
    }

    /// Whether it has options of this level.
    const fn has_level(self, level: u32) -> bool {
        match level {
            SOL_IP => true,
            SOL_IPV6 => self.domain == AF_INET6,
            SOL_TCP => self.is_stream(),
            SOL_UDP => matches!(self.kind, Kind::Datagram),
            _ => false,
        }
    }

    /// The option of a name.
    fn find(self, level: u32, name: u32) -> Result<&'static Row, Errno> {
        if !self.has_level(level) {
            return Err(if self.domain == AF_INET6 { Errno::ENOPROTOOPT } else { Errno::EOPNOTSUPP });
        }
        let has = |row: &&Row| row.who != Who::Streams || self.is_stream();
        let row = ROWS.iter().filter(has).find(|r| r.level == level && r.name == name);
        row.ok_or(Errno::ENOPROTOOPT)
    }
}

impl Numbers {
    /// The value of an option.
    pub(crate) fn get(&self, owner: Owner, level: u32, name: u32) -> Result<OptionValue, Errno> {
        let row = owner.find(level, name)?;
        Ok(OptionValue::Int(self.value(row)))
    }

    /// Sets an option.
    pub(crate) fn set(
        &mut self,
        owner: Owner,
        level: u32,
        name: u32,
        value: &[u8],
        caller: &Caller,
    ) -> Result<(), Errno> {
        let row = owner.find(level, name).map_err(|_| rule::unknown(level, value))?;
        if let Who::Messages(refusal) = row.who
            && owner.is_stream()
        {
            return Err(refusal);
        }
        let value = rule::number(level, name, row.rule, value)?;
        if row.privileged && value != 0 {
            caller.credentials.need_in(Capability::NetAdmin, &caller.net.user)?;
        }
        let value = row.rule.accept(value, row.default, self.value(row), owner.is_stream())?;
        self.set.insert((level, name), value);
        Ok(())
    }

    /// Whether a flag is on.
    pub(crate) fn is_on(&self, level: u32, name: u32) -> bool {
        self.set.get(&(level, name)).is_some_and(|v| *v != 0)
    }

    /// An option that was set.
    pub(crate) fn chosen(&self, level: u32, name: u32) -> Option<i32> {
        self.set.get(&(level, name)).copied()
    }

    fn value(&self, row: &Row) -> i32 {
        self.set.get(&(row.level, row.name)).copied().unwrap_or(row.default)
    }
}

/// Whether IP options are ones that a packet may have. Only those without meaning are taken: the end, and nothing.
///
/// # Errors
/// `EINVAL`.
pub(crate) fn check_ip_options(options: &[u8]) -> Result<(), Errno> {
    /// As much as the length of a header leaves.
    const MOST: usize = 40;
    let meaningless = options.iter().all(|option| *option <= 1);
    if options.len() <= MOST && meaningless { Ok(()) } else { Err(Errno::EINVAL) }
}

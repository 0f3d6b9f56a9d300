//! Options of IP, IPv6 and TCP that are a number, kept and reported as Linux does.

use std::collections::BTreeMap;

use abi::Errno;
use abi::socket::family::AF_INET6;
use abi::socket::option::*;
use socket::OptionValue;
use socket::value::int;

/// What an option may be.
struct Row {
    level: u32,
    name: u32,
    default: i32,
    least: i32,
    most: i32,
    /// What -1 stands for, where it stands for the default.
    minus_one: bool,
}

const fn row(level: u32, name: u32, default: i32, least: i32, most: i32) -> Row {
    Row { level, name, default, least, most, minus_one: false }
}

const fn hops(level: u32, name: u32, default: i32, least: i32) -> Row {
    Row { level, name, default, least, most: 255, minus_one: true }
}

/// The options. What they stand for has no effect on queues, except where the code asks for one by name.
const ROWS: &[Row] = &[
    row(SOL_IP, IP_TOS, 0, 0, 255),
    hops(SOL_IP, IP_TTL, 64, 1),
    row(SOL_IP, IP_MTU_DISCOVER, 1, 0, 5),
    row(SOL_IP, IP_RECVERR, 0, 0, 1),
    row(SOL_IP, IP_FREEBIND, 0, 0, 1),
    row(SOL_IP, IP_BIND_ADDRESS_NO_PORT, 0, 0, 1),
    hops(SOL_IP, IP_MULTICAST_TTL, 1, 0),
    row(SOL_IP, IP_MULTICAST_LOOP, 1, 0, 1),
    hops(SOL_IPV6, IPV6_UNICAST_HOPS, 64, 0),
    hops(SOL_IPV6, IPV6_MULTICAST_HOPS, 1, 0),
    row(SOL_IPV6, IPV6_MULTICAST_LOOP, 1, 0, 1),
    row(SOL_IPV6, IPV6_MTU_DISCOVER, 1, 0, 5),
    row(SOL_IPV6, IPV6_RECVERR, 0, 0, 1),
    row(SOL_IPV6, IPV6_V6ONLY, 0, 0, 1),
    row(SOL_IPV6, IPV6_TCLASS, 0, -1, 255),
    row(SOL_TCP, TCP_NODELAY, 0, 0, 1),
    row(SOL_TCP, TCP_CORK, 0, 0, 1),
    row(SOL_TCP, TCP_KEEPIDLE, 7200, 1, 32767),
    row(SOL_TCP, TCP_KEEPINTVL, 75, 1, 32767),
    row(SOL_TCP, TCP_KEEPCNT, 9, 1, 127),
    row(SOL_TCP, TCP_SYNCNT, 6, 1, 127),
    row(SOL_TCP, TCP_LINGER2, 60, -1, 3600),
    row(SOL_TCP, TCP_DEFER_ACCEPT, 0, 0, i32::MAX),
    row(SOL_TCP, TCP_QUICKACK, 1, 0, 1),
    row(SOL_TCP, TCP_USER_TIMEOUT, 0, 0, i32::MAX),
    row(SOL_TCP, TCP_NOTSENT_LOWAT, 0, i32::MIN, i32::MAX),
];

/// The options of a socket that differ from their defaults.
#[derive(Clone, Debug, Default)]
pub(crate) struct Numbers {
    set: BTreeMap<(u32, u32), i32>,
}

/// Whether a socket of this family and protocol has options of this level.
fn has_level(domain: u16, tcp: bool, level: u32) -> bool {
    match level {
        SOL_IP => true,
        SOL_IPV6 => domain == AF_INET6,
        SOL_TCP => tcp,
        _ => false,
    }
}

fn find(domain: u16, tcp: bool, level: u32, name: u32) -> Result<&'static Row, Errno> {
    if !has_level(domain, tcp, level) {
        return Err(if level == SOL_UDP || level == SOL_IPV6 {
            Errno::ENOPROTOOPT
        } else {
            Errno::EOPNOTSUPP
        });
    }
    ROWS.iter().find(|r| r.level == level && r.name == name).ok_or(Errno::ENOPROTOOPT)
}

impl Numbers {
    /// The value of an option.
    pub(crate) fn get(&self, domain: u16, tcp: bool, level: u32, name: u32) -> Result<OptionValue, Errno> {
        let row = find(domain, tcp, level, name)?;
        Ok(OptionValue::Int(self.value(row)))
    }

    /// Sets an option.
    pub(crate) fn set(
        &mut self,
        domain: u16,
        tcp: bool,
        level: u32,
        name: u32,
        value: &[u8],
    ) -> Result<(), Errno> {
        let row = find(domain, tcp, level, name).map_err(|errno| match errno {
            Errno::EOPNOTSUPP => Errno::ENOPROTOOPT,
            other => other,
        })?;
        let mut value = number(level, value)?;
        if (row.least, row.most) == (0, 1) {
            value = i32::from(value != 0);
        }
        if row.minus_one && value == -1 {
            value = row.default;
        }
        if value < row.least || value > row.most {
            return Err(Errno::EINVAL);
        }
        self.set.insert((level, name), value);
        Ok(())
    }

    /// Whether a flag is on.
    pub(crate) fn is_on(&self, level: u32, name: u32) -> bool {
        self.set.get(&(level, name)).is_some_and(|v| *v != 0)
    }

    fn value(&self, row: &Row) -> i32 {
        self.set.get(&(row.level, row.name)).copied().unwrap_or(row.default)
    }
}

/// The number given; IP also takes a single byte.
fn number(level: u32, bytes: &[u8]) -> Result<i32, Errno> {
    match (level, bytes) {
        (SOL_IP, [byte, rest @ ..]) if rest.len() < 3 => Ok(i32::from(*byte)),
        _ => int(bytes),
    }
}

//! Which values an option takes, and what becomes of them.

use abi::Errno;
use abi::socket::option::{
    IP_FREEBIND, IP_MINTTL, IP_MULTICAST_ALL, IP_MULTICAST_LOOP, IP_MULTICAST_TTL, IP_TRANSPARENT, SOL_IP,
    SOL_TCP, SOL_UDP,
};
use socket::value::int;

/// The two lowest bits of the type of service, which are the connection's own (RFC 3168).
const CONGESTION_BITS: i32 = 3;

/// Options of IP that nothing at all is no value for.
const NEVER_EMPTY: [u32; 6] =
    [IP_FREEBIND, IP_TRANSPARENT, IP_MINTTL, IP_MULTICAST_TTL, IP_MULTICAST_LOOP, IP_MULTICAST_ALL];

/// What may be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// On or off: everything but 0 is on.
    Flag,
    /// 0 or 1 and nothing else.
    Switch,
    /// From the first to the second.
    Within(i32, i32),
    /// As [`Self::Within`] up to 255, where -1 stands for the default.
    Hops(i32),
    /// At least so much: what is smaller counts as this much.
    AtLeast(i32),
    /// 0 stands for the default; a negative one for -1, and what is larger for the largest.
    Linger(i32),
    /// Type of service: its low byte.
    Service,
    /// Traffic class: a byte, where -1 stands for 0.
    Class,
    /// 0, or from the first to the second.
    NoneOr(i32, i32),
    /// Seconds that are kept as a number of retransmissions, each after twice the time of the one before.
    Retransmissions,
    /// A range of ports: the lowest in the lower half, the highest in the upper one, 0 for either.
    Ports,
    /// It can only be read: setting fails so.
    Fixed(Errno),
}

impl Rule {
    /// What an option becomes that is set to `value`.
    ///
    /// # Errors
    /// `EINVAL`, and what [`Self::Fixed`] says.
    pub(super) fn accept(self, value: i32, default: i32, old: i32, stream: bool) -> Result<i32, Errno> {
        let within =
            |least, most| if (least..=most).contains(&value) { Ok(value) } else { Err(Errno::EINVAL) };
        match self {
            Self::Flag => Ok(i32::from(value != 0)),
            Self::Switch => within(0, 1),
            Self::Within(least, most) => within(least, most),
            Self::Hops(_) if value == -1 => Ok(default),
            Self::Hops(least) => within(least, 255),
            Self::AtLeast(least) => Ok(if value == 0 { 0 } else { value.max(least) }),
            Self::Linger(most) => Ok(match value {
                0 => default,
                negative if negative < 0 => -1,
                seconds => seconds.min(most),
            }),
            Self::Service => Ok(serve(value & 0xff, old, stream)),
            Self::Class if value == -1 => Ok(serve(0, old, stream)),
            Self::Class => within(0, 255).map(|class| serve(class, old, stream)),
            Self::NoneOr(..) if value == 0 => Ok(default),
            Self::NoneOr(least, most) => within(least, most),
            Self::Retransmissions => Ok(rounded(value)),
            Self::Ports => {
                let (low, high) = (value & 0xffff, (value >> 16) & 0xffff);
                if low != 0 && high != 0 && low > high { Err(Errno::EINVAL) } else { Ok(value) }
            }
            Self::Fixed(errno) => Err(errno),
        }
    }

    /// Whether IP wants a whole integer, where it takes a byte for most options.
    const fn needs_integer(self) -> bool {
        matches!(self, Self::Ports)
    }
}

/// A service: on a stream without the congestion bits, which it keeps.
const fn serve(value: i32, old: i32, stream: bool) -> i32 {
    if stream { (value & !CONGESTION_BITS) | (old & CONGESTION_BITS) } else { value }
}

/// The seconds of `TCP_DEFER_ACCEPT` as they are told: the whole time of the retransmissions that they become.
fn rounded(seconds: i32) -> i32 {
    /// Between two retransmissions, seconds.
    const MOST: i32 = 120;
    /// Retransmissions.
    const COUNT: i32 = 255;
    if seconds <= 0 {
        return 0;
    }
    let (mut period, mut gap, mut count) = (1_i32, 1_i32, 1);
    while period < seconds && count < COUNT {
        count += 1;
        gap = gap.saturating_mul(2).min(MOST);
        period = period.saturating_add(gap);
    }
    period
}

/// What setting an unknown option fails with: levels of transports look at the value first.
pub(super) fn unknown(level: u32, value: &[u8]) -> Errno {
    if matches!(level, SOL_TCP | SOL_UDP) && value.len() < size_of::<i32>() {
        Errno::EINVAL
    } else {
        Errno::ENOPROTOOPT
    }
}

/// The number given; IP also takes a single byte, and mostly nothing at all for 0.
pub(super) fn number(level: u32, name: u32, rule: Rule, bytes: &[u8]) -> Result<i32, Errno> {
    match (level, bytes) {
        (SOL_IP, []) if NEVER_EMPTY.contains(&name) => Err(Errno::EINVAL),
        (SOL_IP, bytes) if bytes.len() < size_of::<i32>() && !rule.needs_integer() => {
            Ok(bytes.first().copied().map_or(0, i32::from))
        }
        _ => int(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_become_whole_retransmissions() {
        let seconds = [-1, 0, 1, 2, 5, 255, 256, 1000, i32::MAX];
        // As Linux 6.18 told them.
        assert_eq!(seconds.map(rounded), [0, 0, 1, 3, 7, 367, 367, 1087, 29887]);
    }

    #[test]
    fn a_stream_keeps_its_congestion_bits() {
        assert_eq!(Rule::Service.accept(0x1ff, 0, 0, true), Ok(0xfc));
        assert_eq!(Rule::Service.accept(0x1ff, 0, 0, false), Ok(0xff));
    }

    #[test]
    fn a_range_of_ports_is_in_order() {
        assert_eq!(Rule::Ports.accept(100 | 200 << 16, 0, 0, false), Ok(100 | 200 << 16));
        assert_eq!(Rule::Ports.accept(200 | 100 << 16, 0, 0, false), Err(Errno::EINVAL));
        assert_eq!(Rule::Ports.accept(200, 0, 0, false), Ok(200));
    }
}

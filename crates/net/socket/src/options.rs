//! The options of `SOL_SOCKET`, socket(7).

use std::collections::BTreeMap;
use std::time::Duration;

use abi::Errno;
use abi::socket::option::{self, Linger, Timeval};
use vfs::Capability;
use zerocopy::FromBytes;

use crate::value::{flag, int};
use crate::{Caller, OptionValue};

/// The default of `SO_SNDBUF` and `SO_RCVBUF`, and the most that may be asked for (`net.core.wmem_max`), in bytes.
pub const BUFFER_DEFAULT: usize = 212_992;
/// The least that `SO_SNDBUF` can be.
const SEND_BUFFER_MIN: usize = 4608;
/// The least that `SO_RCVBUF` can be.
const RECEIVE_BUFFER_MIN: usize = 2304;

/// The values of the options that every socket has.
#[derive(Clone, Debug)]
pub struct Options {
    /// `SO_REUSEADDR`.
    pub reuse_address: bool,
    /// `SO_REUSEPORT`.
    pub reuse_port: bool,
    /// `SO_KEEPALIVE`.
    pub keep_alive: bool,
    /// `SO_BROADCAST`.
    pub broadcast: bool,
    /// `SO_OOBINLINE`.
    pub out_of_band_inline: bool,
    /// `SO_DONTROUTE`.
    pub do_not_route: bool,
    /// `SO_PASSCRED`.
    pub pass_credentials: bool,
    /// `SO_LINGER`: seconds, if on.
    pub linger: Option<i32>,
    /// `SO_RCVTIMEO`.
    pub receive_timeout: Option<Duration>,
    /// `SO_SNDTIMEO`.
    pub send_timeout: Option<Duration>,
    /// `SO_SNDBUF`, bytes, as Linux reports it: twice what was asked for.
    pub send_buffer: usize,
    /// `SO_RCVBUF`.
    pub receive_buffer: usize,
    /// Whether `SO_SNDBUF` was set.
    pub send_buffer_set: bool,
    /// Whether `SO_RCVBUF` was set.
    pub receive_buffer_set: bool,
    /// `SO_RCVLOWAT`.
    pub receive_low_water: usize,
    /// `SO_PRIORITY`.
    pub priority: i32,
    /// `SO_MARK`.
    pub mark: i32,
    /// `SO_TIMESTAMP`, `SO_TIMESTAMPNS`: which of them, if any.
    pub timestamp: Option<Stamp>,
    /// `SO_BINDTODEVICE`: whether it is bound to `lo`, which is the only interface.
    pub bound_to_device: bool,
    /// Options that have no effect here, as far as they differ from their defaults.
    pub numbers: BTreeMap<u32, i64>,
}

/// In which form the time of arrival is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// In nanoseconds rather than microseconds.
    pub fine: bool,
    /// By the option that is safe beyond 2038 on 32-bit machines, which reports with a number of its own.
    pub new: bool,
}

impl Stamp {
    /// The option that asks for it, which is also the type of its control message.
    #[must_use]
    pub const fn option(self) -> u32 {
        match (self.fine, self.new) {
            (false, false) => option::SO_TIMESTAMP,
            (true, false) => option::SO_TIMESTAMPNS,
            (false, true) => option::SO_TIMESTAMP_NEW,
            (true, true) => option::SO_TIMESTAMPNS_NEW,
        }
    }

    const fn of(name: u32) -> Option<Self> {
        match name {
            option::SO_TIMESTAMP => Some(Self { fine: false, new: false }),
            option::SO_TIMESTAMPNS => Some(Self { fine: true, new: false }),
            option::SO_TIMESTAMP_NEW => Some(Self { fine: false, new: true }),
            option::SO_TIMESTAMPNS_NEW => Some(Self { fine: true, new: true }),
            _ => None,
        }
    }
}

/// An option that is kept and told, and means nothing to queues.
struct Kept {
    name: u32,
    default: i64,
    least: i64,
    most: i64,
}

const fn kept(name: u32, default: i64, least: i64, most: i64) -> Kept {
    Kept { name, default, least, most }
}

/// A flag: everything but 0 is on.
const fn kept_flag(name: u32) -> Kept {
    kept(name, 0, i64::MIN, i64::MAX)
}

const KEPT: &[Kept] = &[
    kept_flag(option::SO_DEBUG),
    kept_flag(option::SO_NO_CHECK),
    kept_flag(option::SO_RXQ_OVFL),
    kept_flag(option::SO_WIFI_STATUS),
    kept_flag(option::SO_NOFCS),
    kept_flag(option::SO_SELECT_ERR_QUEUE),
    kept_flag(option::SO_PREFER_BUSY_POLL),
    kept_flag(option::SO_RCVMARK),
    kept(option::SO_BUSY_POLL, 0, 0, i32::MAX as i64),
    kept(option::SO_MAX_PACING_RATE, -1, i32::MIN as i64, i32::MAX as i64),
    kept(option::SO_INCOMING_CPU, -1, i32::MIN as i64, i32::MAX as i64),
    kept(option::SO_BINDTOIFINDEX, 0, 0, i32::MAX as i64),
    kept(option::SO_BUF_LOCK, 0, 0, 3),
];

impl Kept {
    fn find(name: u32) -> Option<&'static Self> {
        KEPT.iter().find(|kept| kept.name == name)
    }

    const fn is_flag(&self) -> bool {
        self.least == i64::MIN
    }

    fn accept(&self, value: i32) -> Result<i64, Errno> {
        let value = i64::from(value);
        match value {
            _ if self.is_flag() => Ok(i64::from(value != 0)),
            value if (self.least..=self.most).contains(&value) => Ok(value),
            _ => Err(Errno::EINVAL),
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            reuse_address: false,
            reuse_port: false,
            keep_alive: false,
            broadcast: false,
            out_of_band_inline: false,
            do_not_route: false,
            pass_credentials: false,
            linger: None,
            receive_timeout: None,
            send_timeout: None,
            send_buffer: BUFFER_DEFAULT,
            receive_buffer: BUFFER_DEFAULT,
            send_buffer_set: false,
            receive_buffer_set: false,
            receive_low_water: 1,
            priority: 0,
            mark: 0,
            timestamp: None,
            bound_to_device: false,
            numbers: BTreeMap::new(),
        }
    }
}

impl Options {
    /// The value of an option that is only a value.
    ///
    /// # Errors
    /// `ENOPROTOOPT` for those that are not, and for unknown ones.
    pub fn get(&self, name: u32) -> Result<OptionValue, Errno> {
        Ok(match name {
            option::SO_REUSEADDR => OptionValue::flag(self.reuse_address),
            option::SO_REUSEPORT => OptionValue::flag(self.reuse_port),
            option::SO_KEEPALIVE => OptionValue::flag(self.keep_alive),
            option::SO_BROADCAST => OptionValue::flag(self.broadcast),
            option::SO_OOBINLINE => OptionValue::flag(self.out_of_band_inline),
            option::SO_DONTROUTE => OptionValue::flag(self.do_not_route),
            option::SO_PASSCRED => OptionValue::flag(self.pass_credentials),
            option::SO_LINGER => OptionValue::linger(Linger {
                on: i32::from(self.linger.is_some()),
                seconds: self.linger.unwrap_or(0),
            }),
            option::SO_RCVTIMEO => OptionValue::time(to_timeval(self.receive_timeout)),
            option::SO_SNDTIMEO => OptionValue::time(to_timeval(self.send_timeout)),
            option::SO_SNDBUF => OptionValue::number(self.send_buffer),
            option::SO_RCVBUF => OptionValue::number(self.receive_buffer),
            option::SO_RCVLOWAT => OptionValue::number(self.receive_low_water),
            option::SO_SNDLOWAT => OptionValue::Int(1),
            option::SO_PRIORITY => OptionValue::Int(self.priority),
            option::SO_MARK => OptionValue::Int(self.mark),
            option::SO_RCVTIMEO_NEW => OptionValue::time(to_timeval(self.receive_timeout)),
            option::SO_SNDTIMEO_NEW => OptionValue::time(to_timeval(self.send_timeout)),
            option::SO_BINDTODEVICE if self.bound_to_device => OptionValue::Bytes(b"lo\0".to_vec()),
            // No filter was attached.
            option::SO_BINDTODEVICE | option::SO_ATTACH_FILTER => OptionValue::Bytes(Vec::new()),
            // Off, and cannot be switched on.
            option::SO_PASSSEC => OptionValue::Int(0),
            option::SO_MAX_PACING_RATE => OptionValue::Wide(self.kept(name).unwrap_or(-1).cast_unsigned()),
            _ if Stamp::of(name).is_some() => OptionValue::flag(self.timestamp == Stamp::of(name)),
            _ => OptionValue::number(self.kept(name).ok_or(Errno::ENOPROTOOPT)?),
        })
    }

    /// Sets an option.
    ///
    /// # Errors
    /// `EINVAL` for a value of the wrong size, `EDOM` for a time that is none, `EPERM`, `ENOPROTOOPT` for options that are
    /// unknown or can only be read.
    pub fn set(&mut self, name: u32, bytes: &[u8], caller: &Caller) -> Result<(), Errno> {
        if name == option::SO_BINDTODEVICE {
            return self.bind_to_device(bytes, caller);
        }
        // As Linux: the size is looked at before the name.
        int(bytes)?;
        match name {
            option::SO_REUSEADDR => self.reuse_address = flag(bytes)?,
            option::SO_REUSEPORT => self.reuse_port = flag(bytes)?,
            option::SO_KEEPALIVE => self.keep_alive = flag(bytes)?,
            option::SO_BROADCAST => self.broadcast = flag(bytes)?,
            option::SO_OOBINLINE => self.out_of_band_inline = flag(bytes)?,
            option::SO_DONTROUTE => self.do_not_route = flag(bytes)?,
            option::SO_PASSCRED => self.pass_credentials = flag(bytes)?,
            option::SO_LINGER => {
                let (linger, _) = Linger::read_from_prefix(bytes).map_err(|_| Errno::EINVAL)?;
                self.linger = (linger.on != 0).then_some(linger.seconds);
            }
            option::SO_RCVTIMEO | option::SO_RCVTIMEO_NEW => self.receive_timeout = from_timeval(bytes)?,
            option::SO_SNDTIMEO | option::SO_SNDTIMEO_NEW => self.send_timeout = from_timeval(bytes)?,
            option::SO_SNDBUF => self.set_send_buffer(int(bytes)?, BUFFER_DEFAULT),
            option::SO_RCVBUF => self.set_receive_buffer(int(bytes)?, BUFFER_DEFAULT),
            option::SO_SNDBUFFORCE => {
                caller.credentials.need_in(Capability::NetAdmin, &caller.net.user)?;
                self.set_send_buffer(int(bytes)?, FORCED_MAX);
            }
            option::SO_RCVBUFFORCE => {
                caller.credentials.need_in(Capability::NetAdmin, &caller.net.user)?;
                self.set_receive_buffer(int(bytes)?, FORCED_MAX);
            }
            option::SO_RCVLOWAT => {
                let value = int(bytes)?;
                self.receive_low_water = usize::try_from(value).unwrap_or(usize::MAX).max(1);
            }
            option::SO_PRIORITY => {
                let value = int(bytes)?;
                if !(0..=6).contains(&value) {
                    caller.credentials.need_in(Capability::NetAdmin, &caller.net.user)?;
                }
                self.priority = value;
            }
            option::SO_MARK => {
                caller.credentials.need_in(Capability::NetAdmin, &caller.net.user)?;
                self.mark = int(bytes)?;
            }
            option::SO_DETACH_FILTER => return Err(Errno::ENOENT),
            _ if Stamp::of(name).is_some() => {
                self.timestamp = Stamp::of(name).filter(|_| int(bytes) != Ok(0));
            }
            _ => self.keep(name, int(bytes)?, caller)?,
        }
        Ok(())
    }

    fn keep(&mut self, name: u32, value: i32, caller: &Caller) -> Result<(), Errno> {
        let kept = Kept::find(name).ok_or(Errno::ENOPROTOOPT)?;
        let value = kept.accept(value)?;
        let more = value > self.numbers.get(&name).copied().unwrap_or(kept.default);
        // It would make the kernel work harder, or say more than others like.
        let privileged = matches!(name, option::SO_BUSY_POLL | option::SO_PREFER_BUSY_POLL) && more
            || name == option::SO_DEBUG && value != 0;
        if privileged {
            caller
                .credentials
                .need_in(Capability::NetAdmin, &caller.net.user)
                .map_err(|errno| if name == option::SO_DEBUG { Errno::EACCES } else { errno })?;
        }
        self.numbers.insert(name, value);
        Ok(())
    }

    fn kept(&self, name: u32) -> Option<i64> {
        let kept = Kept::find(name)?;
        Some(self.numbers.get(&name).copied().unwrap_or(kept.default))
    }

    /// `SO_BINDTODEVICE`: the name of an interface, or nothing.
    fn bind_to_device(&mut self, bytes: &[u8], caller: &Caller) -> Result<(), Errno> {
        /// The longest name, with its NUL.
        const NAME_MAX: usize = 16;
        if self.bound_to_device {
            caller.credentials.need_in(Capability::NetRaw, &caller.net.user)?;
        }
        let bytes = bytes.get(..NAME_MAX - 1).unwrap_or(bytes);
        match bytes.split(|byte| *byte == 0).next().unwrap_or_default() {
            b"" => self.bound_to_device = false,
            b"lo" => self.bound_to_device = true,
            _ => return Err(Errno::ENODEV),
        }
        Ok(())
    }

    fn set_send_buffer(&mut self, asked: i32, max: usize) {
        self.send_buffer = doubled(asked, max).max(SEND_BUFFER_MIN);
        self.send_buffer_set = true;
    }

    fn set_receive_buffer(&mut self, asked: i32, max: usize) {
        self.receive_buffer = doubled(asked, max).max(RECEIVE_BUFFER_MIN);
        self.receive_buffer_set = true;
    }
}

/// The most that a privileged guest may force a buffer to: less than Linux's, since the memory is the sentry's.
const FORCED_MAX: usize = 8 << 20;

/// A negative size counts as a huge one, as in Linux.
fn doubled(asked: i32, max: usize) -> usize {
    usize::try_from(asked).unwrap_or(usize::MAX).min(max).saturating_mul(2)
}

fn to_timeval(time: Option<Duration>) -> Timeval {
    let time = time.unwrap_or_default();
    Timeval {
        seconds: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
        microseconds: i64::from(time.subsec_micros()),
    }
}

fn from_timeval(bytes: &[u8]) -> Result<Option<Duration>, Errno> {
    let (time, _) = Timeval::read_from_prefix(bytes).map_err(|_| Errno::EINVAL)?;
    let micros = u32::try_from(time.microseconds).ok().filter(|m| *m < 1_000_000).ok_or(Errno::EDOM)?;
    // A negative time expires at once; zero means never.
    let Ok(seconds) = u64::try_from(time.seconds) else { return Ok(Some(Duration::from_nanos(1))) };
    let duration = Duration::new(seconds, micros.saturating_mul(1000));
    Ok((!duration.is_zero()).then_some(duration))
}

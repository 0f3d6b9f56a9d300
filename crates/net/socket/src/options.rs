//! The options of `SOL_SOCKET`, socket(7).

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
            // These are off, and cannot be switched on.
            option::SO_DEBUG
            | option::SO_NO_CHECK
            | option::SO_TIMESTAMP
            | option::SO_TIMESTAMPNS
            | option::SO_PASSSEC => OptionValue::Int(0),
            _ => return Err(Errno::ENOPROTOOPT),
        })
    }

    /// Sets an option.
    ///
    /// # Errors
    /// `EINVAL` for a value of the wrong size, `EDOM` for a time that is none, `EPERM`, `ENOPROTOOPT` for options that are
    /// unknown or can only be read.
    pub fn set(&mut self, name: u32, bytes: &[u8], caller: &Caller) -> Result<(), Errno> {
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
            option::SO_RCVTIMEO => self.receive_timeout = from_timeval(bytes)?,
            option::SO_SNDTIMEO => self.send_timeout = from_timeval(bytes)?,
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
            _ => return Err(Errno::ENOPROTOOPT),
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

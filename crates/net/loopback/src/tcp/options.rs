//! Options of the levels IP, IPv6 and TCP.

use std::sync::Arc;

use abi::Errno;
use abi::socket::option::{
    IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP, IP_MTU, IP_MULTICAST_IF, IP_OPTIONS, IP_PKTOPTIONS, IP_UNICAST_IF,
    IPV6_MTU, IPV6_MULTICAST_IF, IPV6_UNICAST_IF, IPV6_V6ONLY, SOL_IP, SOL_IPV6, SOL_TCP, TCP_CONGESTION,
    TCP_MAXSEG, TCP_ULP, TCP_WINDOW_CLAMP,
};
use socket::interfaces::LOOPBACK_MTU;
use socket::{Caller, Kind, OptionValue};

use super::{Phase, Tcp};
use crate::options::{self, Owner};

/// How long the name of a congestion control is, `TCP_CA_NAME_MAX`.
const NAME_MAX: usize = 16;
/// The segment size over the loopback interface.
const SEGMENT: i32 = 32741;

/// The congestion control that is reported: there is none between two queues, and programs choose among names only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Congestion {
    #[default]
    Cubic,
    Reno,
}

impl Congestion {
    fn find(name: &[u8]) -> Result<Self, Errno> {
        let name = name.get(..NAME_MAX - 1).unwrap_or(name);
        match name.split(|b| *b == 0).next().unwrap_or_default() {
            _ if name.is_empty() => Err(Errno::EINVAL),
            b"cubic" => Ok(Self::Cubic),
            b"reno" => Ok(Self::Reno),
            _ => Err(Errno::ENOENT),
        }
    }

    fn value(self) -> OptionValue {
        let mut name = match self {
            Self::Cubic => b"cubic".to_vec(),
            Self::Reno => b"reno".to_vec(),
        };
        name.resize(NAME_MAX, 0);
        OptionValue::Bytes(name)
    }
}

impl Tcp {
    pub(super) fn option(&self, level: u32, name: u32) -> Result<OptionValue, Errno> {
        let state = self.state.lock();
        let connected = matches!(state.phase, Phase::Connected(_));
        match (level, name) {
            (SOL_TCP, TCP_CONGESTION) => Ok(state.congestion.value()),
            (SOL_TCP, TCP_MAXSEG) if connected => Ok(OptionValue::Int(SEGMENT)),
            (SOL_TCP, TCP_ULP) | (SOL_IP, IP_OPTIONS | IP_PKTOPTIONS) => Ok(OptionValue::Bytes(Vec::new())),
            (SOL_IP, IP_MTU) | (SOL_IPV6, IPV6_MTU) if connected => Ok(OptionValue::Int(LOOPBACK_MTU)),
            (SOL_IP, IP_MTU) => Err(Errno::ENOTCONN),
            (SOL_IPV6, IPV6_MTU) => Err(Errno::ENOTCONN),
            (SOL_IP, IP_MULTICAST_IF | IP_UNICAST_IF) | (SOL_IPV6, IPV6_MULTICAST_IF | IPV6_UNICAST_IF) => {
                Ok(OptionValue::Int(0))
            }
            _ => state.numbers.get(self.owner(), level, name),
        }
    }

    pub(super) fn set_option(
        &self,
        level: u32,
        name: u32,
        value: &[u8],
        caller: &Caller,
    ) -> Result<(), Errno> {
        let mut state = self.state.lock();
        if (level, name) == (SOL_IPV6, IPV6_V6ONLY) && state.bound.is_some() {
            return Err(Errno::EINVAL);
        }
        match (level, name) {
            (SOL_TCP, TCP_CONGESTION) => {
                state.congestion = Congestion::find(value)?;
                Ok(())
            }
            (SOL_TCP, TCP_ULP) => Err(if value.is_empty() { Errno::EINVAL } else { Errno::ENOENT }),
            (SOL_TCP, TCP_WINDOW_CLAMP) if value == [0; 4] && !matches!(state.phase, Phase::Idle) => {
                Err(Errno::EINVAL)
            }
            (SOL_IP, IP_OPTIONS) => options::check_ip_options(value),
            (SOL_IP, IP_MULTICAST_IF | IP_ADD_MEMBERSHIP | IP_DROP_MEMBERSHIP) => Err(Errno::EINVAL),
            _ => state.numbers.set(self.owner(), level, name, value, caller),
        }
    }

    const fn owner(&self) -> Owner {
        Owner { domain: self.core.domain, kind: Kind::Stream }
    }

    /// The reuse flags may change after bind(2), and count for the binds of others.
    pub(super) fn options_changed(&self) {
        let (reuse_address, reuse_port) = {
            let options = self.core.options.lock();
            (options.reuse_address, options.reuse_port)
        };
        let bound = self.state.lock().bound.clone();
        if let Some(bound) = bound {
            bound.lease.ports().update(&bound.lease, |b| {
                b.claim.reuse_address = reuse_address;
                b.claim.reuse_port = reuse_port;
            });
        }
        if let Some(connection) = self.connection()
            && let Some(peer) = connection.peer.upgrade()
            && !Arc::ptr_eq(&connection.out, &connection.input)
        {
            connection.out.set_capacity(self.capacity_to(&peer));
            connection.input.set_capacity(peer.capacity_to(self));
        }
    }
}

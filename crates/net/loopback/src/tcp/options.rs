//! Options of the levels IP, IPv6 and TCP.

use std::sync::Arc;

use abi::Errno;
use abi::socket::option::{
    IP_MTU, IPV6_MTU, IPV6_V6ONLY, SOL_IP, SOL_IPV6, SOL_TCP, TCP_CONGESTION, TCP_MAXSEG,
};
use socket::interfaces::LOOPBACK_MTU;
use socket::{Kind, OptionValue};

use super::{Phase, Tcp};

/// The congestion control that is reported: there is none between two queues, and programs choose among names only.
const CONGESTION: &[u8] = b"cubic\0\0\0\0\0\0\0\0\0\0\0";
/// The segment size before a connection, and over the loopback interface.
const SEGMENT: (i32, i32) = (536, 32741);

impl Tcp {
    pub(super) fn option(&self, level: u32, name: u32) -> Result<OptionValue, Errno> {
        let state = self.state.lock();
        let connected = matches!(state.phase, Phase::Connected(_));
        match (level, name) {
            (SOL_TCP, TCP_CONGESTION) => Ok(OptionValue::Bytes(CONGESTION.to_vec())),
            (SOL_TCP, TCP_MAXSEG) => Ok(OptionValue::Int(if connected { SEGMENT.1 } else { SEGMENT.0 })),
            (SOL_IP, IP_MTU) | (SOL_IPV6, IPV6_MTU) if connected => Ok(OptionValue::Int(LOOPBACK_MTU)),
            (SOL_IP, IP_MTU) => Err(Errno::ENOTCONN),
            _ => state.numbers.get(self.core.domain, self.core.kind == Kind::Stream, level, name),
        }
    }

    pub(super) fn set_option(&self, level: u32, name: u32, value: &[u8]) -> Result<(), Errno> {
        let mut state = self.state.lock();
        if (level, name) == (SOL_IPV6, IPV6_V6ONLY) && state.bound.is_some() {
            return Err(Errno::EINVAL);
        }
        match (level, name) {
            (SOL_TCP, TCP_CONGESTION) => {
                let asked = value.split(|b| *b == 0).next().unwrap_or_default();
                if asked == b"cubic" { Ok(()) } else { Err(Errno::ENOENT) }
            }
            _ => state.numbers.set(self.core.domain, true, level, name, value),
        }
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

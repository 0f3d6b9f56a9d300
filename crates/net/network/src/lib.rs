//! Network namespaces: the address families put together.
#![forbid(unsafe_code)]

use std::sync::Arc;

use abi::socket::family::{AF_INET, AF_INET6, AF_NETLINK, AF_UNIX};
use loopback::InetSystem;
use netlink::NetlinkFamily;
use socket::{Family, Maker, Namespace, Net};
use unix::UnixSystem;

/// Makes the network namespaces of one sandbox.
#[derive(Default)]
pub struct Networks {
    unix: UnixSystem,
}

impl Networks {
    /// One for a sandbox.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A namespace whose only interface is `lo` (`--network=none`): AF_UNIX, and TCP and UDP over the loopback addresses.
    #[must_use]
    pub fn loopback_only(&self) -> Arc<Namespace> {
        self.make(Net::first())
    }
}

impl Maker for Networks {
    fn make(&self, net: Arc<Net>) -> Arc<Namespace> {
        let inet = InetSystem::new();
        let families: [(u16, Arc<dyn Family>); 4] = [
            (AF_UNIX, self.unix.family()),
            (AF_INET, inet.inet()),
            (AF_INET6, inet.inet6()),
            (AF_NETLINK, NetlinkFamily::new()),
        ];
        Namespace::new(net, families)
    }
}

#[cfg(test)]
mod tests {
    use abi::Errno;
    use abi::socket::family::{AF_INET, AF_PACKET};

    use super::Networks;

    #[test]
    fn unknown_families_are_not_supported() {
        let namespace = Networks::new().loopback_only();
        assert!(namespace.family(AF_INET.into()).is_ok());
        for family in [u32::from(AF_PACKET), u32::MAX, 3] {
            assert_eq!(namespace.family(family).err(), Some(Errno::EAFNOSUPPORT));
        }
    }
}

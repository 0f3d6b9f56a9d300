//! The ioctls of netdevice(7), which any socket answers, for the one interface there is: `lo`.

use std::net::Ipv4Addr;

use abi::Errno;
use abi::socket::address::SockaddrIn;
use abi::socket::family::AF_INET;
use abi::socket::interface::{
    ARPHRD_LOOPBACK, IFF_LOOPBACK, IFF_RUNNING, IFF_UP, IFNAMSIZ, IFREQ_SIZE, SIOCGIFADDR, SIOCGIFBRDADDR,
    SIOCGIFCONF, SIOCGIFFLAGS, SIOCGIFHWADDR, SIOCGIFINDEX, SIOCGIFMETRIC, SIOCGIFMTU, SIOCGIFNAME,
    SIOCGIFNETMASK, SIOCGIFTXQLEN, SIOCSIFFLAGS,
};
use vfs::{Capability, IoctlContext};
use zerocopy::IntoBytes;

use crate::Net;

/// The name of the loopback interface.
pub const LOOPBACK_NAME: &[u8] = b"lo";
/// Its index.
pub const LOOPBACK_INDEX: i32 = 1;
/// Its largest packet, bytes.
pub const LOOPBACK_MTU: i32 = 65536;
/// Its queue length.
pub const LOOPBACK_QUEUE: i32 = 1000;

/// Answers an ioctl about interfaces.
///
/// # Errors
/// `EPERM` without CAP_NET_ADMIN for changes, `ENODEV` for an interface that does not exist, `ENOTTY` for other requests, `EFAULT`.
pub fn ioctl(net: &Net, context: &dyn IoctlContext, request: u32, argument: u64) -> Result<u64, Errno> {
    match request {
        SIOCGIFCONF => list(net, context, argument)?,
        SIOCGIFNAME => {
            let mut index = [0; 4];
            context.read(argument.saturating_add(IFNAMSIZ as u64), &mut index)?;
            if i32::from_ne_bytes(index) != LOOPBACK_INDEX {
                return Err(Errno::ENODEV);
            }
            context.write(argument, &padded(LOOPBACK_NAME, IFNAMSIZ))?;
        }
        SIOCGIFFLAGS | SIOCGIFADDR | SIOCGIFBRDADDR | SIOCGIFNETMASK | SIOCGIFMETRIC | SIOCGIFMTU
        | SIOCGIFHWADDR | SIOCGIFINDEX | SIOCGIFTXQLEN => {
            let mut name = [0; IFNAMSIZ];
            context.read(argument, &mut name)?;
            if name.split(|b| *b == 0).next() != Some(LOOPBACK_NAME) {
                return Err(Errno::ENODEV);
            }
            context.write(argument.saturating_add(IFNAMSIZ as u64), &property(net, request))?;
        }
        SIOCSIFFLAGS => set_flags(net, context, argument)?,
        _ => return Err(Errno::ENOTTY),
    }
    Ok(0)
}

/// Takes the interface up or down; its other flags stay.
///
/// # Errors
/// `EPERM` without CAP_NET_ADMIN, `ENODEV` for another interface, `EFAULT`.
fn set_flags(net: &Net, context: &dyn IoctlContext, argument: u64) -> Result<(), Errno> {
    let (mut name, mut flags) = ([0; IFNAMSIZ], [0; 2]);
    context.read(argument, &mut name)?;
    context.read(argument.saturating_add(IFNAMSIZ as u64), &mut flags)?;
    context.credentials().need_in(Capability::NetAdmin, &net.user)?;
    if name.split(|b| *b == 0).next() != Some(LOOPBACK_NAME) {
        return Err(Errno::ENODEV);
    }
    net.set_up(u32::from(u16::from_ne_bytes(flags)) & IFF_UP != 0);
    Ok(())
}

fn property(net: &Net, request: u32) -> Vec<u8> {
    match request {
        SIOCGIFFLAGS => {
            let flags = if net.is_up() { IFF_UP | IFF_LOOPBACK | IFF_RUNNING } else { IFF_LOOPBACK };
            u16::try_from(flags).unwrap_or(u16::MAX).to_ne_bytes().to_vec()
        }
        SIOCGIFADDR => socket_address(Ipv4Addr::LOCALHOST),
        SIOCGIFBRDADDR => socket_address(Ipv4Addr::UNSPECIFIED),
        SIOCGIFNETMASK => socket_address(Ipv4Addr::new(255, 0, 0, 0)),
        SIOCGIFMTU => LOOPBACK_MTU.to_ne_bytes().to_vec(),
        SIOCGIFHWADDR => padded(&ARPHRD_LOOPBACK.to_ne_bytes(), 16),
        SIOCGIFINDEX => LOOPBACK_INDEX.to_ne_bytes().to_vec(),
        SIOCGIFTXQLEN => LOOPBACK_QUEUE.to_ne_bytes().to_vec(),
        _ => 0i32.to_ne_bytes().to_vec(),
    }
}

fn socket_address(address: Ipv4Addr) -> Vec<u8> {
    SockaddrIn { family: AF_INET, address: address.octets(), ..Default::default() }.as_bytes().to_vec()
}

fn padded(bytes: &[u8], size: usize) -> Vec<u8> {
    let mut padded = bytes.to_vec();
    padded.resize(size, 0);
    padded
}

/// `struct ifconf`: a length and a pointer to that many bytes of `struct ifreq`.
fn list(net: &Net, context: &dyn IoctlContext, argument: u64) -> Result<(), Errno> {
    let (mut length, mut pointer) = ([0; 4], [0; 8]);
    context.read(argument, &mut length)?;
    context.read(argument.saturating_add(8), &mut pointer)?;
    let (length, pointer) = (i32::from_ne_bytes(length), u64::from_ne_bytes(pointer));
    let entry = i32::try_from(IFREQ_SIZE).unwrap_or(i32::MAX);
    // What is down has no address, and is not listed.
    let filled = if !net.is_up() {
        0
    } else if pointer == 0 {
        entry
    } else if length >= entry {
        let mut request = padded(LOOPBACK_NAME, IFNAMSIZ);
        request.extend(socket_address(Ipv4Addr::LOCALHOST));
        context.write(pointer, &padded(&request, IFREQ_SIZE))?;
        entry
    } else {
        0
    };
    context.write(argument, &filled.to_ne_bytes())
}

//! Answers to requests of the route family, rtnetlink(7).

use abi::Errno;
use abi::socket::family::{AF_INET, AF_INET6, AF_UNSPEC};
use abi::socket::interface::{ARPHRD_LOOPBACK, IFF_LOOPBACK, IFF_LOWER_UP, IFF_RUNNING, IFF_UP};
use abi::socket::route::{
    IFA_ADDRESS, IFA_F_PERMANENT, IFA_FLAGS, IFA_LABEL, IFA_LOCAL, IFLA_ADDRESS, IFLA_BROADCAST, IFLA_IFNAME,
    IFLA_MTU, IFLA_OPERSTATE, IFLA_QDISC, IFLA_TXQLEN, Ifaddrmsg, Ifinfomsg, NLM_F_ACK, NLM_F_DUMP,
    NLM_F_MULTI, NLM_F_REQUEST, NLMSG_MIN_TYPE, Nlmsghdr, RT_SCOPE_HOST, RTM_GETADDR, RTM_GETLINK,
    RTM_NEWADDR, RTM_NEWLINK, Rtattr,
};
use socket::interfaces::{LOOPBACK_INDEX, LOOPBACK_MTU, LOOPBACK_QUEUE};
use socket::{Caller, Net};
use vfs::Capability;
use zerocopy::FromBytes;

use crate::message::{ALIGN, Builder};

const NAME: &[u8] = b"lo\0";
/// The flags of an interface that is up.
const UP: u32 = IFF_UP | IFF_RUNNING | IFF_LOWER_UP;
/// `IF_OPER_DOWN`.
const OPERSTATE_DOWN: u8 = 2;

/// The answers to the requests in a datagram, one datagram each.
pub(crate) fn answer(net: &Net, data: &[u8], port: u32, caller: &Caller) -> Vec<Vec<u8>> {
    let mut answers = Vec::new();
    let mut rest = data;
    while let Ok((request, _)) = Nlmsghdr::read_from_prefix(rest) {
        let length = usize::try_from(request.length).unwrap_or(usize::MAX);
        let Some(body) = rest.get(size_of::<Nlmsghdr>()..length) else { break };
        rest = rest.get(length.next_multiple_of(ALIGN)..).unwrap_or_default();
        if request.flags & NLM_F_REQUEST == 0 || request.kind < NLMSG_MIN_TYPE {
            if request.flags & NLM_F_ACK != 0 {
                answers.push(Builder::outcome(&request, port, Ok(())));
            }
            continue;
        }
        match one(net, &request, body, port, caller) {
            Ok(found) => answers.extend(found),
            Err(errno) => answers.push(Builder::outcome(&request, port, Err(errno))),
        }
    }
    answers
}

fn one(
    net: &Net,
    request: &Nlmsghdr,
    body: &[u8],
    port: u32,
    caller: &Caller,
) -> Result<Vec<Vec<u8>>, Errno> {
    // Of each four kinds only the third reads.
    if request.kind % 4 != 2 {
        caller.credentials.need_in(Capability::NetAdmin, &net.user)?;
    }
    let dump = request.flags & NLM_F_DUMP == NLM_F_DUMP;
    match request.kind {
        RTM_GETLINK if dump => Ok(vec![link(net, request, port, NLM_F_MULTI), Builder::done(request, port)]),
        RTM_GETLINK => {
            let (wanted, attributes) = Ifinfomsg::read_from_prefix(body).map_err(|_| Errno::EINVAL)?;
            let named = name(attributes);
            match (wanted.index, named) {
                (LOOPBACK_INDEX, _) | (0, Some(b"lo")) => Ok(vec![link(net, request, port, 0)]),
                (0, None) => Err(Errno::EINVAL),
                _ => Err(Errno::ENODEV),
            }
        }
        RTM_GETADDR if dump => Ok(addresses(net, request, body, port)),
        RTM_NEWLINK => change_link(net, body).map(|()| done(request, port)),
        RTM_NEWADDR => add_address(net, body).map(|()| done(request, port)),
        _ => Err(Errno::EOPNOTSUPP),
    }
}

fn done(request: &Nlmsghdr, port: u32) -> Vec<Vec<u8>> {
    let wanted = request.flags & NLM_F_ACK != 0;
    wanted.then(|| Builder::outcome(request, port, Ok(()))).into_iter().collect()
}

/// Takes the interface up or down.
///
/// # Errors
/// `EINVAL`, `ENODEV` for another interface, `EOPNOTSUPP` for changes of anything else.
fn change_link(net: &Net, body: &[u8]) -> Result<(), Errno> {
    let (wanted, attributes) = Ifinfomsg::read_from_prefix(body).map_err(|_| Errno::EINVAL)?;
    match (wanted.index, name(attributes)) {
        (LOOPBACK_INDEX, _) | (0, Some(b"lo")) => {}
        _ => return Err(Errno::ENODEV),
    }
    // A mask of zero once meant all flags.
    let mask = if wanted.change == 0 { wanted.flags | IFF_UP } else { wanted.change };
    if (mask & !IFF_UP) & (wanted.flags ^ IFF_LOOPBACK) & !UP != 0 {
        return Err(Errno::EOPNOTSUPP);
    }
    if mask & IFF_UP != 0 {
        net.set_up(wanted.flags & IFF_UP != 0);
    }
    Ok(())
}

/// The interface has 127.0.0.1 and ::1 whenever it is up, and can have no others.
///
/// # Errors
/// `EINVAL`, `EEXIST` for those that it has, `EOPNOTSUPP` for others.
fn add_address(net: &Net, body: &[u8]) -> Result<(), Errno> {
    let (wanted, attributes) = Ifaddrmsg::read_from_prefix(body).map_err(|_| Errno::EINVAL)?;
    let address = attribute(attributes, IFA_LOCAL).or_else(|| attribute(attributes, IFA_ADDRESS));
    let own = match address.ok_or(Errno::EINVAL)? {
        [127, 0, 0, 1] => wanted.prefix_length == 8,
        address => address == std::net::Ipv6Addr::LOCALHOST.octets() && wanted.prefix_length == 128,
    };
    if wanted.index != LOOPBACK_INDEX.unsigned_abs() || !own {
        return Err(Errno::EOPNOTSUPP);
    }
    if net.is_up() { Err(Errno::EEXIST) } else { Ok(()) }
}

/// The value of `IFLA_IFNAME`.
fn name(attributes: &[u8]) -> Option<&[u8]> {
    attribute(attributes, IFLA_IFNAME)?.split(|b| *b == 0).next()
}

/// The value of an attribute.
fn attribute(attributes: &[u8], kind: u16) -> Option<&[u8]> {
    let mut rest = attributes;
    while let Ok((header, _)) = Rtattr::read_from_prefix(rest) {
        let length = usize::from(header.length);
        let data = rest.get(size_of::<Rtattr>()..length)?;
        if header.kind == kind {
            return Some(data);
        }
        rest = rest.get(length.next_multiple_of(ALIGN)..)?;
    }
    None
}

fn link(net: &Net, request: &Nlmsghdr, port: u32, flags: u16) -> Vec<u8> {
    let information = Ifinfomsg {
        kind: ARPHRD_LOOPBACK,
        index: LOOPBACK_INDEX,
        flags: if net.is_up() { IFF_LOOPBACK | UP } else { IFF_LOOPBACK },
        ..Ifinfomsg::default()
    };
    Builder::answer(request, port, RTM_NEWLINK, flags)
        .body(&information)
        .attribute(IFLA_IFNAME, NAME)
        .attribute(IFLA_TXQLEN, &LOOPBACK_QUEUE.to_ne_bytes())
        .attribute(IFLA_OPERSTATE, if net.is_up() { &[0] } else { &[OPERSTATE_DOWN] })
        .attribute(IFLA_MTU, &LOOPBACK_MTU.to_ne_bytes())
        .attribute(IFLA_QDISC, b"noqueue\0")
        .attribute(IFLA_ADDRESS, &[0; 6])
        .attribute(IFLA_BROADCAST, &[0; 6])
        .finish()
}

fn addresses(net: &Net, request: &Nlmsghdr, body: &[u8], port: u32) -> Vec<Vec<u8>> {
    let family = body.first().map_or(AF_UNSPEC, |f| u16::from(*f));
    let mut all = Vec::new();
    if net.is_up() && matches!(family, AF_UNSPEC | AF_INET) {
        let v4 = address(request, port, AF_INET, 8).attribute(IFA_ADDRESS, &[127, 0, 0, 1]);
        all.extend(
            v4.attribute(IFA_LOCAL, &[127, 0, 0, 1])
                .attribute(IFA_LABEL, NAME)
                .attribute(IFA_FLAGS, &u32::from(IFA_F_PERMANENT).to_ne_bytes())
                .finish(),
        );
    }
    if net.is_up() && matches!(family, AF_UNSPEC | AF_INET6) {
        let v6 = address(request, port, AF_INET6, 128);
        all.extend(
            v6.attribute(IFA_ADDRESS, &std::net::Ipv6Addr::LOCALHOST.octets())
                .attribute(IFA_FLAGS, &u32::from(IFA_F_PERMANENT).to_ne_bytes())
                .finish(),
        );
    }
    let mut answers = vec![all];
    answers.retain(|a| !a.is_empty());
    answers.push(Builder::done(request, port));
    answers
}

fn address(request: &Nlmsghdr, port: u32, family: u16, prefix_length: u8) -> Builder {
    let information = Ifaddrmsg {
        family: u8::try_from(family).unwrap_or_default(),
        prefix_length,
        flags: IFA_F_PERMANENT,
        scope: RT_SCOPE_HOST,
        index: LOOPBACK_INDEX.unsigned_abs(),
    };
    Builder::answer(request, port, RTM_NEWADDR, NLM_F_MULTI).body(&information)
}

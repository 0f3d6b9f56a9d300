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
use socket::Caller;
use socket::interfaces::{LOOPBACK_INDEX, LOOPBACK_MTU, LOOPBACK_QUEUE};
use vfs::Capability;
use zerocopy::FromBytes;

use crate::message::{ALIGN, Builder};

const NAME: &[u8] = b"lo\0";

/// The answers to the requests in a datagram, one datagram each.
pub(crate) fn answer(data: &[u8], port: u32, caller: &Caller) -> Vec<Vec<u8>> {
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
        match one(&request, body, port, caller) {
            Ok(found) => answers.extend(found),
            Err(errno) => answers.push(Builder::outcome(&request, port, Err(errno))),
        }
    }
    answers
}

fn one(request: &Nlmsghdr, body: &[u8], port: u32, caller: &Caller) -> Result<Vec<Vec<u8>>, Errno> {
    // Of each four kinds only the third reads.
    if request.kind % 4 != 2 {
        caller.credentials.need(Capability::NetAdmin)?;
    }
    let dump = request.flags & NLM_F_DUMP == NLM_F_DUMP;
    match request.kind {
        RTM_GETLINK if dump => Ok(vec![link(request, port, NLM_F_MULTI), Builder::done(request, port)]),
        RTM_GETLINK => {
            let (wanted, attributes) = Ifinfomsg::read_from_prefix(body).map_err(|_| Errno::EINVAL)?;
            let named = name(attributes);
            match (wanted.index, named) {
                (LOOPBACK_INDEX, _) | (0, Some(b"lo")) => Ok(vec![link(request, port, 0)]),
                (0, None) => Err(Errno::EINVAL),
                _ => Err(Errno::ENODEV),
            }
        }
        RTM_GETADDR if dump => Ok(addresses(request, body, port)),
        _ => Err(Errno::EOPNOTSUPP),
    }
}

/// The value of `IFLA_IFNAME`.
fn name(attributes: &[u8]) -> Option<&[u8]> {
    let mut rest = attributes;
    while let Ok((header, _)) = Rtattr::read_from_prefix(rest) {
        let length = usize::from(header.length);
        let data = rest.get(size_of::<Rtattr>()..length)?;
        if header.kind == IFLA_IFNAME {
            return data.split(|b| *b == 0).next();
        }
        rest = rest.get(length.next_multiple_of(ALIGN)..)?;
    }
    None
}

fn link(request: &Nlmsghdr, port: u32, flags: u16) -> Vec<u8> {
    let information = Ifinfomsg {
        kind: ARPHRD_LOOPBACK,
        index: LOOPBACK_INDEX,
        flags: IFF_UP | IFF_LOOPBACK | IFF_RUNNING | IFF_LOWER_UP,
        ..Ifinfomsg::default()
    };
    Builder::answer(request, port, RTM_NEWLINK, flags)
        .body(&information)
        .attribute(IFLA_IFNAME, NAME)
        .attribute(IFLA_TXQLEN, &LOOPBACK_QUEUE.to_ne_bytes())
        .attribute(IFLA_OPERSTATE, &[0])
        .attribute(IFLA_MTU, &LOOPBACK_MTU.to_ne_bytes())
        .attribute(IFLA_QDISC, b"noqueue\0")
        .attribute(IFLA_ADDRESS, &[0; 6])
        .attribute(IFLA_BROADCAST, &[0; 6])
        .finish()
}

fn addresses(request: &Nlmsghdr, body: &[u8], port: u32) -> Vec<Vec<u8>> {
    let family = body.first().map_or(AF_UNSPEC, |f| u16::from(*f));
    let mut all = Vec::new();
    if matches!(family, AF_UNSPEC | AF_INET) {
        let v4 = address(request, port, AF_INET, 8).attribute(IFA_ADDRESS, &[127, 0, 0, 1]);
        all.extend(
            v4.attribute(IFA_LOCAL, &[127, 0, 0, 1])
                .attribute(IFA_LABEL, NAME)
                .attribute(IFA_FLAGS, &u32::from(IFA_F_PERMANENT).to_ne_bytes())
                .finish(),
        );
    }
    if matches!(family, AF_UNSPEC | AF_INET6) {
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

//! The table of options.

use abi::Errno;
use abi::socket::option::*;

use super::Who;
use super::rule::Rule;

/// An option. What most stand for has no effect on queues; the code asks by name for those that have one.
pub(super) struct Row {
    pub(super) level: u32,
    pub(super) name: u32,
    pub(super) default: i32,
    pub(super) rule: Rule,
    pub(super) who: Who,
    /// Setting it to anything but 0 needs `CAP_NET_ADMIN`.
    pub(super) privileged: bool,
}

impl Row {
    const fn only(self, who: Who) -> Self {
        Self { who, ..self }
    }

    const fn privileged(self) -> Self {
        Self { privileged: true, ..self }
    }
}

const fn row(level: u32, name: u32, default: i32, rule: Rule) -> Row {
    Row { level, name, default, rule, who: Who::All, privileged: false }
}

const fn ip(name: u32, default: i32, rule: Rule) -> Row {
    row(SOL_IP, name, default, rule)
}

const fn ipv6(name: u32, default: i32, rule: Rule) -> Row {
    row(SOL_IPV6, name, default, rule)
}

const fn tcp(name: u32, default: i32, rule: Rule) -> Row {
    row(SOL_TCP, name, default, rule).only(Who::Streams)
}

const fn flag(level: u32, name: u32) -> Row {
    row(level, name, 0, Rule::Flag)
}

/// For raw sockets alone: others report 0.
const RAW: Rule = Rule::Fixed(Errno::ENOPROTOOPT);
const STREAMS_REFUSE: Who = Who::Messages(Errno::EINVAL);
const STREAMS_LACK: Who = Who::Messages(Errno::ENOPROTOOPT);

pub(super) const ROWS: &[Row] = &[
    ip(IP_TOS, 0, Rule::Service),
    ip(IP_TTL, 64, Rule::Hops(1)),
    ip(IP_HDRINCL, 0, RAW),
    ip(IP_ROUTER_ALERT, 0, Rule::Fixed(Errno::EINVAL)),
    flag(SOL_IP, IP_RECVOPTS),
    flag(SOL_IP, IP_RETOPTS),
    flag(SOL_IP, IP_PKTINFO),
    ip(IP_MTU_DISCOVER, 1, Rule::Within(0, 5)),
    flag(SOL_IP, IP_RECVERR),
    flag(SOL_IP, IP_RECVTTL),
    flag(SOL_IP, IP_RECVTOS),
    flag(SOL_IP, IP_FREEBIND),
    flag(SOL_IP, IP_PASSSEC),
    flag(SOL_IP, IP_TRANSPARENT).privileged(),
    flag(SOL_IP, IP_RECVORIGDSTADDR),
    ip(IP_MINTTL, 0, Rule::Within(0, 255)),
    ip(IP_NODEFRAG, 0, RAW),
    flag(SOL_IP, IP_CHECKSUM),
    flag(SOL_IP, IP_BIND_ADDRESS_NO_PORT),
    flag(SOL_IP, IP_RECVFRAGSIZE).only(STREAMS_REFUSE),
    ip(IP_RECVERR_RFC4884, 0, Rule::Switch),
    ip(IP_MULTICAST_TTL, 1, Rule::Hops(0)).only(STREAMS_REFUSE),
    ip(IP_MULTICAST_LOOP, 1, Rule::Flag),
    ip(IP_MULTICAST_ALL, 1, Rule::Switch),
    ip(IP_LOCAL_PORT_RANGE, 0, Rule::Ports),
    flag(SOL_IPV6, IPV6_2292PKTINFO),
    flag(SOL_IPV6, IPV6_2292HOPOPTS),
    flag(SOL_IPV6, IPV6_2292DSTOPTS),
    flag(SOL_IPV6, IPV6_2292RTHDR),
    flag(SOL_IPV6, IPV6_2292HOPLIMIT),
    flag(SOL_IPV6, IPV6_FLOWINFO),
    ipv6(IPV6_UNICAST_HOPS, 64, Rule::Hops(0)),
    ipv6(IPV6_MULTICAST_HOPS, 1, Rule::Hops(0)).only(STREAMS_LACK),
    ipv6(IPV6_MULTICAST_LOOP, 1, Rule::Switch),
    ipv6(IPV6_ROUTER_ALERT, 0, RAW),
    ipv6(IPV6_MTU_DISCOVER, 1, Rule::Within(0, 5)),
    flag(SOL_IPV6, IPV6_RECVERR),
    flag(SOL_IPV6, IPV6_V6ONLY),
    ipv6(IPV6_MULTICAST_ALL, 1, Rule::Flag),
    flag(SOL_IPV6, IPV6_ROUTER_ALERT_ISOLATE),
    ipv6(IPV6_RECVERR_RFC4884, 0, Rule::Switch),
    flag(SOL_IPV6, IPV6_FLOWINFO_SEND),
    flag(SOL_IPV6, IPV6_RECVPKTINFO),
    flag(SOL_IPV6, IPV6_RECVHOPLIMIT),
    flag(SOL_IPV6, IPV6_RECVHOPOPTS),
    flag(SOL_IPV6, IPV6_RECVRTHDR),
    flag(SOL_IPV6, IPV6_RECVDSTOPTS),
    flag(SOL_IPV6, IPV6_RECVPATHMTU),
    flag(SOL_IPV6, IPV6_DONTFRAG),
    flag(SOL_IPV6, IPV6_RECVTCLASS),
    ipv6(IPV6_TCLASS, 0, Rule::Class),
    ipv6(IPV6_AUTOFLOWLABEL, 1, Rule::Flag),
    ipv6(IPV6_MINHOPCOUNT, 0, Rule::Within(0, 255)),
    flag(SOL_IPV6, IPV6_RECVORIGDSTADDR),
    flag(SOL_IPV6, IPV6_TRANSPARENT).privileged(),
    flag(SOL_IPV6, IPV6_RECVFRAGSIZE),
    flag(SOL_IPV6, IPV6_FREEBIND),
    tcp(TCP_NODELAY, 0, Rule::Flag),
    tcp(TCP_MAXSEG, 536, Rule::NoneOr(88, 32767)),
    tcp(TCP_CORK, 0, Rule::Flag),
    tcp(TCP_KEEPIDLE, 7200, Rule::Within(1, 32767)),
    tcp(TCP_KEEPINTVL, 75, Rule::Within(1, 32767)),
    tcp(TCP_KEEPCNT, 9, Rule::Within(1, 127)),
    tcp(TCP_SYNCNT, 6, Rule::Within(1, 127)),
    tcp(TCP_LINGER2, 60, Rule::Linger(120)),
    tcp(TCP_DEFER_ACCEPT, 0, Rule::Retransmissions),
    tcp(TCP_WINDOW_CLAMP, 0, Rule::AtLeast(1152)),
    tcp(TCP_QUICKACK, 1, Rule::Flag),
    tcp(TCP_THIN_LINEAR_TIMEOUTS, 0, Rule::Switch),
    tcp(TCP_USER_TIMEOUT, 0, Rule::Within(0, i32::MAX)),
    // Without a cookie a client falls back to the three steps: a listener that would take more sees no difference.
    tcp(TCP_FASTOPEN, 0, Rule::Within(0, i32::MAX)),
    tcp(TCP_NOTSENT_LOWAT, 0, Rule::Within(i32::MIN, i32::MAX)),
    tcp(TCP_SAVE_SYN, 0, Rule::Within(0, 2)),
    tcp(TCP_FASTOPEN_CONNECT, 0, Rule::Fixed(Errno::EOPNOTSUPP)),
    flag(SOL_UDP, UDP_NO_CHECK6_TX),
    flag(SOL_UDP, UDP_NO_CHECK6_RX),
];

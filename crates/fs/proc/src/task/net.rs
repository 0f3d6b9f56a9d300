//! /proc/PID/net: the devices of the network namespace, which has the loopback alone.

use abi::Errno;
use std::sync::Arc;
use synthetic::{Entry, Make, Meta, Node, Table};

use super::Subject;

pub(super) fn directory(subject: &Subject, meta: Meta) -> Node {
    let table = Table::new(subject.clone(), FILES, meta.owner, (1 << 60) | meta.inode << 8);
    Node::Directory(meta, Arc::new(table))
}

static FILES: &[Entry<Subject>] = &[
    Entry { name: "dev", mode: 0o444, make: Make::Text(devices) },
    Entry { name: "if_inet6", mode: 0o444, make: Make::Text(addresses) },
    Entry { name: "route", mode: 0o444, make: Make::Text(routes) },
];

#[expect(clippy::unnecessary_wraps, reason = "the signature of all generators")]
fn devices(_: &Subject) -> Result<Vec<u8>, Errno> {
    let text = "Inter-|   Receive                                                |  Transmit\n \
         face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n    \
         lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0\n";
    Ok(text.as_bytes().to_vec())
}

/// The loopback's address while it is up, with index 1, prefix length 128, host scope, permanent.
fn addresses(subject: &Subject) -> Result<Vec<u8>, Errno> {
    if !subject.task()?.network().net.is_up() {
        return Ok(Vec::new());
    }
    Ok(b"00000000000000000000000000000001 01 80 10 80       lo\n".to_vec())
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of all generators")]
fn routes(_: &Subject) -> Result<Vec<u8>, Errno> {
    let heading = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT";
    Ok(format!("{heading:<127}\n").into_bytes())
}

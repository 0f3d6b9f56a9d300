//! Sockets.

use abi::socket::message::{Mmsghdr, Msghdr};
use kernel::{UserAddr, UserPtr};
use vfs::Fd;

use crate::Support::{Full, Partial};
use crate::net::{
    accept, bind, connect, create, names, option, receive, receive_many, send, send_many, shutdown,
};
use crate::{Row, rows};

pub(super) static ROWS: &[Row] = rows! {
    now socket(create::socket, domain: u32, kind: u32, protocol: u32)
        Partial("AF_UNIX, TCP and UDP over the loopback interface, netlink lists of links and addresses; no raw sockets");
    now socketpair(create::socketpair, domain: u32, kind: u32, protocol: u32, pair: UserPtr<[i32; 2]>) Full;
    now bind(bind::bind, fd: Fd, address: UserAddr, length: i32) Full;
    now listen(accept::listen, fd: Fd, backlog: i32) Full;
    later accept(accept::accept, fd: Fd, address: UserAddr, length: UserPtr<i32>) Full;
    later accept4(accept::accept4, fd: Fd, address: UserAddr, length: UserPtr<i32>, flags: u32) Full;
    later connect(connect::connect, fd: Fd, address: UserAddr, length: i32)
        Partial("loopback addresses, and AF_UNIX sockets of this sandbox");
    now getsockname(names::getsockname, fd: Fd, address: UserAddr, length: UserPtr<i32>) Full;
    now getpeername(names::getpeername, fd: Fd, address: UserAddr, length: UserPtr<i32>) Full;
    later sendto(send::sendto, fd: Fd, buffer: UserAddr, count: usize, flags: u32, address: UserAddr, length: i32)
        Partial("no urgent data");
    later recvfrom(receive::recvfrom, fd: Fd, buffer: UserAddr, count: usize, flags: u32, address: UserAddr, length: UserPtr<i32>)
        Partial("no urgent data; the error queue of UDP alone");
    later sendmsg(send::sendmsg, fd: Fd, message: UserPtr<Msghdr>, flags: u32)
        Partial("no urgent data; of control messages those of AF_UNIX, and addresses, hops and classes of UDP");
    later recvmsg(receive::recvmsg, fd: Fd, message: UserPtr<Msghdr>, flags: u32)
        Partial("no urgent data; the error queue and control messages of UDP and AF_UNIX alone");
    later sendmmsg(send_many::sendmmsg, fd: Fd, messages: UserPtr<Mmsghdr>, count: u32, flags: u32)
        Partial("as sendmsg");
    later recvmmsg(receive_many::recvmmsg, fd: Fd, messages: UserPtr<Mmsghdr>, count: u32, flags: u32, timeout: UserPtr<[i64; 2]>)
        Partial("as recvmsg");
    now shutdown(shutdown::shutdown, fd: Fd, how: u32) Full;
    now getsockopt(option::getsockopt, fd: Fd, level: u32, name: u32, value: UserAddr, length: UserPtr<i32>)
        Partial("no TCP_INFO, no packet filters");
    now setsockopt(option::setsockopt, fd: Fd, level: u32, name: u32, value: UserAddr, length: i32)
        Partial("no packet filters, groups on the loopback interface alone, timestamps of messages alone");
};

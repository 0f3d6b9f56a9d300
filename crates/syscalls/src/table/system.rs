//! The system as a whole.

use abi::resource::{Sysinfo, Utsname};
use kernel::{UserAddr, UserPtr};

use crate::Support::{Full, Partial};
use crate::system::{getrandom, membarrier, names, personality, refused, rseq, sysinfo, vhangup};
use crate::{Row, rows};

pub(super) static ROWS: &[Row] = rows! {
    now getrandom(getrandom::getrandom, buffer: UserAddr, count: usize, flags: u32) Full;
    now uname(names::uname, to: UserPtr<Utsname>) Full;
    now sethostname(names::sethostname, name: UserAddr, length: i32) Full;
    now setdomainname(names::setdomainname, name: UserAddr, length: i32) Full;
    now sysinfo(sysinfo::sysinfo, to: UserPtr<Sysinfo>) Partial("no swap");
    now personality(personality::personality, wanted: u32) Partial("of the bits about memory only ADDR_NO_RANDOMIZE has an effect");
    later membarrier(membarrier::membarrier, command: u32, flags: u32, cpu: i32) Full;
    later rseq(rseq::rseq, area: u64, length: u32, flags: u32, signature: u32) Full;
    now vhangup(vhangup::vhangup) Full;
    now syslog(refused::not_permitted) Partial("EPERM: the log is the machine's");
    now reboot(refused::not_permitted) Partial("EPERM");
    now swapon(refused::not_permitted) Partial("EPERM");
    now swapoff(refused::not_permitted) Partial("EPERM");
    now acct(refused::not_permitted) Partial("EPERM");
    now init_module(refused::not_permitted) Partial("EPERM");
    now finit_module(refused::not_permitted) Partial("EPERM");
    now delete_module(refused::not_permitted) Partial("EPERM");
    now iopl(refused::not_permitted) Partial("EPERM");
    now ioperm(refused::not_permitted) Partial("EPERM");
    now kexec_load(refused::not_permitted) Partial("EPERM");
    ; none {
        ptrace, "not yet";
        bpf, "the host kernel's";
        perf_event_open, "the host kernel's";
        userfaultfd, "page faults are the host's";
        modify_ldt, "not offered";
    }
};

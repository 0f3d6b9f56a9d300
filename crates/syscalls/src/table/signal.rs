//! Signals.

use abi::signal::{AltStack, SigAction, Siginfo, SignalSet};
use abi::time::Timespec;
use kernel::{UserAddr, UserPtr};
use vfs::Fd;

use crate::Support::Full;
use crate::signal::{SetSize, SignalNumber, action, kill, mask, queue, signal_fd, stack, wait};
use crate::{Row, rows};

pub(super) static ROWS: &[Row] = rows! {
    now rt_sigaction(action::rt_sigaction, signal: SignalNumber, act: UserPtr<SigAction>, oldact: UserPtr<SigAction>, size: SetSize) Full;
    now rt_sigprocmask(mask::rt_sigprocmask, how: i32, set: UserPtr<SignalSet>, oldset: UserPtr<SignalSet>, size: SetSize) Full;
    now rt_sigreturn(stack::rt_sigreturn) Full;
    later pause(wait::pause) Full;
    now kill(kill::kill, pid: i32, signal: SignalNumber) Full;
    now rt_sigpending(mask::rt_sigpending, set: UserAddr, size: usize) Full;
    later rt_sigtimedwait(wait::rt_sigtimedwait, set: UserPtr<SignalSet>, info: UserPtr<Siginfo>, timeout: UserPtr<Timespec>, size: SetSize) Full;
    now rt_sigqueueinfo(queue::rt_sigqueueinfo, pid: i32, signal: SignalNumber, info: UserPtr<Siginfo>) Full;
    later rt_sigsuspend(wait::rt_sigsuspend, set: UserPtr<SignalSet>, size: SetSize) Full;
    now sigaltstack(stack::sigaltstack, new: UserPtr<AltStack>, old: UserPtr<AltStack>) Full;
    now tkill(kill::tkill, tid: i32, signal: SignalNumber) Full;
    now restart_syscall(stack::restart_syscall) Full;
    now tgkill(kill::tgkill, pid: i32, tid: i32, signal: SignalNumber) Full;
    now signalfd(signal_fd::signalfd, fd: Fd, set: UserPtr<SignalSet>, size: SetSize) Full;
    now signalfd4(signal_fd::signalfd4, fd: Fd, set: UserPtr<SignalSet>, size: SetSize, flags: u32) Full;
    now rt_tgsigqueueinfo(queue::rt_tgsigqueueinfo, pid: i32, tid: i32, signal: SignalNumber, info: UserPtr<Siginfo>) Full;
    now pidfd_send_signal(queue::pidfd_send_signal, fd: Fd, signal: SignalNumber, info: UserPtr<Siginfo>, flags: u32)
        Full;
};

//! Frames on x86-64, as `arch/x86/kernel/signal_64.c` lays them out and its ABI promises.

use abi::Errno;
use abi::signal::{
    ActionFlags, AltStack, FP_XSTATE_MAGIC1, FP_XSTATE_MAGIC2, FXSAVE_SIZE, FpSoftware, RtFrame, SigContext,
    SignalSet, UContext, UContextFlags,
};
use platform::{Context, Memory, Registers, SyscallArgs, Thread};
use zerocopy::{FromBytes, IntoBytes};

use crate::memory::{UserAddr, read_exact};
use crate::signal::altstack::AlternateStack;
use crate::signal::state::Fault;
use crate::signal::take::Delivery;

/// Below the stack pointer a function may use 128 bytes without saying so.
const RED_ZONE: u64 = 128;
/// XSAVE wants its area aligned so.
const FPSTATE_ALIGNMENT: u64 = 64;
const FRAME_SIZE: u64 = size_of::<RtFrame>() as u64;
/// Trap, direction, resume: cleared at entry to a handler.
const CLEARED_FLAGS: u64 = 0x100 | 0x400 | 0x1_0000;
/// The flags that rt_sigreturn(2) takes from the frame: arithmetic, trap, direction, alignment check, resume.
const RESTORED_FLAGS: u64 = 0x1 | 0x4 | 0x10 | 0x40 | 0x80 | 0x100 | 0x400 | 0x800 | 0x1_0000 | 0x4_0000;
/// The flags that user code always has: the one that is always set, and interrupts.
const USER_FLAGS: u64 = 0x202;
/// Bytes from a frame's `ucontext` to the end of its vector state, on processors that have AVX-512 but not AMX.
const LIKELY_SIZE: usize = 3328;
const SYSCALL: [u8; 2] = [0x0f, 0x05];
const USER_CODE: u16 = 0x33;
const USER_DATA: u16 = 0x2b;
/// No processor's state is larger than this.
const EXTENDED_MAX: usize = 32 << 10;

/// Puts the result of a system call where the guest finds it.
pub(crate) const fn set_result(registers: &mut Registers, value: u64) {
    registers.rax = value;
}

/// Has the guest execute the system call again.
pub(crate) const fn rewind(registers: &mut Registers, args: &SyscallArgs) {
    registers.rax = args.number;
    registers.rip = registers.rip.wrapping_sub(SYSCALL.len() as u64);
}

/// If the thread was interrupted in a native futex wait that is about to be executed again: has the wait fail with
/// `EINTR`, as it does unless it has no timeout and the handler is one that restarts calls.
pub(crate) fn fails_with_eintr(memory: &dyn Memory, registers: &mut Registers, restarts: bool) {
    const FUTEX: u64 = 202;
    const COMMAND: u64 = 0x7f;
    const FUTEX_WAIT: u64 = 0;
    const FUTEX_WAIT_BITSET: u64 = 9;
    let waits = matches!(registers.rsi & COMMAND, FUTEX_WAIT | FUTEX_WAIT_BITSET);
    if registers.rax != FUTEX || !waits || (restarts && registers.r10 == 0) {
        return;
    }
    let mut code = [0; SYSCALL.len()];
    if memory.read(registers.rip, &mut code) == Ok(code.len()) && code == SYSCALL {
        registers.rax = Errno::EINTR.to_return();
        registers.rip = registers.rip.wrapping_add(SYSCALL.len() as u64);
    }
}

/// Pushes the frame of a handler and points the thread's registers, which were `context`, to the handler.
///
/// # Errors
/// `EFAULT` if there is no room on the stack, or no restorer: nothing has changed then. `ESRCH` if the thread is gone.
pub(crate) fn enter_handler(
    thread: &dyn Thread,
    context: &Context,
    delivery: &Delivery,
    mask: SignalSet,
    stack: &AlternateStack,
    fault: &Fault,
) -> Result<(), Errno> {
    let flags = delivery.action.known_flags();
    if !flags.contains(ActionFlags::RESTORER) {
        return Err(Errno::EFAULT);
    }
    let old = context.registers;
    let mut sp = old.rsp.wrapping_sub(RED_ZONE);
    let mut on_alternate = stack.in_use(old.rsp);
    if flags.contains(ActionFlags::ONSTACK) && stack.free(sp) {
        sp = stack.base.wrapping_add(stack.size);
        on_alternate = true;
    }
    let extended = extended_image(&context.extended);
    let fpstate = sp.wrapping_sub(extended.len() as u64) & !(FPSTATE_ALIGNMENT - 1);
    // As after a call: the return address lies 8 bytes below a multiple of 16.
    let at = (fpstate.wrapping_sub(FRAME_SIZE) & !15).wrapping_sub(8);
    if on_alternate && !stack.holds(at) {
        return Err(Errno::EFAULT);
    }
    let fpstate = if extended.is_empty() { 0 } else { fpstate };
    let frame = RtFrame {
        pretcode: delivery.action.restorer,
        ucontext: UContext {
            flags: ucontext_flags(&extended).bits(),
            link: 0,
            stack: stack.to_frame(),
            context: save(&old, fault, mask, fpstate),
            mask,
        },
        info: delivery.info,
    };
    let ucontext = at.wrapping_add(core::mem::offset_of!(RtFrame, ucontext) as u64);
    let mut registers = old;
    registers.rdi = u64::from(delivery.signal.number().cast_unsigned());
    registers.rsi = at.wrapping_add(core::mem::offset_of!(RtFrame, info) as u64);
    registers.rdx = ucontext;
    registers.rax = 0;
    registers.rip = delivery.action.handler;
    registers.rsp = at;
    registers.eflags &= !CLEARED_FLAGS;
    let pieces = [(at, frame.as_bytes()), (fpstate, &extended[..])];
    let pieces = if extended.is_empty() { &pieces[..1] } else { &pieces[..] };
    thread.enter_handler(pieces, &registers)
}

fn ucontext_flags(extended: &[u8]) -> UContextFlags {
    let base = UContextFlags::SIGCONTEXT_SS | UContextFlags::STRICT_RESTORE_SS;
    if extended.len() > FXSAVE_SIZE { base | UContextFlags::FP_XSTATE } else { base }
}

fn save(registers: &Registers, fault: &Fault, mask: SignalSet, fpstate: u64) -> SigContext {
    let r = registers;
    let or_user = |segment: u16, user: u16| if segment == 0 { user } else { segment };
    SigContext {
        r8: r.r8,
        r9: r.r9,
        r10: r.r10,
        r11: r.r11,
        r12: r.r12,
        r13: r.r13,
        r14: r.r14,
        r15: r.r15,
        rdi: r.rdi,
        rsi: r.rsi,
        rbp: r.rbp,
        rbx: r.rbx,
        rdx: r.rdx,
        rax: r.rax,
        rcx: r.rcx,
        rsp: r.rsp,
        rip: r.rip,
        eflags: r.eflags,
        cs: or_user(r.cs, USER_CODE),
        gs: 0,
        fs: 0,
        ss: or_user(r.ss, USER_DATA),
        err: fault.error,
        trapno: fault.trap,
        oldmask: mask.0,
        cr2: fault.address,
        fpstate,
        reserved: [0; 8],
    }
}

fn software(image: &[u8]) -> Option<FpSoftware> {
    let bytes = image.get(FpSoftware::OFFSET..FXSAVE_SIZE)?;
    FpSoftware::read_from_bytes(bytes).ok().filter(|sw| sw.magic1 == FP_XSTATE_MAGIC1)
}

/// The vector state as it lies in a frame: what the host gave, ended by the second magic number.
fn extended_image(host: &[u8]) -> Vec<u8> {
    let mut image = host.to_vec();
    if let Some(sw) = software(host)
        && let (Ok(state), Ok(whole)) = (usize::try_from(sw.xstate_size), usize::try_from(sw.extended_size))
        && whole == state.saturating_add(4)
        && whole <= EXTENDED_MAX
    {
        image.resize(state, 0);
        image.extend(FP_XSTATE_MAGIC2.to_le_bytes());
    }
    image
}

/// What a handler returns to.
pub(crate) struct Restored {
    pub(crate) registers: Registers,
    /// As [`Context::extended`].
    pub(crate) extended: Vec<u8>,
    pub(crate) mask: SignalSet,
    pub(crate) stack: AltStack,
}

/// Reads the frame that a handler with this stack pointer returns to: with one host call if it lies as [`enter_handler`] has put it.
///
/// # Errors
/// `EFAULT`.
pub(crate) fn read_frame(memory: &dyn Memory, sp: u64) -> Result<Restored, Errno> {
    // The return address has been taken off the stack.
    let start = sp.wrapping_sub(8).wrapping_add(core::mem::offset_of!(RtFrame, ucontext) as u64);
    let mut bytes = [0; LIKELY_SIZE];
    let got = memory.read(start, &mut bytes)?;
    let bytes = bytes.get(..got).unwrap_or_default();
    let (frame, _) = UContext::read_from_prefix(bytes).map_err(|_| Errno::EFAULT)?;
    let nearby = usize::try_from(frame.context.fpstate.wrapping_sub(start));
    let image = nearby.ok().and_then(|at| bytes.get(at..)).and_then(whole_image);
    let extended = match image {
        Some(image) => image.to_vec(),
        None => read_extended(memory, frame.context.fpstate)?,
    };
    Ok(Restored { registers: load(&frame.context), extended, mask: frame.mask, stack: frame.stack })
}

/// The vector state at the start of these bytes, if it is complete and ends as it should.
fn whole_image(bytes: &[u8]) -> Option<&[u8]> {
    let size = usize::try_from(software(bytes)?.extended_size).ok()?;
    let image = bytes.get(..size).filter(|image| image.len() >= FXSAVE_SIZE + 4)?;
    image.ends_with(&FP_XSTATE_MAGIC2.to_le_bytes()).then_some(image)
}

fn load(saved: &SigContext) -> Registers {
    let s = saved;
    Registers {
        r8: s.r8,
        r9: s.r9,
        r10: s.r10,
        r11: s.r11,
        r12: s.r12,
        r13: s.r13,
        r14: s.r14,
        r15: s.r15,
        rdi: s.rdi,
        rsi: s.rsi,
        rbp: s.rbp,
        rbx: s.rbx,
        rdx: s.rdx,
        rax: s.rax,
        rcx: s.rcx,
        rsp: s.rsp,
        rip: s.rip,
        eflags: USER_FLAGS | (s.eflags & RESTORED_FLAGS),
        // Guests run 64-bit code only: their segments are the user's own whatever a frame says.
        cs: 0,
        ss: 0,
    }
}

fn read_extended(memory: &dyn Memory, fpstate: u64) -> Result<Vec<u8>, Errno> {
    if fpstate == 0 {
        return Ok(Vec::new());
    }
    let mut image = vec![0; FXSAVE_SIZE];
    read_exact(memory, UserAddr(fpstate), &mut image)?;
    let Some(sw) = software(&image) else { return Ok(image) };
    let whole = usize::try_from(sw.extended_size).unwrap_or_default();
    if !(FXSAVE_SIZE + 4..=EXTENDED_MAX).contains(&whole) {
        return Ok(without_software(image));
    }
    let mut all = vec![0; whole];
    read_exact(memory, UserAddr(fpstate), &mut all)?;
    // Read twice, so the guest may have changed it: only what is read last counts, and the host checks that.
    let ends_with_magic = all.ends_with(&FP_XSTATE_MAGIC2.to_le_bytes());
    Ok(if ends_with_magic && software(&all) == Some(sw) { all } else { without_software(image) })
}

/// The image alone, without a claim that more follows.
fn without_software(mut image: Vec<u8>) -> Vec<u8> {
    image.truncate(FpSoftware::OFFSET);
    image.resize(FXSAVE_SIZE, 0);
    image
}

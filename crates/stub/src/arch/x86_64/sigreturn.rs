//! Frames of the guest's signal handlers, and the way back from them.

use core::arch::{asm, global_asm};
use core::mem::offset_of;

use super::Ucontext;
use crate::interface::{PAGE_SIZE, ThreadPage};

/// A `ucontext` with its mask, as it lies on a guest's stack.
#[derive(Default)]
#[repr(C)]
pub struct UserContext {
    flags: u64,
    link: u64,
    stack: [u64; 3],
    /// As [`ThreadPage::returned`].
    registers: [u64; 18],
    segments: u64,
    error: u64,
    trap: u64,
    oldmask: u64,
    cr2: u64,
    pub vector_state: u64,
    reserved: [u64; 8],
    pub mask: u64,
}

/// The flags that rt_sigreturn(2) takes from a frame: arithmetic, trap, direction, alignment check, resume.
const RESTORED_FLAGS: u64 = 0x1 | 0x4 | 0x10 | 0x40 | 0x80 | 0x100 | 0x400 | 0x800 | 0x1_0000 | 0x4_0000;
/// The flags that user code always has: the one that is always set, and interrupts.
const USER_FLAGS: u64 = 0x202;
const USER_CODE: u64 = 0x33;
const USER_DATA: u64 = 0x2b;

/// What a call leaves in the registers, besides what it found there.
pub struct Registers {
    pub result: u64,
    pub instruction_pointer: u64,
    /// Where the frame has the vector state.
    pub vector: u64,
}

/// The flags after a call through the gate, which keeps none.
const SOME_FLAGS: u64 = 0x246;
/// `UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS`.
const CONTEXT_FLAGS: u64 = 1 | 2 | 4;

impl UserContext {
    /// Behind a call that has come through the gate.
    pub fn of_call(
        page: &ThreadPage,
        after: &Registers,
        stack: [u64; 3],
        [error, trap, address]: [u64; 3],
        mask: u64,
    ) -> Self {
        let mut registers = [0; 18];
        let [general @ .., rip, flags] = &mut registers;
        *general = page.saved;
        let [_, _, _, r11, .., rax, rcx, _] = general;
        (*r11, *rax, *rcx) = (SOME_FLAGS, after.result, after.instruction_pointer);
        (*rip, *flags) = (after.instruction_pointer, SOME_FLAGS);
        Self {
            flags: CONTEXT_FLAGS,
            link: 0,
            stack,
            registers,
            segments: USER_CODE | USER_DATA << 48,
            error,
            trap,
            oldmask: mask,
            cr2: address,
            vector_state: after.vector,
            reserved: [0; 8],
            mask,
        }
    }

    /// The alternate stack: base, flags, size.
    pub fn stack(&self) -> [u64; 3] {
        let [base, flags, size] = self.stack;
        [base, flags & 0xffff_ffff, size]
    }

    /// Leaves the registers where [`stub_sigreturn`] loads them from.
    pub fn put_into(&self, page: &mut ThreadPage) {
        page.returned = self.registers;
        let [.., rsp, rip, flags] = &mut page.returned;
        *flags = *flags & RESTORED_FLAGS | USER_FLAGS;
        page.leave = [*rip, USER_CODE, *flags, *rsp, USER_DATA];
    }
}

/// Where in the vector state a frame has what software says about it (`struct _fpx_sw_bytes`).
const SOFTWARE: u64 = 464;
/// The most bytes of vector state that are dealt with.
const MOST: u64 = 0x8000;
const MAGIC1: u32 = 0x4650_5853;
const MAGIC2: u32 = 0x4650_5845;

/// The components and the size of the vector state at this address, if it is complete as a frame has it. In a frame that the host has not
/// written it is [`crate::arch::load_vector`] that finds out what else is wrong.
///
/// # Safety
/// Guest memory, where a fault is looked after; or a frame of the host's.
pub unsafe fn vector_layout(at: u64) -> Option<[u64; 2]> {
    const LEGACY: u64 = 512;
    if at == 0 || at & 63 != 0 {
        return None;
    }
    let read = |at: u64| {
        let place = core::ptr::with_exposed_provenance::<u32>(at as usize);
        // SAFETY: by the caller's promise; aligned, as `at` is.
        unsafe { place.read_volatile() }
    };
    let [magic, extended, low, high, size] = [0, 4, 8, 12, 16].map(|offset| read(at + SOFTWARE + offset));
    let size = u64::from(size);
    let complete = magic == MAGIC1 && size > LEGACY && size <= MOST && size & 3 == 0;
    if !complete || u64::from(extended) != size + 4 || read(at + size) != MAGIC2 {
        return None;
    }
    Some([u64::from(low) | u64::from(high) << 32, size])
}

/// Loads the vector state of a frame; what it does not have gets its initial state.
///
/// # Safety
/// [`vector_layout`] of it is this, and that of the host.
pub unsafe fn load_vector(at: u64, [components, _]: [u64; 2]) {
    // SAFETY: nothing here uses vector registers; a state that the processor refuses is a fault, which is looked after.
    unsafe {
        asm!("xrstor64 [{}]", in(reg) at, in("eax") components as u32, in("edx") (components >> 32) as u32,
             options(nostack));
    }
}

/// Saves the vector state as a frame has it.
///
/// # Safety
/// So many bytes and four more can be written there; it is a multiple of 64.
pub unsafe fn save_vector(at: u64, [components, size]: [u64; 2]) {
    const HEADER: u64 = 512;
    const HEADER_WORDS: u64 = 8;
    const SOFTWARE_WORDS: u64 = 6;
    let put = |at: u64, value: u64| {
        // SAFETY: by the caller's promise; aligned, as `at` is.
        unsafe { core::ptr::with_exposed_provenance_mut::<u64>(at as usize).write_volatile(value) };
    };
    // The instruction writes one word of the header only.
    (0..HEADER_WORDS).for_each(|word| put(at + HEADER + 8 * word, 0));
    // SAFETY: by the caller's promise.
    unsafe {
        asm!("xsave64 [{}]", in(reg) at, in("eax") components as u32, in("edx") (components >> 32) as u32,
             options(nostack));
    }
    let software = [u64::from(MAGIC1) | (size + 4) << 32, components, size];
    for word in 0..SOFTWARE_WORDS {
        put(at + SOFTWARE + 8 * word, software.get(word as usize).copied().unwrap_or(0));
    }
    // SAFETY: by the caller's promise.
    unsafe { core::ptr::with_exposed_provenance_mut::<u32>((at + size) as usize).write_volatile(MAGIC2) };
}

/// The vector state of a new program: no component is anything but initial, and `mxcsr` masks all exceptions.
///
/// All of it has to be there: the instruction faults if the place of a component cannot be read, even where it has nothing to read.
#[repr(C, align(64))]
struct Initial([u8; MOST as usize]);

static INITIAL: Initial = {
    let mut image = [0; MOST as usize];
    image[24] = 0x80;
    image[25] = 0x1f;
    Initial(image)
};

/// Gives the thread the vector state that a handler starts with.
pub fn clear_vector(components: u64) {
    // SAFETY: nothing here uses vector registers, and the guest's have been saved.
    unsafe { load_vector((&raw const INITIAL).addr() as u64, [components, 0]) };
}

/// Goes on with what lies in [`ThreadPage::returned`].
pub fn leave_returned() -> ! {
    // SAFETY: on the page's stack, of which nothing is needed any more.
    unsafe { asm!("jmp stub_returned", options(noreturn)) }
}

global_asm!(
    ".globl stub_sigreturn, stub_returned",
    "stub_sigreturn:",
    "call {restore}",
    "test al, al",
    "jz stub_gate_leave",
    // The registers to be loaded are in the page.
    "stub_returned:",
    "cmp qword ptr gs:[{deferred}], 0",
    "jne stub_gate_deferred",
    "mov r8, gs:[{r8}]",
    "mov r9, gs:[{r9}]",
    "mov r10, gs:[{r10}]",
    "mov r11, gs:[{r11}]",
    "mov r12, gs:[{r12}]",
    "mov r13, gs:[{r13}]",
    "mov r14, gs:[{r14}]",
    "mov r15, gs:[{r15}]",
    "mov rdi, gs:[{rdi}]",
    "mov rsi, gs:[{rsi}]",
    "mov rbp, gs:[{rbp}]",
    "mov rbx, gs:[{rbx}]",
    "mov rdx, gs:[{rdx}]",
    "mov rax, gs:[{rax}]",
    "mov rcx, gs:[{rcx}]",
    // The one instruction that loads stack pointer, flags and address together.
    "mov rsp, gs:[{own}]",
    "add rsp, {leave}",
    "iretq",
    restore = sym crate::sigreturn::restore,
    own = const offset_of!(ThreadPage, own),
    deferred = const offset_of!(ThreadPage, deferred),
    leave = const offset_of!(ThreadPage, leave),
    r8 = const returned(0),
    r9 = const returned(1),
    r10 = const returned(2),
    r11 = const returned(3),
    r12 = const returned(4),
    r13 = const returned(5),
    r14 = const returned(6),
    r15 = const returned(7),
    rdi = const returned(8),
    rsi = const returned(9),
    rbp = const returned(10),
    rbx = const returned(11),
    rdx = const returned(12),
    rax = const returned(13),
    rcx = const returned(14),
);

const fn returned(register: usize) -> usize {
    offset_of!(ThreadPage, returned) + 8 * register
}

unsafe extern "C" {
    safe fn stub_sigreturn();
}

impl Ucontext {
    /// Has the thread, trapped behind a `syscall` instruction, go on in [`stub_sigreturn`].
    pub fn divert(&mut self, page: &mut ThreadPage) {
        page.save(self);
        let [_, _, _, _, _, _, _, _, rdi, .., rsp, rip, flags] = &mut self.registers;
        *rdi = page.own;
        *rsp = page.own + PAGE_SIZE;
        *rip = stub_sigreturn as *const () as u64;
        *flags = USER_FLAGS;
    }
}

impl ThreadPage {
    /// As the gate's first instructions would.
    fn save(&mut self, frame: &Ucontext) {
        self.saved.copy_from_slice(&frame.registers[..16]);
        let [.., rcx, _] = &mut self.saved;
        *rcx = frame.instruction_pointer();
    }

    /// The handler's registers at its entry.
    pub fn set_handler(&mut self, handler: u64, at: u64, [first, second, third]: [u64; 3]) {
        let saved = self.saved;
        let [general @ .., rip, flags] = &mut self.returned;
        *general = saved;
        let [_, _, _, _, _, _, _, _, rdi, rsi, _, _, rdx, rax, _, rsp] = general;
        (*rdi, *rsi, *rdx, *rax, *rsp) = (first, second, third, 0, at);
        (*rip, *flags) = (handler, USER_FLAGS);
        self.leave = [handler, USER_CODE, USER_FLAGS, at, USER_DATA];
    }

    /// If the frame that is being left shows where a call was made: the guest goes on in the trampoline that made it.
    pub fn go_on_where_it_was(&mut self) {
        let [shown, actual] = core::mem::take(&mut self.entered);
        let [rip, ..] = &mut self.leave;
        if shown == *rip && actual != 0 {
            *rip = actual;
            let [.., rip, _] = &mut self.returned;
            *rip = actual;
        }
    }

    /// The guest's stack pointer at the call.
    pub fn stack_pointer(&self) -> u64 {
        let [.., rsp] = self.saved;
        rsp
    }
}

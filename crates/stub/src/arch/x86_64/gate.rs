//! The gate: where patched call sites jump to. [`crate::interface::GATE`] is its contract.

use core::arch::{asm, global_asm};
use core::mem::offset_of;

use super::Ucontext;
use crate::interface::{BASE, PAGE_SIZE, ThreadPage, phase};

/// Places in [`ThreadPage::saved`], which has the order of the signal frame.
const R8: usize = 0;
const R9: usize = 1;
const R10: usize = 2;
const RDI: usize = 8;
const RSI: usize = 9;
const RDX: usize = 12;
const RAX: usize = 13;
const RCX: usize = 14;
const RSP: usize = 15;

const fn saved(register: usize) -> usize {
    offset_of!(ThreadPage, saved) + 8 * register
}

global_asm!(
    ".pushsection .text.gate, \"ax\"",
    ".globl stub_gate, stub_gate_saved, stub_gate_leave, stub_gate_deferred, stub_gate_end",
    "stub_gate:",
    // A guest that has a GS base of its own has no page here.
    "rdgsbase r11",
    "shr r11, 32",
    "cmp r11d, {base_high}",
    "je 4f",
    "3:",
    "lea r11, [rcx - 2]",
    "jmp r11",
    "4:",
    "mov gs:[{rsp}], rsp",
    "mov gs:[{rcx}], rcx",
    "mov gs:[{rax}], rax",
    "mov gs:[{rdi}], rdi",
    "mov gs:[{rsi}], rsi",
    "mov gs:[{rdx}], rdx",
    "mov gs:[{r10}], r10",
    "mov gs:[{r8}], r8",
    "mov gs:[{r9}], r9",
    "mov gs:[{rbx}], rbx",
    "mov gs:[{rbp}], rbp",
    "mov gs:[{r12}], r12",
    "mov gs:[{r13}], r13",
    "mov gs:[{r14}], r14",
    "mov gs:[{r15}], r15",
    "mov qword ptr gs:[{phase}], {entry}",
    // From here on the registers are in the page.
    "stub_gate_saved:",
    "mov rdi, gs:[{own}]",
    "lea rsp, [rdi + {page_size}]",
    "pushfq",
    "test byte ptr [rsp + 1], 4",
    "jnz 2f",
    "call {gate}",
    // Result and target are in the page. A signal in what follows does it all at once and goes on from the target.
    "stub_gate_leave:",
    "mov rdi, gs:[{rdi}]",
    "mov rsi, gs:[{rsi}]",
    "mov rdx, gs:[{rdx}]",
    "mov r10, gs:[{r10}]",
    "mov r8, gs:[{r8}]",
    "mov r9, gs:[{r9}]",
    "mov rsp, gs:[{rsp}]",
    "mov rax, gs:[{result}]",
    "mov rcx, gs:[{target}]",
    "cmp qword ptr gs:[{deferred}], 0",
    "jne stub_gate_deferred",
    "jmp rcx",
    // An interrupt came while the call could not be left: it is made good here.
    "stub_gate_deferred:",
    "int3",
    "stub_gate_end:",
    "ud2",
    // The direction flag is set, which nothing here expects. Nothing but the stack pointer and rdi has changed.
    "2:",
    "mov rdi, gs:[{rdi}]",
    "mov rsp, gs:[{rsp}]",
    "jmp 3b",
    ".popsection",
    // Copies rdx bytes from rsi to rdi. Returns 1, or 0 after a fault.
    ".globl stub_copy, stub_copy_end, stub_copy_fails",
    "stub_copy:",
    "mov rcx, rdx",
    "rep movsb",
    "stub_copy_end:",
    "mov eax, 1",
    "ret",
    "stub_copy_fails:",
    "xor eax, eax",
    "ret",
    base_high = const BASE >> 32,
    page_size = const PAGE_SIZE,
    own = const offset_of!(ThreadPage, own),
    result = const offset_of!(ThreadPage, result),
    target = const offset_of!(ThreadPage, target),
    phase = const offset_of!(ThreadPage, phase),
    deferred = const offset_of!(ThreadPage, deferred),
    entry = const phase::ENTRY,
    r8 = const saved(R8),
    r9 = const saved(R9),
    r10 = const saved(R10),
    r12 = const saved(4),
    r13 = const saved(5),
    r14 = const saved(6),
    r15 = const saved(7),
    rdi = const saved(RDI),
    rsi = const saved(RSI),
    rbp = const saved(10),
    rbx = const saved(11),
    rdx = const saved(RDX),
    rax = const saved(RAX),
    rcx = const saved(RCX),
    rsp = const saved(RSP),
    gate = sym crate::gate::gate,
);

unsafe extern "C" {
    safe fn stub_gate();
    safe fn stub_gate_saved();
    safe fn stub_gate_leave();
    safe fn stub_gate_end();
    fn stub_copy(to: u64, from: u64, length: u64) -> u64;
    safe fn stub_copy_end();
    safe fn stub_copy_fails();
}

/// Copies between guest memory and a window. Returns false after a fault in [`phase::POSTED`]; in [`phase::ENTRY`] a fault does not come back
/// here.
///
/// # Safety
/// What is written is the guest's, or the window's data.
pub unsafe fn copy(to: u64, from: u64, length: u64) -> bool {
    // SAFETY: by the caller's promise.
    unsafe { stub_copy(to, from, length) != 0 }
}

/// Writes to each page of a range of guest memory, and changes nothing. Other threads may write there meanwhile.
pub fn touch(address: u64, length: u64) {
    let last = address + (length - 1);
    let mut at = address;
    while at <= last {
        // SAFETY: the value stays; a fault is looked after.
        unsafe { asm!("lock or byte ptr [{}], 0", in(reg) at, options(nostack)) };
        let next = (at & !(PAGE_SIZE - 1)).wrapping_add(PAGE_SIZE);
        if next <= at {
            return;
        }
        at = next;
    }
}

/// The number of the processor that this runs on.
pub fn processor() -> u64 {
    place() & 0xfff
}

/// The number of the processor that this runs on, as the vDSO finds it, and above twelve bits that of its node.
pub fn place() -> u64 {
    let value: u64;
    /// The segment whose limit holds it (`__CPUNODE_SEG`).
    const SEGMENT: u64 = 0x7b;
    // SAFETY: reads a limit.
    unsafe { asm!("lsl {}, {}", out(reg) value, in(reg) SEGMENT, options(nomem, nostack)) };
    value
}

/// Parts of the gate's own instructions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Nothing but `r11`, the flags and the page has changed.
    Before,
    /// [`ThreadPage::phase`] tells.
    Within,
    /// As [`Self::Within`], at the one instruction that may fail there.
    Copying,
    /// Result and target are set.
    After,
}

/// Which part an address in the stub's text belongs to.
pub fn part(ip: u64) -> Part {
    let is = |from: extern "C" fn(), to: u64| (from as *const () as u64..to).contains(&ip);
    if is(stub_gate, stub_gate_saved as *const () as u64) {
        Part::Before
    } else if is(stub_gate_leave, stub_gate_end as *const () as u64 + 1) {
        Part::After
    } else if (stub_copy as *const () as u64..stub_copy_end as *const () as u64).contains(&ip) {
        Part::Copying
    } else {
        Part::Within
    }
}

/// Whether this is where the breakpoint of a deferred interrupt leaves the instruction pointer.
pub fn is_deferred(ip: u64) -> bool {
    ip == stub_gate_end as *const () as u64
}

impl Ucontext {
    /// As if the call were about to be made by the `syscall` instruction, from the registers as they are.
    pub fn rewind(&mut self) {
        self.registers[16] = self.registers[RCX].wrapping_sub(2);
    }

    /// As if the call were about to be made by the `syscall` instruction, from the saved registers.
    pub fn rewind_to(&mut self, page: &ThreadPage) {
        self.registers[..16].copy_from_slice(&page.saved);
        self.rewind();
    }

    /// A copy has failed.
    pub fn fail_copy(&mut self) {
        self.registers[16] = stub_copy_fails as *const () as u64;
    }

    /// As the gate would leave the guest.
    pub fn finish(&mut self, page: &ThreadPage) {
        if page.phase == phase::RETURNED {
            self.registers = page.returned;
            return;
        }
        self.registers[..16].copy_from_slice(&page.saved);
        self.registers[RAX] = page.result;
        self.registers[RCX] = page.target;
        self.registers[16] = page.target;
    }
}

impl ThreadPage {
    /// The call's number.
    pub fn number(&self) -> u64 {
        self.saved[RAX]
    }

    /// Where the guest goes on after the call.
    pub fn resume(&self) -> u64 {
        self.saved[RCX]
    }

    /// The call's arguments.
    pub fn arguments(&self) -> [u64; 6] {
        let saved = &self.saved;
        [saved[RDI], saved[RSI], saved[RDX], saved[R10], saved[R8], saved[R9]]
    }
}

/// Points GS to the page, if the instruction exists.
pub fn set_gs(page: u64) {
    // SAFETY: the stub itself uses the segment for its page only; the caller knows that the instruction exists.
    unsafe { asm!("wrgsbase {}", in(reg) page, options(nomem, nostack, preserves_flags)) }
}

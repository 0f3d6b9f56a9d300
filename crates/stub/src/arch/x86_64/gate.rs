//! The gate: where patched call sites jump to. [`crate::interface::GATE`] is its contract.

use core::arch::{asm, global_asm};
use core::mem::offset_of;

use super::Ucontext;
use crate::interface::{BASE, PAGE_SIZE, ThreadPage, phase};

/// Places in [`ThreadPage::saved`], which has the order of the signal frame.
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
    base_high = const BASE >> 32,
    page_size = const PAGE_SIZE,
    own = const offset_of!(ThreadPage, own),
    result = const offset_of!(ThreadPage, result),
    target = const offset_of!(ThreadPage, target),
    phase = const offset_of!(ThreadPage, phase),
    deferred = const offset_of!(ThreadPage, deferred),
    entry = const phase::ENTRY,
    r8 = const saved(0),
    r9 = const saved(1),
    r10 = const saved(2),
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
}

/// Parts of the gate's own instructions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Nothing but `r11`, the flags and the page has changed.
    Before,
    /// [`ThreadPage::phase`] tells.
    Within,
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

    /// As the gate would leave the guest.
    pub fn finish(&mut self, page: &ThreadPage) {
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

    /// The call's first two arguments.
    pub fn first_arguments(&self) -> [u64; 2] {
        [self.saved[RDI], self.saved[RSI]]
    }
}

/// Points GS to the page, if the instruction exists.
pub fn set_gs(page: u64) {
    // SAFETY: the stub itself uses the segment for its page only; the caller knows that the instruction exists.
    unsafe { asm!("wrgsbase {}", in(reg) page, options(nomem, nostack, preserves_flags)) }
}

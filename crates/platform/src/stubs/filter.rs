//! The system calls that a stub process may make, and the filter program made from that list.
//!
//! [`table`] is the one place where a call is allowed; [`program`] compiles it; [`print`] writes it as a page of documentation.
//! The instruction pointer is loaded before the number is compared: the kernel, which tries a new filter with every
//! number to find those it always allows, then gives up at once, which makes installing it six times cheaper.

mod assemble;
pub mod table;
pub(super) mod watch;

#[cfg(test)]
mod tests;

use assemble::Assembler;
use table::{Action, Check, GUEST, Rule, STUB};

use abi::nr;

use super::interface::{BASE, FILTER_MAX, PATCHED_TRAPS, PLAIN_WORDS, TEXT_SIZE};

/// The audit architecture number of x86-64.
const AUDIT_ARCH: u32 = 0xc000_003e;
/// The bit that marks a number of the x32 ABI.
const X32: u32 = 0x4000_0000;
const ENOSYS: u32 = 38;
const EPERM: u32 = 1;

/// The filter, one `struct sock_filter` per word.
///
/// # Errors
/// A sentence, if the table has outgrown the format.
pub fn program() -> Result<Vec<u64>, &'static str> {
    let mut out = Assembler::default();
    out.load_architecture();
    out.unless_equal(AUDIT_ARCH, |out| out.errno(ENOSYS))?;
    // Text from the range's start: the upper word is equal and the lower one small.
    let guest = compile(GUEST)?;
    let stub = compile(STUB)?;
    out.load_ip_high();
    out.if_equal_block(upper(BASE), &{
        let mut block = Assembler::default();
        block.load_ip_low();
        let text = u32::try_from(TEXT_SIZE).map_err(|_| "the stub's text is too large")?;
        block.if_below_block(text, &stub)?;
        block
    })?;
    out.append(guest);
    match out.finish() {
        code if code.len() <= FILTER_MAX => Ok(code),
        _ => Err("the system call filter is too long"),
    }
}

/// The upper half of an address.
const fn upper(address: u64) -> u32 {
    let [_, _, _, _, a, b, c, d] = address.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// One section: the rules in order, then the default, a notification.
fn compile(rules: &[Rule]) -> Result<Assembler, &'static str> {
    let mut out = Assembler::default();
    out.load_number();
    out.if_at_least(X32, |out| out.errno(ENOSYS))?;
    for rule in rules {
        let number = u32::try_from(rule.number).map_err(|_| "a number in the filter's table is too large")?;
        let mut block = Assembler::default();
        for check in rule.checks {
            compile_check(&mut block, *check, rule.otherwise)?;
        }
        end(&mut block, rule.action);
        out.if_equal_block(number, &block)?;
    }
    out.notify();
    Ok(out)
}

fn end(out: &mut Assembler, action: Action) {
    match action {
        Action::Allow => out.allow(),
        Action::Trap => out.trap(),
        Action::Notify => out.notify(),
        Action::Refuse => out.errno(EPERM),
    }
}

fn compile_check(out: &mut Assembler, check: Check, otherwise: Action) -> Result<(), &'static str> {
    let fail = |out: &mut Assembler| end(out, otherwise);
    match check {
        Check::Bits { arg, all, none } => {
            out.load_low(arg);
            if all != 0 {
                out.and(all);
                out.unless_equal(all, fail)?;
                out.load_low(arg);
            }
            out.if_any_bit(none, fail)
        }
        Check::OneOf { arg, mask, values } => {
            out.load_low(arg);
            out.and(mask);
            out.unless_one_of(values, fail)
        }
        Check::Outside { address, length } => out.unless_outside(address, length, upper(BASE), fail),
    }
}

/// Calls that must not go through a window: those of [`GUEST`], which the filter sorts, but for [`PATCHED_TRAPS`], and the ends of threads.
/// One bit for each number.
#[must_use]
pub fn plain() -> [u64; PLAIN_WORDS] {
    let mut words = [0; PLAIN_WORDS];
    let sorted = GUEST.iter().map(|rule| rule.number).filter(|number| !PATCHED_TRAPS.contains(number));
    for number in sorted.chain([nr::exit, nr::exit_group]) {
        if let Some(word) = usize::try_from(number / 64).ok().and_then(|at| words.get_mut(at)) {
            *word |= 1 << (number % 64);
        }
    }
    words
}

/// Calls that the host may carry out for guest code.
#[must_use]
pub fn native() -> Vec<u64> {
    GUEST.iter().filter(|rule| rule.action == Action::Allow).map(|rule| rule.number).collect()
}

const PREFACE: &str = "\
# What a stub may ask of the host

Written by `WRITE_DOCS=1 cargo nextest run -p platform documentation` from `crates/platform/src/stubs/filter/table.rs`. A
stub is a process in which guest code runs. *allow*: the host carries the call out. *trap*: a signal brings the thread into the stub,
which asks the sentry. *notify*: the sentry gives the result, and the host does nothing. Calls of other ABIs (`int 0x80`,
x32) fail with `ENOSYS`. What is allowed from the stub's text is within reach of a guest that jumps there.

";

/// The table as a page of documentation, in Markdown.
#[must_use]
pub fn print() -> String {
    let mut page = String::from(PREFACE);
    for (title, rules) in [("From guest code", GUEST), ("From the stub's own text", STUB)] {
        page.push_str(&format!(
            "## {title}\n\n| call | condition | then | otherwise | why |\n|---|---|---|---|---|\n"
        ));
        for rule in rules {
            let name = abi::nr::name(rule.number).unwrap_or("?");
            let checks: Vec<String> = rule.checks.iter().map(ToString::to_string).collect();
            let otherwise = if checks.is_empty() { String::new() } else { rule.otherwise.to_string() };
            let (checks, action, why) = (checks.join("; "), rule.action, rule.why);
            page.push_str(&format!("| {name} | {checks} | {action} | {otherwise} | {why} |\n"));
        }
        page.push_str("| all others | | notify | | the sentry decides |\n\n");
    }
    page
}

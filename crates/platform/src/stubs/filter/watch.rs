//! The filter that takes calls away from guest code which the stub's own filter leaves to the host.
//!
//! Of several filters the host obeys the strictest, so one more can take away and never give.

use abi::nr;

use super::assemble::Assembler;
use super::{AUDIT_ARCH, upper};
use crate::Watch;
use crate::stubs::interface::{BASE, TEXT_SIZE};

/// The second argument of futex(2): the operation.
const OPERATION: u8 = 1;

/// The filter, one `struct sock_filter` per word.
///
/// # Errors
/// A sentence, if it would be too long.
pub(in crate::stubs) fn program(watch: &Watch) -> Result<Vec<u64>, &'static str> {
    let mut out = Assembler::default();
    out.load_architecture();
    // The first filter has refused it.
    out.unless_equal(AUDIT_ARCH, Assembler::allow)?;
    out.load_ip_high();
    out.if_equal_block(upper(BASE), &{
        let mut block = Assembler::default();
        block.load_ip_low();
        let text = u32::try_from(TEXT_SIZE).map_err(|_| "the stub's text is too large")?;
        block.if_below_block(text, &{
            let mut stub = Assembler::default();
            stub.allow();
            stub
        })?;
        block
    })?;
    out.load_number();
    for number in &watch.calls {
        let mut block = Assembler::default();
        if *number == nr::futex && !watch.free_futex.is_empty() {
            block.load_high(OPERATION);
            block.if_any_bit(u32::MAX, Assembler::trap)?;
            block.load_low(OPERATION);
            block.unless_one_of(&watch.free_futex, Assembler::trap)?;
            block.allow();
        } else {
            block.trap();
        }
        let number = u32::try_from(*number).map_err(|_| "a watched number is too large")?;
        out.if_equal_block(number, &block)?;
    }
    out.allow();
    Ok(out.finish())
}

//! Addresses in patched code, and what they are to the guest.

use crate::patcher::{Image, Placed};
use crate::stubs::calls::Direction;
use crate::stubs::phase::State;
use crate::stubs::process::Process;
use crate::stubs::thread::StubThread;

use super::count;
use super::texts::Text;

impl Process {
    /// The address in the program's own text at which a thread with this instruction pointer is.
    pub(in crate::stubs) fn original_address(&self, address: u64) -> u64 {
        // Other code may have come to be there.
        self.translated(address, |at, code| self.has(at, code))
    }

    /// The same without looking whether the trampoline is really there: for what nothing depends on.
    pub(in crate::stubs) fn likely_address(&self, address: u64) -> u64 {
        self.translated(address, |_, _| true)
    }

    fn translated(&self, address: u64, is_ours: impl FnOnce(u64, &[u8]) -> bool) -> u64 {
        let found = self.space.texts.with(address, |text| {
            let position = text.trampoline_position(address)?;
            self.with_variant_of(text, |image| {
                let placed = image.trampoline_at(position)?;
                let original = placed.original(position)?;
                let ours = is_ours(text.address(placed.at), &placed.trampoline.code);
                ours.then(|| text.address(original.cast_signed()))
            })
        });
        found.unwrap_or(address)
    }

    /// Where a thread goes on that is to go on at this address: the instruction there may have moved.
    pub(in crate::stubs) fn patched_address(&self, address: u64) -> u64 {
        let found = self.space.texts.with(address, |text| {
            let position = text.position(address);
            // Of which variant the page is, the jump tells: one thread may come upon pages that another has mapped before it is noted
            // that they are, and a copy of the memory may be made in between.
            text.file.state.lock().variants.iter().find_map(|variant| {
                let placed = variant.image.site_at(position)?;
                let moved = placed.moved(position)?;
                // A guest may have replaced its text, or not have got the patched page at all.
                let jump = self.has(text.address(placed.position.cast_signed()), &placed.jump);
                jump.then(|| text.address(moved))
            })
        });
        found.unwrap_or(address)
    }

    /// Puts what the file has in place of what a site has become, in bytes that were read from guest memory.
    pub(in crate::stubs) fn hide_patches(&self, address: u64, bytes: &mut [u8]) {
        if self.shared.patching.is_none() || bytes.is_empty() {
            return;
        }
        let end = address.saturating_add(bytes.len() as u64);
        for text in self.space.texts.list().iter() {
            if text.mapped.is_some() && text.start < end && text.end > address {
                self.with_variant_of(text, |image| {
                    let from = text.position(address.max(text.start));
                    let to = text.position(end.min(text.end));
                    for placed in image.sites_between(from, to) {
                        hide(text, placed, &image.pristine(placed)?, address, bytes);
                    }
                    Some(())
                });
            }
        }
    }

    fn with_variant_of<T>(&self, text: &Text, look: impl FnOnce(&Image) -> Option<T>) -> Option<T> {
        let mapped = text.mapped.as_ref()?;
        let state = text.file.state.lock();
        let variant = state.variants.iter().find(|variant| variant.image.area() == mapped.area)?;
        look(&variant.image)
    }

    /// Whether a thread at this address could go on by now: its process had a patched page there when the thread came, and has the file's now.
    fn is_restored(&self, address: u64) -> bool {
        let found = self.space.texts.with(address, |text| {
            self.with_variant_of(text, |image| {
                let placed = image.site_at(text.position(address))?;
                placed.moved(text.position(address))?;
                Some(self.has(text.address(placed.position.cast_signed()), &image.pristine(placed)?))
            })
        });
        found == Some(true)
    }

    /// Whether memory has these bytes at an address.
    fn has(&self, address: u64, bytes: &[u8]) -> bool {
        let mut found = vec![0; bytes.len()];
        let length = found.len();
        self.transfer(Direction::Read(&mut found), &[(address, length)]) == Ok(length) && found == bytes
    }
}

fn hide(text: &Text, placed: &Placed, pristine: &[u8], address: u64, bytes: &mut [u8]) -> Option<()> {
    let start = text.address(placed.position.cast_signed());
    for (index, jump) in placed.jump.iter().enumerate() {
        let at =
            start.wrapping_add(index as u64).checked_sub(address).and_then(|at| usize::try_from(at).ok());
        if let (Some(byte), Some(old)) = (at.and_then(|at| bytes.get_mut(at)), pristine.get(index))
            && *byte == *jump
        {
            *byte = *old;
        }
    }
    Some(())
}

impl StubThread {
    /// A thread that got a SIGILL where an instruction has moved away from: it goes on in the trampoline, or where it is if the
    /// instruction is back. Returns whether that was it.
    pub(in crate::stubs) fn repair(&self, state: &mut State) -> bool {
        let Some(patching) = &self.process.shared.patching else { return false };
        let Ok(mut registers) = state.frame.registers(&self.process) else { return false };
        let moved = self.process.patched_address(registers.rip);
        if moved == registers.rip {
            return self.process.is_restored(moved);
        }
        registers.rip = moved;
        count(&patching.counters.repairs);
        state.frame.set_registers(&registers);
        true
    }
}

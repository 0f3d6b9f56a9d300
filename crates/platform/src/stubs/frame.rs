//! A stopped thread's registers: read from its signal frame when asked for, written back together with the answer.
//!
//! The host lays every signal frame of a thread out in the same way and at the same place of its slot, so once the first has been seen
//! (before any guest code has run) nothing but values has to be read.

use abi::Errno;

use super::arch;
use super::calls::Direction;
use super::interface::{Mailbox, answer};
use super::process::Process;
use crate::{Context, Registers};

/// Where the vector state lies in every signal frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    /// From the `ucontext`; 0 if the host saves none.
    vector: u64,
    /// Bytes.
    size: usize,
}

impl Shape {
    /// Whether there is more to it than what every processor has: the processor saves and loads it by components.
    pub(super) const fn has_components(&self) -> bool {
        self.vector != 0 && self.size > arch::VECTOR_MINIMUM
    }

    /// Reads it off the first frame of a new stub.
    ///
    /// # Errors
    /// `ESRCH` if the stub is gone.
    pub(super) fn of_frame(process: &Process, at: u64) -> Result<Self, Errno> {
        let mut words = [0; arch::MACHINE_WORDS * 8];
        process.read_exactly(&[(at.wrapping_add(arch::MACHINE), words.len())], &mut words)?;
        let pointer = words.last_chunk::<8>().copied().map_or(0, u64::from_le_bytes);
        if pointer == 0 {
            return Ok(Self::default());
        }
        let mut bytes = [0; arch::VECTOR_MINIMUM];
        process.read_exactly(&[(pointer, bytes.len())], &mut bytes)?;
        let most = usize::try_from(arch::signal_frame_size()).map_err(|_| Errno::EIO)?;
        Ok(Self { vector: pointer.wrapping_sub(at), size: arch::vector_size(&bytes).min(most) })
    }
}

/// What is known of, and what is to be done to, the signal frame of a thread stopped with context.
#[derive(Clone, Debug, Default)]
pub(super) struct Frame {
    /// Address of the `ucontext`.
    pub(super) at: u64,
    /// Address of the mailbox of the thread's slot.
    pub(super) mailbox: u64,
    shape: Shape,
    /// What a ring told of the registers.
    stack_pointer: Option<u64>,
    registers: Option<Registers>,
    /// FS, GS.
    bases: Option<[u64; 2]>,
    /// Whether the guest has the vector state of a new program: what lies in the frame is not its.
    initial: bool,
    changed: Changed,
    /// Bits of a command that the stub has yet to be told.
    owed: u64,
}

/// What the guest is to find changed.
#[derive(Clone, Debug, Default)]
struct Changed {
    registers: bool,
    bases: bool,
    vector: Option<Vec<u8>>,
}

/// Pieces of a process's memory and their bytes, for one host call.
#[derive(Default)]
struct Pieces {
    places: Vec<(u64, usize)>,
    bytes: Vec<u8>,
}

impl Pieces {
    fn put(&mut self, at: u64, part: &[u8]) {
        self.places.push((at, part.len()));
        self.bytes.extend_from_slice(part);
    }

    fn put_words(&mut self, at: u64, words: &[u64]) {
        self.places.push((at, words.len() * 8));
        self.bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    }
}

impl Frame {
    /// The frame of a new stub, in a state that all zero stands for.
    pub(super) fn cleared(at: u64, mailbox: u64, shape: Shape) -> Self {
        let changed = Changed { registers: true, bases: true, vector: Some(Vec::new()) };
        let (registers, bases) = (Some(Registers::default()), Some([0; 2]));
        Self { at, mailbox, shape, registers, bases, initial: true, changed, ..Self::default() }
    }

    /// The thread has stopped again, in a frame at the same place. The stack pointer, if the ring told it.
    pub(super) fn renew(&mut self, stack_pointer: Option<u64>) {
        *self = Self { at: self.at, mailbox: self.mailbox, shape: self.shape, ..Self::default() };
        self.stack_pointer = stack_pointer;
    }

    /// A child's copy of the frame, this far away. The clone itself sets the child's thread pointer and stack.
    pub(super) fn moved(&self, distance: u64) -> Self {
        let (at, mailbox) = (self.at.wrapping_add(distance), self.mailbox.wrapping_add(distance));
        Self { at, mailbox, shape: self.shape, initial: self.initial, ..Self::default() }
    }

    /// Reads what is not known of the registers and bases, and `more` bytes at another place, all in one host call.
    fn fetch(&mut self, process: &Process, more: Option<(u64, usize)>) -> Result<Vec<u8>, Errno> {
        const WORDS: usize = arch::MACHINE_WORDS + 2;
        let known = self.registers.is_some() && self.bases.is_some();
        if known && more.is_none() {
            return Ok(Vec::new());
        }
        let machine = (self.at.wrapping_add(arch::MACHINE), arch::MACHINE_WORDS * 8);
        let pieces = [machine, (self.mailbox, 16), more.unwrap_or_default()];
        let pieces = if more.is_some() { &pieces[..] } else { pieces.split_last().map_or(&[][..], |p| p.1) };
        let mut bytes = vec![0; WORDS * 8 + more.map_or(0, |(_, size)| size)];
        process.read_exactly(pieces, &mut bytes)?;
        let rest = bytes.split_off(WORDS * 8);
        let mut words = [0; WORDS];
        for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(8)) {
            *word = u64::from_le_bytes(bytes.try_into().unwrap_or_default());
        }
        let [machine @ .., fs, gs] = words;
        self.registers.get_or_insert_with(|| arch::decode(&machine));
        self.bases.get_or_insert([fs, gs]);
        Ok(rest)
    }

    pub(super) fn registers(&mut self, process: &Process) -> Result<Registers, Errno> {
        self.fetch(process, None)?;
        self.registers.ok_or(Errno::EIO)
    }

    pub(super) fn set_registers(&mut self, registers: &Registers) {
        self.registers = Some(*registers);
        self.changed.registers = true;
    }

    pub(super) fn stack_pointer(&mut self, process: &Process) -> Result<u64, Errno> {
        match (self.registers, self.stack_pointer) {
            (None, Some(told)) => Ok(told),
            _ => self.registers(process).map(|r| r.rsp),
        }
    }

    pub(super) fn set_bases(
        &mut self,
        process: &Process,
        fs: Option<u64>,
        gs: Option<u64>,
    ) -> Result<(), Errno> {
        let bases = match (fs, gs) {
            (Some(fs), Some(gs)) => [fs, gs],
            _ => {
                self.fetch(process, None)?;
                let [old_fs, old_gs] = self.bases.ok_or(Errno::EIO)?;
                [fs.unwrap_or(old_fs), gs.unwrap_or(old_gs)]
            }
        };
        self.changed.bases |= self.bases != Some(bases);
        self.bases = Some(bases);
        Ok(())
    }

    pub(super) fn context(&mut self, process: &Process) -> Result<Context, Errno> {
        let extended = match &self.changed.vector {
            Some(set) => {
                let set = set.clone();
                self.fetch(process, None)?;
                set
            }
            None if self.initial || self.shape.vector == 0 => self.fetch(process, None)?,
            None => self.fetch(process, Some((self.at.wrapping_add(self.shape.vector), self.shape.size)))?,
        };
        let (Some(registers), Some([fs_base, gs_base])) = (self.registers, self.bases) else {
            return Err(Errno::EIO);
        };
        Ok(Context { registers, fs_base, gs_base, extended })
    }

    pub(super) fn set_context(&mut self, process: &Process, context: &Context) -> Result<(), Errno> {
        self.set_vector(context.extended.clone())?;
        self.set_registers(&context.registers);
        self.set_bases(process, Some(context.fs_base), Some(context.gs_base))
    }

    /// Replaces the vector state; empty stands for that of a new program.
    pub(super) fn set_vector(&mut self, extended: Vec<u8>) -> Result<(), Errno> {
        let room = match self.shape.vector {
            0 => 0,
            // The frame is the first thing on the signal stack, and the vector state the first thing in the frame.
            vector => usize::try_from(self.mailbox.wrapping_sub(self.at.wrapping_add(vector))).unwrap_or(0),
        };
        if !extended.is_empty() && !(arch::VECTOR_MINIMUM..=room).contains(&extended.len()) {
            return Err(Errno::EINVAL);
        }
        self.changed.vector = Some(extended);
        Ok(())
    }

    /// Writes a handler's frame to the guest's memory, and the registers at the handler's entry with a new program's vector state, in
    /// one host call. The guest's part comes first: if it cannot be written the registers stay.
    pub(super) fn enter(
        &mut self,
        process: &Process,
        guest: &[(u64, &[u8])],
        registers: &Registers,
    ) -> Result<(), Errno> {
        let mut pieces = Pieces::default();
        guest.iter().for_each(|(at, part)| pieces.put(*at, part));
        let (length, before) = (pieces.bytes.len(), (self.registers, self.changed.clone()));
        self.set_registers(registers);
        self.changed.vector = Some(Vec::new());
        self.put_changes(&mut pieces, None);
        match process.transfer(Direction::Write(&pieces.bytes), &pieces.places) {
            Ok(done) if done == pieces.bytes.len() => {
                self.settle();
                Ok(())
            }
            Ok(done) if done >= length => Err(Errno::ESRCH),
            failed => {
                (self.registers, self.changed) = before;
                Err(failed.err().filter(|errno| *errno == Errno::ESRCH).unwrap_or(Errno::EFAULT))
            }
        }
    }

    /// Whether anything has to be written before the thread goes on.
    pub(super) fn is_changed(&self) -> bool {
        self.changed.registers || self.changed.bases || self.changed.vector.is_some() || self.owed != 0
    }

    /// Writes what was changed, `result` as `rax` if there is one, and `extra` bytes at addresses of the mailbox, in one call. Returns
    /// the bits of the command with which the stub takes it up.
    pub(super) fn write_back(
        &mut self,
        process: &Process,
        result: Option<u64>,
        extra: &[(u64, &[u8])],
    ) -> Result<u64, Errno> {
        let mut pieces = Pieces::default();
        self.put_changes(&mut pieces, result);
        extra.iter().for_each(|(at, part)| pieces.put(*at, part));
        if !pieces.places.is_empty() {
            process.write_exactly(&pieces.places, &pieces.bytes)?;
        }
        self.settle();
        Ok(core::mem::take(&mut self.owed))
    }

    fn put_changes(&mut self, pieces: &mut Pieces, result: Option<u64>) {
        let machine = self.at.wrapping_add(arch::MACHINE);
        if let (Some(value), Some(registers)) = (result, &mut self.registers) {
            registers.rax = value;
        }
        match (&self.registers, result) {
            (Some(registers), _) if self.changed.registers => {
                pieces.put_words(machine, &arch::encode(registers));
            }
            (_, Some(value)) => pieces.put_words(machine.wrapping_add(8 * arch::RESULT_WORD), &[value]),
            _ => {}
        }
        if let Some(vector) = &self.changed.vector {
            let at = self.at.wrapping_add(self.shape.vector);
            let pointer = if vector.is_empty() { 0 } else { at };
            pieces.put_words(machine.wrapping_add(8 * arch::VECTOR_WORD), &[pointer]);
            if !vector.is_empty() {
                pieces.put(at, vector);
            }
        }
        if let Some(bases) = self.bases.filter(|_| self.changed.bases) {
            pieces.put_words(self.mailbox + core::mem::offset_of!(Mailbox, bases) as u64, &bases);
        }
    }

    /// The changes have been written.
    fn settle(&mut self) {
        if let Some(vector) = self.changed.vector.take() {
            self.initial = vector.is_empty();
        }
        if self.changed.bases {
            self.owed |= answer::BASES;
        }
        self.changed = Changed::default();
    }
}

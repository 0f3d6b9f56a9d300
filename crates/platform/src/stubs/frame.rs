//! A stopped thread's registers: read from its signal frame when asked for, written back together with the answer.

use abi::Errno;

use super::arch;
use super::interface::{Mailbox, answer};
use super::process::Process;
use crate::{Context, Registers};

/// What is known of, and what is to be done to, the signal frame of a thread stopped with context.
#[derive(Clone, Debug, Default)]
pub(super) struct Frame {
    /// Address of the `ucontext`.
    pub(super) at: u64,
    /// Address of the mailbox of the thread's slot.
    pub(super) mailbox: u64,
    saved: Option<Saved>,
    changed: Changed,
}

#[derive(Clone, Copy, Debug, Default)]
struct Saved {
    registers: Registers,
    /// FS, GS.
    bases: [u64; 2],
    /// Where the host put the vector state, or 0.
    vector: u64,
}

/// What the guest is to find changed.
#[derive(Clone, Debug, Default)]
struct Changed {
    registers: bool,
    bases: bool,
    vector: Option<Vec<u8>>,
}

impl Frame {
    /// The frame a stub has rung with.
    pub(super) fn new(at: u64, mailbox: u64) -> Self {
        Self { at, mailbox, saved: None, changed: Changed::default() }
    }

    /// The same, in a state that all zero stands for.
    pub(super) fn cleared(at: u64, mailbox: u64) -> Self {
        let changed = Changed { registers: true, bases: true, vector: Some(Vec::new()) };
        Self { at, mailbox, saved: Some(Saved::default()), changed }
    }

    /// A child's copy of the frame, this far away.
    pub(super) fn moved(&self, distance: u64) -> Self {
        let mut frame = Self::new(self.at.wrapping_add(distance), self.mailbox.wrapping_add(distance));
        frame.saved = self.saved.map(|saved| Saved {
            vector: if saved.vector == 0 { 0 } else { saved.vector.wrapping_add(distance) },
            ..saved
        });
        frame
    }

    /// The child's thread pointer and stack, which the clone itself has set.
    pub(super) fn started_with(&mut self, tls: Option<u64>, stack: Option<u64>) {
        if let Some(saved) = &mut self.saved {
            let [fs, _] = &mut saved.bases;
            *fs = tls.unwrap_or(*fs);
            saved.registers.rsp = stack.unwrap_or(saved.registers.rsp);
        }
    }

    fn saved(&mut self, process: &Process) -> Result<&mut Saved, Errno> {
        if self.saved.is_none() {
            const WORDS: usize = arch::MACHINE_WORDS + 2;
            let mut bytes = [0; WORDS * 8];
            let pieces = [(self.at.wrapping_add(arch::MACHINE), arch::MACHINE_WORDS * 8), (self.mailbox, 16)];
            process.read_exactly(&pieces, &mut bytes)?;
            let mut words = [0; WORDS];
            for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(8)) {
                *word = u64::from_le_bytes(bytes.try_into().unwrap_or_default());
            }
            let [machine @ .., fs, gs] = words;
            let [.., vector] = machine;
            self.saved = Some(Saved { registers: arch::decode(&machine), bases: [fs, gs], vector });
        }
        self.saved.as_mut().ok_or(Errno::EIO)
    }

    pub(super) fn registers(&mut self, process: &Process) -> Result<Registers, Errno> {
        self.saved(process).map(|saved| saved.registers)
    }

    pub(super) fn set_registers(&mut self, process: &Process, registers: &Registers) -> Result<(), Errno> {
        self.saved(process)?.registers = *registers;
        self.changed.registers = true;
        Ok(())
    }

    pub(super) fn set_bases(
        &mut self,
        process: &Process,
        fs: Option<u64>,
        gs: Option<u64>,
    ) -> Result<(), Errno> {
        let [old_fs, old_gs] = &mut self.saved(process)?.bases;
        *old_fs = fs.unwrap_or(*old_fs);
        *old_gs = gs.unwrap_or(*old_gs);
        self.changed.bases = true;
        Ok(())
    }

    pub(super) fn context(&mut self, process: &Process) -> Result<Context, Errno> {
        let Saved { registers, bases: [fs_base, gs_base], .. } = *self.saved(process)?;
        let extended = match &self.changed.vector {
            Some(set) => set.clone(),
            None => self.vector(process)?,
        };
        Ok(Context { registers, fs_base, gs_base, extended })
    }

    /// The vector state as the host saved it.
    fn vector(&mut self, process: &Process) -> Result<Vec<u8>, Errno> {
        let at = self.saved(process)?.vector;
        if at == 0 {
            return Ok(Vec::new());
        }
        let mut bytes = vec![0; arch::VECTOR_MINIMUM];
        process.read_exactly(&[(at, bytes.len())], &mut bytes)?;
        let most = usize::try_from(arch::signal_frame_size()).map_err(|_| Errno::EIO)?;
        let size = arch::vector_size(&bytes).min(most);
        bytes.resize(size, 0);
        process.read_exactly(&[(at, size)], &mut bytes)?;
        Ok(bytes)
    }

    pub(super) fn set_context(&mut self, process: &Process, context: &Context) -> Result<(), Errno> {
        if !context.extended.is_empty() {
            let room = self.room_for_vector(process)?;
            if context.extended.len() < arch::VECTOR_MINIMUM || context.extended.len() > room {
                return Err(Errno::EINVAL);
            }
        }
        self.set_registers(process, &context.registers)?;
        self.set_bases(process, Some(context.fs_base), Some(context.gs_base))?;
        self.changed.vector = Some(context.extended.clone());
        Ok(())
    }

    /// How long a vector state the frame has room for.
    fn room_for_vector(&mut self, process: &Process) -> Result<usize, Errno> {
        let at = self.saved(process)?.vector;
        if at == 0 || at >= self.mailbox {
            return Ok(0);
        }
        // The frame is the first thing on the signal stack, and the vector state the first thing in the frame.
        usize::try_from(self.mailbox - at).map_err(|_| Errno::EINVAL)
    }

    /// Whether anything has to be written before the thread goes on.
    pub(super) fn is_changed(&self) -> bool {
        self.changed.registers || self.changed.bases || self.changed.vector.is_some()
    }

    /// Writes what was changed, `result` as `rax` if there is one, and `extra` bytes at addresses of the mailbox, in one call. Returns
    /// the bits of the command with which the stub takes it up.
    pub(super) fn write_back(
        &mut self,
        process: &Process,
        result: Option<u64>,
        extra: &[(u64, &[u8])],
    ) -> Result<u64, Errno> {
        let machine = self.at.wrapping_add(arch::MACHINE);
        let mut pieces: Vec<(u64, usize)> = Vec::with_capacity(8);
        let mut bytes: Vec<u8> = Vec::with_capacity(512);
        let mut put = |at: u64, part: &[u8]| {
            pieces.push((at, part.len()));
            bytes.extend_from_slice(part);
        };
        if let (Some(value), Some(saved)) = (result, &mut self.saved) {
            saved.registers.rax = value;
        }
        match &self.saved {
            Some(saved) if self.changed.registers => {
                let words = arch::encode(&saved.registers);
                let mut part = [0; arch::REGISTER_WORDS * 8];
                part.chunks_exact_mut(8)
                    .zip(words)
                    .for_each(|(to, word)| to.copy_from_slice(&word.to_le_bytes()));
                put(machine, &part);
            }
            _ => {
                if let Some(value) = result {
                    put(machine.wrapping_add(8 * arch::RESULT_WORD), &value.to_le_bytes());
                }
            }
        }
        let mut command = 0;
        if let Some(saved) = &self.saved {
            if let Some(vector) = &self.changed.vector {
                let pointer = if vector.is_empty() { 0 } else { saved.vector };
                put(machine.wrapping_add(8 * arch::VECTOR_WORD), &pointer.to_le_bytes());
                if !vector.is_empty() {
                    put(saved.vector, vector);
                }
            }
            if self.changed.bases {
                let [fs, gs] = saved.bases.map(u64::to_le_bytes);
                put(self.mailbox + core::mem::offset_of!(Mailbox, bases) as u64, &fs);
                put(self.mailbox + core::mem::offset_of!(Mailbox, bases) as u64 + 8, &gs);
                command |= answer::BASES;
            }
        }
        for (at, part) in extra {
            put(*at, part);
        }
        if !pieces.is_empty() {
            process.write_exactly(&pieces, &bytes)?;
        }
        // An empty vector state stays so: the frame's own copy is no longer the guest's.
        if self.changed.vector.take().is_some_and(|v| v.is_empty())
            && let Some(saved) = &mut self.saved
        {
            saved.vector = 0;
        }
        self.changed = Changed::default();
        Ok(command)
    }
}

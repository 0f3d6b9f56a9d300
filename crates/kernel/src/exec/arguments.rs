//! Reading the argument and environment strings of execve(2) from the caller's memory.

use std::collections::{BTreeMap, BTreeSet};

use abi::Errno;
use platform::Memory;

use crate::limits::{INFINITY, Limits, Resource};

/// The longest single string, with its NUL (`MAX_ARG_STRLEN`).
const STRING_MAX: usize = 131_072;
/// What is always allowed for all strings (`ARG_MAX`).
const TOTAL_MIN: u64 = 131_072;
/// What is never exceeded: three quarters of the default stack.
const TOTAL_MAX: u64 = 6 << 20;
const PAGE: u64 = 4096;
const PAGE_BYTES: usize = 4096;

/// The strings of a new program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strings {
    /// `argv`.
    pub arguments: Vec<Vec<u8>>,
    /// `envp`.
    pub environment: Vec<Vec<u8>>,
}

impl Strings {
    /// Reads the two arrays; a null pointer stands for an empty one.
    ///
    /// # Errors
    /// `EFAULT`, `E2BIG`.
    pub fn read(memory: &dyn Memory, argv: u64, envp: u64, limits: &Limits) -> Result<Self, Errno> {
        let mut pages = Pages { memory, cache: BTreeMap::new() };
        let mut room = Room(total(limits));
        let arguments = pages.pointers(argv, &mut room)?;
        let environment = pages.pointers(envp, &mut room)?;
        pages.prefetch(arguments.iter().chain(&environment))?;
        Ok(Self {
            arguments: pages.strings(&arguments, &mut room)?,
            environment: pages.strings(&environment, &mut room)?,
        })
    }

    /// Checks strings that did not come from a guest.
    ///
    /// # Errors
    /// `E2BIG`.
    pub fn check(&self, limits: &Limits) -> Result<(), Errno> {
        let mut room = Room(total(limits));
        for string in self.arguments.iter().chain(&self.environment) {
            room.take(8)?;
            room.take(string.len().saturating_add(1))?;
        }
        Ok(())
    }
}

/// What strings and pointers may take together, bytes.
fn total(limits: &Limits) -> u64 {
    match limits.get(Resource::Stack).soft {
        INFINITY => TOTAL_MAX,
        stack => (stack / 4).clamp(TOTAL_MIN, TOTAL_MAX),
    }
}

struct Room(u64);

impl Room {
    fn take(&mut self, bytes: usize) -> Result<(), Errno> {
        self.0 = self.0.checked_sub(bytes as u64).ok_or(Errno::E2BIG)?;
        Ok(())
    }
}

/// Guest memory by whole pages: strings lie side by side, and each read has a price.
struct Pages<'a> {
    memory: &'a dyn Memory,
    cache: BTreeMap<u64, Vec<u8>>,
}

impl Pages<'_> {
    fn pointers(&mut self, mut at: u64, room: &mut Room) -> Result<Vec<u64>, Errno> {
        let mut found = Vec::new();
        if at == 0 {
            return Ok(found);
        }
        loop {
            match self.word(at)? {
                0 => return Ok(found),
                pointer => found.push(pointer),
            }
            at = at.wrapping_add(8);
            room.take(8)?;
        }
    }

    /// Fetches the pages in which strings begin, all at once.
    fn prefetch<'p>(&mut self, pointers: impl Iterator<Item = &'p u64>) -> Result<(), Errno> {
        let wanted: BTreeSet<u64> =
            pointers.map(|p| p & !(PAGE - 1)).filter(|page| !self.cache.contains_key(page)).collect();
        let wanted: Vec<u64> = wanted.into_iter().collect();
        for some in wanted.chunks(64) {
            let pieces: Vec<(u64, usize)> = some.iter().map(|page| (*page, PAGE_BYTES)).collect();
            let mut bytes = vec![0; some.len() * PAGE_BYTES];
            let got = self.memory.read_vectored(&pieces, &mut bytes)?;
            for (page, content) in some.iter().zip(bytes.chunks_exact(PAGE_BYTES)).take(got / PAGE_BYTES) {
                self.cache.insert(*page, content.to_vec());
            }
        }
        Ok(())
    }

    fn page(&mut self, at: u64) -> Result<&[u8], Errno> {
        let page = at & !(PAGE - 1);
        if !self.cache.contains_key(&page) {
            let mut content = vec![0; PAGE_BYTES];
            let got = self.memory.read(page, &mut content)?;
            content.truncate(got);
            self.cache.insert(page, content);
        }
        self.cache.get(&page).map(Vec::as_slice).ok_or(Errno::EFAULT)
    }

    fn word(&mut self, at: u64) -> Result<u64, Errno> {
        let within = usize::try_from(at % PAGE).map_err(|_| Errno::EFAULT)?;
        if let Some(bytes) = self.page(at)?.get(within..).and_then(|rest| rest.first_chunk()) {
            return Ok(u64::from_le_bytes(*bytes));
        }
        let mut word = [0; 8];
        for (byte, i) in word.iter_mut().zip(0..) {
            *byte = self.byte(at.wrapping_add(i))?;
        }
        Ok(u64::from_le_bytes(word))
    }

    fn byte(&mut self, at: u64) -> Result<u8, Errno> {
        let within = usize::try_from(at % PAGE).map_err(|_| Errno::EFAULT)?;
        self.page(at)?.get(within).copied().ok_or(Errno::EFAULT)
    }

    fn strings(&mut self, pointers: &[u64], room: &mut Room) -> Result<Vec<Vec<u8>>, Errno> {
        pointers.iter().map(|at| self.string(*at, room)).collect()
    }

    fn string(&mut self, mut at: u64, room: &mut Room) -> Result<Vec<u8>, Errno> {
        let mut text = Vec::new();
        loop {
            let within = usize::try_from(at % PAGE).map_err(|_| Errno::EFAULT)?;
            let rest = self.page(at)?.get(within..).filter(|r| !r.is_empty()).ok_or(Errno::EFAULT)?;
            let end = rest.iter().position(|b| *b == 0);
            text.extend(rest.iter().take(end.unwrap_or(rest.len())));
            if text.len() >= STRING_MAX {
                return Err(Errno::E2BIG);
            }
            if end.is_some() {
                room.take(text.len().saturating_add(1))?;
                return Ok(text);
            }
            at = at.wrapping_add(rest.len() as u64);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use platform::mock::MockPlatform;
    use platform::{Observer, Platform, Stop};

    use super::*;

    struct Nobody;
    impl Observer for Nobody {
        fn stopped(&self, _: Stop) {}
    }

    fn memory() -> Arc<dyn Memory> {
        let platform = MockPlatform::new();
        let thread = platform.create_process(Arc::new(Nobody)).unwrap();
        platform.threads()[0].mock_memory().map(0x10_0000, 0x40_0000);
        thread.memory()
    }

    fn put(memory: &dyn Memory, at: u64, bytes: &[u8]) {
        assert_eq!(memory.write(at, bytes), Ok(bytes.len()));
    }

    #[test]
    fn strings_may_cross_pages() {
        let memory = memory();
        put(&*memory, 0x10_0ffe, b"hello\0");
        put(&*memory, 0x10_3000, &[0x10_0ffe_u64.to_le_bytes(), [0; 8]].concat());
        let read = Strings::read(&*memory, 0x10_3000, 0, &Limits::default()).unwrap();
        assert_eq!(read, Strings { arguments: vec![b"hello".to_vec()], environment: vec![] });
    }

    #[test]
    fn too_much_is_refused() {
        let memory = memory();
        put(&*memory, 0x10_0000, &vec![b'x'; 0x20_0000]);
        put(&*memory, 0x40_0000, &[0x10_0000_u64.to_le_bytes(), [0; 8]].concat());
        let one = Strings::read(&*memory, 0x40_0000, 0, &Limits::default());
        assert_eq!(one, Err(Errno::E2BIG), "a string over 128 KiB");
        let pointers: Vec<u8> = std::iter::repeat_n(0x2f_fff0_u64.to_le_bytes(), 100_000).flatten().collect();
        put(&*memory, 0x40_0000, &pointers);
        let many = Strings::read(&*memory, 0x40_0000, 0, &Limits::default());
        assert_eq!(many, Err(Errno::E2BIG));
        assert_eq!(Strings::read(&*memory, 0x1000, 0, &Limits::default()), Err(Errno::EFAULT));
    }
}

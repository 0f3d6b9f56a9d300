//! The guests' vDSO: one memory file for the sandbox, mapped by the zygote and so in every guest process.
//!
//! The host's own vDSO moves into the stub's range, where the guests' calls it (`crates/stub/vdso`).

use std::os::fd::OwnedFd;

use abi::Errno;
use rustix::fs::MemfdFlags;

use super::interface::{Arrangement, HOST_VDSO, HOST_VDSO_SIZE};
use super::patching::{PAGE_BYTES, file_key};
use crate::Mapping;

#[expect(unreachable_pub, reason = "it is the vDSO's too")]
#[path = "../../../stub/vdso/src/interface.rs"]
mod interface;

/// The file that `build.rs` has built.
static IMAGE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/vdso.so"));

const READ: u32 = 1;
const EXECUTE: u32 = 4;

/// What the host calls the mappings of its vDSO. They lie side by side.
pub(super) fn is_hosts(mapping: &Mapping) -> bool {
    matches!(mapping.host_name.as_str(), "[vdso]" | "[vvar]" | "[vvar_vclock]")
}

/// The memory file: the page of data, then the text.
#[derive(Debug)]
pub(super) struct Vdso {
    file: OwnedFd,
    key: (u64, u64),
    /// Where the text is in guests, once it is known.
    at: u64,
}

impl Vdso {
    /// # Errors
    /// As memfd_create(2), ftruncate(2), pwrite(2).
    pub(super) fn new() -> Result<Self, Errno> {
        let errno = |error: rustix::io::Errno| Errno::from_raw(error.raw_os_error());
        let flags = MemfdFlags::CLOEXEC;
        // Before Linux 6.3 there is no such flag, and memory files can be mapped to execute.
        let file = rustix::fs::memfd_create("vdso", flags | MemfdFlags::EXEC)
            .or_else(|_| rustix::fs::memfd_create("vdso", flags))
            .map_err(errno)?;
        rustix::fs::ftruncate(&file, interface::DATA_SIZE + text_size()).map_err(errno)?;
        let written = rustix::io::pwrite(&file, IMAGE, interface::DATA_SIZE).map_err(errno)?;
        if written != IMAGE.len() {
            return Err(Errno::EIO);
        }
        let key = file_key(&file)?;
        Ok(Self { file, key, at: 0 })
    }

    pub(super) const fn file(&self) -> &OwnedFd {
        &self.file
    }

    /// Where it is in guests.
    pub(super) const fn at(&self) -> u64 {
        self.at
    }

    /// From the first address of its data to the end.
    pub(super) fn range(&self) -> (u64, u64) {
        (self.at - interface::DATA_SIZE, self.at + text_size())
    }

    /// Plans how a new process with these mappings is to be arranged: the host's moves away, and this one takes its place. `read` reads
    /// the process's memory.
    ///
    /// # Errors
    /// `EINVAL` if the host's is not as expected; as `read`.
    pub(super) fn arrange(
        &mut self,
        maps: &[Mapping],
        read: impl FnOnce(u64, &mut [u8]) -> Result<(), Errno>,
    ) -> Result<Arrangement, Errno> {
        let hosts: Vec<&Mapping> = maps.iter().filter(|m| is_hosts(m)).collect();
        let (Some(first), Some(last)) = (hosts.first(), hosts.last()) else { return Err(Errno::EINVAL) };
        let (start, end) = (first.start, last.end);
        let mut plan = Arrangement::default();
        let together = hosts.windows(2).all(|pair| matches!(pair, [a, b] if a.end == b.start));
        let fits = (interface::DATA_SIZE + text_size()..=HOST_VDSO_SIZE).contains(&(end - start));
        if !together || !fits || hosts.len() >= plan.moves.len() || last.host_name != "[vdso]" {
            return Err(Errno::EINVAL);
        }
        for (planned, mapping) in plan.moves.iter_mut().zip(&hosts) {
            *planned = [mapping.start, mapping.end - mapping.start, HOST_VDSO + (mapping.start - start)];
        }
        let text = usize::try_from(last.end - last.start).ok().filter(|size| *size <= 1 << 20);
        let mut image = vec![0; text.ok_or(Errno::EINVAL)?];
        read(last.start, &mut image)?;
        let place = HOST_VDSO + (last.start - start);
        let function = |name| symbol(&image, name).map_or(0, |offset| place + offset);
        let data = interface::Data {
            clock_gettime: function("__vdso_clock_gettime"),
            clock_getres: function("__vdso_clock_getres"),
        };
        let words = [data.clock_gettime, data.clock_getres];
        let bytes: Vec<u8> = words.into_iter().flat_map(u64::to_le_bytes).collect();
        rustix::io::pwrite(&self.file, &bytes, 0).map_err(|e| Errno::from_raw(e.raw_os_error()))?;
        self.at = end - text_size();
        plan.vdso = [self.at - interface::DATA_SIZE, interface::DATA_SIZE, text_size()];
        Ok(plan)
    }

    /// Gives its mappings the names that the kernel's have.
    pub(super) fn name(&self, mappings: &mut [Mapping]) {
        for mapping in mappings.iter_mut().filter(|m| m.host_file == Some(self.key)) {
            let name = match (mapping.offset, mapping.protection) {
                (0, READ) => "[vvar]",
                (interface::DATA_SIZE, protection) if protection == READ | EXECUTE => "[vdso]",
                _ => "",
            };
            (mapping.host_name, mapping.host_file, mapping.offset) = (name.to_owned(), None, 0);
        }
    }
}

/// Bytes of the text, in whole pages.
fn text_size() -> u64 {
    u64::try_from(IMAGE.len().next_multiple_of(PAGE_BYTES)).unwrap_or(u64::MAX)
}

/// The value of a dynamic symbol of an ELF image (elf(5)), by its section headers.
fn symbol(image: &[u8], name: &str) -> Option<u64> {
    const DYNAMIC_SYMBOLS: u64 = 11;
    const HEADER: usize = 64;
    const SYMBOL: usize = 24;
    let field = |record: usize, at: usize, size: usize| {
        let start = record.checked_add(at)?;
        let bytes = image.get(start..start.checked_add(size)?)?;
        Some(bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    };
    let place = |value: u64| usize::try_from(value).ok();
    let (headers, count) = (place(field(0, 0x28, 8)?)?, place(field(0, 0x3c, 2)?)?);
    let section = |index: usize| headers.checked_add(index.checked_mul(HEADER)?);
    let symbols = (0..count).filter_map(section).find(|at| field(*at, 4, 4) == Some(DYNAMIC_SYMBOLS))?;
    let strings = section(place(field(symbols, 0x28, 4)?)?)?;
    let strings = place(field(strings, 0x18, 8)?)?;
    let (first, size) = (place(field(symbols, 0x18, 8)?)?, place(field(symbols, 0x20, 8)?)?);
    (0..size / SYMBOL).find_map(|index| {
        let at = first.checked_add(index * SYMBOL)?;
        let start = strings.checked_add(place(field(at, 0, 4)?)?)?;
        let found = image.get(start..start.checked_add(name.len() + 1)?)?;
        let (text, end) = found.split_at(name.len());
        if text == name.as_bytes() && end == [0] { field(at, 8, 8).filter(|value| *value != 0) } else { None }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_functions_are_found_in_our_own_image() {
        for name in ["clock_gettime", "gettimeofday", "time", "getcpu", "clock_getres"] {
            let value = symbol(IMAGE, &format!("__vdso_{name}"));
            assert!(value.is_some_and(|value| value < text_size()), "{name}: {value:?}");
            assert_eq!(symbol(IMAGE, name), value, "the name without prefix is an alias");
        }
        assert_eq!(symbol(IMAGE, "__vdso_clock"), None);
        assert_eq!(symbol(&IMAGE[..100], "time"), None, "cut short");
        assert_eq!(symbol(&[0xff; 4096], "time"), None);
    }

    fn mapping(start: u64, end: u64, name: &str) -> Mapping {
        Mapping {
            start,
            end,
            protection: READ,
            shared: false,
            offset: 0,
            host_file: None,
            host_name: name.to_owned(),
        }
    }

    #[test]
    fn the_hosts_moves_and_ours_ends_where_it_did() {
        let mut vdso = Vdso::new().unwrap();
        let maps = [
            mapping(0x1000, 0x2000, ""),
            mapping(0x10_0000, 0x10_4000, "[vvar]"),
            mapping(0x10_4000, 0x10_6000, "[vdso]"),
        ];
        let plan = vdso
            .arrange(&maps, |at, image| {
                assert_eq!((at, image.len()), (0x10_4000, 0x2000));
                image[..IMAGE.len()].copy_from_slice(IMAGE);
                Ok(())
            })
            .unwrap();
        assert_eq!(
            plan.moves[..2],
            [[0x10_0000, 0x4000, HOST_VDSO], [0x10_4000, 0x2000, HOST_VDSO + 0x4000]]
        );
        assert_eq!(vdso.range(), (plan.vdso[0], 0x10_6000));
        let mut data = [0; 16];
        rustix::io::pread(vdso.file(), &mut data, 0).unwrap();
        let read = symbol(IMAGE, "__vdso_clock_gettime").unwrap() + HOST_VDSO + 0x4000;
        assert_eq!(data.first_chunk(), Some(&read.to_le_bytes()));
        assert_eq!(vdso.arrange(&maps[..2], |_, _| Ok(())).unwrap_err(), Errno::EINVAL);
        assert_eq!(vdso.arrange(&[], |_, _| Ok(())).unwrap_err(), Errno::EINVAL);
    }
}

//! The patched pages of one file.

use std::collections::BTreeMap;

use super::area::Area;
use super::site::{Refusal, Site};
use super::trampoline::{Trampoline, jump};

/// Bytes of a page.
pub const PAGE: u64 = 4096;
/// How many sites a file may have patched.
const MOST_SITES: usize = 1024;
/// How many of its pages may be patched.
const MOST_PAGES: usize = 64;
/// How often one page may be made anew.
const MOST_VERSIONS: u32 = 16;

/// What is patched of a file, with its trampolines at one distance.
#[derive(Clone, Debug)]
pub struct Image {
    gate: u64,
    area: Area,
    /// By position.
    pages: BTreeMap<u64, Page>,
    /// By the position of the jump.
    sites: BTreeMap<u64, Placed>,
    /// Trampolines by their positions, to the sites.
    trampolines: BTreeMap<i64, u64>,
}

#[derive(Clone, Debug)]
struct Page {
    pristine: Vec<u8>,
    current: Vec<u8>,
    version: u32,
}

/// A patched site.
#[derive(Clone, Debug)]
pub struct Placed {
    /// The position of the jump.
    pub position: u64,
    /// How many bytes of the text it has replaced.
    pub length: u64,
    /// Its trampoline's position.
    pub at: i64,
    /// The jump.
    pub jump: Vec<u8>,
    /// Its trampoline.
    pub trampoline: Trampoline,
}

/// What a new site adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    /// Where in the area a trampoline has to be written, from the area's start.
    pub area_offset: u64,
    /// The trampoline.
    pub code: Vec<u8>,
    /// The page's position.
    pub page: u64,
    /// Which version of the page has the site, counted from 1.
    pub version: u32,
}

impl Image {
    /// Nothing patched. The area begins at the position `area`.
    #[must_use]
    pub fn new(area: i64, gate: u64) -> Self {
        Self {
            gate,
            area: Area::new(area),
            pages: BTreeMap::new(),
            sites: BTreeMap::new(),
            trampolines: BTreeMap::new(),
        }
    }

    /// The position of the area of trampolines.
    #[must_use]
    pub fn area(&self) -> i64 {
        self.area.start
    }

    /// Patches the system call at a position. `page` is the file's page that it lies in, as it is in the file.
    ///
    /// # Errors
    /// Why it is left alone; nothing has changed then.
    pub fn add(&mut self, syscall: u64, number: u32, page: &[u8]) -> Result<Added, Refusal> {
        let page_position = syscall & !(PAGE - 1);
        let offset = usize::try_from(syscall - page_position).map_err(|_| Refusal::NotThere)?;
        let site = Site::find(page, offset, number)?;
        let position = page_position + site.start as u64;
        let length = site.length() as u64;
        self.check_room(page_position, position, length)?;
        let from = position.cast_signed();
        let at = self.area.take(&site, from).ok_or(Refusal::NoPlace)?;
        let trampoline = Trampoline::new(&site, from, at, self.gate).ok_or(Refusal::NoPlace)?;
        let jump = jump(&site, from, at).ok_or(Refusal::NoPlace)?;
        let entry = self.pages.entry(page_position).or_insert_with(|| Page {
            pristine: page.to_vec(),
            current: page.to_vec(),
            version: 0,
        });
        let place = entry.current.get_mut(site.start..site.start + jump.len()).ok_or(Refusal::PageEnd)?;
        place.copy_from_slice(&jump);
        entry.version += 1;
        let version = entry.version;
        let code = trampoline.code.clone();
        self.trampolines.insert(at, position);
        self.sites.insert(position, Placed { position, length, at, jump, trampoline });
        let area_offset = at.wrapping_sub(self.area.start).cast_unsigned();
        Ok(Added { area_offset, code, page: page_position, version })
    }

    fn check_room(&self, page: u64, position: u64, length: u64) -> Result<(), Refusal> {
        // The jump and the `syscall` that stays behind some: neither may be touched by another site.
        let end = position + length + 2;
        let before = self.sites.range(..end).next_back();
        if before.is_some_and(|(start, placed)| start + placed.length + 2 > position) {
            return Err(Refusal::Overlap);
        }
        let pages_full = !self.pages.contains_key(&page) && self.pages.len() >= MOST_PAGES;
        let worn = self.pages.get(&page).is_some_and(|page| page.version >= MOST_VERSIONS);
        if pages_full || worn || self.sites.len() >= MOST_SITES { Err(Refusal::Full) } else { Ok(()) }
    }

    /// The patched pages: position and newest version, in order.
    pub fn pages(&self) -> impl Iterator<Item = (u64, u32)> {
        self.pages.iter().map(|(position, page)| (*position, page.version))
    }

    /// The newest version of a patched page.
    #[must_use]
    pub fn version(&self, page: u64) -> Option<u32> {
        self.pages.get(&page).map(|page| page.version)
    }

    /// The sites that reach into a range of positions.
    pub fn sites_between(&self, from: u64, to: u64) -> impl Iterator<Item = &Placed> {
        // No site is longer than two instructions and a half.
        const LONGEST: u64 = 64;
        let near = self.sites.range(from.saturating_sub(LONGEST)..to.max(from));
        near.map(|(_, placed)| placed).filter(move |placed| placed.position + placed.length > from)
    }

    /// The bytes of the patched page around a position as they are in the file, and as they are patched now.
    #[must_use]
    pub fn page(&self, position: u64) -> Option<(&[u8], &[u8])> {
        self.pages
            .get(&(position & !(PAGE - 1)))
            .map(|page| (page.pristine.as_slice(), page.current.as_slice()))
    }

    /// The site whose jump or displaced instructions are at a position.
    #[must_use]
    pub fn site_at(&self, position: u64) -> Option<&Placed> {
        let (start, placed) = self.sites.range(..=position).next_back()?;
        (position < start + placed.length).then_some(placed)
    }

    /// The site whose trampoline is at a position.
    #[must_use]
    pub fn trampoline_at(&self, position: i64) -> Option<&Placed> {
        let (_, site) = self.trampolines.range(..=position).next_back()?;
        let placed = self.sites.get(site)?;
        let length = i64::try_from(placed.trampoline.code.len()).ok()?;
        (position < placed.at.checked_add(length)?).then_some(placed)
    }
}

impl Placed {
    /// The position in the text that a thread in the trampoline, before the instruction at `position`, would be at without it.
    #[must_use]
    pub fn original(&self, position: i64) -> Option<u64> {
        let offset = usize::try_from(position.checked_sub(self.at)?).ok()?;
        let (_, stands_for) = self.trampoline.points.iter().find(|(at, _)| *at == offset)?;
        Some(self.position + *stands_for as u64)
    }

    /// The position in the trampoline of the displaced instruction that was at `position`.
    #[must_use]
    pub fn moved(&self, position: u64) -> Option<i64> {
        let offset = usize::try_from(position.checked_sub(self.position)?).ok()?;
        let (_, to) = self.trampoline.moved.iter().find(|(at, _)| *at == offset)?;
        self.at.checked_add(i64::try_from(*to).ok()?)
    }
}

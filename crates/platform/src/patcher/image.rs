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
    /// A site reaches into the next page: the two have the same version, and are replaced together.
    joined: bool,
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
    /// The positions of the pages that are made anew.
    pub pages: Vec<u64>,
    /// Which version of the pages has the site, counted from 1.
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

    /// Patches the system call at a position. `text` is the file's page that it lies in, as it is in the file, and the next if there is one.
    ///
    /// # Errors
    /// Why it is left alone; nothing has changed then.
    pub fn add(&mut self, syscall: u64, number: u32, text: &[u8]) -> Result<Added, Refusal> {
        let page_position = syscall & !(PAGE - 1);
        let offset = usize::try_from(syscall - page_position).map_err(|_| Refusal::NotThere)?;
        let site = Site::find(text, offset, number)?;
        let position = page_position + site.start as u64;
        let length = site.length() as u64;
        let joins = page_position + PAGE < position + length;
        let pages = self.made_anew(page_position, joins);
        self.check_room(&pages, position, length)?;
        let from = position.cast_signed();
        let at = self.area.take(&site, from).ok_or(Refusal::NoPlace)?;
        let trampoline = Trampoline::new(&site, from, at, self.gate).ok_or(Refusal::NoPlace)?;
        let jump = jump(&site, from, at).ok_or(Refusal::NoPlace)?;
        let version = self.write(page_position, &pages, text, (site.start, &jump))?;
        if let Some(page) = self.pages.get_mut(&page_position) {
            page.joined |= joins;
        }
        let code = trampoline.code.clone();
        self.trampolines.insert(at, position);
        self.sites.insert(position, Placed { position, length, at, jump, trampoline });
        let area_offset = at.wrapping_sub(self.area.start).cast_unsigned();
        Ok(Added { area_offset, code, pages, version })
    }

    /// The pages that have to be made anew with this one, and with the next if the two are to be joined.
    fn made_anew(&self, page: u64, joins: bool) -> Vec<u64> {
        let (mut first, mut last) = (page, if joins { page + PAGE } else { page });
        while first >= PAGE && self.is_joined(first - PAGE) {
            first -= PAGE;
        }
        while self.is_joined(last) {
            last += PAGE;
        }
        (first..=last).step_by(4096).collect()
    }

    /// Writes a jump, at an offset from the start of `page`, and gives all `pages` the next version. Pages that are new are those of `text`.
    fn write(
        &mut self,
        page: u64,
        pages: &[u64],
        text: &[u8],
        (start, jump): (usize, &[u8]),
    ) -> Result<u32, Refusal> {
        const BYTES: usize = 4096;
        let version = pages.iter().filter_map(|page| self.version(*page)).max().unwrap_or(0) + 1;
        for (index, part) in text.chunks(BYTES).enumerate() {
            let position = page + PAGE * index as u64;
            if !pages.contains(&position) {
                continue;
            }
            let entry = self.pages.entry(position).or_insert_with(|| Page {
                pristine: part.to_vec(),
                current: part.to_vec(),
                version: 0,
                joined: false,
            });
            for (at, byte) in (start..).zip(jump).filter(|(at, _)| at / BYTES == index) {
                *entry.current.get_mut(at % BYTES).ok_or(Refusal::PageEnd)? = *byte;
            }
        }
        for page in pages {
            if let Some(page) = self.pages.get_mut(page) {
                page.version = version;
            }
        }
        Ok(version)
    }

    fn check_room(&self, pages: &[u64], position: u64, length: u64) -> Result<(), Refusal> {
        // The jump and the `syscall` that stays behind some: neither may be touched by another site.
        let end = position + length + 2;
        let before = self.sites.range(..end).next_back();
        if before.is_some_and(|(start, placed)| start + placed.length + 2 > position) {
            return Err(Refusal::Overlap);
        }
        let new = pages.iter().filter(|page| !self.pages.contains_key(page)).count();
        let pages_full = new > 0 && self.pages.len() + new > MOST_PAGES;
        let worn = pages.iter().any(|page| self.version(*page).is_some_and(|v| v >= MOST_VERSIONS));
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

    /// Whether a site reaches from this page into the next: only both together may be replaced, at one stroke.
    #[must_use]
    pub fn is_joined(&self, page: u64) -> bool {
        self.pages.get(&page).is_some_and(|page| page.joined)
    }

    /// What the file has in place of a site.
    #[must_use]
    pub fn pristine(&self, placed: &Placed) -> Option<Vec<u8>> {
        let byte = |position: u64| {
            let (pristine, _) = self.page(position)?;
            pristine.get(usize::try_from(position % PAGE).ok()?).copied()
        };
        (placed.position..).take(placed.jump.len()).map(byte).collect()
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

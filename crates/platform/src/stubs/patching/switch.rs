//! How patched pages get into a process.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use abi::Errno;

use crate::patcher::{AREA_SIZE, Image};
use crate::stubs::arch::{USER_END, USER_START};
use crate::stubs::calls::Direction;
use crate::stubs::interface::{BASE, SIZE};
use crate::stubs::phase::State;
use crate::stubs::process::Process;
use crate::stubs::procfs::parse_maps;
use crate::stubs::thread::StubThread;
use crate::{Mapping, Order, Source};

use super::file::{Heat, PAGE_BYTES, TextFile, Variant};
use super::texts::{Mapped, Text};
use super::{MISSED, Patching, count};

const READ_EXECUTE: u32 = 5;
const EXECUTE: u32 = 4;
const MAP_PRIVATE: u32 = 2;
const MAP_FIXED: u32 = 0x10;
const MAP_FIXED_NOREPLACE: u32 = 0x10_0000;
const PAGE: u64 = crate::patcher::PAGE;

/// Where the trampolines may lie: distances from where byte 0 of the file is mapped. Below a program, where its heap does not
/// grow to; above libraries, where mappings do not grow to; right below a program at a low fixed address. The first two have a fourth byte that is an invalid opcode, and from
/// the first 3 MiB of a file a third byte of which [`AREA_SIZE`] can make one.
const DISTANCES: [i64; 3] = [-0x15ca_0000, ABOVE, -(2 << 20)];
/// The distance of libraries' trampolines.
pub(super) const ABOVE: i64 = 0x1f36_0000;
/// Programs lie below this address, libraries above.
const LIBRARIES: u64 = 0x6000_0000_0000;
/// How many pieces of patched text are mapped along with a file. What a process needs beyond that it gets while it runs.
const MOST_RUNS: usize = 10;
/// How often a text that cannot be switched is tried again.
const MOST_FAILURES: u32 = 3;

/// What is being mapped into a running process.
#[derive(Debug)]
pub(in crate::stubs) struct Switch {
    /// The start of the text.
    start: u64,
    area: i64,
    /// For each order the pages that it maps: none for the trampolines.
    orders: Vec<Vec<(u64, u32)>>,
    /// When it was begun.
    begun: Instant,
}

/// Pages that follow one another in version and place: position of the first, count, version.
fn runs(pages: impl Iterator<Item = (u64, u32)>) -> Vec<Vec<(u64, u32)>> {
    let mut runs: Vec<Vec<(u64, u32)>> = Vec::new();
    for page in pages {
        match runs.last_mut() {
            Some(run) if run.last().is_some_and(|last| *last == (page.0.wrapping_sub(PAGE), page.1)) => {
                run.push(page)
            }
            _ => runs.push(vec![page]),
        }
    }
    runs
}

/// The pages that can be replaced: not one without the other of two that a site reaches across. Such pages have one version, so they are of one run.
fn whole(mut pages: Vec<(u64, u32)>, image: &Image) -> Vec<(u64, u32)> {
    loop {
        let there: BTreeSet<u64> = pages.iter().map(|(position, _)| *position).collect();
        let before = pages.len();
        pages.retain(|(position, _)| {
            let behind = position.wrapping_sub(PAGE);
            (!image.is_joined(*position) || there.contains(&(position + PAGE)))
                && (!image.is_joined(behind) || there.contains(&behind))
        });
        if pages.len() == before {
            return pages;
        }
    }
}

fn map(address: u64, length: u64, flags: u32, variant: &Variant, offset: u64) -> Order {
    let source = Source::File { file: Arc::clone(&variant.lent), offset };
    Order::Map { address, length, protection: READ_EXECUTE, flags: flags | MAP_PRIVATE, source }
}

fn map_trampolines(text: &Text, variant: &Variant) -> Order {
    map(text.address(variant.image.area()), AREA_SIZE, MAP_FIXED_NOREPLACE, variant, 0)
}

fn map_run(text: &Text, variant: &Variant, run: &[(u64, u32)]) -> Option<Order> {
    let (position, version) = run.first()?;
    let length = run.len() as u64 * PAGE;
    let offset = text.file.offset(*position, *version);
    Some(map(text.bias.wrapping_add(*position), length, MAP_FIXED, variant, offset))
}

/// Whether the trampolines at this distance lie where a guest may have memory.
fn is_usable(text: &Text, area: i64) -> bool {
    let start = text.address(area);
    let Some(end) = start.checked_add(AREA_SIZE) else { return false };
    let above = area > 0 && text.address(0) < area.cast_unsigned().wrapping_add(text.address(0));
    let below = area < 0 && start < text.bias;
    (above || below) && start >= USER_START && end <= USER_END && (end <= BASE || start >= BASE + SIZE)
}

/// The distances to try, best first.
fn distances(text: &Text) -> impl Iterator<Item = i64> + use<> {
    let [below, above, near] = DISTANCES;
    let order = if text.start >= LIBRARIES { [above, below, near] } else { [below, near, above] };
    let text = text.clone();
    order.into_iter().filter(move |area| is_usable(&text, *area))
}

impl Process {
    /// Notes what an order does to the texts. Returns what is to be mapped after it, in groups of which each is wanted as a whole or not at all.
    pub(in crate::stubs) fn note_order(&self, order: &Order) -> Vec<Vec<Order>> {
        let Some(patching) = &self.shared.patching else { return Vec::new() };
        match order {
            Order::UnmapAll => self.space.texts.clear(),
            Order::Patch { allowed } => return self.allow_patches(*allowed),
            Order::Map { address, length, protection, flags, source: Source::File { file, offset } }
                if protection & EXECUTE != 0
                    && flags & MAP_PRIVATE != 0
                    && flags & (MAP_FIXED | MAP_FIXED_NOREPLACE) != 0 =>
            {
                let orders = self.enter_text(patching, (*address, *length), *protection, file, *offset);
                return if orders.is_empty() { Vec::new() } else { vec![orders] };
            }
            _ => {}
        }
        Vec::new()
    }

    /// Gives the process its patched pages back, or takes them away.
    fn allow_patches(&self, allowed: bool) -> Vec<Vec<Order>> {
        let texts = &self.space.texts;
        texts.forbid(!allowed);
        let Ok(maps) = self.mappings_now() else { return Vec::new() };
        let mut groups = Vec::new();
        for text in texts.list().iter() {
            let Some(mapped) = &text.mapped else { continue };
            let now = if allowed {
                let Ok((switch, orders)) = self.plan(text, &maps, Instant::now()) else { continue };
                groups.extend(orders.into_iter().map(|order| vec![order]));
                Mapped { area: mapped.area, pages: switch.orders.into_iter().flatten().collect() }
            } else {
                groups.extend(self.take_away(text, mapped, &maps).into_iter().map(|order| vec![order]));
                Mapped { area: mapped.area, pages: std::collections::BTreeMap::new() }
            };
            texts.change(text.start, |text| text.mapped = Some(Arc::new(now)));
        }
        groups
    }

    /// What maps the file's own pages again.
    fn take_away(&self, text: &Text, mapped: &Mapped, maps: &[Mapping]) -> Vec<Order> {
        let state = text.file.state.lock();
        let Some(variant) = state.variants.iter().find(|v| v.image.area() == mapped.area) else {
            return Vec::new();
        };
        let pages = mapped.pages.keys().filter(|position| self.may_replace(maps, text, variant, **position));
        let pages = whole(pages.map(|position| (*position, 0)).collect(), &variant.image);
        let map = |run: &Vec<(u64, u32)>| {
            let (position, _) = run.first()?;
            Some(text.file.map_pages(text.bias.wrapping_add(*position), *position, run.len()))
        };
        runs(pages.into_iter()).iter().filter_map(map).collect()
    }

    fn mappings_now(&self) -> Result<Vec<Mapping>, Errno> {
        let maps = self.alive(|pid| self.shared.procfs.read(&format!("{pid}/maps")))?;
        Ok(parse_maps(&maps))
    }

    fn enter_text(
        &self,
        patching: &Patching,
        (start, length): (u64, u64),
        protection: u32,
        descriptor: &Arc<std::os::fd::OwnedFd>,
        offset: u64,
    ) -> Vec<Order> {
        let (Some(end), Some(file)) = (start.checked_add(length), patching.file(descriptor)) else {
            return Vec::new();
        };
        let bias = start.wrapping_sub(offset);
        let mut text = Text { start, end, bias, file: Arc::clone(&file), mapped: None, failures: 0 };
        let orders = if protection == READ_EXECUTE { patched_along(&mut text) } else { None };
        match orders {
            None => {}
            Some(Ok(orders)) => {
                count(&patching.counters.mapped);
                self.space.texts.enter(text);
                return orders;
            }
            Some(Err(Stale)) => {
                patching.forget(&file);
                return Vec::new();
            }
        }
        self.space.texts.enter(text);
        Vec::new()
    }

    /// Which variant a running process can have, and what has to be mapped for it.
    fn plan(&self, text: &Text, maps: &[Mapping], begun: Instant) -> Result<(Switch, Vec<Order>), Errno> {
        let mut state = text.file.state.lock();
        let area = match &text.mapped {
            Some(mapped) => mapped.area,
            None => distances(text).find(|area| is_free(maps, text.address(*area))).ok_or(Errno::ENOMEM)?,
        };
        let variant = text.file.variant(&mut state, area).ok_or(Errno::ENOMEM)?;
        let has =
            |position: &u64| text.mapped.as_ref().and_then(|mapped| mapped.pages.get(position).copied());
        let inside =
            |position: u64| position >= text.position(text.start) && position < text.position(text.end - 1);
        let stale = |(position, version): &(u64, u32)| inside(*position) && has(position) != Some(*version);
        let stale: Vec<(u64, u32)> = variant.image.pages().filter(stale).collect();
        if stale.is_empty() {
            return Err(Errno::EALREADY);
        }
        let replaceable = |(position, _): &(u64, u32)| self.may_replace(maps, text, variant, *position);
        let runs = runs(whole(stale.into_iter().filter(replaceable).collect(), &variant.image).into_iter());
        if runs.is_empty() {
            return Err(Errno::ETXTBSY);
        }
        let mut orders: Vec<Order> = Vec::new();
        let mut parts = Vec::new();
        if text.mapped.is_none() {
            orders.push(map_trampolines(text, variant));
            parts.push(Vec::new());
        }
        orders.extend(runs.iter().filter_map(|run| map_run(text, variant, run)));
        parts.extend(runs);
        Ok((Switch { start: text.start, area, orders: parts, begun }, orders))
    }

    /// Whether a page of guest memory is what the file has there, or an older version of the patched page, and nothing else.
    fn may_replace(&self, maps: &[Mapping], text: &Text, variant: &Variant, position: u64) -> bool {
        let at = text.bias.wrapping_add(position);
        let Some(mapping) = maps.iter().find(|m| m.start <= at && m.end > at) else { return false };
        if mapping.protection != READ_EXECUTE || mapping.shared {
            return false;
        }
        let offset = mapping.offset + (at - mapping.start);
        let mut bytes = vec![0; PAGE_BYTES];
        if self.transfer(Direction::Read(&mut bytes), &[(at, PAGE_BYTES)]) != Ok(PAGE_BYTES) {
            return false;
        }
        if mapping.host_file == Some(variant.key) {
            return variant.page(offset).is_ok_and(|page| page == bytes);
        }
        offset == position && variant.image.page(position).is_some_and(|(pristine, _)| pristine == bytes)
    }
}

fn is_free(maps: &[Mapping], start: u64) -> bool {
    // Something that grows may end right above or begin right below.
    const MARGIN: u64 = 1 << 20;
    let (from, to) = (start.saturating_sub(MARGIN), start.saturating_add(AREA_SIZE + MARGIN));
    maps.iter().all(|m| m.end <= from || m.start >= to)
}

/// A file is no longer what its patched pages were made from.
struct Stale;

/// What is to be mapped over a text that is being mapped, if its file has patched pages.
fn patched_along(text: &mut Text) -> Option<Result<Vec<Order>, Stale>> {
    let file: Arc<TextFile> = Arc::clone(&text.file);
    let state = file.state.lock();
    let mut variants =
        distances(text).filter_map(|area| state.variants.iter().find(|v| v.image.area() == area));
    let variant = variants.next()?;
    if !file.is_unchanged(variant) {
        return Some(Err(Stale));
    }
    let (from, to) = (text.position(text.start), text.position(text.end));
    let pages = variant.image.pages().filter(|(position, _)| *position >= from && *position < to);
    let mut runs = runs(whole(pages.collect(), &variant.image).into_iter());
    if runs.is_empty() {
        return None;
    }
    runs.truncate(MOST_RUNS);
    let mut orders = vec![map_trampolines(text, variant)];
    orders.extend(runs.iter().filter_map(|run| map_run(text, variant, run)));
    let mapped = Mapped { area: variant.image.area(), pages: runs.into_iter().flatten().collect() };
    text.mapped = Some(Arc::new(mapped));
    Some(Ok(orders))
}

impl StubThread {
    /// Counts a system call for the instruction before `ip`. Returns whether its process should be given patched pages.
    pub(in crate::stubs) fn notice(&self, ip: u64, number: u32) -> bool {
        let Some(patching) = &self.process.shared.patching else { return false };
        let texts = &self.process.space.texts;
        if texts.are_forbidden() {
            return false;
        }
        let syscall = ip.wrapping_sub(2);
        let (heat, file, position) = match texts.with(syscall, |text| {
            if text.failures >= MOST_FAILURES {
                return None;
            }
            let position = text.position(syscall);
            match text.file.count(position) {
                Heat::Cold => None,
                Heat::Patched if text.is_current(position) => None,
                heat => Some((heat, Arc::clone(&text.file), position)),
            }
        }) {
            Some(found) => found,
            None => return false,
        };
        if heat == Heat::Hot {
            match file.patch(position, number) {
                Ok(()) => {
                    tracing::debug!(file = ?file.key, position, number, "a hot call site is patched");
                    count(&patching.counters.sites);
                    patching.keep(&file);
                }
                Err(refusal) => {
                    tracing::debug!(%refusal, file = ?file.key, position, number, "a hot call site is left alone");
                    count(&patching.counters.refused);
                    return false;
                }
            }
        }
        texts.miss().is_multiple_of(MISSED)
    }

    /// What gives the text that a thread stopped between two instructions is in its patched pages.
    pub(in crate::stubs) fn plan_switch(&self, state: &mut State) -> Option<(Switch, Vec<Order>)> {
        let patching = self.process.shared.patching.as_ref()?;
        let texts = &self.process.space.texts;
        if texts.are_forbidden() {
            return None;
        }
        texts.forget_misses();
        let ip = state.frame.registers(&self.process).ok()?.rip;
        let text = texts.with(ip, |text| Some(text.clone()))?;
        let begun = Instant::now();
        match self.process.mappings_now().and_then(|maps| self.process.plan(&text, &maps, begun)) {
            Ok(planned) => Some(planned),
            // Another thread has seen to it.
            Err(Errno::EALREADY) => None,
            Err(errno) => {
                tracing::debug!(%errno, file = ?text.file.key, start = text.start, "a text cannot be patched");
                count(&patching.counters.failed);
                texts.change(text.start, |text| text.failures += 1);
                None
            }
        }
    }

    /// A switch is done, as far as these results go.
    pub(in crate::stubs) fn switched(
        &self,
        state: &mut State,
        switch: &Switch,
        results: &[Result<u64, Errno>],
    ) {
        let Some(patching) = &self.process.shared.patching else { return };
        let done = results.iter().take_while(|result| result.is_ok()).count();
        let complete = done == switch.orders.len();
        count(if complete { &patching.counters.switches } else { &patching.counters.failed });
        let micros = switch.begun.elapsed().as_micros();
        tracing::debug!(start = switch.start, orders = done, complete, micros, counters = ?patching.counters, "a running text is patched");
        self.process.space.texts.change(switch.start, |text| {
            if !complete {
                text.failures += 1;
            }
            if done > 0 {
                let mut mapped = text.mapped.take().map_or_else(Mapped::default, Arc::unwrap_or_clone);
                mapped.area = switch.area;
                mapped.pages.extend(switch.orders.iter().take(done).flatten().copied());
                text.mapped = Some(Arc::new(mapped));
            }
        });
        // The thread stands behind its call, which may have moved. Without this it would find out by a fault.
        if let Ok(registers) = state.frame.registers(&self.process) {
            let moved = self.process.patched_address(registers.rip);
            if moved != registers.rip {
                state.frame.set_registers(&crate::Registers { rip: moved, ..registers });
            }
        }
    }
}

impl Text {
    /// Whether the newest version of the page with this position is mapped.
    fn is_current(&self, position: u64) -> bool {
        let Some(mapped) = &self.mapped else { return false };
        let page = position & !(PAGE - 1);
        let state = self.file.state.lock();
        let variant = state.variants.iter().find(|variant| variant.image.area() == mapped.area);
        let newest = variant.and_then(|variant| variant.image.version(page));
        newest.is_none() || mapped.pages.get(&page).copied() == newest
    }
}

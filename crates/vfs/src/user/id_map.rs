//! `uid_map`, `gid_map` and `projid_map`: user_namespaces(7), "User and group ID mappings".

use abi::Errno;

/// The most lines that a map may have.
const EXTENTS_MAX: usize = 340;

/// One line: `count` ids from `inside` on are those from `outside` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The first number inside.
    pub inside: u32,
    /// The first number outside: as written one of the namespace above, in a map one of the initial namespace.
    pub outside: u32,
    /// How many.
    pub count: u32,
}

impl Extent {
    const fn shift(id: u32, from: u32, to: u32, count: u32) -> Option<u32> {
        match id.checked_sub(from) {
            Some(offset) if offset < count => to.checked_add(offset),
            _ => None,
        }
    }

    fn overlaps(&self, other: &Self) -> bool {
        let apart = |a: u32, b: u32| a >= b.saturating_add(other.count) || b >= a.saturating_add(self.count);
        !(apart(self.inside, other.inside) && apart(self.outside, other.outside))
    }

    /// A line's three numbers.
    fn parse(line: &str) -> Result<Self, Errno> {
        let mut numbers = line.split([' ', '\t', '\x0b', '\x0c', '\r']).filter(|word| !word.is_empty());
        let mut next = || -> Result<u32, Errno> {
            let word = numbers.next().ok_or(Errno::EINVAL)?;
            // A sign is none of the digits that a number begins with.
            if !word.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(Errno::EINVAL);
            }
            word.parse().map_err(|_| Errno::EINVAL)
        };
        let extent = Self { inside: next()?, outside: next()?, count: next()? };
        let fits =
            |first: u32| first != u32::MAX && first.checked_add(extent.count).is_some_and(|end| end > first);
        let complete = numbers.next().is_none() && fits(extent.inside) && fits(extent.outside);
        if complete { Ok(extent) } else { Err(Errno::EINVAL) }
    }
}

/// A map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdMap {
    extents: Vec<Extent>,
}

impl IdMap {
    /// Each id is itself.
    pub(super) fn identity() -> Self {
        Self { extents: vec![Extent { inside: 0, outside: 0, count: u32::MAX }] }
    }

    /// The lines of a text.
    ///
    /// # Errors
    /// `EINVAL` for what is no map: none or too many lines, lines of anything but three numbers, ids that do not exist or that stand twice.
    pub fn parse(text: &[u8]) -> Result<Vec<Extent>, Errno> {
        let text = std::str::from_utf8(text).map_err(|_| Errno::EINVAL)?;
        let mut extents: Vec<Extent> = Vec::new();
        for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
            let extent = Extent::parse(line)?;
            if extents.len() >= EXTENTS_MAX || extents.iter().any(|other| extent.overlaps(other)) {
                return Err(Errno::EINVAL);
            }
            extents.push(extent);
        }
        Ok(extents)
    }

    /// A map with these lines in a namespace whose parent has the map `above`.
    ///
    /// # Errors
    /// `EPERM` for ids that the parent does not have.
    pub(super) fn below(above: Option<&Self>, lines: &[Extent]) -> Result<Self, Errno> {
        let above = above.ok_or(Errno::EPERM)?;
        let extents = lines.iter().map(|line| {
            let outside = above.range_outward(line.outside, line.count).ok_or(Errno::EPERM)?;
            Ok(Extent { outside, ..*line })
        });
        Ok(Self { extents: extents.collect::<Result<_, Errno>>()? })
    }

    /// What a whole range inside begins with outside.
    fn range_outward(&self, inside: u32, count: u32) -> Option<u32> {
        let last = inside.checked_add(count.checked_sub(1)?)?;
        self.extents.iter().find_map(|extent| {
            Extent::shift(last, extent.inside, extent.outside, extent.count)?;
            Extent::shift(inside, extent.inside, extent.outside, extent.count)
        })
    }

    /// The id in the initial namespace of a number inside.
    #[must_use]
    pub fn outward(&self, inside: u32) -> Option<u32> {
        self.extents.iter().find_map(|e| Extent::shift(inside, e.inside, e.outside, e.count))
    }

    /// The number inside of an id of the initial namespace.
    #[must_use]
    pub fn inward(&self, outside: u32) -> Option<u32> {
        self.extents.iter().find_map(|e| Extent::shift(outside, e.outside, e.inside, e.count))
    }

    /// The ranges, each with what it begins with outside for a reader who calls the outer ids as `reader` does. Those that the reader does not have as
    /// a whole are left out.
    pub fn ranges<'a>(&'a self, reader: &'a Self) -> impl Iterator<Item = Extent> + 'a {
        self.extents.iter().filter_map(|extent| {
            let last = extent.outside.checked_add(extent.count.checked_sub(1)?)?;
            let first = reader.extents.iter().find_map(|by| {
                Extent::shift(last, by.outside, by.inside, by.count)?;
                Extent::shift(extent.outside, by.outside, by.inside, by.count)
            })?;
            Some(Extent { outside: first, ..*extent })
        })
    }

    /// The map as the file shows it to a reader who calls the outer ids as `reader` does.
    #[must_use]
    pub fn text(&self, reader: Option<&Self>) -> String {
        let line = |extent: &Extent| {
            let outside = reader.and_then(|reader| reader.inward(extent.outside)).unwrap_or(u32::MAX);
            format!("{:>10} {outside:>10} {:>10}\n", extent.inside, extent.count)
        };
        self.extents.iter().map(line).collect()
    }
}

//! Resource limits: getrlimit(2).

/// No limit.
pub const INFINITY: u64 = u64::MAX;

/// A resource, by its number on x86-64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
#[expect(missing_docs, reason = "each is the RLIMIT_* of that name in getrlimit(2)")]
pub enum Resource {
    Cpu,
    Fsize,
    Data,
    Stack,
    Core,
    Rss,
    Nproc,
    Nofile,
    Memlock,
    As,
    Locks,
    Sigpending,
    Msgqueue,
    Nice,
    Rtprio,
    Rttime,
}

impl Resource {
    /// All, by number.
    pub const ALL: [Self; 16] = [
        Self::Cpu,
        Self::Fsize,
        Self::Data,
        Self::Stack,
        Self::Core,
        Self::Rss,
        Self::Nproc,
        Self::Nofile,
        Self::Memlock,
        Self::As,
        Self::Locks,
        Self::Sigpending,
        Self::Msgqueue,
        Self::Nice,
        Self::Rtprio,
        Self::Rttime,
    ];

    /// The resource of a number, if there is one.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        usize::try_from(number).ok().and_then(|n| Self::ALL.get(n).copied())
    }

    /// The resource of an OCI name (`RLIMIT_NOFILE`), if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let wanted = name.strip_prefix("RLIMIT_")?;
        Self::ALL.into_iter().find(|r| format!("{r:?}").eq_ignore_ascii_case(wanted))
    }
}

/// A soft and a hard limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What counts.
    pub soft: u64,
    /// How far the soft one may be raised.
    pub hard: u64,
}

impl Limit {
    /// Both limits.
    #[must_use]
    pub const fn new(soft: u64, hard: u64) -> Self {
        Self { soft, hard }
    }
}

/// The limits of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits([Limit; 16]);

impl Default for Limits {
    /// What Linux gives its init, with the descriptors and processes of a usual container.
    fn default() -> Self {
        let mut all = Self([Limit::new(INFINITY, INFINITY); 16]);
        all.set(Resource::Stack, Limit::new(8 << 20, INFINITY));
        all.set(Resource::Core, Limit::new(0, INFINITY));
        all.set(Resource::Nproc, Limit::new(32_768, 32_768));
        all.set(Resource::Nofile, Limit::new(1024, 1 << 20));
        all.set(Resource::Memlock, Limit::new(8 << 20, 8 << 20));
        all.set(Resource::Sigpending, Limit::new(32_768, 32_768));
        all.set(Resource::Msgqueue, Limit::new(819_200, 819_200));
        all.set(Resource::Nice, Limit::new(0, 0));
        all.set(Resource::Rtprio, Limit::new(0, 0));
        all
    }
}

impl Limits {
    /// One limit.
    #[must_use]
    pub fn get(&self, resource: Resource) -> Limit {
        self.0.get(resource as usize).copied().unwrap_or(Limit::new(INFINITY, INFINITY))
    }

    /// Changes one limit.
    pub fn set(&mut self, resource: Resource, limit: Limit) {
        if let Some(slot) = self.0.get_mut(resource as usize) {
            *slot = limit;
        }
    }

    /// A soft limit as a count; no limit is the largest one.
    #[must_use]
    pub fn count(&self, resource: Resource) -> usize {
        usize::try_from(self.get(resource).soft).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_agree_with_linux() {
        assert_eq!(Resource::from_number(7), Some(Resource::Nofile));
        assert_eq!(Resource::from_name("RLIMIT_NOFILE"), Some(Resource::Nofile));
        assert_eq!(Resource::from_number(16), None);
        assert_eq!(Resource::from_name("RLIMIT_BOGUS"), None);
    }
}

//! Which guest files an address space has mapped: what /proc/PID/maps calls them, and those that must stay open, as what is changed in the
//! mapping has to be written through them.
//!
//! A guest unmaps without the sentry hearing of it, so that files are found to be mapped no longer when there is a reason to look: another
//! file that must stay open is closed, a filesystem unmounted, or many more files were mapped than last time.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;
use platform::Mapping;
use vfs::File;
use vfs::path::Path;

/// A host file's device and inode numbers.
pub(crate) type Host = (u64, u64);

/// So many files are remembered before anybody looks which of them are still mapped.
const FEW: usize = 64;

/// The files that one address space has mapped.
pub(crate) struct MappedFiles(Mutex<Files>);

#[derive(Clone)]
struct Files {
    by_host: HashMap<Host, Mapped>,
    /// How many mappings there were ever.
    mappings: u64,
    /// With so many files it is time to look.
    look_at: usize,
}

/// What is known of a host file that is mapped, or is about to be.
#[derive(Clone, Default)]
pub(crate) struct Mapped {
    /// The guest's name for it.
    pub(crate) name: Option<Path>,
    /// Open for reading only, where it must stay open.
    pub(crate) read: Option<Arc<dyn File>>,
    /// Open for writing too.
    pub(crate) written: Option<Arc<dyn File>>,
    /// The thread that mapped it last.
    mapper: i32,
    /// Which of all mappings that was.
    last: u64,
}

/// What was there when somebody began to look, but for what was about to be mapped: each with its last mapping.
pub(crate) struct Settled(Vec<(Host, u64)>);

impl Default for MappedFiles {
    fn default() -> Self {
        Self(Mutex::new(Files { by_host: HashMap::new(), mappings: 0, look_at: FEW }))
    }
}

impl MappedFiles {
    /// The same files, for a copy of the address space.
    pub(crate) fn copy(&self) -> Self {
        Self(Mutex::new(self.0.lock().clone()))
    }

    /// Takes all out, for an address space that takes this one's place.
    pub(crate) fn take(&self) -> Self {
        let taken = Self::default();
        std::mem::swap(&mut *taken.0.lock(), &mut *self.0.lock());
        taken
    }

    /// Notes a file that a thread is about to map.
    pub(crate) fn note(&self, host: Host, mapper: i32, note: impl FnOnce(&mut Mapped)) {
        let mut files = self.0.lock();
        files.mappings = files.mappings.wrapping_add(1);
        let last = files.mappings;
        let mut before = Mapped::default();
        let mapped = files.by_host.entry(host).or_default();
        before.clone_from(mapped);
        note(mapped);
        (mapped.mapper, mapped.last) = (mapper, last);
        drop(files);
        // What it was before may end here, and with it a filesystem, which is nothing to do under a lock.
        drop(before);
    }

    /// Whether there are so many that it is time to look for those that are mapped no longer.
    pub(crate) fn are_many(&self) -> bool {
        let files = self.0.lock();
        files.by_host.len() >= files.look_at
    }

    /// The guest's name of a host file.
    pub(crate) fn name(&self, host: Host) -> Option<Path> {
        self.0.lock().by_host.get(&host)?.name.clone()
    }

    /// Whether any must stay open.
    pub(crate) fn stay_open(&self) -> bool {
        self.0.lock().by_host.values().any(Mapped::stays_open)
    }

    /// Those that stay open and that some of the mappings show, once each: rather one through which can be written.
    pub(crate) fn among(&self, mappings: &[Mapping]) -> Vec<Arc<dyn File>> {
        let files = self.0.lock();
        let hosts: BTreeSet<Host> = mappings.iter().filter_map(|mapping| mapping.host_file).collect();
        let mapped = hosts.into_iter().filter_map(|host| files.by_host.get(&host));
        mapped.filter_map(|mapped| mapped.written.as_ref().or(mapped.read.as_ref()).map(Arc::clone)).collect()
    }

    /// What is there now. `maps` tells whether a thread is about to map something. To be called before the mappings are read.
    pub(crate) fn settled(&self, maps: impl Fn(i32) -> bool) -> Settled {
        let all: Vec<(Host, i32, u64)> = {
            let files = self.0.lock();
            files.by_host.iter().map(|(host, mapped)| (*host, mapped.mapper, mapped.last)).collect()
        };
        let settled = all.into_iter().filter(|(_, mapper, _)| !maps(*mapper));
        Settled(settled.map(|(host, _, last)| (host, last)).collect())
    }

    /// Takes out what was settled, was not mapped again since, and is shown by none of the mappings, which are all that there are.
    pub(crate) fn unmapped(&self, settled: &Settled, mappings: &[Mapping]) -> Vec<Mapped> {
        let shown: BTreeSet<Host> = mappings.iter().filter_map(|mapping| mapping.host_file).collect();
        let mut files = self.0.lock();
        let mut gone = Vec::new();
        for (host, last) in &settled.0 {
            if !shown.contains(host) && files.by_host.get(host).is_some_and(|mapped| mapped.last == *last) {
                gone.extend(files.by_host.remove(host));
            }
        }
        files.look_at = files.by_host.len().saturating_mul(2).max(FEW);
        gone
    }
}

impl Mapped {
    const fn stays_open(&self) -> bool {
        self.read.is_some() || self.written.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nothing;

    impl File for Nothing {
        fn as_any(&self) -> &dyn std::any::Any {
            self
        }
    }

    fn mapping(host: Host) -> Mapping {
        Mapping {
            start: 0,
            end: 4096,
            protection: 1,
            shared: true,
            offset: 0,
            host_file: Some(host),
            host_name: String::new(),
        }
    }

    fn keep(files: &MappedFiles, host: Host, mapper: i32) {
        files.note(host, mapper, |mapped| mapped.written = Some(Arc::new(Nothing)));
    }

    #[test]
    fn files_stay_until_they_are_mapped_no_more() {
        let files = MappedFiles::default();
        keep(&files, (1, 1), 7);
        assert!(files.stay_open());
        let gone = |of: &MappedFiles, mappings: &[Mapping], busy: i32| {
            of.unmapped(&of.settled(|tid| tid == busy), mappings).len()
        };
        assert_eq!(gone(&files, &[], 7), 0, "its mapping is under way");
        assert_eq!(gone(&files, &[mapping((1, 1))], 0), 0);
        assert_eq!((files.among(&[mapping((1, 1))]).len(), files.among(&[mapping((1, 2))]).len()), (1, 0));
        let copy = files.copy();
        assert_eq!((gone(&files, &[mapping((1, 2))], 8), gone(&files, &[], 8)), (1, 0));
        assert_eq!((gone(&copy.take(), &[], 8), copy.stay_open()), (1, false));
    }

    #[test]
    fn what_is_mapped_while_somebody_looks_stays() {
        let files = MappedFiles::default();
        keep(&files, (1, 1), 7);
        let settled = files.settled(|_| false);
        keep(&files, (1, 1), 8);
        keep(&files, (1, 2), 8);
        assert!(files.unmapped(&settled, &[]).is_empty());
    }

    #[test]
    fn many_are_looked_through_at_times() {
        let files = MappedFiles::default();
        let looks = (0..1000).filter(|number| {
            keep(&files, (1, *number), 7);
            files.are_many() && files.unmapped(&files.settled(|_| false), &[]).len() == FEW
        });
        assert_eq!(looks.count(), 1000 / FEW);
    }
}

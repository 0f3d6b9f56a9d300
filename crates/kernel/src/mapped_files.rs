//! Files that are mapped and must stay open: what is changed in the mapping has to be written through them.
//!
//! A guest unmaps without the sentry hearing of it, so that files are found to be mapped no longer when there is a reason to look: another such
//! file is closed, or a filesystem unmounted.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;
use platform::Mapping;
use vfs::File;

/// A host file's device and inode numbers, and whether guests can write to it.
type Key = ((u64, u64), bool);

/// The files that one address space keeps open.
#[derive(Default)]
pub(crate) struct MappedFiles(Mutex<HashMap<Key, Kept>>);

#[derive(Clone)]
struct Kept {
    file: Arc<dyn File>,
    /// Whose mmap(2) it is: as long as nobody has seen it mapped, only that thread knows that it is not about to be.
    mapper: i32,
    seen: bool,
}

impl MappedFiles {
    /// The same files, for a copy of the address space.
    pub(crate) fn copy(&self) -> Self {
        Self(Mutex::new(self.0.lock().clone()))
    }

    /// Takes all out, for an address space that takes this one's place.
    pub(crate) fn take(&self) -> Self {
        Self(Mutex::new(std::mem::take(&mut *self.0.lock())))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.lock().is_empty()
    }

    /// Keeps a file that `mapper` is about to map.
    pub(crate) fn keep(&self, host: (u64, u64), writes: bool, file: Arc<dyn File>, mapper: i32) {
        let old = self.0.lock().insert((host, writes), Kept { file, mapper, seen: false });
        drop(old);
    }

    /// Those that some of the mappings show, once each: rather one through which can be written.
    pub(crate) fn among(&self, mappings: &[Mapping]) -> Vec<Arc<dyn File>> {
        let kept = self.0.lock();
        let hosts: BTreeSet<(u64, u64)> = mappings.iter().filter_map(|mapping| mapping.host_file).collect();
        let file = |host| kept.get(&(host, true)).or_else(|| kept.get(&(host, false)));
        hosts.into_iter().filter_map(file).map(|kept| Arc::clone(&kept.file)).collect()
    }

    /// Takes out those that none of the mappings, which are all that there are, shows any more, and tells their host files. `caller` is not
    /// about to map anything.
    pub(crate) fn unmapped(&self, mappings: &[Mapping], caller: i32) -> Vec<((u64, u64), Arc<dyn File>)> {
        let mut gone = Vec::new();
        self.0.lock().retain(|(host, _), kept| {
            let mapped = mappings.iter().any(|mapping| mapping.host_file == Some(*host));
            kept.seen |= mapped;
            let stays = mapped || !kept.seen && kept.mapper != caller;
            if !stays {
                gone.push((*host, Arc::clone(&kept.file)));
            }
            stays
        });
        gone
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

    fn mapping(host: (u64, u64)) -> Mapping {
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

    #[test]
    fn files_stay_until_they_are_seen_to_be_mapped_no_more() {
        let files = MappedFiles::default();
        files.keep((1, 1), true, Arc::new(Nothing), 7);
        files.keep((1, 1), false, Arc::new(Nothing), 7);
        assert!(files.unmapped(&[], 8).is_empty(), "its mapping may be under way");
        assert!(files.unmapped(&[mapping((1, 1))], 8).is_empty());
        assert_eq!((files.among(&[mapping((1, 1))]).len(), files.among(&[mapping((1, 2))]).len()), (1, 0));
        assert_eq!(files.unmapped(&[mapping((1, 2))], 8).len(), 2);
        files.keep((1, 1), true, Arc::new(Nothing), 7);
        assert_eq!(files.copy().unmapped(&[], 7).len(), 1);
        assert!(!files.is_empty() && files.take().unmapped(&[], 8).is_empty() && files.is_empty());
    }
}

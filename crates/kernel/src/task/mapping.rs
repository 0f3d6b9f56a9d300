//! What a task maps of files, and what it has unmapped since.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use vfs::File;
use vfs::path::Path;

use super::Task;

impl Task {
    /// Notes a host file that this task's call is about to map with orders: what it is called, and the open file if it must stay open, for
    /// writing or not.
    pub fn note_mapping(&self, host: &OwnedFd, name: Option<&Path>, stays: Option<(bool, Arc<dyn File>)>) {
        let space = self.space();
        if space.has_many_files() {
            self.close_unmapped_in(&space);
        }
        self.maps.store(true, Ordering::Release);
        space.note_file(host, name, stays, self.tid());
    }

    /// It is heard of again, so that what its last call had to map is mapped, and may be unmapped.
    pub(super) fn has_mapped(&self) {
        if self.maps.load(Ordering::Relaxed) {
            self.maps.store(false, Ordering::Release);
        }
    }

    /// Closes what must stay open while it is mapped and is mapped no longer. For a task that maps nothing just now.
    pub fn close_unmapped(&self) {
        let space = self.space();
        if space.keeps_open() {
            self.close_unmapped_in(&space);
        }
    }

    /// As [`Self::close_unmapped`], for all processes, and their names for what is mapped no longer are forgotten.
    pub fn forget_unmapped(&self) {
        for group in self.kernel.pids.groups() {
            if let Some(other) = group.tasks().first() {
                self.close_unmapped_in(&other.space());
            }
        }
    }

    fn close_unmapped_in(&self, space: &crate::AddressSpace) {
        let maps = |tid| self.kernel.pids.task(tid).is_some_and(|task| task.maps.load(Ordering::Acquire));
        space.close_unmapped(maps);
    }
}

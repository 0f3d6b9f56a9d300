//! What the sentry keeps of a guest's memory: only what the host cannot know.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use abi::Errno;
use parking_lot::Mutex;
use platform::{Mapping, Memory};
use vfs::inode::LinkTarget;
use vfs::path::Path;
use vfs::{File, UserNamespace};

use crate::aio::Contexts;
use crate::ipc::Attachments;
use crate::mapped_files::MappedFiles;
use crate::memory_locks::Locks;
use crate::memory_notes::Notes;
use crate::task::memory_policy::MemoryPolicy;

/// The memory of one process (or of several, after vfork).
pub struct AddressSpace {
    /// The bytes.
    pub memory: Arc<dyn Memory>,
    /// What execve(2) laid out.
    pub image: Mutex<Image>,
    /// Which guest files are mapped.
    mapped: MappedFiles,
    /// System V shared memory that is attached.
    pub shared_memory: Attachments,
    /// What mbind(2) set.
    pub memory_policies: Notes<MemoryPolicy>,
    /// What mlock(2) locked.
    pub locks: Locks,
    /// What io_setup(2) made.
    pub asynchronous: Contexts,
}

/// The layout of a program image: the ranges that /proc/PID shows and that brk(2) moves.
#[derive(Clone, Default)]
pub struct Image {
    /// Where /proc/PID/exe leads.
    pub executable: Option<LinkTarget>,
    /// Keeps writers away from the executable.
    pub executing: Option<vfs::usage::Executing>,
    /// Behind the program's data.
    pub heap_start: u64,
    /// Argument strings.
    pub arguments: core::ops::Range<u64>,
    /// Environment strings.
    pub environment: core::ops::Range<u64>,
    /// The auxiliary vector as it lies in memory.
    pub auxv: Vec<u8>,
    /// Where the stack began.
    pub stack_start: u64,
    /// The mapping that the stack lies in.
    pub stack: core::ops::Range<u64>,
    /// Whether others with the same ids may look into it (prctl(2) `PR_SET_DUMPABLE`).
    pub dumpable: bool,
    /// The user namespace that the program was executed in, once there is one: if it may not be looked into, the capability there lets.
    pub user: Option<Arc<UserNamespace>>,
}

impl AddressSpace {
    /// A memory with a layout.
    #[must_use]
    pub fn new(memory: Arc<dyn Memory>, image: Image) -> Arc<Self> {
        Arc::new(Self::bare(memory, image))
    }

    fn bare(memory: Arc<dyn Memory>, image: Image) -> Self {
        Self {
            memory,
            image: Mutex::new(image),
            mapped: MappedFiles::default(),
            shared_memory: Mutex::default(),
            memory_policies: Notes::default(),
            locks: Locks::default(),
            asynchronous: Contexts::default(),
        }
    }

    /// A copy of the layout, for a child of fork(2) whose memory is yet to be made.
    #[must_use]
    pub(crate) fn copy_layout(&self) -> Arc<Self> {
        Arc::new(Self {
            mapped: self.mapped.copy(),
            shared_memory: Mutex::new(self.shared_memory.lock().clone()),
            memory_policies: self.memory_policies.clone(),
            ..Self::bare(Arc::new(NoMemory), self.image.lock().clone())
        })
    }

    /// The layout over the memory that has now been made for it. Nothing stays here.
    #[must_use]
    pub(crate) fn over(&self, memory: Arc<dyn Memory>) -> Arc<Self> {
        Arc::new(Self {
            mapped: self.mapped.take(),
            shared_memory: Mutex::new(std::mem::take(&mut *self.shared_memory.lock())),
            memory_policies: self.memory_policies.clone(),
            ..Self::bare(memory, std::mem::take(&mut *self.image.lock()))
        })
    }

    /// Whether the memory is yet to be made, or is no more.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.memory.id() == NO_MEMORY
    }

    /// Notes a host file that a thread is about to map: what it is called for /proc/PID/maps, and the open file if it must stay open, for
    /// writing or not. A host file that cannot be asked is not noted.
    pub fn note_file(
        &self,
        host: &OwnedFd,
        name: Option<&Path>,
        stays: Option<(bool, Arc<dyn File>)>,
        mapper: i32,
    ) {
        let Ok(identity) = host::identity::of(host) else { return };
        self.mapped.note(identity, mapper, |mapped| {
            if let Some(name) = name {
                mapped.name = Some(name.clone());
            }
            match stays {
                Some((true, file)) => mapped.written = Some(file),
                Some((false, file)) => mapped.read = Some(file),
                None => {}
            }
        });
    }

    /// Whether so many files were mapped that it is time to call [`Self::close_unmapped`].
    #[must_use]
    pub fn has_many_files(&self) -> bool {
        self.mapped.are_many()
    }

    /// Whether mapped files are kept open.
    #[must_use]
    pub fn keeps_open(&self) -> bool {
        self.mapped.stay_open()
    }

    /// Closes and forgets the files that are mapped no longer. `maps` tells whether a thread is about to map something.
    pub fn close_unmapped(&self, maps: impl Fn(i32) -> bool) {
        let settled = self.mapped.settled(maps);
        let Ok(mappings) = self.memory.mappings() else { return };
        drop(self.mapped.unmapped(&settled, &mappings));
    }

    /// Those of these files that are mapped in a range together with others.
    ///
    /// # Errors
    /// Those of reading the mappings.
    pub fn mapped_together(&self, range: &core::ops::Range<u64>) -> Result<Vec<Arc<dyn File>>, Errno> {
        if !self.mapped.stay_open() {
            return Ok(Vec::new());
        }
        let mut mappings = self.memory.mappings()?;
        mappings.retain(|m| m.shared && m.start < range.end && m.end > range.start);
        Ok(self.mapped.among(&mappings))
    }

    /// The guest file that a mapped host file stands for.
    #[must_use]
    pub fn mapped_file(&self, host: (u64, u64)) -> Option<Path> {
        self.mapped.name(host)
    }

    /// No memory: every access fails. What a task has before its first program and after its end.
    #[must_use]
    pub fn none() -> Arc<Self> {
        Self::new(Arc::new(NoMemory), Image::default())
    }
}

/// [`Memory::id`] of no memory.
const NO_MEMORY: u64 = u64::MAX;

/// The memory of a task that has none.
struct NoMemory;

impl Memory for NoMemory {
    fn read(&self, _: u64, _: &mut [u8]) -> Result<usize, Errno> {
        Err(Errno::ESRCH)
    }

    fn write(&self, _: u64, _: &[u8]) -> Result<usize, Errno> {
        Err(Errno::ESRCH)
    }

    fn read_vectored(&self, _: &[(u64, usize)], _: &mut [u8]) -> Result<usize, Errno> {
        Err(Errno::ESRCH)
    }

    fn write_vectored(&self, _: &[(u64, usize)], _: &[u8]) -> Result<usize, Errno> {
        Err(Errno::ESRCH)
    }

    fn mappings(&self) -> Result<Vec<Mapping>, Errno> {
        Err(Errno::ESRCH)
    }

    fn host_text(&self, _: &str) -> Result<String, Errno> {
        Err(Errno::ESRCH)
    }

    fn id(&self) -> u64 {
        NO_MEMORY
    }
}

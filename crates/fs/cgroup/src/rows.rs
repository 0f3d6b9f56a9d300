//! The files of a group: one table for each controller.

mod core;
mod cpu;
mod first_version;
mod memory;
mod pids;

use std::sync::Arc;

use abi::Errno;
use kernel::Kernel;
use kernel::control_group::{Controllers, Group, GroupId, Writer};

/// A group, as its files see it.
#[derive(Clone)]
pub(crate) struct Subject {
    pub(crate) kernel: Arc<Kernel>,
    pub(crate) group: GroupId,
}

/// What a file says.
pub(crate) type Read = fn(&Subject) -> Result<Vec<u8>, Errno>;
/// What a write does, by whoever opened the file, with blanks around the text taken away.
pub(crate) type Write = fn(&Subject, &Writer, &[u8]) -> Result<(), Errno>;

/// A file.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) mode: u32,
    /// The controllers that bring it.
    needs: Controllers,
    /// Whether it is also there in the group of a container, of which no controller but the container's limits is set.
    of_container: bool,
    /// Whether it can be written in a group that is the root of what the writer sees.
    pub(crate) delegated: bool,
    /// Whether poll(2) and inotify(7) tell when it changes.
    pub(crate) told: bool,
    /// Whether it is one of the first version.
    first: bool,
    pub(crate) read: Option<Read>,
    pub(crate) write: Option<Write>,
}

impl Row {
    /// A file that can be read.
    const fn text(name: &'static str, read: Read) -> Self {
        Self {
            name,
            mode: 0o444,
            needs: Controllers::empty(),
            of_container: true,
            delegated: false,
            told: false,
            first: false,
            read: Some(read),
            write: None,
        }
    }

    /// One that can be written too.
    const fn setting(name: &'static str, read: Read, write: Write) -> Self {
        Self { mode: 0o644, write: Some(write), ..Self::text(name, read) }
    }

    /// One of a controller.
    const fn of(self, needs: Controllers) -> Self {
        Self { needs, ..self }
    }

    const fn told(self) -> Self {
        Self { told: true, ..self }
    }

    const fn delegated(self) -> Self {
        Self { delegated: true, ..self }
    }

    /// One of the first version.
    const fn first(self) -> Self {
        Self { first: true, ..self }
    }

    /// One that the group of a container does not have.
    const fn not_of_container(self) -> Self {
        Self { of_container: false, ..self }
    }
}

static TABLES: &[&[Row]] = &[core::ROWS, cpu::ROWS, memory::ROWS, pids::ROWS, first_version::ROWS];

/// The place of a file among all.
pub(crate) fn index(row: &'static Row) -> Option<usize> {
    TABLES.iter().flat_map(|table| table.iter()).position(|other| std::ptr::eq(row, other))
}

impl Subject {
    /// Whether it is the group of a container.
    pub(crate) fn is_container(&self) -> bool {
        self.look(|group| group.parent.is_none()).unwrap_or(false)
    }

    /// What is known of the group.
    ///
    /// # Errors
    /// `ENODEV` if it is gone.
    pub(crate) fn look<R>(&self, at: impl FnOnce(&Group) -> R) -> Result<R, Errno> {
        self.kernel.control_groups.with(|tree| tree.living(self.group).map(at))
    }

    /// Sets something of the group that nobody has to be told of.
    ///
    /// # Errors
    /// `ENODEV` if it is gone.
    pub(crate) fn set(&self, set: impl FnOnce(&mut Group)) -> Result<(), Errno> {
        self.kernel.control_groups.with(|tree| tree.living_mut(self.group).map(set))
    }

    /// Sets a limit that has to be looked after.
    ///
    /// # Errors
    /// `ENODEV` if the group is gone.
    pub(crate) fn limit(&self, set: impl FnOnce(&mut Group)) -> Result<(), Errno> {
        self.kernel.control_groups.change(|tree, notices| {
            tree.living_mut(self.group).map(set)?;
            notices.limited(self.group);
            Ok(())
        })
    }

    /// Its files.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &'static Row> {
        let (controllers, container, first) = self.kernel.control_groups.with(|tree| {
            let container = tree.group(self.group).is_some_and(|group| group.parent.is_none());
            (tree.controllers(self.group), container, !tree.is_unified(self.group))
        });
        let rows = TABLES.iter().flat_map(|table| table.iter());
        rows.filter(move |row| {
            let there = if container { row.of_container } else { controllers.contains(row.needs) };
            // What a container as a whole may use is told whichever hierarchy a controller is in.
            there && row.first == first && (!first || controllers.contains(row.needs))
        })
    }

    /// The file of a name.
    pub(crate) fn row(&self, name: &[u8]) -> Option<&'static Row> {
        self.rows().find(|row| row.name.as_bytes() == name)
    }
}

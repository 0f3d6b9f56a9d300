//! fsopen(2), fspick(2), fsconfig(2), fsmount(2): a filesystem made or changed step by step.

use std::any::Any;
use std::sync::Arc;

use abi::Errno;
use kernel::memory::read_string;
use kernel::{Task, UserAddr};
use parking_lot::Mutex;
use vfs::mount::Mount;
use vfs::ops::remount::reconfigure;
use vfs::path::Path;
use vfs::resolve::Lookup;
use vfs::superblock::SuperBlock;
use vfs::{Attributes, Capability, Fd, File, FileSystemType, MountOption, OpenFile, OpenFlags};

use super::attributes::AttributeBits;
use super::tree::place_file;
use crate::argument::PathPtr;
use crate::file::at::at;
use crate::file::{descriptor, mount};

/// The longest name and value of an option.
const TEXT_MAX: usize = 256;
/// All options of one filesystem together, bytes.
const OPTIONS_MAX: usize = 1 << 16;

/// Flags that every filesystem takes.
const COMMON: &[&[u8]] = &[b"async", b"dirsync", b"lazytime", b"mand", b"nolazytime", b"nomand", b"sync"];

/// What fsopen(2) and fspick(2) give.
struct Context {
    state: Mutex<State>,
}

struct State {
    source: Vec<u8>,
    options: Vec<MountOption>,
    read_only: Option<bool>,
    phase: Phase,
}

/// How far it is.
enum Phase {
    /// Options are collected for a new filesystem of a type.
    Creating(Arc<dyn FileSystemType>),
    /// The filesystem stands and waits to be mounted.
    Created(Arc<dyn FileSystemType>, Arc<SuperBlock>),
    /// Options are collected for one that is mounted.
    Picked(Arc<SuperBlock>),
}

impl File for Context {
    fn seekable(&self) -> bool {
        false
    }

    /// Messages about options would be read here; `ENODATA` says that there are none.
    fn read(&self, _: u64, _: &mut dyn vfs::Sink) -> Result<usize, Errno> {
        Err(Errno::ENODATA)
    }

    fn attributes(&self) -> Result<Attributes, Errno> {
        Ok(anon::attributes())
    }

    fn description(&self) -> String {
        String::from("anon_inode:[fscontext]")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn install(task: &Arc<Task>, phase: Phase, source: &[u8], close_on_exec: bool) -> Result<Fd, Errno> {
    let state = State { source: source.to_vec(), options: Vec::new(), read_only: None, phase };
    let file = Arc::new(Context { state: Mutex::new(state) });
    let file = OpenFile::new(file, None, OpenFlags::RDWR, Arc::clone(&task.credentials()));
    descriptor::install(task, file, close_on_exec)
}

/// fsopen(2).
///
/// # Errors
/// `EPERM`, `EINVAL` for unknown flags, `ENODEV` for a type that is not known.
pub fn fsopen(task: &Arc<Task>, kind: UserAddr, flags: u32) -> Result<Fd, Errno> {
    const CLOEXEC: u32 = 1;
    task.with_caller(|caller| caller.may_mount())?;
    if flags & !CLOEXEC != 0 {
        return Err(Errno::EINVAL);
    }
    let kind = read_string(&*task.memory(), kind, TEXT_MAX)?;
    let kind = Arc::clone(mount::find_type(task, &kind)?);
    install(task, Phase::Creating(kind), b"none", flags & CLOEXEC != 0)
}

/// fspick(2).
///
/// # Errors
/// `EPERM`, `EINVAL` for unknown flags or a place that is no mount's root.
pub fn fspick(task: &Arc<Task>, directory: Fd, path: PathPtr, flags: u32) -> Result<Fd, Errno> {
    const CLOEXEC: u32 = 1;
    const NOFOLLOW: u32 = 2;
    const NO_AUTOMOUNT: u32 = 4;
    const EMPTY_PATH: u32 = 8;
    task.with_caller(|caller| caller.may_mount())?;
    if flags & !(CLOEXEC | NOFOLLOW | NO_AUTOMOUNT | EMPTY_PATH) != 0 {
        return Err(Errno::EINVAL);
    }
    let mut lookup = Lookup::empty();
    lookup.set(Lookup::FOLLOW, flags & NOFOLLOW == 0);
    lookup.set(Lookup::EMPTY, flags & EMPTY_PATH != 0);
    let place = at(task, directory, path, |caller, at| caller.find_path(at, lookup))?;
    if !place.is_mount_root() {
        return Err(Errno::EINVAL);
    }
    let superblock = Arc::clone(place.mount.superblock());
    install(task, Phase::Picked(superblock), &place.mount.source, flags & CLOEXEC != 0)
}

/// What fsconfig(2) does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Command {
    Flag,
    Text,
    Path { empty: bool },
    Create { exclusive: bool },
    Reconfigure,
}

impl Command {
    fn parse(command: u32, key: bool, value: bool, extra: i32) -> Result<Self, Errno> {
        let directory = extra == vfs::At::FDCWD || extra >= 0;
        let (parsed, fits) = match command {
            0 => (Self::Flag, key && !value && extra == 0),
            1 => (Self::Text, key && value && extra == 0),
            3 => (Self::Path { empty: false }, key && value && directory),
            4 => (Self::Path { empty: true }, key && value && directory),
            6 => (Self::Create { exclusive: false }, !key && !value && extra == 0),
            7 => (Self::Reconfigure, !key && !value && extra == 0),
            8 => (Self::Create { exclusive: true }, !key && !value && extra == 0),
            // No filesystem here takes binary values or descriptors.
            2 if key && value && extra > 0 => return Err(Errno::EINVAL),
            5 if key && !value && extra >= 0 => return Err(Errno::EINVAL),
            2 | 5 => return Err(Errno::EINVAL),
            _ => return Err(Errno::EOPNOTSUPP),
        };
        if fits { Ok(parsed) } else { Err(Errno::EINVAL) }
    }
}

/// fsconfig(2).
///
/// # Errors
/// `EINVAL` for arguments that do not fit the command or an option that the filesystem does not know, `EBUSY` if it is not the time for
/// the command, `EOPNOTSUPP` for an unknown command.
pub fn fsconfig(
    task: &Arc<Task>,
    fd: Fd,
    command: u32,
    key: UserAddr,
    value: UserAddr,
    extra: i32,
) -> Result<(), Errno> {
    if fd.0 < 0 {
        return Err(Errno::EINVAL);
    }
    let command = Command::parse(command, !key.is_null(), !value.is_null(), extra)?;
    let file = task.files().get(fd)?;
    let context: &Context = file.file.as_any().downcast_ref().ok_or(Errno::EINVAL)?;
    let text = |address: UserAddr, limit| {
        let read = read_string(&*task.memory(), address, limit);
        read.map_err(|error| if error == Errno::ENAMETOOLONG { Errno::EINVAL } else { error })
    };
    let option = match command {
        Command::Flag => MountOption { key: text(key, TEXT_MAX)?, value: None },
        Command::Text => MountOption { key: text(key, TEXT_MAX)?, value: Some(text(value, TEXT_MAX)?) },
        Command::Path { empty } => {
            let path = text(value, TEXT_MAX)?;
            if path.is_empty() && !empty {
                return Err(Errno::ENOENT);
            }
            // Only a path from the working directory can be kept as text.
            if extra != vfs::At::FDCWD {
                return Err(Errno::EINVAL);
            }
            MountOption { key: text(key, TEXT_MAX)?, value: Some(path) }
        }
        Command::Create { exclusive } => return create(task, context, exclusive),
        Command::Reconfigure => return change(task, context),
    };
    take(&mut context.state.lock(), option)
}

fn take(state: &mut State, option: MountOption) -> Result<(), Errno> {
    let kind = match &state.phase {
        Phase::Creating(kind) => Some(kind),
        Phase::Picked(_) => None,
        Phase::Created(..) => return Err(Errno::EBUSY),
    };
    match (option.key.as_slice(), &option.value) {
        (b"ro", None) => state.read_only = Some(true),
        (b"rw", None) => state.read_only = Some(false),
        // Flags of every filesystem, which are known by their names alone. Nothing here is written later than it is asked to be.
        (name, _) if COMMON.contains(&name) => {}
        (b"source", Some(source)) if kind.is_some() => state.source.clone_from(source),
        _ => {
            if let Some(kind) = kind {
                kind.check(&option)?;
            }
            let size: usize = state.options.iter().map(|option| option.text().len()).sum();
            if size.saturating_add(option.text().len()) > OPTIONS_MAX {
                return Err(Errno::EINVAL);
            }
            state.options.push(option);
        }
    }
    Ok(())
}

fn create(task: &Arc<Task>, context: &Context, exclusive: bool) -> Result<(), Errno> {
    let mut state = context.state.lock();
    let Phase::Creating(kind) = &state.phase else { return Err(Errno::EBUSY) };
    let superblock = task.with_caller(|caller| {
        caller.may_make(&**kind)?;
        mount::make(caller, &**kind, kind.name().as_bytes(), &state.source, &state.options)
    })?;
    if exclusive && Arc::strong_count(&superblock) > 1 {
        return Err(Errno::EBUSY);
    }
    if state.read_only == Some(true) {
        superblock.set_read_only(true);
    }
    state.phase = Phase::Created(Arc::clone(kind), superblock);
    Ok(())
}

fn change(task: &Task, context: &Context) -> Result<(), Errno> {
    let mut state = context.state.lock();
    let Phase::Picked(superblock) = &state.phase else { return Err(Errno::EBUSY) };
    task.credentials().need_in(Capability::SysAdmin, superblock.user())?;
    let read_only = state.read_only.unwrap_or_else(|| superblock.is_read_only());
    reconfigure(superblock, read_only, &MountOption::join(&state.options))?;
    state.options.clear();
    Ok(())
}

/// fsmount(2): a descriptor of the filesystem's root, mounted nowhere yet.
///
/// # Errors
/// `EPERM`, `EINVAL` for unknown flags or before the filesystem was created, `EBUSY` if it is mounted already.
pub fn fsmount(task: &Arc<Task>, fd: Fd, flags: u32, attributes: u32) -> Result<Fd, Errno> {
    const CLOEXEC: u32 = 1;
    task.with_caller(|caller| caller.may_mount())?;
    if flags & !CLOEXEC != 0 {
        return Err(Errno::EINVAL);
    }
    let attributes = AttributeBits::from_bits(attributes.into()).ok_or(Errno::EINVAL)?.mount_flags()?;
    let file = task.files().get(fd)?;
    let context: &Context = file.file.as_any().downcast_ref().ok_or(Errno::EINVAL)?;
    let mut state = context.state.lock();
    let (kind, superblock) = match &state.phase {
        Phase::Created(kind, superblock) => (Arc::clone(kind), Arc::clone(superblock)),
        Phase::Creating(_) => return Err(Errno::EINVAL),
        Phase::Picked(_) => return Err(Errno::EBUSY),
    };
    let mount = Mount::whole(Arc::clone(&superblock), &state.source, attributes);
    task.with_caller(|caller| caller.check_revealed(&*kind, &mount))?;
    // What comes next can only change it.
    state.phase = Phase::Picked(superblock);
    state.options.clear();
    state.read_only = None;
    drop(state);
    let place: Path = mount.root_path();
    descriptor::install(task, place_file(task, place), flags & CLOEXEC != 0)
}

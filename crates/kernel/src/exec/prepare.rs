//! Making the host process of a new program, up to the point of no return.

use std::sync::Arc;

use abi::Errno;
use abi::elf::auxv;
use abi::memory::PAGE_SIZE;
use abi::personality::ADDR_NO_RANDOMIZE;
use platform::{Context, Order, Registers, Thread, Watch};
use vfs::caller::At;
use vfs::resolve::Lookup;

use super::credentials::{self, Transformed};
use super::elf::{self, Elf};
use super::file::Executable;
use super::layout::{self, Dice, Layout};
use super::plan::Plan;
use super::stack::{self, Facts};
use super::{Strings, script};
use crate::address_space::Image;
use crate::limits::{INFINITY, Resource};
use crate::task::{Binding, Comm};
use crate::{AddressSpace, Task, seccomp};

/// Bytes read of a file at once: the `#!` line, or the ELF header and usually all program headers.
pub(super) const START: usize = 1024;
const _: () = assert!(START >= script::LINE_MAX);

/// Clock ticks in a second (`AT_CLKTCK`).
const CLOCK_TICKS: u64 = 100;
/// The interrupt flag, which is always set in user mode, and the bit that is always one.
const FLAGS: u64 = 0x202;

/// A program ready to run.
pub(super) struct Prepared {
    pub(super) next: Next,
    pub(super) space: Arc<AddressSpace>,
    pub(super) transformed: Transformed,
    pub(super) comm: Comm,
    /// What the task's filters wanted watched.
    pub(super) watch: Option<Watch>,
}

/// The thread of the new program while it is not the task's: killed if it never becomes that.
pub(super) struct Next(Arc<Task>);

impl Next {
    fn new(task: &Arc<Task>, thread: Arc<dyn Thread>) -> Self {
        task.set_next(Some(thread));
        Self(Arc::clone(task))
    }
}

impl Drop for Next {
    fn drop(&mut self) {
        if let Some(thread) = self.0.set_next(None) {
            thread.kill_process();
        }
    }
}

/// Prepares a program.
///
/// # Errors
/// As [`super::execute`].
pub(super) async fn prepare(
    task: &Arc<Task>,
    file: Executable,
    start: &[u8],
    strings: &Strings,
    name: Vec<u8>,
    comm: Comm,
) -> Result<Prepared, Errno> {
    let program = elf::parse(start, |offset, count| file.read(offset, count))?;
    let loader = match &program.interpreter {
        Some(path) => Some(open_loader(task, path)?),
        None => None,
    };
    let transformed = credentials::transform(&task.credentials(), &file.identity(task))?;
    let platform = &*task.kernel.platform;
    let fixed = task.attributes().personality & ADDR_NO_RANDOMIZE != 0;
    let mut dice = Dice::new(fixed && !transformed.secure)?;
    let stack_limit = task.group.limits.lock().get(Resource::Stack).soft;
    let loader_elf = loader.as_ref().map(|(_, elf)| elf);
    let layout = layout::choose(platform, &program, loader_elf, stack_limit, &mut dice)?;

    let mut plan = Plan::default();
    plan.stack(&layout, program.executable_stack);
    plan.image(&file, &program, layout.program_bias)?;
    if let Some((file, elf)) = &loader {
        plan.image(file, elf, layout.loader_bias)?;
    }
    let facts = facts(task, &program, loader_elf, &layout, &transformed, name, &mut dice)?;
    let stack = stack::build(layout.stack_top, strings, &facts);
    if stack.content.len() as u64 > layout.stack_size / 2 {
        return Err(Errno::E2BIG);
    }

    let thread = platform.create_process(Binding::next(task))?;
    let next = Next::new(task, Arc::clone(&thread));
    let space = task.group.limits.lock().get(Resource::As).soft;
    if space != INFINITY {
        thread.limit_address_space(space)?;
    }
    let nice = task.attributes().nice;
    if nice != 0 {
        thread.set_nice(nice);
    }
    let watch = seccomp::watch_new_program(task);
    let mut orders: Vec<_> = watch.clone().map(Order::Watch).into_iter().collect();
    orders.append(&mut plan.orders);
    thread.perform(orders);
    if let Some(Err(errno)) = task.performed().await?.last() {
        return Err(*errno);
    }
    let memory = thread.memory();
    plan.write(&*memory, stack.pointer, &stack.content)?;
    let entry = match loader_elf {
        Some(elf) => elf.entry.wrapping_add(layout.loader_bias),
        None => program.entry.wrapping_add(layout.program_bias),
    };
    let registers = Registers { rip: entry, rsp: stack.pointer, eflags: FLAGS, ..Registers::default() };
    thread.set_context(&Context { registers, ..Context::default() })?;

    let readable = file.readable(task);
    let image = Image {
        executable: Some(file.link(task)),
        executing: file.executing,
        heap_start: layout.brk,
        arguments: stack.arguments,
        environment: stack.environment,
        auxv: stack.auxv,
        stack_start: stack.pointer,
        stack: layout.stack_top.saturating_sub(layout.stack_size)..layout.stack_top,
        dumpable: readable && !transformed.changed_id,
        user: Some(Arc::clone(&transformed.credentials.user)),
    };
    let space = AddressSpace::new(memory, image);
    plan.name_files(&space);
    Ok(Prepared { next, space, transformed, comm, watch })
}

fn open_loader(task: &Arc<Task>, path: &[u8]) -> Result<(Executable, Elf), Errno> {
    let file = Executable::open(task, &At::here(path), Lookup::FOLLOW)?;
    let start = file.read(0, START)?;
    let parsed = elf::parse(&start, |offset, count| file.read(offset, count));
    let elf = parsed.map_err(|e| if e == Errno::ENOEXEC { Errno::ELIBBAD } else { e })?;
    Ok((file, elf))
}

fn facts(
    task: &Task,
    program: &Elf,
    loader: Option<&Elf>,
    layout: &Layout,
    transformed: &Transformed,
    file_name: Vec<u8>,
    dice: &mut Dice,
) -> Result<Facts, Errno> {
    let new = &transformed.credentials;
    let mut values = Vec::new();
    values.extend(task.kernel.platform.vdso().map(|at| (auxv::SYSINFO_EHDR, at)));
    let host = host::auxv::get();
    values.extend([
        (auxv::MINSIGSTKSZ, host.minimum_signal_stack),
        (auxv::HWCAP, host.capabilities),
        (auxv::PAGESZ, PAGE_SIZE),
        (auxv::CLKTCK, CLOCK_TICKS),
        (auxv::PHDR, program.headers_address.wrapping_add(layout.program_bias)),
        (auxv::PHENT, 56),
        (auxv::PHNUM, u64::from(program.headers_count)),
        (auxv::BASE, loader.map_or(0, |l| l.span().start.wrapping_add(layout.loader_bias))),
        (auxv::FLAGS, 0),
        (auxv::ENTRY, program.entry.wrapping_add(layout.program_bias)),
        (auxv::UID, new.user.shown_uid(new.uid).into()),
        (auxv::EUID, new.user.shown_uid(new.euid).into()),
        (auxv::GID, new.user.shown_gid(new.gid).into()),
        (auxv::EGID, new.user.shown_gid(new.egid).into()),
        (auxv::SECURE, u64::from(transformed.secure)),
        (auxv::HWCAP2, host.capabilities2),
    ]);
    let mut random = [0; 16];
    host::random::fill(&mut random)?;
    Ok(Facts { values, random, file_name, shift: dice.below(512) << 4 })
}

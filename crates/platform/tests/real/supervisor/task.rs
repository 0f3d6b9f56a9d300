//! A guest thread of the tiny kernel.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use abi::{Errno, nr};
use platform::{
    CloneMemory, CloneRequest, Memory, Observer, Order, Platform, Resume, Source, Stop, SyscallArgs, Thread,
};

use super::elf::{self, Program};
use super::world::{Exit, World};

/// Calls that only this kernel has.
pub(crate) mod own {
    /// Counts: argument 0 is the key.
    pub(crate) const COUNT: u64 = 1000;
    /// Waits until interrupted.
    pub(crate) const PARK: u64 = 1001;
    /// Sets the CloneRequest's `parent_returns` from now on (argument 0).
    pub(crate) const QUICK: u64 = 1002;
    /// Answers with the number of interrupts this task has had.
    pub(crate) const INTERRUPTS: u64 = 1003;
    /// Ends all parked calls.
    pub(crate) const UNPARK_ALL: u64 = 1006;
    /// Answers with the number of parked calls.
    pub(crate) const PARKED: u64 = 1007;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waiting {
    Nothing,
    Load,
    Fork { pid: u64, thread: bool, vfork: bool },
}

struct Inner {
    thread: Option<Arc<dyn Thread>>,
    waiting: Waiting,
    program: Option<Program>,
    arguments: Vec<String>,
    parked: bool,
    vfork_parent: Option<Arc<Task>>,
    settid: Option<u64>,
    generation: u64,
    last: String,
}

pub(crate) struct Task {
    pub(crate) world: Arc<World>,
    pub(crate) pid: u64,
    pub(crate) tgid: u64,
    pub(crate) parent: u64,
    pub(crate) brk: AtomicU64,
    pub(crate) interrupts: AtomicU64,
    /// How many interruptions ask for another one.
    pub(crate) chain: AtomicU64,
    quick: AtomicBool,
    ending: Mutex<Option<Exit>>,
    inner: Mutex<Inner>,
}

struct Binding(Arc<Task>, u64, Mutex<bool>);

impl Observer for Binding {
    fn stopped(&self, stop: Stop) {
        let mut over = self.2.lock().unwrap();
        if *over {
            self.0.error(format!("after the last stop came {stop:?}"));
        }
        *over = matches!(stop, Stop::Gone(_));
        drop(over);
        self.0.stopped(stop, self.1);
    }
}

impl Task {
    pub(crate) fn new(world: Arc<World>, pid: u64, tgid: u64, parent: u64) -> Arc<Self> {
        let inner = Inner {
            thread: None,
            waiting: Waiting::Nothing,
            program: None,
            arguments: Vec::new(),
            parked: false,
            vfork_parent: None,
            settid: None,
            generation: 0,
            last: String::new(),
        };
        let task = Arc::new(Self {
            world,
            pid,
            tgid,
            parent,
            brk: AtomicU64::new(0),
            interrupts: AtomicU64::new(0),
            chain: AtomicU64::new(0),
            quick: AtomicBool::new(false),
            ending: Mutex::new(None),
            inner: Mutex::new(inner),
        });
        task.world.state.lock().unwrap().live.insert(pid, Arc::clone(&task));
        task
    }

    pub(crate) fn describe(&self) -> String {
        let inner = self.inner.lock().unwrap();
        format!("{} of {}: {:?} last {}", self.pid, self.tgid, inner.waiting, inner.last)
    }

    fn error(&self, what: String) {
        self.world.state.lock().unwrap().protocol_errors.push(format!("{}: {what}", self.pid));
    }

    pub(crate) fn thread(&self) -> Arc<dyn Thread> {
        self.inner.lock().unwrap().thread.clone().unwrap()
    }

    pub(crate) fn try_thread(&self) -> Option<Arc<dyn Thread>> {
        self.inner.lock().unwrap().thread.clone()
    }

    fn bind(self: &Arc<Self>) -> Arc<dyn Observer> {
        let generation = self.inner.lock().unwrap().generation;
        Arc::new(Binding(Arc::clone(self), generation, Mutex::new(false)))
    }

    /// Replaces the process by a new one with the world's program.
    pub(crate) fn execute(self: &Arc<Self>, arguments: Vec<String>) -> Result<(), Errno> {
        let program = elf::load(&self.world.program).unwrap();
        self.brk.store(program.heap, Ordering::Relaxed);
        let orders = program.orders.clone();
        let old = {
            let mut inner = self.inner.lock().unwrap();
            inner.generation += 1;
            inner.thread.take()
        };
        let platform = self.world.platform().ok_or(Errno::EIO)?;
        let thread = platform.create_process(self.bind())?;
        self.world.made.fetch_add(1, Ordering::Relaxed);
        {
            let mut inner = self.inner.lock().unwrap();
            inner.program = Some(program);
            inner.arguments = arguments;
            inner.waiting = Waiting::Load;
            inner.thread = Some(Arc::clone(&thread));
        }
        if let Some(old) = old {
            old.kill_process();
        }
        thread.perform(orders);
        Ok(())
    }

    fn stopped(self: &Arc<Self>, stop: Stop, generation: u64) {
        if let Stop::Gone(gone) = stop {
            return self.gone(gone, generation);
        }
        if self.inner.lock().unwrap().generation != generation {
            return;
        }
        self.inner.lock().unwrap().last = format!("{stop:?}");
        match stop {
            Stop::Syscall(args) => self.called(args, false),
            Stop::Trap(args) => self.called(args, true),
            Stop::Fault(fault) => {
                self.world.state.lock().unwrap().faults.push(fault);
                self.fault(fault.signal);
            }
            Stop::Interrupted => self.interrupted(),
            Stop::Performed(results) => self.performed(results),
            Stop::Cloned(result) => self.cloned(result),
            Stop::Started(thread) => self.started(thread),
            Stop::Gone(_) => {}
        }
    }

    fn gone(self: &Arc<Self>, gone: platform::Gone, generation: u64) {
        let mut state = self.world.state.lock().unwrap();
        state.gone.push((self.pid, gone));
        if self.try_thread().is_none() {
            // A child of a parent that went on by itself, which never started.
            self.world.made.fetch_add(1, Ordering::Relaxed);
        }
        if self.inner.lock().unwrap().generation == generation {
            state.live.remove(&self.pid);
            if gone.last {
                let exit = self.ending.lock().unwrap().take();
                state.ended.push((
                    self.tgid,
                    self.parent,
                    exit.unwrap_or(Exit::Signal(gone.signal.unwrap_or(0))),
                ));
                drop(state);
                self.ended();
            }
        }
        self.world.changed.notify_all();
    }

    /// The process has ended: its parent hears.
    fn ended(self: &Arc<Self>) {
        let vfork_parent = self.inner.lock().unwrap().vfork_parent.take();
        if let Some(parent) = vfork_parent {
            parent.thread().resume(Resume::Return(self.tgid));
        }
        let waiter = {
            let mut state = self.world.state.lock().unwrap();
            let at = state.waiting.iter().position(|task| task.tgid == self.parent);
            at.map(|at| state.waiting.remove(at))
        };
        self.world.changed.notify_all();
        if let Some(waiter) = waiter {
            let args = waiter.wait_args();
            waiter.wait4(args);
        }
    }

    fn wait_args(&self) -> u64 {
        self.inner.lock().unwrap().settid.unwrap_or(0)
    }

    fn wait4(self: &Arc<Self>, status: u64) {
        let (found, children) = {
            let mut state = self.world.state.lock().unwrap();
            let at = state.ended.iter().position(|(_, parent, _)| *parent == self.tgid);
            let found = at.map(|at| state.ended.remove(at));
            let children = state.live.values().any(|task| task.parent == self.tgid);
            if found.is_none() && children {
                self.inner.lock().unwrap().settid = Some(status);
                state.waiting.push(Arc::clone(self));
            }
            (found, children)
        };
        match found {
            Some((pid, _, exit)) => {
                let code = match exit {
                    Exit::Code(code) => (code & 0xff) << 8,
                    Exit::Signal(signal) => signal,
                };
                if status != 0 {
                    let _ = self.thread().memory().write(status, &code.to_le_bytes());
                }
                self.thread().resume(Resume::Return(pid));
            }
            None if children => {}
            None => self.thread().resume(Resume::Return(Errno::ECHILD.to_return())),
        }
    }

    /// No handlers here: a fault of a program that has registered an address with call 13 resumes there, others end.
    fn fault(self: &Arc<Self>, signal: i32) {
        let handler = self.world.state.lock().unwrap().counted.get(&(1 << 32)).copied();
        match handler {
            Some(handler) if handler != 0 => {
                let thread = self.thread();
                let mut registers = thread.registers().unwrap();
                registers.rdi = u64::try_from(signal).unwrap();
                registers.rsi = registers.rip;
                registers.rdx = registers.rax;
                registers.rip = handler;
                registers.rsp = registers.rsp.wrapping_sub(256) & !15;
                registers.rsp = registers.rsp.wrapping_sub(8);
                if thread.memory().write(registers.rsp, &[0; 8]) != Ok(8) {
                    return self.end_process(Exit::Signal(signal));
                }
                thread.set_registers(&registers).unwrap();
                thread.resume(Resume::Context);
            }
            _ => self.end_process(Exit::Signal(signal)),
        }
    }

    pub(crate) fn end_process(self: &Arc<Self>, exit: Exit) {
        let tasks: Vec<Arc<Task>> = {
            let state = self.world.state.lock().unwrap();
            state.live.values().filter(|task| task.tgid == self.tgid).cloned().collect()
        };
        for task in tasks {
            *task.ending.lock().unwrap() = Some(exit);
        }
        self.thread().kill_process();
    }

    fn interrupted(self: &Arc<Self>) {
        self.interrupts.fetch_add(1, Ordering::Relaxed);
        let thread = self.thread();
        // A native futex wait ends with EINTR, as it would natively.
        let mut registers = thread.registers().unwrap();
        let mut code = [0; 2];
        let read = thread.memory().read(registers.rip, &mut code);
        if read == Ok(2) && code == [0x0f, 0x05] && registers.rax == nr::futex {
            registers.rip += 2;
            registers.rax = Errno::EINTR.to_return();
            thread.set_registers(&registers).unwrap();
        }
        thread.resume(Resume::Context);
        if self.chain.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
            thread.interrupt();
        }
    }

    /// Ends a parked call.
    pub(crate) fn unpark(self: &Arc<Self>) {
        if core::mem::take(&mut self.inner.lock().unwrap().parked) {
            self.thread().resume(Resume::Return(Errno::EINTR.to_return()));
        }
    }

    pub(crate) fn is_parked(&self) -> bool {
        self.inner.lock().unwrap().parked
    }

    fn called(self: &Arc<Self>, args: SyscallArgs, trap: bool) {
        let [a, b, c, d, e, f] = args.args;
        let thread = self.thread();
        let back = |value: u64| thread.resume(Resume::Return(value));
        match args.number {
            nr::write => {
                let mut bytes = vec![0; usize::try_from(c).unwrap_or(0).min(1 << 16)];
                match thread.memory().read(b, &mut bytes) {
                    Ok(got) => {
                        self.world.state.lock().unwrap().output.extend_from_slice(&bytes[..got]);
                        back(got as u64);
                    }
                    Err(errno) => back(errno.to_return()),
                }
            }
            // A pattern that depends on the descriptor, in two parts.
            nr::read => {
                let bytes: Vec<u8> = (0..c.min(1 << 20)).map(|n| (a + n * 7) as u8).collect();
                let (first, rest) = bytes.split_at(bytes.len() / 3);
                let memory = thread.memory();
                let written = [(b, first), (b.wrapping_add(first.len() as u64), rest)]
                    .into_iter()
                    .try_for_each(|(at, part)| memory.write(at, part).map(drop));
                match written {
                    Ok(()) => back(c),
                    Err(errno) => back(errno.to_return()),
                }
            }
            // The length of the path.
            nr::access => {
                let mut bytes = [0; 256];
                match thread.memory().read(a, &mut bytes) {
                    Ok(got) => back(bytes[..got].iter().position(|b| *b == 0).unwrap_or(999) as u64),
                    Err(errno) => back(errno.to_return()),
                }
            }
            nr::getpid => back(self.tgid),
            nr::gettid => back(self.pid),
            nr::getppid => back(self.parent),
            nr::rt_sigprocmask | nr::rt_sigaction | nr::set_robust_list => back(0),
            nr::brk => {
                let old = self.brk.load(Ordering::Relaxed);
                if a > old && a < old + elf::HEAP_SIZE / 4 {
                    self.brk.store(a, Ordering::Relaxed);
                }
                back(self.brk.load(Ordering::Relaxed));
            }
            nr::arch_prctl => {
                assert!(trap);
                match a {
                    0x1001 => thread.set_bases(None, Some(b)).unwrap(),
                    0x1002 => thread.set_bases(Some(b), None).unwrap(),
                    0x1004 => {
                        let gs = thread.context().unwrap().gs_base;
                        thread.memory().write(b, &gs.to_le_bytes()).unwrap();
                    }
                    _ => return back(Errno::EINVAL.to_return()),
                }
                back(0);
            }
            nr::set_tid_address => {
                thread.perform(vec![Order::SetClearChildTid { address: a }]);
            }
            nr::exit => {
                *self.ending.lock().unwrap() = Some(Exit::Code(a as i32));
                thread.exit(Vec::new());
            }
            nr::exit_group => self.end_process(Exit::Code(a as i32)),
            nr::mmap if trap => self.map(&thread, a, b, c, d, f),
            nr::munmap => thread.resume(Resume::ReturnOrders(vec![Order::Unmap { address: a, length: b }])),
            nr::mprotect => {
                let order = Order::Protect { address: a, length: b, protection: c as u32 };
                thread.resume(Resume::ReturnOrders(vec![order]));
            }
            nr::remap_file_pages => {
                thread.resume(Resume::ReturnOrders(vec![Order::Patch { allowed: a != 0 }]));
            }
            nr::clone => self.clone_call(&thread, a, b, c, d, e),
            nr::fork => self.clone_call(&thread, 17, 0, 0, 0, 0),
            nr::vfork => self.clone_call(&thread, 0x4111, 0, 0, 0, 0),
            nr::wait4 => self.wait4(b),
            nr::execve => {
                let path = c_string(&*thread.memory(), a);
                if path.contains("missing") {
                    return back(Errno::ENOENT.to_return());
                }
                let arguments = vectors(&*thread.memory(), b);
                let vfork_parent = self.inner.lock().unwrap().vfork_parent.take();
                if let Err(errno) = self.execute(arguments) {
                    self.error(format!("execve: {errno:?}"));
                }
                if let Some(parent) = vfork_parent {
                    parent.thread().resume(Resume::Return(self.tgid));
                }
            }
            own::COUNT => {
                *self.world.state.lock().unwrap().counted.entry(a).or_default() += 1;
                back(a.wrapping_mul(3) + 1);
            }
            own::PARK => {
                self.inner.lock().unwrap().parked = true;
                self.world.changed.notify_all();
            }
            own::QUICK => {
                self.quick.store(a != 0, Ordering::Relaxed);
                back(0);
            }
            own::INTERRUPTS => back(self.interrupts.load(Ordering::Relaxed)),
            own::UNPARK_ALL => {
                for task in self.world.live() {
                    task.unpark();
                }
                back(0);
            }
            own::PARKED => {
                let live = self.world.live();
                back(live.iter().filter(|task| task.is_parked()).count() as u64);
            }
            1005 => {
                self.world.state.lock().unwrap().counted.insert(1 << 32, a);
                back(0);
            }
            nr::kill => {
                let tasks: Vec<Arc<Task>> =
                    self.world.state.lock().unwrap().live.values().filter(|t| t.tgid == a).cloned().collect();
                match tasks.first() {
                    Some(task) => task.end_process(Exit::Signal(b as i32)),
                    None => return back(Errno::ESRCH.to_return()),
                }
                if a != self.tgid {
                    back(0);
                }
            }
            _ => back(Errno::ENOSYS.to_return()),
        }
    }

    fn map(self: &Arc<Self>, thread: &Arc<dyn Thread>, a: u64, b: u64, c: u64, flags: u64, offset: u64) {
        let source = match flags & 0x20 {
            0 => Source::File { file: Arc::clone(&self.world.file), offset },
            _ => Source::Anonymous,
        };
        let order = Order::Map { address: a, length: b, protection: c as u32, flags: flags as u32, source };
        thread.resume(Resume::ReturnOrders(vec![order]));
    }

    fn clone_call(
        self: &Arc<Self>,
        thread: &Arc<dyn Thread>,
        flags: u64,
        stack: u64,
        ptid: u64,
        ctid: u64,
        tls: u64,
    ) {
        let is_thread = flags & 0x1_0000 != 0;
        let memory = match flags & 0x1_0100 {
            0 => CloneMemory::Copy,
            0x100 => CloneMemory::Shared,
            _ => CloneMemory::Thread,
        };
        let pid = self.world.pid();
        let (tgid, parent) = if is_thread { (self.tgid, self.parent) } else { (pid, self.tgid) };
        let child = Task::new(Arc::clone(&self.world), pid, tgid, parent);
        child.brk.store(self.brk.load(Ordering::Relaxed), Ordering::Relaxed);
        let vfork = flags & 0x4000 != 0;
        if flags & 0x10_0000 != 0 {
            let _ = thread.memory().write(ptid, &(pid as u32).to_le_bytes());
        }
        child.inner.lock().unwrap().settid = (flags & 0x100_0000 != 0).then_some(ctid);
        self.inner.lock().unwrap().waiting = Waiting::Fork { pid, thread: is_thread, vfork };
        if vfork {
            child.inner.lock().unwrap().vfork_parent = Some(Arc::clone(self));
        }
        let mut request = CloneRequest::new(child.bind(), memory);
        request.tls = (flags & 0x8_0000 != 0).then_some(tls);
        request.stack = (stack != 0).then_some(stack);
        request.clear_child_tid = (flags & 0x20_0000 != 0).then_some(ctid);
        request.parent_returns = (self.quick.load(Ordering::Relaxed) && !vfork).then_some(pid);
        thread.clone_with(request);
    }

    fn started(self: &Arc<Self>, thread: Arc<dyn Thread>) {
        let settid = {
            let mut inner = self.inner.lock().unwrap();
            inner.thread = Some(Arc::clone(&thread));
            self.world.made.fetch_add(1, Ordering::Relaxed);
            inner.settid.take()
        };
        if let Some(at) = settid {
            let _ = thread.memory().write(at, &(self.pid as u32).to_le_bytes());
        }
        thread.resume(Resume::Return(0));
    }

    fn cloned(self: &Arc<Self>, result: Result<Arc<dyn Thread>, Errno>) {
        let waiting = core::mem::replace(&mut self.inner.lock().unwrap().waiting, Waiting::Nothing);
        let Waiting::Fork { pid, vfork, .. } = waiting else { return self.error("unasked clone".to_owned()) };
        let child = self.world.state.lock().unwrap().live.get(&pid).cloned();
        match (result, child) {
            (Ok(thread), Some(child)) => {
                if !vfork {
                    self.thread().resume(Resume::Return(pid));
                }
                child.started(thread);
            }
            // It died at once.
            (Ok(_), None) => {
                self.world.made.fetch_add(1, Ordering::Relaxed);
                self.thread().resume(Resume::Return(pid));
            }
            (Err(errno), child) => {
                if child.is_some() {
                    self.world.state.lock().unwrap().live.remove(&pid);
                }
                self.thread().resume(Resume::Return(errno.to_return()));
            }
        }
    }

    fn performed(self: &Arc<Self>, results: Vec<Result<u64, Errno>>) {
        let waiting = core::mem::replace(&mut self.inner.lock().unwrap().waiting, Waiting::Nothing);
        let thread = self.thread();
        if waiting != Waiting::Load {
            return thread.resume(Resume::Return(self.pid));
        }
        assert!(results.iter().all(Result::is_ok), "{results:?}");
        let (program, arguments) = {
            let mut inner = self.inner.lock().unwrap();
            (inner.program.take().unwrap(), inner.arguments.clone())
        };
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let vdso = self.world.platform().and_then(|p| p.vdso()).unwrap_or(0);
        let context = program.start(&*thread.memory(), &arguments, vdso);
        thread.set_context(&context).unwrap();
        thread.resume(Resume::Context);
    }
}

fn c_string(memory: &dyn Memory, at: u64) -> String {
    let mut bytes = [0; 256];
    let got = memory.read(at, &mut bytes).unwrap_or(0);
    let end = bytes[..got].iter().position(|b| *b == 0).unwrap_or(got);
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

fn vectors(memory: &dyn Memory, mut at: u64) -> Vec<String> {
    let mut strings = Vec::new();
    loop {
        let mut word = [0; 8];
        memory.read(at, &mut word).unwrap();
        match u64::from_le_bytes(word) {
            0 => return strings,
            string => strings.push(c_string(memory, string)),
        }
        at += 8;
    }
}

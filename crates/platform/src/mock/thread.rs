//! A guest thread that the test plays.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::task::Waker;
use std::time::Duration;

use abi::Errno;
use parking_lot::Mutex;

use super::{MockMemory, Queue};
use crate::{
    CloneMemory, CloneRequest, Context, Facts, Gone, Memory, Observer, Order, Registers, Resume, Stop, Thread,
};

/// What all threads of one mock platform share.
#[derive(Clone)]
pub(super) struct World {
    pub(super) queue: Arc<Queue>,
    pub(super) threads: Arc<Mutex<Vec<Arc<MockThread>>>>,
    pub(super) next_memory: Arc<AtomicU64>,
}

/// Whether the guest runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Running,
    InSyscall,
    WithContext,
    Gone,
}

struct State {
    phase: Phase,
    context: Context,
    resumes: Vec<Resume>,
    interrupt: bool,
    woken: Vec<u64>,
    peak_resident: u64,
    refusal: Option<Errno>,
    published: Option<Published>,
    fast: bool,
}

/// What a real platform keeps beside the guest.
#[derive(Clone, Copy)]
struct Published {
    facts: Facts,
    attention: bool,
}

/// The threads of one mock process.
type Siblings = Arc<Mutex<Vec<Arc<MockThread>>>>;

/// A thread of [`super::MockPlatform`].
pub struct MockThread {
    world: World,
    observer: Arc<dyn Observer>,
    memory: Arc<MockMemory>,
    siblings: Siblings,
    myself: std::sync::Weak<Self>,
    state: Mutex<State>,
}

impl MockThread {
    pub(super) fn first(world: World, observer: Arc<dyn Observer>, memory: Arc<MockMemory>) -> Arc<Self> {
        Self::new(world, observer, memory, Siblings::default(), Context::default())
    }

    fn new(
        world: World,
        observer: Arc<dyn Observer>,
        memory: Arc<MockMemory>,
        siblings: Siblings,
        context: Context,
    ) -> Arc<Self> {
        let thread = Arc::new_cyclic(|myself| Self {
            world,
            observer,
            memory,
            siblings,
            myself: myself.clone(),
            state: Mutex::new(State {
                phase: Phase::WithContext,
                context,
                resumes: Vec::new(),
                interrupt: false,
                woken: Vec::new(),
                peak_resident: 0,
                refusal: None,
                published: None,
                fast: false,
            }),
        });
        thread.siblings.lock().push(Arc::clone(&thread));
        thread.world.threads.lock().push(Arc::clone(&thread));
        thread
    }

    /// Queues what the guest does next. It is dropped if the thread does not run when its turn comes.
    pub fn stop(&self, stop: Stop) {
        self.world.queue.push(Arc::clone(&self.observer), self.myself.upgrade(), stop);
    }

    /// How the kernel has answered since the last time, oldest first.
    #[must_use]
    pub fn take_resume(&self) -> Vec<Resume> {
        core::mem::take(&mut self.state.lock().resumes)
    }

    /// Whether the guest runs (or is gone), rather than waits for the kernel.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.state.lock().phase == Phase::Running
    }

    /// The registers that the guest has, also while it runs.
    #[must_use]
    pub fn mock_context(&self) -> Context {
        self.state.lock().context.clone()
    }

    /// What the guest does to its registers.
    pub fn set_mock_context(&self, context: Context) {
        self.state.lock().context = context;
    }

    /// The memory, with the mock's own helpers.
    #[must_use]
    pub fn mock_memory(&self) -> Arc<MockMemory> {
        Arc::clone(&self.memory)
    }

    /// The futexes that the kernel had woken at the thread's end.
    #[must_use]
    pub fn woken(&self) -> Vec<u64> {
        self.state.lock().woken.clone()
    }

    /// Sets what [`Thread::peak_resident`] tells.
    pub fn set_peak_resident(&self, kib: u64) {
        self.state.lock().peak_resident = kib;
    }

    /// The thread's next clone fails so.
    pub fn refuse_clone(&self, errno: Errno) {
        self.state.lock().refusal = Some(errno);
    }

    /// The guest changes its mask without the kernel: what [`Thread::publish`] is for. It stops if a signal waits.
    pub fn change_mask(&self, mask: u64) {
        let waits = {
            let mut state = self.state.lock();
            let Some(published) = &mut state.published else { return };
            published.facts.signal_mask = mask;
            published.attention
        };
        if waits {
            self.stop(Stop::Interrupted);
        }
    }

    /// Whether the thread's calls come from fast sites.
    pub fn set_fast(&self, fast: bool) {
        self.state.lock().fast = fast;
    }

    /// What has been published.
    #[must_use]
    pub fn facts(&self) -> Option<Facts> {
        self.state.lock().published.map(|published| published.facts)
    }

    fn with_published<T>(&self, act: impl FnOnce(&mut Published) -> T) -> Result<T, Errno> {
        self.state.lock().published.as_mut().map(act).ok_or(Errno::ENOSYS)
    }

    /// Takes the step to a queued stop, or refuses it.
    pub(super) fn accept(&self, stop: &Stop) -> bool {
        let mut state = self.state.lock();
        match (state.phase, stop) {
            (Phase::Gone, _) => false,
            (_, Stop::Gone(_)) => {
                state.phase = Phase::Gone;
                true
            }
            (phase, Stop::Performed(_) | Stop::Cloned(_) | Stop::Started(_)) => phase == Phase::WithContext,
            (Phase::Running, Stop::Syscall(_)) => {
                state.phase = Phase::InSyscall;
                true
            }
            (Phase::Running, _) => {
                state.phase = Phase::WithContext;
                if matches!(stop, Stop::Interrupted) {
                    state.interrupt = false;
                }
                true
            }
            _ => false,
        }
    }

    fn with_context<T>(&self, act: impl FnOnce(&mut State) -> T) -> Result<T, Errno> {
        let mut state = self.state.lock();
        match state.phase {
            Phase::WithContext => Ok(act(&mut state)),
            Phase::Gone => Err(Errno::ESRCH),
            _ => Err(Errno::EINVAL),
        }
    }

    fn carry_out(&self, orders: &[Order]) -> Vec<Result<u64, Errno>> {
        let mut results = Vec::new();
        for order in orders {
            let result = self.memory.carry_out(order);
            results.push(result);
            if result.is_err() {
                break;
            }
        }
        results
    }

    fn gone(&self, last: bool, signal: Option<i32>) {
        self.siblings.lock().retain(|t| !core::ptr::eq(Arc::as_ptr(t), self));
        self.stop(Stop::Gone(Gone { last, signal }));
    }
}

impl Thread for MockThread {
    fn resume(&self, how: Resume) {
        let interrupt = {
            let mut state = self.state.lock();
            match (&how, state.phase) {
                (_, Phase::Running | Phase::Gone)
                | (Resume::Context | Resume::ReturnOrders(_), Phase::InSyscall) => {
                    return;
                }
                (Resume::Return(value), _) => state.context.registers.rax = *value,
                (Resume::ReturnOrders(orders), _) => {
                    let last = self.carry_out(orders).pop().unwrap_or(Ok(0));
                    state.context.registers.rax = last.unwrap_or_else(Errno::to_return);
                }
                (Resume::Context, _) => {}
            }
            state.phase = Phase::Running;
            state.resumes.push(how);
            state.interrupt
        };
        if interrupt {
            self.stop(Stop::Interrupted);
        }
    }

    fn interrupt(&self) {
        let running = {
            let mut state = self.state.lock();
            let first = !core::mem::replace(&mut state.interrupt, true);
            first && state.phase == Phase::Running
        };
        if running {
            self.stop(Stop::Interrupted);
        }
    }

    fn context(&self) -> Result<Context, Errno> {
        self.with_context(|s| s.context.clone())
    }

    fn set_context(&self, context: &Context) -> Result<(), Errno> {
        self.with_context(|s| s.context = context.clone())
    }

    fn registers(&self) -> Result<Registers, Errno> {
        self.with_context(|s| s.context.registers)
    }

    fn set_registers(&self, registers: &Registers) -> Result<(), Errno> {
        self.with_context(|s| s.context.registers = *registers)
    }

    fn stack_pointer(&self) -> Result<u64, Errno> {
        self.registers().map(|r| r.rsp)
    }

    fn restore(&self, registers: &Registers, extended: Vec<u8>) -> Result<(), Errno> {
        self.with_context(|s| {
            s.context.registers = *registers;
            s.context.extended = extended;
        })
    }

    fn enter_handler(&self, frame: &[(u64, &[u8])], registers: &Registers) -> Result<(), Errno> {
        for (at, bytes) in frame {
            if self.memory.write(*at, bytes)? != bytes.len() {
                return Err(Errno::EFAULT);
            }
        }
        self.restore(registers, Vec::new())
    }

    fn set_bases(&self, fs_base: Option<u64>, gs_base: Option<u64>) -> Result<(), Errno> {
        self.with_context(|s| {
            s.context.fs_base = fs_base.unwrap_or(s.context.fs_base);
            s.context.gs_base = gs_base.unwrap_or(s.context.gs_base);
        })
    }

    fn perform(&self, orders: Vec<Order>) {
        if self.with_context(|_| ()).is_ok() {
            self.stop(Stop::Performed(self.carry_out(&orders)));
        }
    }

    fn clone_with(&self, request: CloneRequest) {
        let Ok(mut context) = self.context() else { return };
        let refusal = self.state.lock().refusal.take();
        if let Some(errno) = refusal {
            return self.stop(Stop::Cloned(Err(errno)));
        }
        context.fs_base = request.tls.unwrap_or(context.fs_base);
        context.registers.rsp = request.stack.unwrap_or(context.registers.rsp);
        let (memory, siblings) = match request.memory {
            CloneMemory::Thread => (Arc::clone(&self.memory), Arc::clone(&self.siblings)),
            CloneMemory::Shared => (Arc::clone(&self.memory), Siblings::default()),
            CloneMemory::Copy => {
                let id = self.world.next_memory.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                (Arc::new(self.memory.copy(id)), Siblings::default())
            }
        };
        let child = Self::new(self.world.clone(), Arc::clone(&request.observer), memory, siblings, context);
        if let Some((process, thread)) = request.published {
            let parents = self.state.lock().published;
            child.state.lock().published = parents.map(|p| Published {
                facts: Facts { process, thread, robust_list: (0, 0), ..p.facts },
                attention: false,
            });
        }
        match request.parent_returns {
            None => self.stop(Stop::Cloned(Ok(child))),
            Some(value) => {
                let started = Stop::Started(Arc::clone(&child) as Arc<dyn Thread>);
                self.world.queue.push(request.observer, Some(child), started);
                self.resume(Resume::Return(value));
            }
        }
    }

    fn exit(&self, wake: Vec<u64>) {
        self.state.lock().woken.extend(wake);
        let last = self.siblings.lock().len() == 1;
        self.gone(last, None);
    }

    fn kill_process(&self) {
        let all = core::mem::take(&mut *self.siblings.lock());
        let count = all.len();
        for (index, thread) in all.into_iter().enumerate() {
            thread.gone(index + 1 == count, Some(9));
        }
    }

    fn memory(&self) -> Arc<dyn Memory> {
        Arc::clone(&self.memory) as Arc<dyn Memory>
    }

    fn process_cpu_time(&self) -> (Duration, Duration) {
        (Duration::ZERO, Duration::ZERO)
    }

    fn cpu_time(&self) -> (Duration, Duration) {
        (Duration::ZERO, Duration::ZERO)
    }

    fn is_fast(&self) -> bool {
        self.state.lock().fast
    }

    fn publish(&self, facts: &Facts) -> Result<(), Errno> {
        self.state.lock().published = Some(Published { facts: *facts, attention: false });
        Ok(())
    }

    fn signal_mask(&self) -> Result<u64, Errno> {
        self.with_published(|p| p.facts.signal_mask)
    }

    fn set_signal_mask(&self, mask: u64) -> Result<(), Errno> {
        self.with_published(|p| p.facts.signal_mask = mask)
    }

    fn set_attention(&self, waits: bool) -> Result<(), Errno> {
        self.with_published(|p| p.attention = waits)
    }

    fn robust_list(&self) -> Result<(u64, u64), Errno> {
        self.with_published(|p| p.facts.robust_list)
    }

    fn set_robust_list(&self, list: (u64, u64)) -> Result<(), Errno> {
        self.with_published(|p| p.facts.robust_list = list)
    }

    fn peak_resident(&self, _waker: Option<&Waker>) -> Option<u64> {
        Some(self.state.lock().peak_resident)
    }

    fn set_nice(&self, _nice: i32) {}

    fn limit_address_space(&self, _bytes: u64) -> Result<(), Errno> {
        Ok(())
    }
}

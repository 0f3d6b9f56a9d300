//! The [`Thread`] that the kernel sees.

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use abi::Errno;

use super::memory::StubMemory;
use super::phase::{Phase, State};
use super::thread::StubThread;
use crate::{CloneRequest, Context, Facts, HandlerStart, Memory, Order, Registers, Resume, Thread};

impl StubThread {
    /// Runs `act` on a thread stopped with context.
    fn stopped<T>(&self, act: impl FnOnce(&mut State) -> Result<T, Errno>) -> Result<T, Errno> {
        let mut state = self.state.lock();
        match state.phase {
            Phase::Stopped { .. } => act(&mut state),
            Phase::Gone => Err(Errno::ESRCH),
            _ => Err(Errno::EINVAL),
        }
    }

    /// Registers with which the guest goes on where the kernel has it go on: an instruction may have moved.
    fn to_patched(&self, registers: &Registers) -> Registers {
        Registers { rip: self.process.patched_address(registers.rip), ..*registers }
    }
}

impl Thread for StubThread {
    fn resume(&self, how: Resume) {
        self.go_on(how);
    }

    fn interrupt(&self) {
        self.ask_to_stop();
    }

    fn resumed_after(&self, act: &mut dyn FnMut()) {
        self.woken_after(act);
    }

    fn call_waits(&self) {
        self.waits();
    }

    fn context(&self) -> Result<Context, Errno> {
        let mut context = self.stopped(|state| state.frame.context(&self.process))?;
        context.registers.rip = self.process.original_address(context.registers.rip);
        Ok(context)
    }

    fn set_context(&self, context: &Context) -> Result<(), Errno> {
        let registers = self.to_patched(&context.registers);
        self.stopped(|state| {
            state.frame.set_context(&self.process, context)?;
            state.frame.set_registers(&registers);
            Ok(())
        })
    }

    fn registers(&self) -> Result<Registers, Errno> {
        let registers = self.stopped(|state| state.frame.registers(&self.process))?;
        Ok(Registers { rip: self.process.original_address(registers.rip), ..registers })
    }

    fn set_registers(&self, registers: &Registers) -> Result<(), Errno> {
        let registers = self.to_patched(registers);
        self.stopped(|state| {
            state.frame.set_registers(&registers);
            Ok(())
        })
    }

    fn stack_pointer(&self) -> Result<u64, Errno> {
        self.stopped(|state| state.frame.stack_pointer(&self.process))
    }

    fn restore(&self, registers: &Registers, extended: Vec<u8>) -> Result<(), Errno> {
        let registers = self.to_patched(registers);
        self.stopped(|state| {
            state.frame.set_vector(extended)?;
            state.frame.set_registers(&registers);
            Ok(())
        })
    }

    fn enter_handler(&self, frame: &[(u64, &[u8])], registers: &Registers) -> Result<(), Errno> {
        let registers = self.to_patched(registers);
        self.stopped(|state| state.frame.enter(&self.process, frame, &registers))
    }

    fn set_bases(&self, fs_base: Option<u64>, gs_base: Option<u64>) -> Result<(), Errno> {
        self.stopped(|state| state.frame.set_bases(&self.process, fs_base, gs_base))
    }

    fn perform(&self, orders: Vec<Order>) {
        self.carry_out(orders);
    }

    fn clone_with(&self, request: CloneRequest) {
        self.make_child(request);
    }

    fn exit(&self, wake: Vec<u64>) {
        self.end(wake);
    }

    fn is_fast(&self) -> bool {
        self.calls_fast()
    }

    fn host_status(&self) -> Result<String, Errno> {
        let read = |pid| self.process.shared.procfs.read(&format!("{pid}/task/{}/status", self.tid));
        self.process.alive(read).map_err(|_| Errno::ESRCH)
    }

    fn rests(&self) -> bool {
        let read = |pid| self.process.shared.procfs.waits_for(&format!("{pid}/task/{}", self.tid));
        // Where the host does not say what it waits for, it may be a futex.
        self.process.alive(read).is_ok_and(|place| place.is_some_and(|p| p == "0" || p.starts_with("futex")))
    }

    fn takes_handlers(&self) -> bool {
        self.can_start_handler()
    }

    fn start_handler(&self, start: &HandlerStart) {
        self.answer_with_handler(start);
    }

    fn publish(&self, facts: &Facts) -> Result<(), Errno> {
        self.publish_facts(facts)
    }

    fn withdraw_answers(&self) -> Result<(), Errno> {
        self.unpublish()
    }

    fn signal_mask(&self) -> Result<u64, Errno> {
        self.published_mask()
    }

    fn set_signal_mask(&self, mask: u64) -> Result<(), Errno> {
        self.publish_mask(mask)
    }

    fn set_attention(&self, waits: bool) -> Result<(), Errno> {
        self.publish_attention(waits)
    }

    fn robust_list(&self) -> Result<(u64, u64), Errno> {
        self.published_robust_list()
    }

    fn set_robust_list(&self, (head, length): (u64, u64)) -> Result<(), Errno> {
        self.publish_robust_list(head, length)
    }

    fn peak_resident(&self, waker: Option<&Waker>) -> Option<u64> {
        self.process.peak_resident(waker)
    }

    fn kill_process(&self) {
        self.kill_all();
    }

    fn memory(&self) -> Arc<dyn Memory> {
        Arc::new(StubMemory(Arc::clone(&self.process)))
    }

    fn process_cpu_time(&self) -> (Duration, Duration) {
        self.process.cpu_time()
    }

    fn cpu_time(&self) -> (Duration, Duration) {
        self.process.cpu_time_of(self.tid)
    }

    fn set_nice(&self, nice: i32) {
        // A hint: without the right to raise a priority nothing happens.
        let _ = self.process.alive(|_| {
            let thread = rustix::process::Pid::from_raw(self.tid);
            rustix::process::setpriority_process(thread, nice).map_err(|_| Errno::EPERM)
        });
    }

    fn limit_address_space(&self, bytes: u64) -> Result<(), Errno> {
        use rustix::process::{Resource, Rlimit, getrlimit, prlimit};
        // The hard limit is the sentry's own and stays. The host counts the reserved range too.
        let maximum = getrlimit(Resource::As).maximum;
        let wanted = bytes.checked_add(super::interface::SIZE);
        let current = match (wanted, maximum) {
            (Some(wanted), Some(most)) => Some(wanted.min(most)),
            (wanted, most) => wanted.or(most),
        };
        self.process.alive(|pid| {
            let process = rustix::process::Pid::from_raw(pid);
            prlimit(process, Resource::As, Rlimit { current, maximum })
                .map(drop)
                .map_err(|error| Errno::from_raw(error.raw_os_error()))
        })
    }
}

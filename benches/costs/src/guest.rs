//! Guests that the benchmark plays: a platform whose hand-off costs nothing.
//!
//! Memory is one flat piece that every address falls into, and a thread's answer is a word. What is left is the kernel.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use abi::Errno;
use parking_lot::Mutex;
use platform::{
    CloneRequest, Context, Mapping, Memory, Observer, Order, Platform, Registers, Resume, Stop, SyscallArgs,
    Thread,
};

/// Bytes of a guest's memory. A power of two.
const MEMORY: usize = 8 << 20;

/// Stops that wait to be delivered: never from within a call that the kernel makes.
#[derive(Default)]
struct Queue(Mutex<VecDeque<(Arc<dyn Observer>, Stop)>>);

/// The platform.
#[derive(Default)]
pub(crate) struct Machine {
    queue: Arc<Queue>,
    guests: Arc<Mutex<Vec<Arc<Guest>>>>,
}

impl Machine {
    /// Delivers what is queued, and what that causes.
    pub(crate) fn settle(&self) {
        loop {
            let next = self.queue.0.lock().pop_front();
            let Some((observer, stop)) = next else { return };
            observer.stopped(stop);
        }
    }

    /// The thread that was made last.
    pub(crate) fn newest(&self) -> Option<Arc<Guest>> {
        self.guests.lock().last().cloned()
    }

    fn add(&self, observer: Arc<dyn Observer>) -> Arc<Guest> {
        Guest::add(observer, &self.queue, &self.guests)
    }
}

impl Platform for Machine {
    fn create_process(&self, observer: Arc<dyn Observer>) -> Result<Arc<dyn Thread>, Errno> {
        Ok(self.add(observer))
    }

    fn vdso(&self) -> Option<u64> {
        None
    }

    fn address_range(&self) -> core::ops::Range<u64> {
        0x1_0000..0x7fff_ffff_f000
    }

    fn reserved_range(&self) -> core::ops::Range<u64> {
        0x7ff0_0000_0000..0x7ff1_0000_0000
    }
}

/// A thread.
pub(crate) struct Guest {
    observer: Arc<dyn Observer>,
    memory: Arc<Flat>,
    queue: Arc<Queue>,
    guests: Arc<Mutex<Vec<Arc<Guest>>>>,
    answer: AtomicU64,
    answered: AtomicBool,
}

impl Guest {
    fn add(
        observer: Arc<dyn Observer>,
        queue: &Arc<Queue>,
        guests: &Arc<Mutex<Vec<Arc<Self>>>>,
    ) -> Arc<Self> {
        let guest = Arc::new(Self {
            observer,
            memory: Arc::new(Flat(Mutex::new(vec![0; MEMORY]))),
            queue: Arc::clone(queue),
            guests: Arc::clone(guests),
            answer: AtomicU64::new(0),
            answered: AtomicBool::new(false),
        });
        guests.lock().push(Arc::clone(&guest));
        guest
    }

    /// Makes a system call and forgets about it: the answer is for [`Self::answer`].
    pub(crate) fn start(&self, number: u64, args: [u64; 6]) {
        self.answered.store(false, Ordering::Relaxed);
        self.observer.stopped(Stop::Syscall(SyscallArgs { number, args, ip: 0x40_0000 }));
    }

    /// Makes a system call. Nothing if it waits.
    pub(crate) fn call(&self, number: u64, args: [u64; 6]) -> Option<i64> {
        self.start(number, args);
        self.answer()
    }

    /// Makes a system call with registers.
    pub(crate) fn trap(&self, number: u64, args: [u64; 6]) {
        self.answered.store(false, Ordering::Relaxed);
        self.observer.stopped(Stop::Trap(SyscallArgs { number, args, ip: 0x40_0000 }));
    }

    /// The answer to the last call, if there is one.
    pub(crate) fn answer(&self) -> Option<i64> {
        self.answered.load(Ordering::Relaxed).then(|| self.answer.load(Ordering::Relaxed).cast_signed())
    }

    /// Puts bytes into memory.
    pub(crate) fn put(&self, address: u64, bytes: &[u8]) {
        // It fails only at the end of the memory, where no benchmark has anything.
        let _ = self.memory.write(address, bytes);
    }

    /// Bytes from memory.
    pub(crate) fn get(&self, address: u64, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        let _ = self.memory.read(address, &mut bytes);
        bytes
    }
}

impl Thread for Guest {
    fn resume(&self, how: Resume) {
        if let Resume::Return(value) = how {
            self.answer.store(value, Ordering::Relaxed);
        }
        self.answered.store(true, Ordering::Relaxed);
    }

    fn interrupt(&self) {}

    fn context(&self) -> Result<Context, Errno> {
        Ok(Context::default())
    }

    fn set_context(&self, _: &Context) -> Result<(), Errno> {
        Ok(())
    }

    fn registers(&self) -> Result<Registers, Errno> {
        Ok(Registers::default())
    }

    fn set_registers(&self, _: &Registers) -> Result<(), Errno> {
        Ok(())
    }

    fn stack_pointer(&self) -> Result<u64, Errno> {
        Ok(0)
    }

    fn restore(&self, _: &Registers, _: Vec<u8>) -> Result<(), Errno> {
        Ok(())
    }

    fn enter_handler(&self, _: &[(u64, &[u8])], _: &Registers) -> Result<(), Errno> {
        Ok(())
    }

    fn set_bases(&self, _: Option<u64>, _: Option<u64>) -> Result<(), Errno> {
        Ok(())
    }

    fn perform(&self, orders: Vec<Order>) {
        let done = |order: &Order| match order {
            Order::Map { address, .. } => Ok(*address),
            _ => Ok(0),
        };
        let results = orders.iter().map(done).collect();
        self.queue.0.lock().push_back((Arc::clone(&self.observer), Stop::Performed(results)));
    }

    fn clone_with(&self, request: CloneRequest) {
        let child: Arc<dyn Thread> = Self::add(Arc::clone(&request.observer), &self.queue, &self.guests);
        let mut queue = self.queue.0.lock();
        if let Some(value) = request.parent_returns {
            self.resume(Resume::Return(value));
            queue.push_back((request.observer, Stop::Started(child)));
        } else {
            queue.push_back((Arc::clone(&self.observer), Stop::Cloned(Ok(child))));
        }
    }

    fn exit(&self, _: Vec<u64>) {}

    fn kill_process(&self) {}

    fn memory(&self) -> Arc<dyn Memory> {
        Arc::clone(&self.memory) as Arc<dyn Memory>
    }

    fn process_cpu_time(&self) -> (Duration, Duration) {
        Default::default()
    }

    fn cpu_time(&self) -> (Duration, Duration) {
        Default::default()
    }

    fn set_nice(&self, _: i32) {}

    fn peak_resident(&self, _: Option<&std::task::Waker>) -> Option<u64> {
        None
    }

    fn limit_address_space(&self, _: u64) -> Result<(), Errno> {
        Ok(())
    }
}

/// Memory in which every address lies somewhere.
struct Flat(Mutex<Vec<u8>>);

impl Flat {
    fn place(address: u64) -> usize {
        usize::try_from(address).unwrap_or(0) % MEMORY
    }
}

impl Memory for Flat {
    fn read(&self, address: u64, into: &mut [u8]) -> Result<usize, Errno> {
        let bytes = self.0.lock();
        let from = bytes.get(Self::place(address)..).ok_or(Errno::EFAULT)?;
        let count = into.len().min(from.len());
        if let (Some(to), Some(from)) = (into.get_mut(..count), from.get(..count)) {
            to.copy_from_slice(from);
        }
        Ok(count)
    }

    fn write(&self, address: u64, from: &[u8]) -> Result<usize, Errno> {
        let mut bytes = self.0.lock();
        let to = bytes.get_mut(Self::place(address)..).ok_or(Errno::EFAULT)?;
        let count = from.len().min(to.len());
        if let (Some(to), Some(from)) = (to.get_mut(..count), from.get(..count)) {
            to.copy_from_slice(from);
        }
        Ok(count)
    }

    fn read_vectored(&self, pieces: &[(u64, usize)], into: &mut [u8]) -> Result<usize, Errno> {
        let mut done: usize = 0;
        for (address, length) in pieces {
            let end = done.saturating_add(*length).min(into.len());
            done += self.read(*address, into.get_mut(done..end).unwrap_or_default())?;
        }
        Ok(done)
    }

    fn write_vectored(&self, pieces: &[(u64, usize)], from: &[u8]) -> Result<usize, Errno> {
        let mut done: usize = 0;
        for (address, length) in pieces {
            let end = done.saturating_add(*length).min(from.len());
            done += self.write(*address, from.get(done..end).unwrap_or_default())?;
        }
        Ok(done)
    }

    fn mappings(&self) -> Result<Vec<Mapping>, Errno> {
        Ok(Vec::new())
    }

    fn host_text(&self, _: &str) -> Result<String, Errno> {
        Err(Errno::ENOENT)
    }

    fn id(&self) -> u64 {
        1
    }
}

//! The kernel's side of a guest: memory, mappings, contexts, orders.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use abi::Errno;
use platform::{
    Advice, CloneMemory, CloneRequest, Context, Observer, Order, Platform, Registers, Resume, Source, Stop,
    Thread,
};

use crate::supervisor::{World, build};

const PAGE: u64 = 4096;
const AT: u64 = 0x10_0000;

/// Hands stops to the test.
struct Post(Mutex<Sender<Stop>>);

impl Observer for Post {
    fn stopped(&self, stop: Stop) {
        // A test that has ended listens no more.
        let _ = self.0.lock().unwrap().send(stop);
    }
}

struct Guest {
    thread: Arc<dyn Thread>,
    stops: Receiver<Stop>,
}

fn post() -> (Arc<Post>, Receiver<Stop>) {
    let (sender, stops) = channel();
    (Arc::new(Post(Mutex::new(sender))), stops)
}

impl Guest {
    fn new(world: &World) -> Self {
        let (observer, stops) = post();
        let thread = world.platform().unwrap().create_process(observer).unwrap();
        Self { thread, stops }
    }

    fn stop(&self) -> Stop {
        self.stops.recv_timeout(Duration::from_secs(30)).unwrap()
    }

    fn perform(&self, orders: Vec<Order>) -> Vec<Result<u64, Errno>> {
        self.thread.perform(orders);
        match self.stop() {
            Stop::Performed(results) => results,
            other => panic!("{other:?}"),
        }
    }

    /// Puts code at [`AT`] and gives the registers to run it with.
    fn load(&self, code: &[u8]) -> Context {
        let results = self.perform(vec![map(AT, 16 * PAGE, 7)]);
        assert_eq!(results, [Ok(AT)]);
        self.thread.memory().write(AT, code).unwrap();
        let mut context = Context::default();
        context.registers.rip = AT;
        context.registers.rsp = AT + 15 * PAGE;
        context.registers.eflags = 0x202;
        context
    }
}

fn map(address: u64, length: u64, protection: u32) -> Order {
    Order::Map { address, length, protection, flags: 0x12, source: Source::Anonymous }
}

fn world() -> Option<Arc<World>> {
    build::guest("basic").map(|program| World::new(&program))
}

/// `mov eax, 12 (brk); syscall; mov eax, 39 (getpid); syscall; hlt`
const CALLS: &[u8] = &[0xb8, 12, 0, 0, 0, 0x0f, 5, 0xb8, 39, 0, 0, 0, 0x0f, 5, 0xf4];

#[test]
fn a_new_process_has_nothing_but_the_vdso() {
    let Some(world) = world() else { return };
    let guest = Guest::new(&world);
    let mappings = guest.thread.memory().mappings().unwrap();
    assert!(mappings.iter().all(|m| m.host_name.starts_with("[v")), "{mappings:#?}");
    let vdso = mappings.iter().find(|m| m.host_name == "[vdso]").map(|m| m.start);
    assert_eq!(vdso, world.platform().unwrap().vdso());
    assert!(guest.thread.memory().host_text("statm").is_ok());
    assert_eq!(guest.thread.memory().host_text("mem"), Err(Errno::ENOENT));
}

#[test]
fn memory_is_read_and_written_as_far_as_it_goes() {
    let Some(world) = world() else { return };
    let guest = Guest::new(&world);
    let orders =
        vec![map(AT, 2 * PAGE, 3), Order::Protect { address: AT + PAGE, length: PAGE, protection: 1 }];
    assert_eq!(guest.perform(orders), [Ok(AT), Ok(0)]);
    let memory = guest.thread.memory();
    assert_eq!(memory.write(AT + PAGE - 2, &[1, 2, 3]), Ok(2), "the second page is read-only");
    assert_eq!(memory.write(AT + PAGE, &[1]), Err(Errno::EFAULT));
    let mut bytes = [9; 8];
    assert_eq!(memory.read(AT + 2 * PAGE - 4, &mut bytes), Ok(4));
    assert_eq!(memory.read(AT - 1, &mut bytes), Err(Errno::EFAULT));
    assert_eq!(memory.read_vectored(&[(AT + PAGE - 2, 2), (AT + PAGE, 2), (AT - 9, 9)], &mut bytes), Ok(4));
    assert_eq!(bytes[..4], [1, 2, 0, 0]);
    assert_eq!(memory.write_vectored(&[(AT, 1), (AT + 5, 2)], &[7, 8, 9]), Ok(3));
    assert_eq!(memory.read(u64::MAX - 3, &mut bytes), Err(Errno::EFAULT));
}

#[test]
fn orders_beyond_one_mailbox_are_carried_out_in_turn() {
    let Some(world) = world() else { return };
    let guest = Guest::new(&world);
    let file = || Source::File { file: Arc::clone(&world.file), offset: 0 };
    let orders: Vec<Order> = (0..50)
        .map(|n| Order::Map {
            address: AT + n * PAGE,
            length: PAGE,
            protection: 1,
            flags: 0x12,
            source: if n % 3 == 0 { file() } else { Source::Anonymous },
        })
        .collect();
    let expected: Vec<_> = (0..50).map(|n| Ok(AT + n * PAGE)).collect();
    assert_eq!(guest.perform(orders), expected);
    let reserved = world.platform().unwrap().reserved_range();
    let fails = vec![map(AT, PAGE, 3), map(reserved.start + PAGE, PAGE, 3), map(AT + PAGE, PAGE, 3)];
    assert_eq!(guest.perform(fails), [Ok(AT), Err(Errno::EINVAL)]);
    let locked =
        Order::Map { address: 0, length: PAGE, protection: 3, flags: 0x2002, source: Source::Anonymous };
    assert_eq!(guest.perform(vec![locked]), [Err(Errno::EINVAL)]);
    let poison = Order::Advise { address: AT, length: PAGE, advice: Advice(100) };
    assert_eq!(guest.perform(vec![poison]), [Err(Errno::EINVAL)]);
    assert_eq!(guest.perform(vec![]), []);
    assert_eq!(guest.perform(vec![Order::UnmapAll]), [Ok(0)]);
    assert!(guest.thread.memory().mappings().unwrap().iter().all(|m| m.host_name.starts_with("[v")));
}

#[test]
fn a_context_is_read_changed_and_read_back() {
    let Some(world) = world() else { return };
    let guest = Guest::new(&world);
    let mut context = guest.load(CALLS);
    context.registers.rbx = 0x1122_3344_5566_7788;
    context.fs_base = 0x1234_5000;
    guest.thread.set_context(&context).unwrap();
    guest.thread.resume(Resume::Context);
    let Stop::Trap(call) = guest.stop() else { panic!() };
    assert_eq!(call.number, 12);
    assert_eq!(guest.thread.stack_pointer(), Ok(context.registers.rsp));
    let mut seen = guest.thread.context().unwrap();
    assert_eq!((seen.registers.rax, seen.registers.rip), (12, AT + 7));
    assert_eq!((seen.registers.rbx, seen.fs_base), (0x1122_3344_5566_7788, 0x1234_5000));
    assert_eq!((seen.registers.cs, seen.registers.ss), (0x33, 0x2b));
    // The FXSAVE image: control word, and the vector registers from byte 160 on.
    assert!(seen.extended.len() >= 512);
    assert_eq!(seen.extended[..2], [0x7f, 3]);
    seen.extended[160] = 0x5a;
    // XSTATE_BV: the x87 and SSE states are there.
    seen.extended[512] |= 3;
    guest.thread.set_context(&seen).unwrap();
    guest.thread.resume(Resume::Return(77));
    let Stop::Syscall(call) = guest.stop() else { panic!() };
    assert_eq!(call.number, 39);
    assert_eq!(guest.thread.context(), Err(Errno::EINVAL));
    guest.thread.interrupt();
    guest.thread.resume(Resume::Return(5));
    let Stop::Interrupted = guest.stop() else { panic!() };
    let after = guest.thread.context().unwrap();
    assert_eq!((after.registers.rax, after.registers.rip), (5, AT + 14));
    assert_eq!((after.extended[160], after.fs_base), (0x5a, 0x1234_5000));
    let mut wrong = after.clone();
    wrong.extended = vec![0; 100];
    assert_eq!(guest.thread.set_context(&wrong), Err(Errno::EINVAL));
    wrong.extended = vec![0; 1 << 20];
    assert_eq!(guest.thread.set_context(&wrong), Err(Errno::EINVAL));
    guest.thread.resume(Resume::Context);
    let Stop::Fault(fault) = guest.stop() else { panic!() };
    assert_eq!((fault.signal, fault.trap), (11, 13), "hlt is a general protection fault");
    let (user, system) = guest.thread.process_cpu_time();
    assert!(!(user + system).is_zero() && user + system < Duration::from_secs(1));
    assert!(guest.thread.cpu_time().0 + guest.thread.cpu_time().1 >= user + system);
    // The initial vector state, and the end.
    guest.thread.set_context(&Context { registers: after.registers, ..Context::default() }).unwrap();
    assert_eq!(guest.thread.context().unwrap().extended, []);
    guest.thread.kill_process();
    let Stop::Gone(gone) = guest.stop() else { panic!() };
    assert_eq!((gone.last, gone.signal), (true, Some(9)));
    assert_eq!(guest.thread.context(), Err(Errno::ESRCH));
    assert_eq!(guest.thread.memory().write(AT, &[1]), Err(Errno::ESRCH));
}

#[test]
fn a_handlers_frame_and_its_registers_are_written_together() {
    let Some(world) = world() else { return };
    let guest = Guest::new(&world);
    let context = guest.load(CALLS);
    guest.thread.set_context(&context).unwrap();
    guest.thread.resume(Resume::Context);
    let Stop::Trap(_) = guest.stop() else { panic!() };
    guest.thread.set_bases(Some(0x1234_5000), None).unwrap();
    let before = guest.thread.registers().unwrap();
    let entry = Registers { rbx: 9, ..before };
    let torn: [(u64, &[u8]); 2] = [(AT + PAGE, &[1; 16]), (AT + 16 * PAGE - 8, &[2; 16])];
    assert_eq!(guest.thread.enter_handler(&torn, &entry), Err(Errno::EFAULT));
    assert_eq!(guest.thread.registers(), Ok(before));
    guest.thread.enter_handler(&[(AT + PAGE, &[3; 16])], &entry).unwrap();
    let mut frame = [0; 16];
    assert_eq!(guest.thread.memory().read(AT + PAGE, &mut frame), Ok(16));
    assert_eq!(frame, [3; 16]);
    guest.thread.resume(Resume::Context);
    let Stop::Syscall(_) = guest.stop() else { panic!() };
    guest.thread.interrupt();
    guest.thread.resume(Resume::Return(5));
    let Stop::Interrupted = guest.stop() else { panic!() };
    let after = guest.thread.context().unwrap();
    assert_eq!((after.registers.rbx, after.fs_base), (9, 0x1234_5000));
    guest.thread.kill_process();
    let Stop::Gone(_) = guest.stop() else { panic!() };
}

#[test]
fn a_thread_ends_alone_however_it_is_stopped() {
    let Some(world) = world() else { return };
    let guest = Guest::new(&world);
    let context = guest.load(CALLS);
    guest.thread.set_context(&context).unwrap();
    for calls in 0..3 {
        let (observer, stops) = post();
        guest.thread.clone_with(CloneRequest::new(observer, CloneMemory::Thread));
        let Stop::Cloned(Ok(thread)) = guest.stop() else { panic!() };
        let child = Guest { thread, stops };
        if calls > 0 {
            child.thread.resume(Resume::Context);
            assert!(matches!(child.stop(), Stop::Trap(_)));
        }
        if calls > 1 {
            child.thread.resume(Resume::Return(0));
            assert!(matches!(child.stop(), Stop::Syscall(_)));
        }
        child.thread.exit(Vec::new());
        let Stop::Gone(gone) = child.stop() else { panic!() };
        assert_eq!((gone.last, gone.signal), (false, None));
    }
    assert_eq!(
        guest.perform(vec![map(AT + 64 * PAGE, PAGE, 3)]),
        [Ok(AT + 64 * PAGE)],
        "the other still works"
    );
    guest.thread.exit(Vec::new());
    assert!(matches!(guest.stop(), Stop::Gone(gone) if gone.last && gone.signal.is_none()));
}

#[test]
fn stubs_may_be_another_user() {
    let Some(program) = build::guest("basic") else { return };
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can give a process another user");
        return;
    }
    let world = World::with_identity(&program, Some((65534, 65534)));
    let guest = Guest::new(&world);
    let status = guest.thread.memory().host_text("status").unwrap();
    for line in [
        "Uid:\t65534\t65534\t65534\t65534",
        "CapEff:\t0000000000000000",
        "CapPrm:\t0000000000000000",
        "NoNewPrivs:\t1",
        "Seccomp:\t2",
        "Groups:\t ",
    ] {
        assert!(status.contains(line), "no {line:?} in {status}");
    }
    assert_eq!(world.run(&["forks"]).1, "ok\n");
    guest.thread.kill_process();
    assert!(matches!(guest.stop(), Stop::Gone(_)));
    world.finish();
}

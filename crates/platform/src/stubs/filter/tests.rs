//! The filter does what its table says: run in a small interpreter of classic BPF.
#![expect(clippy::cast_possible_truncation, reason = "words are taken apart")]

use super::*;
use abi::nr;

const ALLOW: u32 = 0x7fff_0000;
const NOTIFY: u32 = 0x7fc0_0000;
const TRAP: u32 = 0x0003_0000;
const GUEST_IP: u64 = 0x40_1000;
const STUB_IP: u64 = BASE + 0x123;

fn run(number: u64, ip: u64, args: &[u64]) -> u32 {
    run_with(AUDIT_ARCH, number, ip, args)
}

fn run_with(architecture: u32, number: u64, ip: u64, args: &[u64]) -> u32 {
    let mut data = [0u32; 16];
    (data[0], data[1]) = (number as u32, architecture);
    (data[2], data[3]) = (ip as u32, (ip >> 32) as u32);
    for (index, arg) in args.iter().enumerate() {
        (data[4 + 2 * index], data[5 + 2 * index]) = (*arg as u32, (*arg >> 32) as u32);
    }
    execute(&program().unwrap(), &data)
}

fn execute(code: &[u64], data: &[u32; 16]) -> u32 {
    let (mut at, mut a, mut x) = (0usize, 0u32, 0u32);
    loop {
        let word = code[at];
        let (op, jt, jf) = (word as u16, (word >> 16) as u8, (word >> 24) as u8);
        let k = (word >> 32) as u32;
        at += 1;
        let mut branch = |yes: bool| at += usize::from(if yes { jt } else { jf });
        match op {
            0x20 => a = data[k as usize / 4],
            0x54 => a &= k,
            0x0c => a = a.wrapping_add(x),
            0x07 => x = a,
            0x05 => at += k as usize,
            0x15 => branch(a == k),
            0x25 => branch(a > k),
            0x35 => branch(a >= k),
            0x3d => branch(a >= x),
            0x45 => branch(a & k != 0),
            0x06 => return k,
            _ => panic!("instruction {op:#x}"),
        }
    }
}

const ANON: u64 = 0x22;

#[test]
fn futexes_and_memory_calls_of_the_guest_go_straight_to_the_host() {
    assert_eq!(run(nr::futex, GUEST_IP, &[0x1000, 128]), ALLOW);
    assert_eq!(run(nr::futex, GUEST_IP, &[0x1000, 128 | 9 | 256]), ALLOW);
    assert_eq!(run(nr::futex, GUEST_IP, &[0x1000, 6]), NOTIFY, "FUTEX_LOCK_PI");
    assert_eq!(run(nr::mmap, GUEST_IP, &[0, 4096, 3, ANON]), ALLOW);
    assert_eq!(run(nr::mmap, GUEST_IP, &[0, 4096, 3, 2, 5]), TRAP, "a file");
    assert_eq!(run(nr::mmap, GUEST_IP, &[0, 4096, 3, ANON | 0x4_0000]), TRAP, "MAP_HUGETLB");
    assert_eq!(run(nr::mmap, GUEST_IP, &[0, 4096, 3, ANON | 0x2000]), TRAP, "MAP_LOCKED");
    assert_eq!(run(nr::madvise, GUEST_IP, &[0x1000, 4096, 4]), ALLOW);
    assert_eq!(run(nr::madvise, GUEST_IP, &[0x1000, 4096, 100]), TRAP, "MADV_HWPOISON");
    assert_eq!(run(nr::mremap, GUEST_IP, &[0x1000, 4096, 8192, 1]), ALLOW);
    assert_eq!(run(nr::mremap, GUEST_IP, &[0x1000, 4096, 8192, 3, 0x5000]), TRAP);
}

#[test]
fn no_range_of_the_guest_reaches_the_stub() {
    let end = BASE + super::super::interface::SIZE;
    for (address, length, want) in [
        (0x1000, 0x1000, ALLOW),
        (BASE - 0x2000, 0x1000, ALLOW),
        (BASE - 0x1000, 0x2000, TRAP),
        (BASE, 0x1000, TRAP),
        (BASE + 0xffff_f000, 0x1000, TRAP),
        (end, 0x1000, ALLOW),
        (0, BASE + 1, TRAP),
        (0, u64::MAX, TRAP),
        (0x1_0000, 0x7fff_ffff_0000, TRAP),
        (BASE - (1 << 32), (1 << 32) - 0x1000, ALLOW),
        (BASE - (1 << 32), (1 << 32) + 0x1000, TRAP),
    ] {
        assert_eq!(run(nr::munmap, GUEST_IP, &[address, length]), want, "{address:#x}+{length:#x}");
        assert_eq!(run(nr::mmap, GUEST_IP, &[address, length, 3, ANON | 0x10]), want, "{address:#x}");
    }
}

#[test]
fn calls_that_change_registers_trap_and_the_others_notify() {
    for number in [nr::clone, nr::execve, nr::rt_sigreturn, nr::brk, nr::arch_prctl] {
        assert_eq!(run(number, GUEST_IP, &[]), TRAP);
    }
    for number in [nr::read, nr::getpid, nr::exit, nr::exit_group, nr::set_robust_list, 999, 0x2000_0003] {
        assert_eq!(run(number, GUEST_IP, &[]), NOTIFY);
    }
}

#[test]
fn the_stub_may_do_little() {
    for number in [nr::rt_sigreturn, nr::munmap, nr::close] {
        assert_eq!(run(number, STUB_IP, &[]), ALLOW);
    }
    for number in [nr::clone, nr::exit, nr::clone3, nr::sendmsg, nr::ptrace, nr::seccomp, nr::execve] {
        assert_eq!(run(number, STUB_IP, &[]), NOTIFY);
    }
    assert_eq!(run(nr::mmap, STUB_IP, &[0, 4096, 3, 0x4_0022]), RET_EPERM);
    assert_eq!(run(nr::madvise, STUB_IP, &[0, 4096, 101]), RET_EPERM);
    assert_eq!(
        run(nr::sched_yield, STUB_IP + TEXT_SIZE, &[]),
        ALLOW,
        "the range's rest is not the stub's text"
    );
}

const RET_EPERM: u32 = 0x0005_0001;

#[test]
fn other_abis_do_not_exist() {
    assert_eq!(run_with(0x4000_0003, 20, GUEST_IP, &[]), 0x0005_0026);
    assert_eq!(run(0x4000_0000 | nr::read, GUEST_IP, &[]), 0x0005_0026);
    assert_eq!(run(u64::from(u32::MAX), GUEST_IP, &[]), 0x0005_0026);
}

fn run_watch(watch: &crate::Watch, number: u64, ip: u64, args: &[u64]) -> u32 {
    let mut data = [0u32; 16];
    (data[0], data[1]) = (number as u32, AUDIT_ARCH);
    (data[2], data[3]) = (ip as u32, (ip >> 32) as u32);
    for (index, arg) in args.iter().enumerate() {
        (data[4 + 2 * index], data[5 + 2 * index]) = (*arg as u32, (*arg >> 32) as u32);
    }
    execute(&watch::program(watch).unwrap(), &data)
}

#[test]
fn watched_calls_of_the_guest_trap_and_the_stub_keeps_its_own() {
    let watch = crate::Watch { calls: vec![nr::mmap, nr::futex], free_futex: vec![0, 128] };
    assert_eq!(run_watch(&watch, nr::mmap, GUEST_IP, &[0, 4096, 3, ANON]), TRAP);
    assert_eq!(run_watch(&watch, nr::mmap, STUB_IP, &[0, 4096, 3, ANON]), ALLOW);
    assert_eq!(run_watch(&watch, nr::mmap, STUB_IP + TEXT_SIZE, &[]), TRAP);
    assert_eq!(run_watch(&watch, nr::munmap, GUEST_IP, &[]), ALLOW);
    assert_eq!(run_watch(&watch, nr::futex, GUEST_IP, &[0x1000, 128]), ALLOW);
    assert_eq!(run_watch(&watch, nr::futex, GUEST_IP, &[0x1000, 129]), TRAP);
    assert_eq!(run_watch(&watch, nr::futex, GUEST_IP, &[0x1000, 1 << 32]), TRAP);
    let all = crate::Watch { calls: native(), free_futex: FUTEX_WORDS.to_vec() };
    assert!(watch::program(&all).unwrap().len() <= 132, "it has to fit where orders are");
}

/// Every operation with every flag that the first filter allows.
const FUTEX_WORDS: [u32; 28] = {
    let (operations, flags) = ([0, 1, 3, 4, 5, 9, 10], [0, 128, 256, 384]);
    let mut words = [0; 28];
    let mut at = 0;
    while at < 28 {
        words[at] = operations[at / 4] | flags[at % 4];
        at += 1;
    }
    words
};

#[test]
fn the_documentation_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/stub-filter.md");
    let page = print();
    if std::env::var_os("WRITE_DOCS").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), page, "run this test with WRITE_DOCS=1");
}

use super::bpf::{
    ALLOW, AND, ARCH, ARGUMENTS, FAIL, JUMP, JUMP_EQUAL, KILL_PROCESS, LOAD, NUMBER, RETURN, X86_64,
};
use super::*;

/// What the kernel would do: runs the program over one `seccomp_data`.
fn run(program: &[Instruction], arch: u32, number: u32, args: [u64; 6]) -> u32 {
    let mut accumulator = 0;
    let mut at = 0;
    loop {
        let instruction = program[at];
        at += 1;
        match instruction.code {
            LOAD => {
                accumulator = match instruction.k {
                    NUMBER => number,
                    ARCH => arch,
                    offset => {
                        let value = args[usize::try_from((offset - ARGUMENTS) / 8).unwrap()];
                        let half = if offset % 8 == 0 { value & 0xffff_ffff } else { value >> 32 };
                        u32::try_from(half).unwrap()
                    }
                }
            }
            AND => accumulator &= instruction.k,
            JUMP => at += usize::try_from(instruction.k).unwrap(),
            JUMP_EQUAL if accumulator == instruction.k => at += usize::from(instruction.jump_true),
            JUMP_EQUAL => at += usize::from(instruction.jump_false),
            RETURN => return instruction.k,
            code => panic!("unknown instruction {code:#x}"),
        }
    }
}

fn verdict(list: &AllowList, number: u64, args: [u64; 6]) -> u32 {
    run(list.program(), X86_64, u32::try_from(number).unwrap(), args)
}

#[test]
fn rows_without_rules_allow_any_arguments() {
    let list =
        AllowList::new(&[Row::always(abi::nr::read, ""), Row::always(abi::nr::close, "")], Mismatch::Kill)
            .unwrap();
    assert_eq!(verdict(&list, abi::nr::read, [u64::MAX; 6]), ALLOW);
    assert_eq!(verdict(&list, abi::nr::close, [0; 6]), ALLOW);
    assert_eq!(verdict(&list, abi::nr::write, [0; 6]), KILL_PROCESS);
}

#[test]
fn other_architectures_and_x32_are_refused() {
    let list = AllowList::new(&[Row::always(abi::nr::read, "")], Mismatch::Fail(Errno::EPERM)).unwrap();
    assert_eq!(run(list.program(), 0x4000_0003, 0, [0; 6]), FAIL | 1);
    assert_eq!(run(list.program(), X86_64, 0x4000_0000, [0; 6]), FAIL | 1);
}

#[test]
fn one_alternative_must_hold_in_full() {
    const TABLE: &[Row] = &[Row::when(
        abi::nr::fcntl,
        &[
            &[arg(1).is(1), arg(2).is_exactly(1 << 40)],
            &[arg(1).is(3)],
            &[arg(0).is_negative(), arg(1).within(0x30)],
        ],
        "",
    )];
    let list = AllowList::new(TABLE, Mismatch::Kill).unwrap();
    let fcntl = |args| verdict(&list, abi::nr::fcntl, args);
    assert_eq!(fcntl([0, 1, 1 << 40, 0, 0, 0]), ALLOW);
    assert_eq!(fcntl([0, 1, 1 << 41, 0, 0, 0]), KILL_PROCESS);
    assert_eq!(fcntl([0, 1, 0, 0, 0, 0]), KILL_PROCESS);
    assert_eq!(fcntl([0, 0xdead_0000_0003, 0, 0, 0, 0]), ALLOW, "the upper half of an int is not looked at");
    assert_eq!(fcntl([0xffff_ffff, 0x10, 0, 0, 0, 0]), ALLOW);
    assert_eq!(fcntl([0xffff_ffff, 0x1_0000_0010, 0, 0, 0, 0]), KILL_PROCESS, "flags are looked at in full");
    assert_eq!(fcntl([7, 0x10, 0, 0, 0, 0]), KILL_PROCESS);
}

#[test]
fn long_rows_are_skipped_in_full() {
    // Sixty alternatives of six instructions are further than a conditional jump reaches.
    const MANY: [&[Rule]; 60] = [&[arg(0).is_exactly(1), arg(1).is_exactly(2)]; 60];
    const TABLE: &[Row] = &[Row::when(abi::nr::ioctl, &MANY, ""), Row::always(abi::nr::write, "")];
    let list = AllowList::new(TABLE, Mismatch::Kill).unwrap();
    assert_eq!(verdict(&list, abi::nr::write, [0; 6]), ALLOW);
    assert_eq!(verdict(&list, abi::nr::ioctl, [1, 3, 0, 0, 0, 0]), KILL_PROCESS);
    assert_eq!(verdict(&list, abi::nr::ioctl, [1, 2, 0, 0, 0, 0]), ALLOW);
}

#[test]
fn faulty_tables_are_refused() {
    let twice = [Row::always(abi::nr::read, ""), Row::always(abi::nr::read, "")];
    assert_eq!(AllowList::new(&twice, Mismatch::Kill).unwrap_err(), Errno::EEXIST);
    let unknown = [Row::always(100_000, "")];
    assert_eq!(AllowList::new(&unknown, Mismatch::Kill).unwrap_err(), Errno::EINVAL);
    const ARGUMENT: &[Row] = &[Row::when(abi::nr::read, &[&[arg(6).is(0)]], "")];
    assert_eq!(AllowList::new(ARGUMENT, Mismatch::Kill).unwrap_err(), Errno::EINVAL);
}

#[test]
fn the_kernel_enforces_it() {
    const PRIORITY: Row = Row::when(abi::nr::getpriority, &[&[arg(0).is(0)]], "");
    // The filter fails two calls and allows all others of this thread by their absence from the test: a list that
    // allows every number but those.
    let all: Vec<Row> = (0..470)
        .filter(|&n| n != abi::nr::getppid && n != abi::nr::getpriority && abi::nr::name(n).is_some())
        .map(|n| Row::always(n, ""))
        .chain([PRIORITY])
        .collect();
    std::thread::spawn(move || {
        let list = AllowList::new(&all, Mismatch::Fail(Errno::EXDEV)).unwrap();
        list.install(Scope::Thread).unwrap();
        assert!(rustix::process::getpriority_process(None).is_ok());
        assert_eq!(rustix::process::getpriority_pgrp(None).unwrap_err(), rustix::io::Errno::XDEV);
    })
    .join()
    .unwrap();
}

#[test]
fn a_row_can_have_an_error_of_its_own() {
    const RULES: &[&[Rule]] = &[&[arg(0).is(7)]];
    let table = [
        Row::fails(abi::nr::clone3, Errno::ENOSYS, ""),
        Row { refusal: Some(Errno::EPERM), ..Row::when(abi::nr::clone, RULES, "") },
    ];
    let list = AllowList::new(&table, Mismatch::Kill).unwrap();
    assert_eq!(verdict(&list, abi::nr::clone3, [7; 6]), FAIL | 38);
    assert_eq!(verdict(&list, abi::nr::clone, [7; 6]), ALLOW);
    assert_eq!(verdict(&list, abi::nr::clone, [8; 6]), FAIL | 1);
    assert_eq!(verdict(&list, abi::nr::fork, [7; 6]), KILL_PROCESS);
}

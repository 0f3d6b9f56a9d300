//! Filters do what their rules say: run by the kernel's own interpreter.

use kernel::seccomp::{Data, Instruction, Program};

use super::*;

type Comparison = fn(u64, u64) -> bool;

const ALLOW: u32 = 0x7fff_0000;

fn filter(json: &str) -> Result<Program, String> {
    let spec = translate(&serde_json::from_str(json).unwrap())?;
    let all: Vec<_> = spec.filter.iter().map(|word| Instruction::from_bytes(word.to_le_bytes())).collect();
    Ok(Program::new(&all).unwrap())
}

fn run(program: &Program, name: &str, args: [u64; 6]) -> u32 {
    program.run(&Data::new(number(name).unwrap().into(), 0x1000, &args)).unwrap()
}

#[test]
fn lists_and_defaults() {
    let program = filter(
        r#"{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 13, "syscalls": [
            {"names": ["read", "write", "futex_requeue", "_llseek", "no_such_call"], "action": "SCMP_ACT_ALLOW"},
            {"names": ["mount"], "action": "SCMP_ACT_KILL_PROCESS"}]}"#,
    )
    .unwrap();
    assert_eq!(run(&program, "write", [0; 6]), ALLOW);
    assert_eq!(run(&program, "mount", [0; 6]), 0x8000_0000);
    assert_eq!(run(&program, "getpid", [0; 6]), errno(13));
    assert_eq!(program.run(&Data::new(480, 0, &[0; 6])), Some(errno(ENOSYS)), "newer than any that is named");
}

#[test]
fn a_lenient_default_is_for_all_calls() {
    let program = filter(
        r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ERRNO"}]}"#,
    );
    let program = program.unwrap();
    assert_eq!(run(&program, "read", [0; 6]), errno(EPERM));
    assert_eq!(program.run(&Data::new(480, 0, &[0; 6])), Some(ALLOW));
}

#[test]
fn every_operator_compares_64_bits() {
    let value: u64 = 0x1_0000_0005;
    let cases = [value - 1, value, value + 1, 5, 0x2_0000_0000, 0x2_0000_0005, 0, u64::MAX];
    let holds: [(&str, Comparison); 6] = [
        ("EQ", |a, b| a == b),
        ("NE", |a, b| a != b),
        ("LT", |a, b| a < b),
        ("LE", |a, b| a <= b),
        ("GT", |a, b| a > b),
        ("GE", |a, b| a >= b),
    ];
    for (operator, expected) in holds {
        let program = filter(&format!(
            r#"{{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{{"names": ["read"], "action": "SCMP_ACT_ALLOW",
                "args": [{{"index": 2, "value": {value}, "op": "SCMP_CMP_{operator}"}}]}}]}}"#
        ))
        .unwrap();
        for case in cases {
            let result = run(&program, "read", [0, 0, case, 0, 0, 0]);
            assert_eq!(result == ALLOW, expected(case, value), "{case:#x} {operator} {value:#x}");
        }
    }
}

#[test]
fn conditions_hold_together_and_entries_one_by_one() {
    let program = filter(
        r#"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
            {"names": ["clone"], "action": "SCMP_ACT_ALLOW", "args": [
                {"index": 0, "value": 2114060288, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"},
                {"index": 1, "value": 7, "op": "SCMP_CMP_EQ"}]},
            {"names": ["clone"], "action": "SCMP_ACT_TRAP", "args": [{"index": 1, "value": 8, "op": "SCMP_CMP_EQ"}]},
            {"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [
                {"index": 0, "value": 0, "op": "SCMP_CMP_EQ"}, {"index": 0, "value": 8, "op": "SCMP_CMP_EQ"}]}]}"#,
    )
    .unwrap();
    assert_eq!(run(&program, "clone", [0x11, 7, 0, 0, 0, 0]), ALLOW);
    assert_eq!(run(&program, "clone", [0x1000_0011, 7, 0, 0, 0, 0]), errno(EPERM), "CLONE_NEWUSER");
    assert_eq!(run(&program, "clone", [0x11, 8, 0, 0, 0, 0]), 0x0003_0000);
    assert_eq!(run(&program, "clone", [0x11, 9, 0, 0, 0, 0]), errno(EPERM));
    assert_eq!(run(&program, "personality", [8, 0, 0, 0, 0, 0]), ALLOW, "one of two for the same argument");
    assert_eq!(run(&program, "personality", [9, 0, 0, 0, 0, 0]), errno(EPERM));
}

#[test]
fn what_has_no_condition_counts_more() {
    let program = filter(
        r#"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
            {"names": ["read"], "action": "SCMP_ACT_TRAP", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]},
            {"names": ["read"], "action": "SCMP_ACT_ALLOW"}]}"#,
    );
    assert_eq!(run(&program.unwrap(), "read", [1, 0, 0, 0, 0, 0]), ALLOW);
}

#[test]
fn what_cannot_be_done_is_refused_by_field() {
    let error = |json| filter(json).unwrap_err();
    assert!(
        error(r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_NOTIFY"}]}"#)
            .starts_with("linux.seccomp.syscalls[0].action: ")
    );
    let index = r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ERRNO",
        "args": [{"index": 6, "value": 0, "op": "SCMP_CMP_EQ"}]}]}"#;
    assert!(error(index).starts_with("linux.seccomp.syscalls[0].args[0].index: 6 "));
}

//! Rules to a program in classic BPF over `struct seccomp_data`.

use std::collections::BTreeMap;

use oci_spec::runtime::LinuxSeccompOperator as Operator;

const LOAD: u16 = 0x20;
const AND: u16 = 0x54;
const JUMP: u16 = 0x05;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_GREATER: u16 = 0x25;
const JUMP_AT_LEAST: u16 = 0x35;
const RETURN: u16 = 0x06;

/// Where `struct seccomp_data` has the number and the arguments.
const NUMBER: u32 = 0;
const ARGUMENTS: u32 = 16;

/// The longest program that Linux takes.
const MOST_INSTRUCTIONS: usize = 4096;
/// How many numbers are compared before one result.
const TOGETHER: usize = 100;

/// A comparison of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) argument: u32,
    pub(super) operator: Operator,
    /// With `MASKED_EQ` the mask.
    pub(super) value: u64,
    /// With `MASKED_EQ` the value.
    pub(super) second: u64,
}

/// Sets of conditions that hold together, of which one is enough. None: it always holds.
pub(super) type Rules = Vec<Vec<Condition>>;

/// What becomes of a call.
#[derive(Debug)]
enum Verdict {
    Always(u32),
    /// The first that holds.
    If(Vec<(Vec<Condition>, u32)>),
}

/// Where a test leads: on, to the rule's next condition, or out of the rule.
#[derive(Clone, Copy, PartialEq, Eq)]
enum To {
    Next,
    Holds,
    Fails,
}

/// A program in the making.
#[derive(Debug)]
pub(super) struct Compiler {
    default: u32,
    calls: BTreeMap<u32, Verdict>,
    /// Above this number, this result.
    limit: Option<(u32, u32)>,
}

impl Compiler {
    pub(super) fn new(default: u32) -> Self {
        Self { default, calls: BTreeMap::new(), limit: None }
    }

    /// What becomes of a call under one of these rules. What always holds replaces what has conditions, and stays.
    pub(super) fn add(&mut self, number: u32, result: u32, rules: &Rules) {
        let verdict = self.calls.entry(number).or_insert_with(|| Verdict::If(Vec::new()));
        match verdict {
            Verdict::Always(_) => {}
            verdict if rules.is_empty() => *verdict = Verdict::Always(result),
            Verdict::If(all) => all.extend(rules.iter().map(|rule| (rule.clone(), result))),
        }
    }

    /// Calls above this number have this result.
    pub(super) const fn limit(&mut self, newest: u32, result: u32) {
        self.limit = Some((newest, result));
    }

    /// The program, one `struct sock_filter` per word. Nothing, if it is too long.
    pub(super) fn finish(self) -> Option<Vec<u64>> {
        let mut out = Code::default();
        out.push(LOAD, NUMBER);
        if let Some((newest, result)) = self.limit {
            out.jump(JUMP_GREATER, newest, 0, 1)?;
            out.push(RETURN, result);
        }
        let mut always: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (number, verdict) in &self.calls {
            if let Verdict::Always(result) = verdict {
                always.entry(*result).or_default().push(*number);
            }
        }
        for (result, numbers) in &always {
            for some in numbers.chunks(TOGETHER) {
                for (index, number) in some.iter().enumerate() {
                    out.jump(JUMP_EQUAL, *number, some.len() - index, 0)?;
                }
                out.push(JUMP, 1);
                out.push(RETURN, *result);
            }
        }
        for (number, verdict) in &self.calls {
            if let Verdict::If(rules) = verdict {
                let mut block = Code::default();
                for (conditions, result) in rules {
                    block.rule(conditions, *result)?;
                }
                block.push(RETURN, self.default);
                out.jump(JUMP_EQUAL, *number, 1, 0)?;
                out.push(JUMP, u32::try_from(block.0.len()).ok()?);
                out.0.extend(block.0);
            }
        }
        out.push(RETURN, self.default);
        (out.0.len() <= MOST_INSTRUCTIONS).then_some(out.0)
    }
}

/// Instructions.
#[derive(Default)]
struct Code(Vec<u64>);

impl Code {
    fn push(&mut self, code: u16, k: u32) {
        self.0.push(u64::from(code) | u64::from(k) << 32);
    }

    fn jump(&mut self, code: u16, k: u32, if_true: usize, if_false: usize) -> Option<()> {
        let [if_true, if_false] = [u8::try_from(if_true).ok()?, u8::try_from(if_false).ok()?];
        let word =
            u64::from(code) | u64::from(if_true) << 16 | u64::from(if_false) << 24 | u64::from(k) << 32;
        self.0.push(word);
        Some(())
    }

    /// Returns the result if all conditions hold; else goes on behind.
    fn rule(&mut self, conditions: &[Condition], result: u32) -> Option<()> {
        let mut code = Vec::new();
        for condition in conditions {
            let own = condition.tests();
            let end = code.len() + own.len();
            code.extend(own.into_iter().map(|test| (test, end)));
        }
        // The result is behind the last test, and the next rule behind that.
        let fails = code.len() + 1;
        for (at, (test, end)) in code.iter().enumerate() {
            let distance = |to: To| match to {
                To::Next => Some(0),
                To::Holds => end.checked_sub(at + 1),
                To::Fails => fails.checked_sub(at + 1),
            };
            match *test {
                Test::Plain(code, k) => self.push(code, k),
                Test::Branch(code, k, yes, no) => self.jump(code, k, distance(yes)?, distance(no)?)?,
            }
        }
        self.push(RETURN, result);
        Some(())
    }
}

/// One instruction of a condition.
#[derive(Clone, Copy)]
enum Test {
    Plain(u16, u32),
    Branch(u16, u32, To, To),
}

const fn halves(word: u64) -> [u32; 2] {
    let [a, b, c, d, e, f, g, h] = word.to_le_bytes();
    [u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h])]
}

impl Condition {
    fn tests(&self) -> Vec<Test> {
        let [low, high] = halves(self.value);
        let at = ARGUMENTS + 8 * self.argument;
        let (load_low, load_high) = (Test::Plain(LOAD, at), Test::Plain(LOAD, at + 4));
        let equal = |k, yes, no| Test::Branch(JUMP_EQUAL, k, yes, no);
        let order = |last, holds, fails| {
            vec![
                load_high,
                Test::Branch(JUMP_GREATER, high, holds, To::Next),
                equal(high, To::Next, fails),
                load_low,
                Test::Branch(last, low, holds, fails),
            ]
        };
        match self.operator {
            Operator::ScmpCmpEq => {
                vec![load_low, equal(low, To::Next, To::Fails), load_high, equal(high, To::Holds, To::Fails)]
            }
            Operator::ScmpCmpNe => {
                vec![load_low, equal(low, To::Next, To::Holds), load_high, equal(high, To::Fails, To::Holds)]
            }
            Operator::ScmpCmpMaskedEq => {
                let [want_low, want_high] = halves(self.second);
                vec![
                    load_low,
                    Test::Plain(AND, low),
                    equal(want_low, To::Next, To::Fails),
                    load_high,
                    Test::Plain(AND, high),
                    equal(want_high, To::Holds, To::Fails),
                ]
            }
            Operator::ScmpCmpGt => order(JUMP_GREATER, To::Holds, To::Fails),
            Operator::ScmpCmpGe => order(JUMP_AT_LEAST, To::Holds, To::Fails),
            Operator::ScmpCmpLe => order(JUMP_GREATER, To::Fails, To::Holds),
            Operator::ScmpCmpLt => order(JUMP_AT_LEAST, To::Fails, To::Holds),
        }
    }
}

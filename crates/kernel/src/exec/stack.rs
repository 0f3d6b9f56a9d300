//! The stack that a program starts on: strings, vectors and the auxiliary vector.

use abi::elf::auxv;
use zerocopy::IntoBytes;

use super::arguments::Strings;

/// What the auxiliary vector says besides the addresses that only the stack knows.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    /// Keys and values, without `AT_NULL`, `AT_RANDOM`, `AT_EXECFN` and `AT_PLATFORM`.
    pub(super) values: Vec<(u64, u64)>,
    /// Sixteen random bytes for `AT_RANDOM`.
    pub(super) random: [u8; 16],
    /// For `AT_EXECFN`.
    pub(super) file_name: Vec<u8>,
    /// How far the vectors are moved down at random, bytes.
    pub(super) shift: u64,
}

/// A stack as it is to be written.
#[derive(Clone, Debug)]
pub(super) struct Stack {
    /// The stack pointer: the lowest address written.
    pub(super) pointer: u64,
    /// What lies from there to the top.
    pub(super) content: Vec<u8>,
    /// Where the argument strings are.
    pub(super) arguments: core::ops::Range<u64>,
    /// Where the environment strings are.
    pub(super) environment: core::ops::Range<u64>,
    /// The auxiliary vector's bytes.
    pub(super) auxv: Vec<u8>,
}

/// Lays out a stack that ends at `top`, in the order that Linux has: from the top the file name, the environment strings, the argument
/// strings, platform and random bytes, the auxiliary vector, `envp`, `argv` and the count.
pub(super) fn build(top: u64, strings: &Strings, facts: &Facts) -> Stack {
    let mut above = Vec::new();
    let argument_offsets = put_strings(&mut above, &strings.arguments);
    let environment_start = above.len();
    let environment_offsets = put_strings(&mut above, &strings.environment);
    let environment_end = above.len();
    let file_name_offset = above.len();
    above.extend_from_slice(&facts.file_name);
    above.extend_from_slice(&[0; 9]);
    let strings_at = top.wrapping_sub(above.len() as u64);

    let mut below = b"x86_64\0".to_vec();
    below.extend_from_slice(&facts.random);
    let below_at = (strings_at.wrapping_sub(facts.shift).wrapping_sub(below.len() as u64)) & !0xf;
    let random_at = below_at.wrapping_add(7);

    let mut auxiliary: Vec<u64> = facts.values.iter().flat_map(|(key, value)| [*key, *value]).collect();
    let file_name_at = strings_at.wrapping_add(file_name_offset as u64);
    auxiliary.extend([auxv::RANDOM, random_at, auxv::EXECFN, file_name_at]);
    auxiliary.extend([auxv::PLATFORM, below_at, auxv::NULL, 0]);

    let mut words = vec![strings.arguments.len() as u64];
    words.extend(argument_offsets.iter().map(|o| strings_at.wrapping_add(*o)));
    words.push(0);
    words.extend(environment_offsets.iter().map(|o| strings_at.wrapping_add(*o)));
    words.push(0);
    words.extend(&auxiliary);
    let pointer = below_at.wrapping_sub(words.as_bytes().len() as u64) & !0xf;

    let mut content = words.as_bytes().to_vec();
    content.resize(offset(below_at, pointer), 0);
    content.extend_from_slice(&below);
    content.resize(offset(strings_at, pointer), 0);
    content.extend_from_slice(&above);
    let at = |offset: usize| strings_at.wrapping_add(offset as u64);
    Stack {
        pointer,
        content,
        arguments: at(0)..at(environment_start),
        environment: at(environment_start)..at(environment_end),
        auxv: auxiliary.as_bytes().to_vec(),
    }
}

fn offset(at: u64, pointer: u64) -> usize {
    usize::try_from(at.wrapping_sub(pointer)).unwrap_or_default()
}

fn put_strings(area: &mut Vec<u8>, strings: &[Vec<u8>]) -> Vec<u64> {
    let mut offsets = Vec::with_capacity(strings.len());
    for string in strings {
        offsets.push(area.len() as u64);
        area.extend_from_slice(string);
        area.push(0);
    }
    offsets
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOP: u64 = 0x7fff_0000_0000;

    fn word(stack: &Stack, index: usize) -> u64 {
        u64::from_le_bytes(stack.content[index * 8..index * 8 + 8].try_into().unwrap())
    }

    fn string(stack: &Stack, at: u64) -> &[u8] {
        let rest = &stack.content[offset(at, stack.pointer)..];
        rest.split(|b| *b == 0).next().unwrap()
    }

    #[test]
    fn a_program_finds_its_strings() {
        let strings =
            Strings { arguments: vec![b"sh".to_vec(), b"-c".to_vec()], environment: vec![b"A=1".to_vec()] };
        let facts = Facts {
            values: vec![(auxv::PAGESZ, 4096)],
            random: [7; 16],
            file_name: b"/bin/sh".to_vec(),
            shift: 100,
        };
        let stack = build(TOP, &strings, &facts);
        assert_eq!(stack.pointer % 16, 0);
        assert_eq!(stack.pointer + stack.content.len() as u64, TOP);
        assert_eq!(word(&stack, 0), 2);
        assert_eq!(string(&stack, word(&stack, 2)), b"-c");
        assert_eq!((word(&stack, 3), word(&stack, 5)), (0, 0));
        assert_eq!(string(&stack, word(&stack, 4)), b"A=1");
        let auxiliary: Vec<u64> = (6..16).map(|i| word(&stack, i)).collect();
        assert_eq!(auxiliary[..2], [auxv::PAGESZ, 4096]);
        assert_eq!(string(&stack, auxiliary[5]), b"/bin/sh");
        assert_eq!(string(&stack, auxiliary[7]), b"x86_64");
        assert_eq!(auxiliary[8..], [auxv::NULL, 0]);
        assert_eq!(stack.arguments, TOP - 26..TOP - 20);
    }
}

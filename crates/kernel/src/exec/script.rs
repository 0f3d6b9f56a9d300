//! Scripts: the `#!` line, as execve(2) describes it.

use abi::Errno;

/// Bytes of a file that are looked at for the line (`BINPRM_BUF_SIZE`).
pub(super) const LINE_MAX: usize = 256;

/// What a `#!` line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Path of the interpreter.
    pub(super) interpreter: Vec<u8>,
    /// All that follows it, as one argument.
    pub(super) argument: Option<Vec<u8>>,
}

/// The `#!` line of a file, if it has one.
///
/// # Errors
/// `ENOEXEC` if it names nothing, or the name does not end within the first 256 bytes.
pub(super) fn parse(start: &[u8]) -> Option<Result<Line, Errno>> {
    let text = start.strip_prefix(b"#!")?;
    Some(line(text.get(..text.len().min(LINE_MAX - 2)).unwrap_or(text), start.len() < LINE_MAX))
}

fn line(text: &[u8], whole_file: bool) -> Result<Line, Errno> {
    let blank = |b: &u8| matches!(b, b' ' | b'\t');
    let end = text.iter().position(|b| *b == b'\n');
    let all = text.get(..end.unwrap_or(text.len())).unwrap_or_default();
    let begin = all.iter().position(|b| !blank(b)).ok_or(Errno::ENOEXEC)?;
    let all = all.get(begin..).unwrap_or_default();
    let stop = all.iter().position(|b| blank(b) || *b == 0);
    if stop.is_none() && end.is_none() && !whole_file {
        // Cut short: executing the beginning of a name would be executing something else.
        return Err(Errno::ENOEXEC);
    }
    let interpreter = all.get(..stop.unwrap_or(all.len())).unwrap_or_default().to_vec();
    if interpreter.is_empty() {
        return Err(Errno::ENOEXEC);
    }
    let rest = stop.and_then(|at| all.get(at..)).unwrap_or_default();
    let rest: &[u8] = rest.trim_ascii();
    let rest = rest.split(|b| *b == 0).next().unwrap_or_default();
    Ok(Line { interpreter, argument: (!rest.is_empty()).then(|| rest.to_vec()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> (Vec<u8>, Option<Vec<u8>>) {
        let line = parse(text).unwrap().unwrap();
        (line.interpreter, line.argument)
    }

    #[test]
    fn one_argument_at_most() {
        assert_eq!(read(b"#!/bin/sh\necho"), (b"/bin/sh".to_vec(), None));
        assert_eq!(
            read(b"#! /usr/bin/env python3 -u \n"),
            (b"/usr/bin/env".to_vec(), Some(b"python3 -u".to_vec()))
        );
        assert_eq!(read(b"#!/bin/sh"), (b"/bin/sh".to_vec(), None));
    }

    #[test]
    fn no_line_and_bad_lines() {
        assert!(parse(b"echo").is_none());
        assert_eq!(parse(b"#!\n"), Some(Err(Errno::ENOEXEC)));
        assert_eq!(parse(b"#!   \t\n/bin/sh"), Some(Err(Errno::ENOEXEC)));
        let long = [b"#!/".to_vec(), vec![b'x'; 400]].concat();
        assert_eq!(parse(&long), Some(Err(Errno::ENOEXEC)));
    }
}

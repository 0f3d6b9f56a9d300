//! Numbers in the files of groups.

use std::fmt::Display;

use abi::Errno;

/// A line.
pub(crate) fn line(value: impl Display) -> Result<Vec<u8>, Errno> {
    Ok(format!("{value}\n").into_bytes())
}

/// A line with a number, or "max" where there is no limit.
pub(crate) fn limit(value: Option<impl Display>) -> Result<Vec<u8>, Errno> {
    value.map_or_else(|| line("max"), |value| line(value))
}

/// A whole number as Linux's kernel reads them: decimal, `0x` hexadecimal or `0` octal.
///
/// # Errors
/// `EINVAL` for anything else, `ERANGE` for one that does not fit.
pub(crate) fn integer<T: TryFrom<i128>>(text: &[u8]) -> Result<T, Errno> {
    let text = str::from_utf8(text).map_err(|_| Errno::EINVAL)?;
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, text.get(1..)),
        Some(b'+') => (false, text.get(1..)),
        _ => (false, Some(text)),
    };
    let digits = digits.unwrap_or_default();
    let hexadecimal = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    let (radix, digits) = match hexadecimal {
        Some(digits) => (16, digits),
        None if digits.len() > 1 && digits.starts_with('0') => (8, digits),
        None => (10, digits),
    };
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return Err(Errno::EINVAL);
    }
    let value = i128::from_str_radix(digits, radix).map_err(|_| Errno::ERANGE)?;
    T::try_from(if negative { value.saturating_neg() } else { value }).map_err(|_| Errno::ERANGE)
}

/// A number that is not negative, or nothing for "max".
///
/// # Errors
/// As [`integer`].
pub(crate) fn bound<T: TryFrom<i128>>(text: &[u8]) -> Result<Option<T>, Errno> {
    if text == b"max" { Ok(None) } else { integer(text).map(Some) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_linux_reads_them() {
        let read = integer::<i32>;
        assert_eq!(
            [read(b"17"), read(b"0x1f"), read(b"010"), read(b"-0"), read(b"+3")],
            [17, 31, 8, 0, 3].map(Ok)
        );
        for wrong in [&b""[..], b"x", b"1x", b"0x", b"--1", b"08", b"1 2"] {
            assert_eq!(read(wrong), Err(Errno::EINVAL));
        }
        assert_eq!(read(b"99999999999999999999"), Err(Errno::ERANGE));
        assert_eq!(integer::<u32>(b"-1"), Err(Errno::ERANGE));
        assert_eq!((bound::<u32>(b"max"), bound::<u32>(b"5")), (Ok(None), Ok(Some(5))));
    }
}

//! Values as they are typed: users, durations, limits.

use std::str::FromStr;
use std::time::Duration;

use crate::sizes;

/// `UID[:GID]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UserArgument {
    pub(crate) uid: u32,
    /// Nothing: that of whom it is given for.
    pub(crate) gid: Option<u32>,
}

impl FromStr for UserArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |part: &str| part.parse::<u32>().map_err(|_| format!("{part:?} is not a numeric id"));
        match text.split_once(':') {
            None => Ok(Self { uid: number(text)?, gid: None }),
            Some((uid, gid)) => Ok(Self { uid: number(uid)?, gid: Some(number(gid)?) }),
        }
    }
}

/// A time as Go's programs take it, `1m30s`, `1.5s` or `500ms`; a number alone is of seconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a time");
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, behind) = rest.split_at(digits);
        let letters = behind.find(|c: char| !c.is_alphabetic()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(letters);
        let seconds = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "" if number.len() == text.len() => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return Err(wrong()),
        };
        let number: f64 = number.parse().map_err(|_| wrong())?;
        let part = Duration::try_from_secs_f64(number * seconds).map_err(|_| wrong())?;
        total = total.checked_add(part).ok_or_else(wrong)?;
        rest = behind;
    }
    if total.is_zero() { Err(wrong()) } else { Ok(total) }
}

/// Bytes, as [`sizes::bytes`] has them; -1 is no limit.
pub(super) fn limit(text: &str) -> Result<i64, String> {
    if text == "-1" {
        return Ok(-1);
    }
    i64::try_from(sizes::bytes(text)?).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        let seconds = |text| duration(text).map(|time| time.as_secs_f64());
        assert_eq!((seconds("5s"), seconds("2m"), seconds("7")), (Ok(5.0), Ok(120.0), Ok(7.0)));
        assert_eq!((seconds("1m30s"), seconds("250ms"), seconds("1.5h")), (Ok(90.0), Ok(0.25), Ok(5400.0)));
        for text in ["0s", "x", "", "5x", "s", "1s2", "-1s", "1e3s", "99999999999999999999h"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_limit_is_a_size_or_none() {
        assert_eq!((limit("2k"), limit("-1")), (Ok(2048), Ok(-1)));
        assert!(limit("-2").is_err());
    }

    #[test]
    fn users_are_numbers() {
        assert_eq!("7".parse(), Ok(UserArgument { uid: 7, gid: None }));
        assert_eq!("7:8".parse(), Ok(UserArgument { uid: 7, gid: Some(8) }));
        assert!("root".parse::<UserArgument>().is_err());
        assert!("1:".parse::<UserArgument>().is_err());
    }
}

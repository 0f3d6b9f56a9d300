//! Sizes as they are typed.

/// Bytes, `512`, `100m` or `1.5GiB`, each unit 1024 times the one before. At most `i64::MAX`.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    const UNITS: &str = "kmgtp";
    let wrong = || format!("{text:?} is not a size");
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.to_ascii_lowercase();
    let mut letters = unit.chars();
    let shift = match (letters.next(), letters.as_str()) {
        (None, _) | (Some('b'), "") => 0,
        (Some(letter), "" | "b" | "ib") => (UNITS.find(letter).ok_or_else(wrong)? + 1) * 10,
        _ => return Err(wrong()),
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    if shift == 0 && part != "0" {
        return Err(wrong());
    }
    // More digits than these make less than a byte.
    let part = part.get(..part.len().min(15)).unwrap_or(part);
    let of = |digits: &str| digits.parse::<u128>().map_err(|_| wrong());
    let tenths =
        u32::try_from(part.len()).ok().and_then(|digits| 10_u128.checked_pow(digits)).ok_or_else(wrong)?;
    let whole = of(whole)?.checked_mul(1 << shift).ok_or_else(wrong)?;
    let bytes = i64::try_from(whole.saturating_add((of(part)? << shift) / tenths)).map_err(|_| wrong())?;
    Ok(bytes.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        for (text, size) in [
            ("0", 0),
            ("123", 123),
            ("9223372036854771712", 9_223_372_036_854_771_712),
            ("1b", 1),
            ("2k", 2048),
            ("100m", 100 << 20),
            ("100M", 100 << 20),
            ("1.5GiB", 3 << 29),
            ("1kb", 1024),
        ] {
            assert_eq!(bytes(text), Ok(size), "{text}");
        }
        for text in ["", "k", "-1", "1x", "1kx", "lots", "1.5", "9999999999g"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }
}

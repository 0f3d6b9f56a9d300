//! Signals as users write them: `TERM`, `SIGTERM`, `RTMIN+3` or `15`.

/// The names of signal(7), by number.
const NAMES: [&str; 32] = [
    "", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE",
    "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ",
    "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];
const REALTIME_FIRST: i32 = 34;
const LAST: i32 = 64;

/// The number of a signal. The number 0 stands for none: it asks whether there is somebody to send one to.
pub(crate) fn parse(text: &str) -> Result<i32, String> {
    let unknown = || format!("unknown signal {text:?}");
    if let Ok(number) = text.parse::<i32>() {
        return Some(number).filter(|number| (0..=LAST).contains(number)).ok_or_else(unknown);
    }
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let offset = |rest: &str| if rest.is_empty() { Some(0) } else { rest.parse::<i32>().ok() };
    let number = match name {
        "" => None,
        "IOT" => Some(6),
        "CLD" => Some(17),
        "POLL" => Some(29),
        _ if name.starts_with("RTMIN") => {
            name.strip_prefix("RTMIN").and_then(offset).map(|n| REALTIME_FIRST + n)
        }
        _ if name.starts_with("RTMAX") => name.strip_prefix("RTMAX").and_then(offset).map(|n| LAST + n),
        _ => NAMES.iter().zip(0..).find(|(known, _)| **known == name).map(|(_, number)| number),
    };
    number.filter(|number| (1..=LAST).contains(number)).ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_named_as_kill_does() {
        for (text, number) in [
            ("15", 15),
            ("TERM", 15),
            ("SIGKILL", 9),
            ("sigusr1", 10),
            ("RTMIN", 34),
            ("SIGRTMIN+3", 37),
            ("RTMAX-1", 63),
            ("0", 0),
        ] {
            assert_eq!(parse(text), Ok(number), "{text}");
        }
        for text in ["", "SIG", "65", "FROB", "RTMIN+40", "RTMIN+x", "-9"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}

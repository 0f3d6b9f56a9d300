//! The host's accounts of a process, without the range that is the stub's: next to nothing of it is in use, but its size would show.

use super::interface::SIZE;

/// The text of `status`, `statm` or `stat` (proc_pid_status(5), proc_pid_statm(5), proc_pid_stat(5)) with the sizes of what the guest
/// has; another file's as it is.
pub(super) fn of_guest(name: &str, text: String) -> String {
    const PAGE: u64 = 4096;
    match name {
        "status" => status(&text),
        "statm" => replace_field(&text, 0, SIZE / PAGE),
        // The name, in parentheses, may hold anything; what follows it are the fields from the third on.
        "stat" => match text.rsplit_once(") ") {
            Some((before, rest)) => format!("{before}) {}", replace_field(rest, VSIZE - 3, SIZE)),
            None => text,
        },
        _ => text,
    }
}

/// The field of `stat` that has the size of the address space, counted from 1.
const VSIZE: usize = 23;

fn status(text: &str) -> String {
    const KIB: u64 = 1024;
    let line = |line: &str| match line.split_once(":\t") {
        Some((name @ ("VmPeak" | "VmSize"), value)) => {
            let number = value.trim().trim_end_matches(" kB").parse::<u64>();
            number.map_or(line.to_owned(), |n| format!("{name}:\t{:8} kB", n.saturating_sub(SIZE / KIB)))
        }
        _ => line.to_owned(),
    };
    text.lines().map(|l| line(l) + "\n").collect()
}

/// A line with one of its fields made smaller.
fn replace_field(line: &str, index: usize, less: u64) -> String {
    let field = |(at, field): (usize, &str)| match field.trim_end().parse::<u64>() {
        Ok(number) if at == index => {
            let end = if field.ends_with('\n') { "\n" } else { "" };
            format!("{}{end}", number.saturating_sub(less))
        }
        _ => field.to_owned(),
    };
    line.split(' ').enumerate().map(field).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_the_guests() {
        let status = "Name:\tx\nVmPeak:\t 4207140 kB\nVmSize:\t 4207124 kB\nVmRSS:\t    1976 kB\n";
        let shown = "Name:\tx\nVmPeak:\t   12836 kB\nVmSize:\t   12820 kB\nVmRSS:\t    1976 kB\n";
        assert_eq!(of_guest("status", status.to_owned()), shown);
        assert_eq!(of_guest("statm", "1051781 494 401 4 0 2381 0\n".to_owned()), "3205 494 401 4 0 2381 0\n");
        let fields: Vec<String> =
            (3..=52).map(|n| if n == 23 { "4308094976".to_owned() } else { n.to_string() }).collect();
        let stat = format!("7 (a) b) {}\n", fields.join(" "));
        assert_eq!(of_guest("stat", stat.clone()), stat.replace("4308094976", "13127680"));
        assert_eq!(of_guest("smaps", "1 2\n".to_owned()), "1 2\n");
    }
}

//! What a container has read and written on the host's disks, as runc's `events` tells it.

use serde::Serialize;

/// The part `blkio`. What there is nothing to say of is left out.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Io {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    io_service_bytes_recursive: Vec<Entry>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    io_serviced_recursive: Vec<Entry>,
}

/// Bytes or requests of one kind, on one device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Entry {
    major: u64,
    minor: u64,
    op: String,
    value: u64,
}

impl Io {
    /// From `blkio.throttle.io_service_bytes_recursive` and `blkio.throttle.io_serviced_recursive`: lines of "MAJOR:MINOR OP NUMBER".
    pub(super) fn of_version_1(bytes: &str, requests: &str) -> Self {
        let entries = |text: &str| text.lines().filter_map(line).collect();
        Self { io_service_bytes_recursive: entries(bytes), io_serviced_recursive: entries(requests) }
    }

    /// From `io.stat`: lines of "MAJOR:MINOR rbytes=NUMBER wbytes=NUMBER rios=NUMBER wios=NUMBER ...".
    pub(super) fn of_version_2(text: &str) -> Self {
        let mut io = Self::default();
        for line in text.lines() {
            let Some((device, rest)) = line.split_once(' ') else { continue };
            for (key, value) in rest.split(' ').filter_map(|word| word.split_once('=')) {
                let (list, op) = match key {
                    "rbytes" => (&mut io.io_service_bytes_recursive, "Read"),
                    "wbytes" => (&mut io.io_service_bytes_recursive, "Write"),
                    "rios" => (&mut io.io_serviced_recursive, "Read"),
                    "wios" => (&mut io.io_serviced_recursive, "Write"),
                    _ => continue,
                };
                list.extend(entry(device, op, value));
            }
        }
        io
    }
}

fn line(line: &str) -> Option<Entry> {
    let mut words = line.split_whitespace();
    entry(words.next()?, words.next()?, words.next()?)
}

fn entry(device: &str, op: &str, value: &str) -> Option<Entry> {
    let (major, minor) = device.split_once(':')?;
    let (major, minor) = (major.parse().ok()?, minor.parse().ok()?);
    Some(Entry { major, minor, op: op.to_owned(), value: value.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_say_the_same() {
        let entry = |op: &str, value| Entry { major: 8, minor: 16, op: op.to_owned(), value };
        let one = Io::of_version_1("8:16 Read 100\n8:16 Write 7\nTotal 107\n", "8:16 Read 3\n");
        assert_eq!(one.io_service_bytes_recursive, [entry("Read", 100), entry("Write", 7)]);
        assert_eq!(one.io_serviced_recursive, [entry("Read", 3)]);
        let two = Io::of_version_2("8:16 rbytes=100 wbytes=7 rios=3 dbytes=0\nbroken\n");
        assert_eq!(two, one);
        assert_eq!(serde_json::to_string(&Io::default()).unwrap(), "{}");
    }
}

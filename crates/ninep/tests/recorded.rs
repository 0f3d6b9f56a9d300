//! Messages as others said them: diod's tools to diod's server, recorded on the wire. They decode, and encode to the same bytes.
#![expect(clippy::unwrap_used, reason = "a test")]

use ninep::frame::first;
use ninep::{Reply, Request, Writer};

/// Messages that are there in each direction.
const COUNT: usize = 41;

/// Splits a stream into its messages and has each of them made again.
fn again(stream: &[u8], make: impl Fn(u8, &[u8]) -> (u8, Vec<u8>)) -> (Vec<u8>, usize) {
    let (mut rest, mut made, mut count) = (stream, Vec::new(), 0);
    while let Some((frame, used)) = first(rest, 1 << 20).unwrap() {
        let (number, body) = make(frame.number, frame.body);
        made.extend(u32::try_from(body.len() + 7).unwrap().to_le_bytes());
        made.push(number);
        made.extend(frame.tag.to_le_bytes());
        made.extend(body);
        rest = rest.get(used..).unwrap();
        count += 1;
    }
    assert!(rest.is_empty(), "nothing is left over");
    (made, count)
}

#[test]
fn requests_of_other_clients() {
    let stream = include_bytes!("recorded/diod.requests");
    let (made, count) = again(stream, |number, body| {
        let mut bytes = Vec::new();
        let number = Request::decode(number, body).unwrap().encode(&mut Writer::new(&mut bytes));
        (number, bytes)
    });
    assert_eq!((made.as_slice(), count), (&stream[..], COUNT));
}

#[test]
fn replies_of_other_servers() {
    let stream = include_bytes!("recorded/diod.replies");
    let (made, count) = again(stream, |number, body| {
        let mut bytes = Vec::new();
        let number = Reply::decode(number, body).unwrap().encode(&mut Writer::new(&mut bytes));
        (number, bytes)
    });
    assert_eq!((made.as_slice(), count), (&stream[..], COUNT));
}

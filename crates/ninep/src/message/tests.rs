use proptest::prelude::*;

use super::*;

/// Every pair of numbers with the names of the protocol, so that a row cannot be renumbered unnoticed.
#[test]
fn numbers_are_those_of_the_protocol() {
    let base = [
        (8, "Tstatfs"),
        (12, "Tlopen"),
        (14, "Tlcreate"),
        (16, "Tsymlink"),
        (18, "Tmknod"),
        (20, "Trename"),
        (22, "Treadlink"),
        (24, "Tgetattr"),
        (26, "Tsetattr"),
        (30, "Txattrwalk"),
        (32, "Txattrcreate"),
        (40, "Treaddir"),
        (50, "Tfsync"),
        (52, "Tlock"),
        (54, "Tgetlock"),
        (70, "Tlink"),
        (72, "Tmkdir"),
        (74, "Trenameat"),
        (76, "Tunlinkat"),
        (100, "Tversion"),
        (102, "Tauth"),
        (104, "Tattach"),
        (108, "Tflush"),
        (110, "Twalk"),
        (116, "Tread"),
        (118, "Twrite"),
        (120, "Tclunk"),
        (122, "Tremove"),
    ];
    assert_eq!(NAMES.iter().copied().filter(|(number, _)| *number < 160).collect::<Vec<_>>(), base);
    assert!(NAMES.iter().all(|(number, _)| number % 2 == 0), "requests are even");
}

fn encoded(request: &Request<'_>) -> (u8, Vec<u8>) {
    let mut bytes = Vec::new();
    let number = request.encode(&mut Writer::new(&mut bytes));
    (number, bytes)
}

#[test]
fn requests_are_byte_exact() {
    let walk = Request::Walk(Twalk { fid: 1, newfid: 2, names: vec![Text(b"usr"), Text(b"bin")] });
    assert_eq!(encoded(&walk), (110, b"\x01\0\0\0\x02\0\0\0\x02\0\x03\0usr\x03\0bin".to_vec()));
    let write = Request::Write(Twrite { fid: 7, offset: 0x0102_0304_0506_0708, data: Data(b"hello") });
    assert_eq!(encoded(&write), (118, b"\x07\0\0\0\x08\x07\x06\x05\x04\x03\x02\x01\x05\0\0\0hello".to_vec()));
    let attach = Request::Attach(Tattach {
        fid: 0,
        afid: crate::NO_FID,
        uname: Text(b"root"),
        aname: Text(b"/"),
        n_uname: 0,
    });
    assert_eq!(encoded(&attach), (104, b"\0\0\0\0\xff\xff\xff\xff\x04\0root\x01\0/\0\0\0\0".to_vec()));
    let fsync = Request::Fsync(Tfsync { fid: 3, datasync: 1 });
    assert_eq!(encoded(&fsync), (50, b"\x03\0\0\0\x01\0\0\0".to_vec()));
}

#[test]
fn fixed_sizes_are_those_of_the_protocol() {
    let size = |message: &dyn Fn(&mut Writer<'_>)| {
        let mut bytes = Vec::new();
        message(&mut Writer::new(&mut bytes));
        bytes.len()
    };
    assert_eq!(size(&|w| w.put(&Qid::default())), 13);
    assert_eq!(size(&|w| w.put(&Attr::default())), 153);
    assert_eq!(size(&|w| w.put(&SetAttr::default())), 56);
    assert_eq!(size(&|w| w.put(&StatFs::default())), 60);
}

#[test]
fn what_is_cut_short_or_too_long_is_refused() {
    let (number, bytes) = encoded(&Request::Walk(Twalk { fid: 1, newfid: 2, names: vec![Text(b"usr")] }));
    for length in 0..bytes.len() {
        assert_eq!(Request::decode(number, &bytes[..length]), Err(Malformed::Truncated));
    }
    let longer: Vec<u8> = bytes.iter().copied().chain([0]).collect();
    assert_eq!(Request::decode(number, &longer), Err(Malformed::Trailing));
    assert_eq!(Request::decode(111, &[0, 0]), Err(Malformed::Type(111)), "a reply is no request");
    assert_eq!(Reply::decode(110, &[0, 0]), Err(Malformed::Type(110)));
}

proptest! {
    /// Whatever decodes encodes to the same bytes again; whatever does not is an error, and nothing panics. The numbers are
    /// drawn from the table, so that most cases reach a decoder.
    #[test]
    fn requests_survive_the_round_trip(row in 0..NAMES.len(), body in proptest::collection::vec(prop_oneof![0u8..2, any::<u8>()], 0..60)) {
        let number = NAMES[row].0;
        if let Ok(request) = Request::decode(number, &body) {
            prop_assert_eq!(encoded(&request), (number, body));
        }
    }

    /// The same for replies.
    #[test]
    fn replies_survive_the_round_trip(row in 0..NAMES.len(), body in proptest::collection::vec(any::<u8>(), 0..600)) {
        let number = NAMES[row].0 + 1;
        if let Ok(reply) = Reply::decode(number, &body) {
            let mut bytes = Vec::new();
            prop_assert_eq!(reply.encode(&mut Writer::new(&mut bytes)), number);
            prop_assert_eq!(bytes, body);
        }
    }

    /// Well-formed ones decode to themselves.
    #[test]
    fn names_and_data_survive(
        fid: u32,
        names in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..20),
        data in proptest::collection::vec(any::<u8>(), 0..3000),
    ) {
        let walk = Request::Walk(Twalk { fid, newfid: fid ^ 1, names: names.iter().map(|n| Text(n)).collect() });
        let (number, bytes) = encoded(&walk);
        prop_assert_eq!(Request::decode(number, &bytes), Ok(walk));
        let write = Request::Write(Twrite { fid, offset: 9, data: Data(&data) });
        let (number, bytes) = encoded(&write);
        prop_assert_eq!(Request::decode(number, &bytes), Ok(write));
    }

    /// Random bytes as a stream.
    #[test]
    fn any_stream_is_a_frame_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..64), largest in 0u32..64) {
        if let Ok(Some((frame, used))) = crate::frame::first(&bytes, largest) {
            prop_assert!(used <= bytes.len() && frame.body.len() + crate::frame::HEADER == used);
            let _ = Request::decode(frame.number, frame.body);
            let _ = Reply::decode(frame.number, frame.body);
        }
    }
}

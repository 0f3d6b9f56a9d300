use abi::signal::Signal;
use abi::termios::{ControlCharacter, InputModes, LocalModes, OutputModes, Packet};

use super::Discipline;

fn with(change: impl FnOnce(&mut abi::termios::Termios)) -> Discipline {
    let mut discipline = Discipline::new();
    let mut termios = *discipline.termios();
    change(&mut termios);
    discipline.set(termios);
    discipline.take_packet();
    discipline
}

fn raw() -> Discipline {
    with(|t| {
        t.lflag = 0;
        t.iflag = 0;
        t.oflag = 0;
    })
}

/// What programs read and what is shown, after these pieces were typed.
fn typed(discipline: &mut Discipline, pieces: &[&[u8]]) -> (Vec<Vec<u8>>, Vec<u8>) {
    for piece in pieces {
        assert_eq!(discipline.receive(piece), piece.len());
    }
    let mut read = Vec::new();
    while let Some(line) = discipline.read(10_000) {
        read.push(line);
    }
    (read, discipline.take_output(10_000))
}

#[test]
fn lines_are_edited() {
    let mut d = Discipline::new();
    let (read, shown) = typed(&mut d, &[b"abx\x7fc\r"]);
    assert_eq!(read, [b"abc\n"]);
    assert_eq!(shown, b"abx\x08 \x08c\r\n");
    assert_eq!(typed(&mut d, &[b"one two\x17\x17x\n"]).0, [b"x\n"]);
    assert_eq!(typed(&mut d, &[b"gone\x15here\n"]).0, [b"here\n"]);
    assert_eq!(typed(&mut d, &[b"a\x16\x7f\n"]).0, [b"a\x7f\n"]);
}

#[test]
fn an_end_of_file_ends_a_line_without_being_in_it() {
    let mut d = Discipline::new();
    assert_eq!(typed(&mut d, &[b"ab\x04\x04c\n"]).0, [&b"ab"[..], b"", b"c\n"]);
    d.receive(b"abc\x04");
    assert_eq!(d.read(3), Some(b"abc".to_vec()));
    assert_eq!(d.read(3), None, "the end right behind what was read belongs to it");
}

#[test]
fn a_line_that_is_too_long_can_still_end() {
    let mut d = Discipline::new();
    assert_eq!(d.receive(&[b'x'; 10_000]), 10_000);
    d.receive(b"\n");
    let line = d.read(10_000).unwrap();
    assert_eq!((line.len(), line.last()), (4096, Some(&b'\n')));
}

#[test]
fn with_a_line_waiting_input_waits_for_room() {
    let mut d = Discipline::new();
    d.receive(b"line\n");
    let taken = d.receive(&[b'x'; 10_000]);
    assert_eq!(taken, 4095 - 5);
    d.read(100);
    assert_eq!(d.receive(b"y"), 1);
}

#[test]
fn signals_flush() {
    let mut d = Discipline::new();
    d.receive(b"first\n");
    d.take_output(100);
    let (read, shown) = typed(&mut d, &[b"sec\x03ond\n"]);
    assert_eq!(d.take_signals(), [Signal::SIGINT]);
    assert_eq!((read, shown), (vec![b"ond\n".to_vec()], b"^Cond\r\n".to_vec()));
    assert_eq!(d.take_packet(), Packet::FLUSHREAD | Packet::FLUSHWRITE);
    let mut d = with(|t| t.lflag |= LocalModes::NOFLSH.bits());
    assert_eq!(typed(&mut d, &[b"sec\x1aond\n"]).0, [b"second\n"]);
    assert_eq!(d.take_signals(), [Signal::SIGTSTP]);
}

#[test]
fn output_stops_and_goes_on() {
    let mut d = Discipline::new();
    d.receive(b"\x13");
    assert_eq!((d.write(b"abc"), d.takes_output()), (0, false));
    d.receive(b"x");
    assert_eq!(d.output_len(), 0, "the echo waits too");
    d.receive(b"\x11");
    assert_eq!((d.take_output(9), d.write(b"abc")), (b"x".to_vec(), 3));
    d.hold(true);
    d.receive(b"\x11");
    assert_eq!(d.write(b"abc"), 0, "no character goes on what a program holds");
    d.hold(false);
    assert_eq!(d.write(b"abc"), 3);
}

#[test]
fn output_is_processed() {
    let mut d = with(|t| t.oflag |= OutputModes::XTABS.bits());
    d.write(b"a\tb\n\tc");
    assert_eq!(d.take_output(100), b"a       b\r\n        c");
    let mut d = raw();
    d.write(b"a\n");
    assert_eq!(d.take_output(100), b"a\n");
}

#[test]
fn characters_of_several_bytes_are_erased_whole() {
    let mut d = with(|t| t.iflag |= InputModes::IUTF8.bits());
    let (read, shown) = typed(&mut d, &["aä€\x7f\x7fb\n".as_bytes()]);
    assert_eq!(read, [b"ab\n"]);
    assert_eq!(shown, "aä€\x08 \x08\x08 \x08b\r\n".as_bytes());
}

#[test]
fn an_erased_tab_goes_back_to_where_it_began() {
    let mut d = Discipline::new();
    d.write(b"$ ");
    d.take_output(10);
    assert_eq!(typed(&mut d, &[b"a\t\x7f"]).1, b"a\t\x08\x08\x08\x08\x08");
}

#[test]
fn raw_input_is_as_it_came() {
    let mut d = raw();
    let bytes: Vec<u8> = (0..=255).collect();
    assert_eq!(d.receive(&bytes), 256);
    assert_eq!(d.read(1000), Some(bytes));
    assert_eq!((d.read(1), d.output_len()), (None, 0));
}

#[test]
fn polling_waits_for_the_minimum() {
    let mut d = with(|t| {
        t.lflag = 0;
        t.cc[ControlCharacter::Min as usize] = 3;
    });
    d.receive(b"ab");
    assert!(!d.is_readable());
    d.receive(b"c");
    assert!(d.is_readable());
}

#[test]
fn what_waits_becomes_a_line_when_lines_begin() {
    let mut d = raw();
    d.receive(b"abc");
    let lines = abi::termios::Termios { lflag: LocalModes::ICANON.bits(), ..*d.termios() };
    d.set(lines);
    assert_eq!((d.waiting(), d.read(10)), (3, Some(b"abc".to_vec())));
}

#[test]
fn a_pseudoterminal_keeps_eight_bits() {
    let d = with(|t| t.cflag = 0);
    assert_eq!(d.termios().cflag, 0xb0);
}

#[test]
fn memory_is_bounded() {
    let mut d = Discipline::new();
    for _ in 0..100 {
        d.receive(&[b'\x01'; 1000]);
        d.write(&[b'\n'; 1000]);
    }
    assert!(d.input.len() <= super::input::CAPACITY);
    assert!(d.output_len() <= super::output::CAPACITY && d.echoes.len() <= 4096);
}

//! The declarations against the header that the C library's packages install.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use super::structures::layouts;
use super::{FileFlags, InitFlags, Opcode};

const HEADER: &str = "/usr/include/linux/fuse.h";

/// Fields that were padding in older headers.
const NEWER: &[&str] = &["backing_id", "max_stack_depth", "request_timeout", "unused"];

/// Runs a C program whose main function is this.
fn run(body: &str) -> String {
    let directory = std::env::temp_dir().join(format!("fuse-wire-{}-{}", std::process::id(), body.len()));
    std::fs::create_dir_all(&directory).unwrap();
    let (source, program) = (directory.join("a.c"), directory.join("a"));
    let text = format!(
        "#include <stdio.h>\n#include <stddef.h>\n#include <sys/ioctl.h>\n#include <linux/fuse.h>\nint main(void) {{\n{body}return 0;\n}}\n"
    );
    std::fs::write(&source, text).unwrap();
    let built = Command::new("gcc").arg("-w").arg("-o").arg(&program).arg(&source).output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let said = Command::new(&program).output().unwrap();
    std::fs::remove_dir_all(&directory).unwrap();
    String::from_utf8(said.stdout).unwrap()
}

/// Whether there is a header to compare with.
fn there_is_a_header() -> bool {
    let there = Path::new(HEADER).exists() && Command::new("gcc").arg("--version").output().is_ok();
    if !there {
        eprintln!("skipped: no {HEADER}, or no gcc");
    }
    there
}

#[test]
fn sizes_and_offsets_are_the_headers() {
    if !there_is_a_header() {
        return;
    }
    let header = std::fs::read_to_string(HEADER).unwrap();
    let (mut body, mut expected) = (String::new(), String::new());
    for (name, size, fields) in layouts() {
        // What a header older than the protocol does not know cannot be compared.
        if !header.contains(&format!("struct {name} {{")) {
            continue;
        }
        writeln!(body, "printf(\"{name} %zu\\n\", sizeof(struct {name}));").unwrap();
        writeln!(expected, "{name} {size}").unwrap();
        for (field, offset) in fields.into_iter().filter(|(field, _)| !NEWER.contains(field)) {
            let theirs = if field == "kind" { "type" } else { field };
            writeln!(body, "printf(\"{name}.{field} %zu\\n\", offsetof(struct {name}, {theirs}));").unwrap();
            writeln!(expected, "{name}.{field} {offset}").unwrap();
        }
    }
    assert_eq!(run(&body), expected);
}

/// Those that this machine's header may not have yet.
#[test]
fn the_newest_have_the_sizes_of_the_protocol() {
    use super::{BackingMap, InitOut, OpenOut, StatxIn, StatxOut, SxStat};
    assert_eq!((size_of::<SxStat>(), size_of::<StatxIn>(), size_of::<StatxOut>()), (256, 24, 288));
    assert_eq!((size_of::<BackingMap>(), size_of::<OpenOut>(), size_of::<InitOut>()), (16, 16, 64));
    assert_eq!(std::mem::offset_of!(InitOut, max_stack_depth), 36);
}

#[test]
fn numbers_are_the_headers() {
    if !there_is_a_header() {
        return;
    }
    let (mut body, mut expected) = (String::new(), String::new());
    let mut compare = |name: &str, value: u64| {
        let known = std::fs::read_to_string(HEADER).unwrap().contains(name);
        if known {
            writeln!(body, "printf(\"{name} %llu\\n\", (unsigned long long){name});").unwrap();
            writeln!(expected, "{name} {value}").unwrap();
        }
    };
    Opcode::ALL.iter().for_each(|opcode| compare(opcode.name(), u64::from(opcode.number())));
    for (name, flag) in InitFlags::all().iter_names() {
        compare(&format!("FUSE_{name}"), flag.bits());
    }
    for (name, flag) in FileFlags::all().iter_names() {
        compare(&format!("FOPEN_{name}"), flag.bits().into());
    }
    compare("FUSE_DEV_IOC_CLONE", super::DEV_IOC_CLONE.into());
    compare("FUSE_DEV_IOC_BACKING_OPEN", super::DEV_IOC_BACKING_OPEN.into());
    compare("FUSE_DEV_IOC_BACKING_CLOSE", super::DEV_IOC_BACKING_CLOSE.into());
    compare("FUSE_MIN_READ_BUFFER", super::MIN_READ_BUFFER as u64);
    assert_eq!(run(&body), expected);
}

//! Finding, moving and placing, against the disassembler's understanding of the code before and after.

use iced_x86::{Decoder, DecoderOptions, Instruction, OpKind};
use proptest::prelude::*;

use super::trampoline::jump;
use super::*;

const GATE: u64 = 0x7ff0_0000_0000;
const PAGE_BYTES: usize = 4096;

/// A page of one-byte instructions with this code at an offset.
fn page(at: usize, code: &[u8]) -> Vec<u8> {
    let mut page = vec![0x90; PAGE_BYTES];
    page[at..at + code.len()].copy_from_slice(code);
    page
}

fn find(code: &[u8], syscall: usize, number: u32) -> Result<Site, Refusal> {
    Site::find(&page(256, code), 256 + syscall, number)
}

const SYSCALL: [u8; 2] = [0x0f, 0x05];

/// `syscall` and what follows.
fn general(after: &[u8]) -> Result<Site, Refusal> {
    find(&[SYSCALL.as_slice(), after].concat(), 0, 39)
}

#[test]
fn a_wrapper_with_its_number_keeps_its_system_call() {
    let site = find(&[0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xc3], 5, 39).unwrap();
    assert_eq!(site, Site { start: 256, form: Form::Numbered(39) });
    assert_eq!((site.length(), site.boundaries().count()), (5, 0));
    // The page may end within the system call.
    let at_end = page(4090, &[0xb8, 39, 0, 0, 0, 0x0f]);
    assert_eq!(Site::find(&at_end, 4095, 39), Ok(Site { start: 4090, form: Form::Numbered(39) }));
}

#[test]
fn another_number_or_register_is_no_wrapper() {
    let code = [0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0x48, 0x3d, 1, 0xf0, 0xff, 0xff];
    assert!(matches!(find(&code, 5, 40).unwrap().form, Form::Displaced(_)));
    // mov $39,%r8d
    let code = [0x41, 0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0x48, 0x3d, 1, 0xf0, 0xff, 0xff];
    assert!(matches!(find(&code, 6, 39).unwrap().form, Form::Displaced(_)));
    // movl $39,-0x48(%rbp)
    let code = [0xc7, 0x45, 0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0x48, 0x3d, 1, 0xf0, 0xff, 0xff];
    assert!(matches!(find(&code, 7, 39).unwrap().form, Form::Displaced(_)));
}

#[test]
fn the_generic_wrapper_moves_its_comparison() {
    let site = general(&[0x48, 0x3d, 1, 0xf0, 0xff, 0xff, 0x73, 1, 0xc3]).unwrap();
    assert_eq!((site.start, site.length()), (256, 8));
    assert_eq!(site.boundaries().collect::<Vec<_>>(), [2]);
}

#[test]
fn a_return_needs_padding_behind_it() {
    // At 256 + 3: padding up to the next multiple of 16.
    assert_eq!(general(&[&[0xc3][..], &[0xcc; 13]].concat()).unwrap().length(), 5);
    let nops = [0xc3, 0x66, 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0, 0x66, 0x90];
    assert_eq!(general(&nops).unwrap().length(), 5);
    assert_eq!(general(&[&[0xc3][..], &[0; 13]].concat()).unwrap().length(), 5);
    assert_eq!(general(&[0xc3, 0x55, 0x48, 0x89, 0xe5]), Err(Refusal::Unmovable));
    // The next function stands right behind.
    let at_end = page(256 + 13, &[0x0f, 0x05, 0xc3]);
    assert_eq!(Site::find(&at_end, 256 + 13, 1), Err(Refusal::Unmovable));
}

#[test]
fn what_stands_behind_a_return_moves_if_a_branch_leads_there() {
    // As in musl's calls that can be cancelled: jne, syscall, ret, and the jump that the first leads to.
    let code =
        |distance| [0x75, distance, 0x90, 0x90, 0x90, 0x90, 0x0f, 0x05, 0xc3, 0xe9, 0x22, 0x13, 0xff, 0xff];
    let site = find(&code(7), 6, 0).unwrap();
    assert_eq!((site.start, site.length()), (262, 8));
    assert_eq!(site.boundaries().collect::<Vec<_>>(), [2, 3]);
    assert_eq!(find(&code(6), 6, 0), Err(Refusal::Unmovable));
    for start in [0x1f36_0000, -0x15ca_0000] {
        for from in (0..0x36_0000).step_by(0x1_3577) {
            let at = Area::new(start).take(&site, from).unwrap();
            assert!(jump(&site, from, at).is_some(), "{start:#x} {from:#x}");
        }
    }
}

#[test]
fn what_cannot_move_stays() {
    let codes: [&[u8]; 12] = [
        &[0xe8, 0, 0, 0, 0],
        &[0xff, 0xd0, 0x90, 0x90],
        &[0xe3, 5, 0x90, 0x90],
        &[0xe2, 5, 0x90, 0x90],
        &[0x0f, 0x05, 0x90, 0x90],
        &[0xf3, 0x0f, 0x1e, 0xfa],
        &[0xcc, 0x90, 0x90, 0x90],
        &[0xcd, 0x80, 0x90, 0x90],
        &[0x0f, 0x0b, 0x90, 0x90],
        &[0x06, 0x90, 0x90, 0x90],
        &[0xc7, 0xf8, 0, 0, 0, 0],
        &[0x48, 0xff, 0x6d, 0],
    ];
    for code in codes {
        assert_eq!(general(code), Err(Refusal::Unmovable), "{code:x?}");
    }
    assert_eq!(Site::find(&page(4093, &SYSCALL), 4093, 1), Err(Refusal::PageEnd));
    assert_eq!(Site::find(&page(4095, &[0x0f]), 4095, 1), Err(Refusal::PageEnd));
    assert_eq!(Site::find(&page(0, &[]), 17, 1), Err(Refusal::NotThere));
    assert_eq!(Site::find(&page(0, &[]), 1 << 20, 1), Err(Refusal::NotThere));
    assert_eq!(find(&[0x66, 0x0f, 0x05, 0x90, 0x90, 0x90], 1, 1), Err(Refusal::Unmovable));
}

#[test]
fn invalid_bytes_begin_no_instruction() {
    for byte in INVALID {
        for next in 0..=255 {
            let code =
                [byte, next, 0x44, 0x24, 0x08, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90];
            assert!(Decoder::new(64, &code, DecoderOptions::NONE).decode().is_invalid(), "{byte:x} {next:x}");
        }
    }
}

#[test]
fn sites_of_one_page_get_trampolines_of_their_own() {
    let mut text = page(256, &[0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xc3]);
    text[512..520].copy_from_slice(&[0x0f, 0x05, 0x48, 0x3d, 1, 0xf0, 0xff, 0xff]);
    let mut image = Image::new(-0x1000_0000, GATE);
    let first = image.add(0x5000 + 261, 39, &text).unwrap();
    let second = image.add(0x5000 + 512, 39, &text).unwrap();
    assert_eq!(
        (first.pages, first.version, second.pages, second.version),
        (vec![0x5000], 1, vec![0x5000], 2)
    );
    assert_eq!(image.add(0x5000 + 261, 39, &text), Err(Refusal::Overlap));
    let (pristine, current) = image.page(0x5000).unwrap();
    assert_eq!(pristine, text);
    assert_eq!(
        (current[256], current[512], &current[261..263], &current[517..520]),
        (0xe9, 0xe9, &SYSCALL[..], &[6; 3][..])
    );
    let place = image.site_at(0x5000 + 514).unwrap();
    let moved = place.moved(0x5000 + 514).unwrap();
    assert_eq!(image.trampoline_at(moved).unwrap().original(moved), Some(0x5000 + 514));
    assert_eq!(place.original(place.at), Some(0x5000 + 512));
    assert_eq!(place.moved(0x5000 + 513), None);
    assert!(image.site_at(0x5000 + 520).is_none() && image.trampoline_at(image.area() - 1).is_none());
    let numbered = image.site_at(0x5000 + 256).unwrap();
    assert_eq!(numbered.original(numbered.at), Some(0x5000 + 256));
    assert_eq!(numbered.original(numbered.at + 5), Some(0x5000 + 261));
}

#[test]
fn a_site_that_reaches_into_the_next_page_joins_the_two() {
    let mut text = vec![0x90; 2 * PAGE_BYTES];
    text[PAGE_BYTES - 1..PAGE_BYTES + 7].copy_from_slice(&[0x0f, 0x05, 0x48, 0x3d, 0, 0xf0, 0xff, 0xff]);
    for at in [64, PAGE_BYTES + 64] {
        text[at..at + 8].copy_from_slice(&[0x0f, 0x05, 0x48, 0x3d, 0, 0xf0, 0xff, 0xff]);
    }
    let mut image = Image::new(-0x1000_0000, GATE);
    let only = image.add(0x5000 + 64, 39, &text).unwrap();
    assert_eq!((only.pages, only.version), (vec![0x5000], 1));
    let across = image.add(0x5fff, 39, &text).unwrap();
    assert_eq!((across.pages, across.version), (vec![0x5000, 0x6000], 2));
    assert!(image.is_joined(0x5000) && !image.is_joined(0x6000));
    let placed = image.site_at(0x5fff).unwrap();
    let current = [image.page(0x5000).unwrap().1, image.page(0x6000).unwrap().1].concat();
    assert_eq!(current[PAGE_BYTES - 1..PAGE_BYTES - 1 + placed.jump.len()], placed.jump);
    assert_eq!(image.pristine(placed).unwrap(), text[PAGE_BYTES - 1..PAGE_BYTES + 7]);
    // What comes to one of them makes both anew.
    let later = image.add(0x6000 + 64, 39, &text[PAGE_BYTES..]).unwrap();
    assert_eq!((later.pages, later.version), (vec![0x5000, 0x6000], 3));
    assert_eq!(image.pages().collect::<Vec<_>>(), [(0x5000, 3), (0x6000, 3)]);
    // Without a next page there is nothing to be done.
    assert_eq!(Image::new(0, GATE).add(0x5fff, 39, &text[..PAGE_BYTES]), Err(Refusal::PageEnd));
}

#[test]
fn an_area_takes_hundreds_of_sites() {
    let mut area = Area::new(-0x1000_0000);
    let site = general(&[0x48, 0x3d, 1, 0xf0, 0xff, 0xff]).unwrap();
    let mut places: Vec<(i64, i64)> = Vec::new();
    for n in 0..400 {
        let from = 0x2_6000 + n * 3000;
        let at = area.take(&site, from).unwrap();
        assert!(at >= area.start && at + 33 <= area.end());
        assert!(jump(&site, from, at).is_some());
        places.push((at, at + i64::try_from(Trampoline::length(&site)).unwrap()));
    }
    places.sort_unstable();
    assert!(places.windows(2).all(|pair| pair[0].1 <= pair[1].0));
}

/// Instructions as compilers put them behind a system call.
fn instruction() -> impl Strategy<Value = Vec<u8>> {
    let fixed: Vec<Vec<u8>> = [
        "483d01f0ffff",
        "483d00f0ffff",
        "4889c5",
        "85c0",
        "4885c0",
        "5a",
        "5d",
        "415c",
        "c9",
        "90",
        "f7d8",
        "488b442408",
        "8944240c",
        "31c0",
        "f30f6f0424",
        "c5f877",
        "4883c418",
        "c3",
        "f3c3",
        "4898",
        "0fb6c0",
        "0f94c0",
        "f0480fc10f",
        "64488b042528000000",
        "4c89d2",
        "3d00f0ffff",
        "ffe0",
        "660f1f440000",
        "e8aabbccdd",
        "0f0b",
        "e305",
    ]
    .iter()
    .map(|hex| {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    })
    .collect();
    let with = |head: &'static [u8], tail: &'static [u8]| {
        any::<i32>().prop_map(move |d| [head, &(d >> 2).to_le_bytes(), tail].concat())
    };
    prop_oneof![
        8 => proptest::sample::select(fixed),
        1 => with(&[0x48, 0x8b, 0x05], &[]),
        1 => with(&[0x48, 0x8d, 0x35], &[]),
        1 => with(&[0x81, 0x3d], &[1, 2, 3, 4]),
        1 => with(&[0x0f, 0x87], &[]),
        1 => with(&[0xe9], &[]),
        1 => (0x70..0x80_u8, any::<u8>()).prop_map(|(code, to)| vec![code, to]),
        1 => any::<u8>().prop_map(|to| vec![0xeb, to]),
        1 => any::<[u8; 6]>().prop_map(|bytes| bytes.to_vec()),
    ]
}

fn decode(code: &[u8], ip: u64) -> Instruction {
    Decoder::with_ip(64, code, ip, DecoderOptions::NONE).decode()
}

/// Whether two instructions do the same, each at its place.
fn same(one: &Instruction, other: &Instruction) -> bool {
    let operand = |i: &Instruction, n: u32| match i.op_kind(n) {
        OpKind::NearBranch64 => (0, i.near_branch64()),
        OpKind::Register => (1, i.op_register(n) as u64),
        OpKind::Memory => {
            let scale = i.memory_index() as u64 * 16 + u64::from(i.memory_index_scale());
            (2, i.memory_displacement64() ^ scale << 48 ^ (i.memory_base() as u64) << 56)
        }
        kind => (3 + kind as u64, i.try_immediate(n).unwrap_or(0)),
    };
    one.mnemonic() == other.mnemonic()
        && one.op_count() == other.op_count()
        && one.has_lock_prefix() == other.has_lock_prefix()
        && one.segment_prefix() == other.segment_prefix()
        && (0..one.op_count()).all(|n| operand(one, n) == operand(other, n))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn moved_code_means_the_same(
        at in 64..4000_usize,
        base in 0..1_u64 << 30,
        area in prop_oneof![Just(-0x1000_0000_i64), Just(0x2000_0000), Just(-0x20_0000)],
        codes in proptest::collection::vec(instruction(), 1..6),
        padded in any::<bool>(),
    ) {
        let base = base & !0xfff;
        let mut code = [SYSCALL.as_slice(), &codes.concat()].concat();
        code.truncate(PAGE_BYTES - at);
        let mut text = page(at, &code);
        if padded {
            let end = (at + code.len()).min(PAGE_BYTES);
            text[end..(end + 16).min(PAGE_BYTES)].fill(0xcc);
        }
        let mut image = Image::new(area, GATE);
        let added = match image.add(base + at as u64, 39, &text) {
            Ok(added) => added,
            Err(refusal) => {
                prop_assert!(matches!(refusal, Refusal::Unmovable | Refusal::PageEnd | Refusal::NoPlace));
                return Ok(());
            }
        };
        let (_, current) = image.page(base).unwrap();
        let placed = image.site_at(base + at as u64).unwrap();
        let length = usize::try_from(placed.length).unwrap();
        // Nothing but the site has changed.
        prop_assert_eq!(&current[..at], &text[..at]);
        prop_assert_eq!(&current[at + length..], &text[at + length..]);
        let entry = decode(&current[at..], base + at as u64);
        prop_assert_eq!(entry.near_branch64().cast_signed(), placed.at);
        // The gate gets what it is promised.
        let trampoline = &added.code;
        prop_assert_eq!(added.area_offset.cast_signed() + area, placed.at);
        let load = decode(trampoline, placed.at.cast_unsigned());
        let resume = usize::try_from(load.ip_rel_memory_address().wrapping_sub(placed.at.cast_unsigned())).unwrap();
        prop_assert_eq!(&trampoline[resume - 2..resume], &SYSCALL);
        prop_assert_eq!(&trampoline[7..20], &[&[0x49, 0xbb][..], &GATE.to_le_bytes(), &[0x41, 0xff, 0xe3]].concat()[..]);
        // Instruction by instruction, until one ends it or all bytes of the site are covered.
        let (mut offset, mut moved) = (2, resume);
        loop {
            let to = placed.at + i64::try_from(moved).unwrap();
            if offset >= 5 && moved + 5 == trampoline.len() && offset == length {
                let back = decode(&trampoline[moved..], to.cast_unsigned());
                prop_assert_eq!(back.near_branch64(), base + (at + length) as u64);
                break;
            }
            let old = decode(&text[at + offset..], base + (at + offset) as u64);
            let new = decode(&trampoline[moved..], to.cast_unsigned());
            prop_assert!(same(&old, &new), "{old:?} became {new:?}");
            prop_assert_eq!(placed.moved(base + (at + offset) as u64), Some(to));
            prop_assert_eq!(placed.original(to), Some(base + (at + offset) as u64));
            // Who jumps there finds no instruction.
            prop_assert!(decode(&current[at + offset..], 0).is_invalid());
            offset += old.len();
            moved += new.len();
            if moved == trampoline.len() {
                break;
            }
        }
        prop_assert_eq!(Trampoline::length(&Site::find(&text, at, 39).unwrap()), trampoline.len());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0..220_usize, number in any::<u32>()) {
        let mut bytes = bytes;
        if let Some(place) = bytes.get_mut(at..at + 2) {
            place.copy_from_slice(&SYSCALL);
        }
        let _ = Site::find(&bytes, at, number);
    }
}

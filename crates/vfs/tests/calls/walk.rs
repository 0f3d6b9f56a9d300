//! Walking paths.

use crate::tree::{at, mount, name, open, tree, walk};
use abi::Errno;
use vfs::{Caller, Fd, Lookup, MountFlags, OpenFlags, OpenHow, Resolve};

const O_PATH: u32 = OpenFlags::PATH.bits();

#[test]
fn paths_lead_where_linux_leads() {
    let world = tree(&[
        "d/",
        "d/e/",
        "d/e/f",
        "d/up -> ..",
        "abs -> /d/e",
        "rel -> d/e/f",
        "slash -> d/",
        "dangling -> nowhere",
        "a -> b",
        "b -> a",
        "deep -> d/up/d/up/d/e",
    ]);
    let cases: &[(&str, Result<&str, Errno>)] = &[
        ("/", Ok("/")),
        (".", Ok("/")),
        ("..", Ok("/")),
        ("/../..", Ok("/")),
        ("d", Ok("/d")),
        ("d/", Ok("/d")),
        ("//d///e//", Ok("/d/e")),
        ("d/./e/../e", Ok("/d/e")),
        ("d/e/f", Ok("/d/e/f")),
        ("d/e/f/", Err(Errno::ENOTDIR)),
        ("d/e/f/.", Err(Errno::ENOTDIR)),
        ("d/e/f/x", Err(Errno::ENOTDIR)),
        ("d/e/f/..", Err(Errno::ENOTDIR)),
        ("x", Err(Errno::ENOENT)),
        ("x/..", Err(Errno::ENOENT)),
        ("abs", Ok("/d/e")),
        ("abs/f", Ok("/d/e/f")),
        ("rel", Ok("/d/e/f")),
        ("rel/", Err(Errno::ENOTDIR)),
        ("slash", Ok("/d")),
        ("d/up/d", Ok("/d")),
        ("deep", Ok("/d/e")),
        ("dangling", Err(Errno::ENOENT)),
        ("a", Err(Errno::ELOOP)),
        ("a/x", Err(Errno::ELOOP)),
        ("", Err(Errno::ENOENT)),
    ];
    for (path, expected) in cases {
        assert_eq!(walk(&world, path), expected.map(String::from), "{path}");
    }
}

#[test]
fn forty_links_are_followed_and_no_more() {
    let mut entries = vec![String::from("end"), String::from("l0 -> end")];
    entries.extend((1..=40).map(|n| format!("l{n} -> l{}", n - 1)));
    let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
    let world = tree(&entries);
    assert_eq!(walk(&world, "l39"), Ok(String::from("/end")));
    assert_eq!(walk(&world, "l40"), Err(Errno::ELOOP));
}

#[test]
fn long_names_and_paths_are_refused() {
    let world = tree(&[]);
    assert_eq!(walk(&world, &"x".repeat(256)), Err(Errno::ENAMETOOLONG));
    assert_eq!(walk(&world, &"x".repeat(255)), Err(Errno::ENOENT));
    assert_eq!(walk(&world, &"./".repeat(2048)), Err(Errno::ENAMETOOLONG));
    assert_eq!(walk(&world, &"./".repeat(2047)), Ok(String::from("/")));
}

#[test]
fn mounts_are_crossed_both_ways() {
    let world = tree(&["m/", "m/hidden", "other"]);
    mount(&world, "m", MountFlags::empty());
    assert_eq!(walk(&world, "m/hidden"), Err(Errno::ENOENT));
    open(&world, "m/new", 0o101).unwrap();
    assert_eq!(walk(&world, "m/../other"), Ok(String::from("/other")));
    mount(&world, "m", MountFlags::empty());
    assert_eq!(walk(&world, "m/new"), Err(Errno::ENOENT));
    assert_eq!(walk(&world, "m/.."), Ok(String::from("/")));
    world.caller().unmount(&at("m"), vfs::UnmountFlags::empty()).unwrap();
    assert_eq!(walk(&world, "m/new"), Ok(String::from("/m/new")));
}

#[test]
fn dotdot_does_not_leave_a_changed_root() {
    let world = tree(&["jail/", "jail/in/", "jail/out -> /../../secret", "secret"]);
    let caller = world.caller();
    let jail = caller.find_path(&at("jail"), Lookup::FOLLOW).unwrap();
    let inside = Caller { root: &jail, working_directory: &jail, ..caller };
    let find = |path: &str| inside.find_path(&at(path), Lookup::FOLLOW).map(|place| name(&world, &place));
    assert_eq!(find(".."), Ok(String::from("/jail")));
    assert_eq!(find("in/../../.."), Ok(String::from("/jail")));
    assert_eq!(find("/secret"), Err(Errno::ENOENT));
    assert_eq!(find("out"), Err(Errno::ENOENT));
}

#[test]
fn a_descriptor_is_asked_only_for_relative_paths() {
    let world = tree(&["d/", "f"]);
    let caller = world.caller();
    let find = |fd, path: &'static [u8]| {
        caller.find_path(&vfs::At::new(Fd(fd), path), Lookup::FOLLOW).map(|place| name(&world, &place))
    };
    assert_eq!(find(77, b"/d"), Ok(String::from("/d")));
    assert_eq!(find(77, b"d"), Err(Errno::EBADF));
    let file = open(&world, "f", 0).unwrap();
    let fd = caller.files.install(file, false, 0, 10).unwrap();
    assert_eq!(find(fd.0, b"d"), Err(Errno::ENOTDIR));
    let found = caller.find(&vfs::At::new(fd, b""), Lookup::EMPTY).unwrap();
    assert_eq!(found.attributes().unwrap().kind, vfs::FileKind::Regular);
}

#[test]
fn openat2_confines_walks() {
    let world = tree(&["d/", "d/e/", "d/e/f", "d/out -> ../d/e", "d/abs -> /e/f", "d/in -> e/f", "top"]);
    mount(&world, "d/e", MountFlags::empty());
    let caller = world.caller();
    let base = caller.find_path(&at("d"), Lookup::FOLLOW).unwrap();
    let find = |path: &str, resolve| {
        let at = vfs::At::from(&base, path.as_bytes());
        caller
            .resolve(&at, Lookup::FOLLOW, resolve)
            .and_then(|f| f.path_or(Errno::EIO))
            .map(|p| name(&world, &p))
    };
    assert_eq!(find("../top", Resolve::BENEATH), Err(Errno::EXDEV));
    assert_eq!(find("/top", Resolve::BENEATH), Err(Errno::EXDEV));
    assert_eq!(find("out", Resolve::BENEATH), Err(Errno::EXDEV));
    assert_eq!(find("e/..", Resolve::BENEATH), Ok(String::from("/d")));
    assert_eq!(find("../../e", Resolve::IN_ROOT), Ok(String::from("/d/e")));
    assert_eq!(find("/e", Resolve::IN_ROOT), Ok(String::from("/d/e")));
    assert_eq!(find("abs", Resolve::IN_ROOT), Err(Errno::ENOENT));
    assert_eq!(find("in", Resolve::NO_SYMLINKS), Err(Errno::ELOOP));
    assert_eq!(find("e", Resolve::NO_XDEV), Err(Errno::EXDEV));
    assert_eq!(find(".", Resolve::NO_XDEV), Ok(String::from("/d")));
    assert_eq!(find("nothing", Resolve::CACHED), Err(Errno::EAGAIN));
}

#[test]
fn openat2_refuses_what_it_does_not_know() {
    let path = u64::from(O_PATH);
    assert_eq!(OpenHow::strict(1 << 40, 0, 0), Err(Errno::EINVAL));
    assert_eq!(OpenHow::strict(0, 0o644, 0), Err(Errno::EINVAL));
    assert_eq!(OpenHow::strict(0, 0, 0x18), Err(Errno::EINVAL));
    assert_eq!(OpenHow::strict(path | 2, 0, 0), Err(Errno::EINVAL));
    assert_eq!(OpenHow::strict(0o100, 0o10_644, 0), Err(Errno::EINVAL));
    assert_eq!(OpenHow::strict(0o1000, 0, 0x20), Err(Errno::EAGAIN));
    assert!(OpenHow::strict(0o100, 0o644, 0x08).is_ok());
}

#[test]
fn a_path_descriptor_names_but_does_not_open() {
    let world = tree(&["f", "link -> f"]);
    let file = open(&world, "f", O_PATH).unwrap();
    assert_eq!(file.read(&mut vfs::io::VecSink::new(1)), Err(Errno::EBADF));
    assert_eq!(file.attributes().unwrap().kind, vfs::FileKind::Regular);
    let link = open(&world, "link", O_PATH | OpenFlags::NOFOLLOW.bits()).unwrap();
    assert_eq!(link.attributes().unwrap().kind, vfs::FileKind::Symlink);
    assert_eq!(open(&world, "link", OpenFlags::NOFOLLOW.bits()).err(), Some(Errno::ELOOP));
}

//! The calls that are compared.

use crate::random::Random;

/// What a call gave: a text of everything that can be seen of it, or the error number.
pub type Outcome = Result<String, i32>;

/// Something that files can be kept in.
pub trait World {
    /// Makes a call.
    fn apply(&mut self, call: &Call) -> Outcome;
}

/// A system call with its arguments. Handles are numbers of a small table of open files.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names of the calls and of their arguments")]
pub enum Call {
    Mkdir { path: String, mode: u32 },
    Rmdir { path: String },
    Unlink { path: String },
    Symlink { target: String, path: String },
    Link { from: String, to: String, follow: bool },
    Rename { from: String, to: String, flags: u32 },
    Fifo { path: String, mode: u32 },
    Open { slot: usize, path: String, flags: u32, mode: u32 },
    Close { slot: usize },
    Write { slot: usize, offset: u64, length: usize, fill: u8 },
    Append { slot: usize, length: usize, fill: u8 },
    Read { slot: usize, offset: u64, length: usize },
    Ftruncate { slot: usize, size: u64 },
    Fallocate { slot: usize, mode: u32, offset: u64, length: u64 },
    SeekData { slot: usize, offset: u64 },
    SeekHole { slot: usize, offset: u64 },
    Fstat { slot: usize },
    Stat { path: String },
    Lstat { path: String },
    Readlink { path: String },
    Chmod { path: String, mode: u32 },
    Chown { path: String, uid: u32, gid: u32 },
    Truncate { path: String, size: u64 },
    Times { path: String, accessed: i64, modified: i64 },
    List { path: String },
    SetXattr { path: String, name: String, value: String, flags: u32 },
    GetXattr { path: String, name: String },
    RemoveXattr { path: String, name: String },
    ListXattrs { path: String },
    Access { path: String, mode: u32 },
}

const NAMES: &[&str] = &["a", "b", "c", "d"];
const WR: u32 = 0o1;
const RDWR: u32 = 0o2;
const CREAT: u32 = 0o100;
const EXCL: u32 = 0o200;
const TRUNC: u32 = 0o1000;
const APPEND: u32 = 0o2000;
const DIRECTORY: u32 = 0o200_000;
const NOFOLLOW: u32 = 0o400_000;
const TMPFILE: u32 = 0o20_200_000;

impl Call {
    /// One of them, with arguments from so small a choice that calls meet.
    ///
    /// Memory reserved by fallocate(2) is sometimes data and sometimes a hole to Linux, by rules that nobody relies on: so a sequence either
    /// `reserves` memory or looks for holes.
    #[must_use]
    pub fn random(random: &mut Random, reserves: bool) -> Self {
        let slot = usize::try_from(random.below(4)).unwrap_or(0);
        match random.below(48) {
            0..4 => Self::Mkdir { path: path(random), mode: random.pick(&[0o777, 0o700, 0o2755, 0o1777]) },
            4 | 5 => Self::Rmdir { path: path(random) },
            6..8 => Self::Unlink { path: path(random) },
            8 | 9 => Self::Symlink { target: target(random), path: path(random) },
            10 | 11 => Self::Link { from: path(random), to: path(random), follow: random.once_in(2) },
            12..15 => Self::Rename {
                from: path(random),
                to: path(random),
                flags: random.pick(&[0, 0, 0, 1, 2, 4, 3]),
            },
            15 => Self::Fifo { path: path(random), mode: 0o644 },
            16..22 => Self::Open {
                slot,
                path: path(random),
                flags: flags(random),
                mode: random.pick(&[0o644, 0o600, 0o4755]),
            },
            22 => Self::Close { slot },
            23..26 => Self::Write { slot, offset: offset(random), length: length(random), fill: b'w' },
            26 => Self::Append { slot, length: length(random), fill: b'p' },
            27 | 28 => Self::Read { slot, offset: offset(random), length: length(random) },
            29 => Self::Ftruncate { slot, size: offset(random) },
            30 => Self::Fallocate {
                slot,
                mode: if reserves { random.pick(&[0, 1, 3, 2, 8]) } else { 3 },
                offset: offset(random),
                length: random.pick(&[0, 1, 4096, 5000, 20_000]),
            },
            31 if !reserves => Self::SeekData { slot, offset: offset(random) },
            32 if !reserves => Self::SeekHole { slot, offset: offset(random) },
            31..34 => Self::Fstat { slot },
            34 => Self::Stat { path: path(random) },
            35 | 36 => Self::Lstat { path: path(random) },
            37 => Self::Readlink { path: path(random) },
            38 => Self::Chmod {
                path: path(random),
                mode: random.pick(&[0o644, 0o6755, 0o2644, 0o1777, 0o4700, 0o770, 0o2775, 0o055, 0o300]),
            },
            39 => Self::Chown {
                path: path(random),
                uid: random.pick(&[u32::MAX, 0, 1000]),
                gid: random.pick(&[u32::MAX, 0, 1000, 1001]),
            },
            40 => Self::Truncate { path: path(random), size: offset(random) },
            41 => Self::Times {
                path: path(random),
                accessed: random.pick(&[0, 1_000_000_000, -5]),
                modified: 1_234_567,
            },
            42 => Self::List { path: path(random) },
            43 => Self::SetXattr {
                path: path(random),
                name: xattr(random),
                value: random.pick(&["", "x", "value"]).into(),
                flags: random.pick(&[0, 0, 1, 2]),
            },
            44 => Self::GetXattr { path: path(random), name: xattr(random) },
            45 => Self::RemoveXattr { path: path(random), name: xattr(random) },
            46 => Self::ListXattrs { path: path(random) },
            _ => Self::Access { path: path(random), mode: random.pick(&[0, 4, 2, 1]) },
        }
    }
}

/// One to three names, sometimes with a `.`, a `..` behind a name, or a slash at the end.
fn path(random: &mut Random) -> String {
    let mut text = random.pick(NAMES).to_owned();
    for _ in 0..random.pick(&[0, 0, 0, 1, 1, 2]) {
        text.push('/');
        text.push_str(random.pick(NAMES));
    }
    match random.below(24) {
        0 => text.push('/'),
        1 => text.push_str("/."),
        2 => text.push_str("/c/.."),
        3 => text = format!("./{text}"),
        _ => {}
    }
    text
}

fn target(random: &mut Random) -> String {
    let second = random.pick(NAMES);
    random.pick(&[second, "a/b", "nowhere", "b/", "d/c/a"]).to_owned()
}

fn flags(random: &mut Random) -> u32 {
    let access = random.pick(&[0, WR, RDWR, RDWR]);
    access
        | random.pick(&[
            0,
            CREAT,
            CREAT,
            CREAT | EXCL,
            TRUNC,
            CREAT | TRUNC,
            CREAT | DIRECTORY,
            DIRECTORY,
            NOFOLLOW,
            CREAT | NOFOLLOW,
            APPEND | CREAT,
            TMPFILE,
        ])
}

fn offset(random: &mut Random) -> u64 {
    random.pick(&[0, 1, 100, 4095, 4096, 5000, 8192, 12_288, 20_000, 100_000])
}

fn length(random: &mut Random) -> usize {
    random.pick(&[0, 1, 17, 4096, 5000, 9000])
}

fn xattr(random: &mut Random) -> String {
    random.pick(&["user.one", "user.two", "user.", "odd", "security.test", "trusted.three"]).to_owned()
}

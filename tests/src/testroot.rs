//! The root filesystem that the programs run in: a small Debian, built once by mmdebstrap and cached.
//!
//! Suite and mirror are those of the machine's own apt, so a machine behind a proxy or a mirror needs no setting.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use rustix::fs::{FlockOperation, flock};

use crate::tools;

/// What the programs under test come from.
const PACKAGES: &[&str] = &[
    "bash",
    "bc",
    "bsdextrautils",
    "coreutils",
    "diffutils",
    "file",
    "findutils",
    "gawk",
    "gcc",
    "git",
    "grep",
    "gzip",
    "less",
    "libc6-dev",
    "?name(^libpython3[.][0-9]+-testsuite$)",
    "make",
    "musl-tools",
    "nodejs",
    "openssh-client",
    "openssl",
    "patch",
    "perl",
    "procps",
    "psmisc",
    "python3",
    "sed",
    "sqlite3",
    "strace",
    "tar",
    "tmux",
    "util-linux",
    "vim-tiny",
    "xz-utils",
];

/// Left out of the packages: no program reads them.
const EXCLUDED: &[&str] =
    &["/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*"];

/// Directories that the tests mount things on.
const MOUNT_POINTS: &[&str] = &["cases", "work"];

/// A root with more in it than most tests need.
#[derive(Debug)]
pub struct Extra<'a> {
    /// What its directory is called.
    pub name: &'a str,
    /// Packages besides those of the test root.
    pub packages: &'a [&'a str],
    /// Source packages, whose archives come to `/usr/src`.
    pub sources: &'a [&'a str],
    /// What a shell in the root does at last, to build from these.
    pub build: &'a str,
}

/// The tests' own.
const TESTS: Extra<'static> = Extra { name: "testroot", packages: &[], sources: &[], build: "" };

/// Where the root is, once [`ensure`] has built it: `$CASEMATE_TESTROOT`, or `casemate/testroot` in the user's cache
/// directory, so that all work trees share it.
///
/// # Errors
/// If neither a cache nor a home directory is set.
pub fn path() -> Result<PathBuf> {
    match std::env::var_os("CASEMATE_TESTROOT") {
        Some(chosen) => Ok(PathBuf::from(chosen)),
        None => cached(TESTS.name),
    }
}

/// Where something that is kept from run to run lies: in the user's cache directory.
///
/// # Errors
/// As [`path`].
pub(crate) fn cached(name: &str) -> Result<PathBuf> {
    let cache = match (std::env::var_os("XDG_CACHE_HOME"), std::env::var_os("HOME")) {
        (Some(cache), _) => PathBuf::from(cache),
        (None, Some(home)) => Path::new(&home).join(".cache"),
        (None, None) => {
            bail!("neither CASEMATE_TESTROOT, XDG_CACHE_HOME nor HOME says where to build the test root")
        }
    };
    Ok(cache.join("casemate").join(name))
}

/// Builds the root unless it is there and of this recipe. Returns its path.
///
/// # Errors
/// If the caller is not root, or apt or mmdebstrap fails.
pub fn ensure() -> Result<PathBuf> {
    ensure_at(path()?, &TESTS)
}

/// As [`ensure`], for a root with more in it, in the cache directory too.
///
/// # Errors
/// As [`ensure`].
pub fn ensure_with(extra: &Extra<'_>) -> Result<PathBuf> {
    ensure_at(cached(extra.name)?, extra)
}

fn ensure_at(root: PathBuf, extra: &Extra<'_>) -> Result<PathBuf> {
    let parent = root.parent().context("the test root has no parent directory")?;
    fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
    let lock = File::create(root.with_extension("lock")).context("cannot create the test root's lock")?;
    flock(&lock, FlockOperation::LockExclusive)?;

    let recipe = recipe(extra);
    let stamp = root.with_extension("recipe");
    if root.is_dir() && fs::read_to_string(&stamp).is_ok_and(|built| built == recipe) {
        return Ok(root);
    }
    if !rustix::process::geteuid().is_root() {
        bail!("building {} needs root", root.display());
    }
    let _ = fs::remove_file(&stamp);
    build(&root, extra)?;
    fs::write(&stamp, recipe)?;
    Ok(root)
}

/// Text that changes whenever the root has to be built again.
fn recipe(extra: &Extra<'_>) -> String {
    let own = format!("{}\n{}\n{}\n", PACKAGES.join(" "), EXCLUDED.join(" "), MOUNT_POINTS.join(" "));
    if extra.packages.is_empty() && extra.sources.is_empty() {
        return own;
    }
    format!("{own}{}\n{}\n{}", extra.packages.join(" "), extra.sources.join(" "), extra.build)
}

fn build(root: &Path, extra: &Extra<'_>) -> Result<()> {
    let (mirror, suite) = archive()?;
    eprintln!("building a root in {} (about a minute)", root.display());
    let new = root.with_extension("new");
    tools::remove_tree(&new)?;
    let mut command = Command::new("mmdebstrap");
    command.arg("--quiet").arg("--mode=root").arg("--variant=apt");
    command.arg(format!("--include={}", [PACKAGES, extra.packages].concat().join(",")));
    for path in EXCLUDED {
        command.arg(format!("--dpkgopt=path-exclude={path}"));
    }
    for point in MOUNT_POINTS {
        command.arg(format!("--customize-hook=mkdir \"$1/{point}\""));
    }
    // The building machine's name and resolver are none of the tests' business.
    command.arg("--customize-hook=echo casemate >\"$1/etc/hostname\"; : >\"$1/etc/resolv.conf\"");
    for source in extra.sources {
        // By the building machine's apt, with the lists of the new root: that knows how to reach the archive.
        command.arg(format!(
            "--customize-hook=cd \"$1/usr/src\" && APT_CONFIG=\"$MMDEBSTRAP_APT_CONFIG\" apt-get -qq source --download-only {source}"
        ));
    }
    if !extra.build.is_empty() {
        command.arg(format!("--customize-hook=chroot \"$1\" sh -e -c '{}'", extra.build));
    }
    command.arg(&suite).arg(&new).arg(&mirror);
    if !extra.sources.is_empty() {
        command.arg(format!("deb-src {mirror} {suite} main"));
    }
    tools::succeed(&mut command)?;
    tools::remove_tree(root)?;
    fs::rename(&new, root)?;
    Ok(())
}

/// The mirror and the suite that this machine installs its own packages from.
fn archive() -> Result<(String, String)> {
    let codename = os_release("VERSION_CODENAME")?;
    let format = "$(ORIGIN) $(CODENAME) $(COMPONENT) $(SITE)";
    let listed = tools::output(Command::new("apt-get").args([
        "indextargets",
        "--format",
        format,
        "Created-By: Packages",
    ]))?;
    for line in listed.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let [_, name, "main", site] = words.as_slice()
            && *name == codename
        {
            return Ok(((*site).to_owned(), codename));
        }
    }
    bail!("apt has no list for {codename} main: run apt-get update")
}

fn os_release(key: &str) -> Result<String> {
    let text = fs::read_to_string("/etc/os-release").context("cannot read /etc/os-release")?;
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    Ok(value.with_context(|| format!("/etc/os-release has no {key}"))?.trim_matches('"').to_owned())
}

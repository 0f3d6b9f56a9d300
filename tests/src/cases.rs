//! Brings `tests/cases` to where containers see it, with the C programs compiled.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::place::{Place, top};
use crate::tools;

/// How the C programs are compiled, inside the test root and on the host's kernel. A name that ends in `_static` is linked statically.
const COMPILE: &str = r#"set -e
mount --bind "$2" "$1/cases"
exec chroot "$1" sh -c 'cd /cases/c && mkdir ../bin && printf "%s\n" *.c | xargs -P 2 -I{} sh -c "
  f={}; n=\${f%.c}; case \$n in *_static) s=-static;; *) s=;; esac
  gcc -O1 -Wall -Wextra -Werror -pthread \$s -o ../bin/\$n \$f -lm"'
"#;

/// Copies and compiles.
///
/// # Errors
/// If a program does not compile.
pub fn build(place: &Place) -> Result<()> {
    copy(&top().join("tests/cases"), &place.cases)?;
    let script = ["--mount", "--", "sh", "-c", COMPILE, "sh"];
    tools::succeed(Command::new("unshare").args(script).arg(&place.root).arg(&place.cases))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

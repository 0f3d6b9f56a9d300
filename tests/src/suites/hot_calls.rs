//! Who gains from patched call sites: programs of each C library, static ones, and Go's.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::lifecycle::done;
use super::support::{LIMIT, Running};
use crate::bundle;
use crate::place::Place;
use crate::programs::SERVERS;
use crate::sandbox::Sandbox;
use crate::testroot;

/// How many calls a program makes in each form.
const CALLS: u64 = 4000;
const COMPILERS: [&str; 4] = ["gcc", "gcc -static", "musl-gcc", "musl-gcc -static"];
const FORMS: [&str; 3] = ["wrapper", "generic", "cancellable"];

/// Most calls of hot sites reach the sentry through windows, from whatever the program is made with.
pub(super) fn of_c_libraries(place: &Place) -> Result<()> {
    let script = format!(
        "for how in '{}'; do
            $how -O1 -pthread -o /work/hot /cases/c/hot_calls.c || exit
            for form in {}; do
                echo \"$how, $form\"; read line
                /work/hot $form {CALLS}
                echo made; read line
            done
        done",
        COMPILERS.join("' '"),
        FORMS.join(" ")
    );
    let config = bundle::config(&place.root, place, &["sh", "-c", &script], true);
    let mut calls = Calls::start(place, "hot-calls", &config)?;
    for compiler in COMPILERS {
        for form in FORMS {
            calls.through_windows(&format!("{compiler}, {form}"), CALLS / 2)?;
        }
    }
    calls.end()
}

/// A program whose run-time system makes its calls itself.
pub(super) fn of_go(place: &Place) -> Result<()> {
    // It looks at each of some 2,000 files.
    let script = "echo files; read line; rclone lsf -R --files-only /usr/share 2>/dev/null | wc -l; echo made; read line";
    let root = testroot::ensure_with(&SERVERS)?;
    let mut config = bundle::config(&root, place, &["sh", "-c", script], true);
    super::support::set(&mut config, "/process/env", serde_json::json!(["PATH=/usr/bin:/bin", "HOME=/tmp"]))?;
    let mut calls = Calls::start(place, "hot-calls-go", &config)?;
    calls.through_windows("files", 1000)?;
    calls.end()
}

/// A program that is told when to make its calls.
struct Calls {
    sandbox: Sandbox,
    running: Running,
}

impl Calls {
    fn start(place: &Place, name: &str, config: &Value) -> Result<Self> {
        let mut sandbox = Sandbox::with_config(place, name, config)?;
        sandbox.options = &["--patch", "on"];
        let running = Running::start(&mut sandbox.command("c"))?;
        Ok(Self { sandbox, running })
    }

    /// Lets it make those that it has named, and sees how at least so many get to the sentry.
    fn through_windows(&mut self, named: &str, least: u64) -> Result<()> {
        self.running.expect_within(LIMIT, named)?;
        let before = self.so_far()?;
        self.running.say("\n")?;
        self.running.expect_within(LIMIT, "made")?;
        let counted = self.so_far()? - before;
        ensure!(
            counted >= least,
            "{named}: {counted} calls through windows, not {least}; {}",
            self.sandbox.logged()
        );
        self.running.say("\n")
    }

    fn so_far(&self) -> Result<u64> {
        let counters: Value =
            serde_json::from_str(&done(&self.sandbox, &["debug", "--platform", "--format", "json", "c"])?)?;
        let of =
            |name: &str| counters.get(name).and_then(Value::as_u64).with_context(|| format!("no {name}"));
        // Whoever serves a window is told either by a ring or by looking at it.
        Ok(of("calls-rung")? + of("calls-polled")?)
    }

    fn end(self) -> Result<()> {
        let outcome = self.running.finish()?;
        ensure!(outcome.code == Some(0), "{} {}", outcome.shown(), self.sandbox.logged());
        Ok(())
    }
}

//! Whole programs on the real platform and the whole table, compared with what they do on the host.
//!
//! There is no gofer and no sentry here: a program lies alone in a tmpfs, and what it writes is collected. Where there is
//! no C compiler the tests say so and pass.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod build;
mod sandbox;

use std::process::Command;

fn compare(name: &str) {
    let (Some(init), Some(program)) = (build::init(), build::program(name)) else { return };
    let native = Command::new(&program).output().unwrap();
    let inside = sandbox::run(&init, &program);
    let expected = String::from_utf8_lossy(&native.stdout).into_owned();
    for (line, (want, got)) in expected.lines().zip(inside.output.lines()).enumerate() {
        assert_eq!(want, got, "{name}: line {}:\n{}", line + 1, inside.output);
    }
    assert_eq!(expected, inside.output, "{name}: ended as {}", inside.status);
    assert_eq!(native.status.code(), Some(inside.status), "{name}");
}

macro_rules! programs {
    ($($name:ident),* $(,)?) => {
        $(#[test]
        fn $name() {
            compare(stringify!($name));
        })*
    };
}

programs!(
    signal_actions,
    signal_children,
    signal_faults,
    signal_queue,
    signal_restart,
    signal_stack,
    signal_threads,
    signal_vector,
    timers_posix,
);

//! Call sites that are patched while their programs run.

use std::time::Duration;

use crate::interrupts::interrupt_until_end;
use crate::supervisor::{Exit, World, build, patching};

/// Runs a guest to its end. Returns what it wrote before its last line, and how many calls it made that are counted.
fn run(program: &str, arguments: &[&str]) -> Option<(String, u64)> {
    let program = build::guest(program)?;
    let mut said = None;
    patching(|| {
        let world = World::new(&program);
        let (exit, output) = world.run(arguments);
        assert_eq!((exit, output.lines().last()), (Exit::Code(0), Some("ok")), "{arguments:?}: {output}");
        said = Some((output, world.counted()));
        world.finish();
    });
    said
}

#[test]
fn each_form_is_patched_and_does_the_same() {
    run("patching", &["forms"]);
}

#[test]
fn eight_threads_run_on_while_their_sites_are_patched_and_restored_ten_thousand_times() {
    let Some((output, counted)) = run("patching", &["threads", "10000"]) else { return };
    let made = output.lines().find_map(|line| line.strip_prefix("made ")).unwrap();
    assert_eq!(made.parse::<u64>().unwrap(), counted);
}

#[test]
fn a_thread_inside_a_call_comes_back_to_what_its_site_has_become() {
    run("patching", &["inside"]);
}

#[test]
fn a_jump_behind_a_system_call_is_repaired() {
    run("patching", &["boundary"]);
}

#[test]
fn what_a_guest_does_to_its_text_stays() {
    run("patching", &["own_text_before"]);
    run("patching", &["own_text_after"]);
    run("patching", &["breakpoints"]);
}

#[test]
fn forks_keep_what_is_patched_and_programs_are_mapped_patched() {
    run("patching", &["processes"]);
}

#[test]
fn interrupts_find_trampolines_at_any_moment() {
    let Some(program) = build::guest("patching") else { return };
    patching(|| {
        let mut interrupts = 0;
        // A program may be through before this thread has had its share of the processor.
        while interrupts <= 20 {
            let world = World::new(&program);
            let task = world.start(&["loop", "170"]);
            interrupts += interrupt_until_end(&world, &task, Duration::ZERO, u64::MAX);
            assert_eq!(world.wait(task.tgid), Exit::Code(0), "{}", world.output());
            assert_eq!(world.counted(), 170 * 9 * 60);
            drop(task);
            world.finish();
        }
    });
}

#[test]
fn other_programs_run_on() {
    for arguments in [
        &["calls", "20000"][..],
        &["registers"],
        &["threads_fork"],
        &["waits", "0"],
        &["faults"],
        &["forks"],
        &["fork_loop", "200", "quick"],
        &["fork_loop", "200", "slow"],
        &["vforks"],
    ] {
        run("basic", arguments);
    }
}

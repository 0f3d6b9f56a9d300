//! Calls through the gate: nothing is lost, doubled or spoilt, whatever happens in it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::interrupts::interrupt_until_end;
use crate::supervisor::{Exit, World, build};

/// The guest's program, where the gate can work.
fn program() -> Option<std::path::PathBuf> {
    let (_, hwcap2) = rustix::param::linux_hwcap();
    if hwcap2 & 2 == 0 {
        eprintln!("skipped: the processor has no FSGSBASE, so there is no gate");
        return None;
    }
    build::guest("gate")
}

fn run(arguments: &[&str]) -> Option<Arc<World>> {
    let world = World::new(&program()?);
    let (exit, output) = world.run(arguments);
    assert_eq!((exit, output.lines().last()), (Exit::Code(0), Some("ok")), "{arguments:?}: {output}");
    Some(world)
}

#[test]
fn registers_and_red_zone_survive_the_gate() {
    if let Some(world) = run(&["registers", "1000"]) {
        assert_eq!(world.counted(), 1000);
        world.finish();
    }
}

#[test]
fn the_gate_answers_from_what_is_published() {
    run(&["local", "20000"]).into_iter().for_each(World::finish);
}

#[test]
fn memory_goes_through_the_window() {
    run(&["window", "2000"]).into_iter().for_each(World::finish);
    run(&["window", "100", "quick"]).into_iter().for_each(World::finish);
}

#[test]
fn every_thread_and_process_has_a_page_of_its_own() {
    run(&["pages"]).into_iter().for_each(World::finish);
    run(&["pages", "0", "quick"]).into_iter().for_each(World::finish);
}

#[test]
fn a_guest_that_uses_gs_keeps_it() {
    run(&["own_gs"]).into_iter().for_each(World::finish);
}

#[test]
fn faults_in_the_gate_make_the_call_a_plain_one() {
    run(&["faults"]).into_iter().for_each(World::finish);
}

#[test]
fn a_jump_to_anywhere_in_the_gate_harms_only_its_process() {
    run(&["jumps"]).into_iter().for_each(World::finish);
}

#[test]
fn twenty_thousand_interrupts_find_the_gate_at_any_moment() {
    let Some(program) = program() else { return };
    let world = World::new(&program);
    let task = world.start(&["identity", "1000000000"]);
    // Waited for, each costs this thread its turn: few, for machines that have other things to do.
    assert_eq!(interrupt_until_end(&world, &task, Duration::ZERO, 1_000), 1_000);
    // Each asks for the next. The first may fall together with the one asked for here.
    task.chain.store(19_000, Ordering::Relaxed);
    task.thread().interrupt();
    world.until("20,000 interrupts", |_| (task.interrupts.load(Ordering::Relaxed) >= 20_000).then_some(()));
    assert!(!world.has_ended(task.tgid), "{}", world.output());
    task.end_process(Exit::Code(0));
    assert_eq!(world.wait(task.tgid), Exit::Code(0));
    drop(task);
    world.finish();
}

#[test]
fn interrupts_lose_and_double_no_call_through_the_gate() {
    let Some(program) = program() else { return };
    let world = World::new(&program);
    let task = world.start(&["registers", "20000"]);
    interrupt_until_end(&world, &task, Duration::ZERO, u64::MAX);
    assert_eq!(world.wait(task.tgid), Exit::Code(0), "{}", world.output());
    assert_eq!(world.counted(), 20_000);
    drop(task);
    world.finish();
}

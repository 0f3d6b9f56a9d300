//! Static programs on the real platform, under a tiny kernel.

use crate::supervisor::{Exit, World, build};

fn run(arguments: &[&str]) {
    let Some(program) = build::guest("basic") else { return };
    let world = World::new(&program);
    let (exit, output) = world.run(arguments);
    assert_eq!((exit, output.as_str()), (Exit::Code(0), "ok\n"), "{arguments:?}");
    world.finish();
}

#[test]
pub(crate) fn a_program_runs() {
    run(&["hello"]);
}

#[test]
pub(crate) fn registers_and_vector_state_survive_calls_traps_and_forks() {
    run(&["registers"]);
    run(&["registers", "0", "quick"]);
}

#[test]
pub(crate) fn forks_copy_memory_and_nest() {
    run(&["forks"]);
    run(&["forks", "0", "quick"]);
}

#[test]
pub(crate) fn a_vforked_child_shares_memory_and_may_execute() {
    run(&["vforks"]);
}

#[test]
pub(crate) fn a_new_program_takes_over_the_process() {
    run(&["execs"]);
}

#[test]
pub(crate) fn threads_start_share_and_are_joined() {
    run(&["threads"]);
    run(&["threads", "0", "quick"]);
}

#[test]
pub(crate) fn a_process_forks_while_its_other_threads_work() {
    run(&["threads_fork"]);
    run(&["threads_fork", "0", "quick"]);
}

#[test]
pub(crate) fn a_main_thread_may_end_first() {
    run(&["main_exits"]);
}

#[test]
pub(crate) fn two_hundred_threads_end_with_their_process() {
    run(&["many_threads"]);
}

#[test]
pub(crate) fn faults_reach_the_kernel_with_registers() {
    run(&["faults"]);
}

#[test]
pub(crate) fn files_are_mapped_private_and_shared() {
    run(&["files"]);
}

#[test]
pub(crate) fn memory_calls_work_and_spare_the_stub() {
    run(&["memory"]);
}

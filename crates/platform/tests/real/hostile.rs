//! A guest that attacks its stub harms nobody but itself.

use crate::supervisor::{Exit, World, build};

fn attack(arguments: &[&str], end: Exit) {
    let Some(program) = build::guest("hostile") else { return };
    let world = World::new(&program);
    // A bystander of the same image, which must not notice.
    let (exit, output) = world.run(arguments);
    assert_eq!(exit, end, "{arguments:?}: {output}");
    if end == Exit::Code(0) {
        assert_eq!(output, "ok\n", "{arguments:?}");
    }
    // The platform still works.
    assert_eq!(world.run(&["nothing"]), (Exit::Code(0), "ok\n".to_owned()));
    world.finish();
}

#[test]
fn calls_from_the_stubs_text_are_refused() {
    attack(&["calls"], Exit::Code(0));
}

#[test]
fn forged_clones_are_refused() {
    attack(&["clones"], Exit::Code(0));
}

#[test]
fn there_are_no_descriptors_to_map() {
    attack(&["descriptors"], Exit::Code(0));
}

#[test]
fn own_code_in_the_stubs_text_has_no_more_rights() {
    attack(&["own_code"], Exit::Code(0));
}

#[test]
fn forged_rings_gain_nothing() {
    attack(&["rings"], Exit::Code(0));
}

#[test]
fn a_thread_that_posts_in_anothers_window_harms_only_its_process() {
    let Some(program) = build::guest("hostile") else { return };
    for _ in 0..3 {
        let world = World::new(&program);
        let (exit, output) = world.run(&["scribbles"]);
        // Found out, and killed, or lucky.
        assert!(matches!(exit, Exit::Signal(9) | Exit::Code(0)), "{exit:?}: {output}");
        assert_eq!(world.run(&["nothing"]), (Exit::Code(0), "ok\n".to_owned()));
        world.finish();
    }
}

#[test]
fn other_abis_do_nothing() {
    attack(&["abis"], Exit::Code(0));
}

#[test]
fn without_its_stub_a_process_dies() {
    attack(&["unmap_text"], Exit::Signal(11));
    attack(&["unmap_slots"], Exit::Signal(11));
}

#[test]
fn with_its_signals_blocked_a_process_dies() {
    attack(&["block_signals"], Exit::Signal(31));
}

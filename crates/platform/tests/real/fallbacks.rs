//! Guests on hosts that lack something: each mechanism is withheld in turn.

use platform::stubs::Mechanisms;

use crate::supervisor::without;
use crate::{deaths, interrupts, programs, stops};

macro_rules! withheld {
    ($($name:ident: $mechanisms:expr;)*) => { $(
        mod $name {
            use super::*;

            #[test]
            fn programs_run() {
                without($mechanisms, || {
                    programs::registers_and_vector_state_survive_calls_traps_and_forks();
                    programs::a_vforked_child_shares_memory_and_may_execute();
                    programs::a_new_program_takes_over_the_process();
                    programs::threads_start_share_and_are_joined();
                    programs::a_process_forks_while_its_other_threads_work();
                    programs::a_main_thread_may_end_first();
                });
            }

            #[test]
            fn interrupts_lose_and_double_nothing() {
                without($mechanisms, || {
                    interrupts::no_call_is_lost_or_doubled();
                    interrupts::a_parked_call_ends_once_and_the_interruption_follows();
                    interrupts::a_native_futex_wait_is_interrupted();
                    interrupts::three_threads_are_interrupted_at_once();
                    interrupts::forks_under_interrupts_make_no_phantoms();
                });
            }

            #[test]
            fn guests_die_and_stop() {
                without($mechanisms, || {
                    deaths::a_calling_guest_is_killed();
                    deaths::a_guest_with_threads_is_killed();
                    deaths::a_forking_guest_is_killed();
                    stops::a_calling_guest_is_stopped_and_continued();
                });
            }
        }
    )* };
}

withheld! {
    synchronous_wake_up: Mechanisms::SYNCHRONOUS_WAKE_UP;
    end_wakes_receiver: Mechanisms::END_WAKES_RECEIVER;
    prompt_answers: Mechanisms::PROMPT_ANSWERS;
    segment_instructions: Mechanisms::SEGMENT_INSTRUCTIONS;
    all: Mechanisms::all();
}

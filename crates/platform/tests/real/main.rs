//! The platform on the host it is meant for: static C programs under a tiny kernel ([`supervisor`]).
//!
//! Nothing here is mocked. Where there is no C compiler the tests say so and pass.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "what fails here fails the test"
)]

mod deaths;
mod fallbacks;
mod gate;
mod hostile;
mod interrupts;
mod memory;
mod patching;
mod programs;
mod speed;
mod stops;
mod supervisor;

//! `e2e [FILTER]...`: runs the end-to-end tests. `cargo xtask e2e` builds what they need and calls this.
#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use integration_tests::place::Place;
use integration_tests::{enclosure, failures, programs, suites, sweep, times};
use libtest_mimic::{Arguments, Trial};

/// How many tests run at once: they are heavy, and the machines of a project's CI are small.
const PARALLEL: usize = 2;

fn main() -> Result<ExitCode> {
    // libtest-mimic takes one filter; several are handy.
    let (filters, options): (Vec<_>, Vec<_>) =
        std::env::args().skip(1).partition(|word| !word.starts_with('-'));
    let mut arguments = Arguments::from_iter(std::iter::once("e2e".to_owned()).chain(options));
    arguments.test_threads.get_or_insert(PARALLEL);
    let trials = |place: &Arc<Place>| -> Vec<Trial> {
        let wanted =
            |trial: &Trial| filters.is_empty() || filters.iter().any(|filter| trial.name().contains(filter));
        let all = programs::all().map(|case| case.trial(place)).chain(suites::trials(place));
        all.filter(wanted).collect()
    };
    if arguments.list {
        let nowhere = Arc::new(Place::default());
        return Ok(libtest_mimic::run(&arguments, trials(&nowhere)).exit_code());
    }
    if let Some(reason) = enclosure::missing() {
        println!("end-to-end tests skipped: {reason}");
        println!("0 passed, 0 failed, {} skipped", programs::all().count() + suites::COUNT);
        return Ok(ExitCode::SUCCESS);
    }
    enclosure::enter()?;
    let place = Arc::new(Place::prepare()?);
    sweep::control_groups();
    let mut conclusion = libtest_mimic::run(&arguments, trials(&place));
    let failures = failures::take();
    let few = !failures.is_empty() && failures.len() <= failures::MOST;
    // Whoever panicked is not among them.
    if few && u64::try_from(failures.len())? == conclusion.num_failed {
        println!("again, alone:");
        arguments.test_threads = Some(1);
        let failed = |trial: &Trial| failures.iter().any(|failure| failure.name == trial.name());
        let again = libtest_mimic::run(&arguments, trials(&place).into_iter().filter(failed).collect());
        conclusion.num_passed += again.num_passed;
        conclusion.num_failed = again.num_failed;
        let still = failures::take();
        for first in failures.iter().filter(|first| still.iter().all(|still| still.name != first.name)) {
            println!("unsteady: {} passes alone; before, it said:\n{}\n", first.name, first.message);
        }
    }
    for (name, gap) in programs::all().filter_map(|case| Some((case.name, case.gap?))) {
        println!("skipped {name}: {gap}");
    }
    print!("{}", times::slowest());
    println!(
        "{} passed, {} failed, {} skipped",
        conclusion.num_passed, conclusion.num_failed, conclusion.num_ignored
    );
    Ok(conclusion.exit_code())
}

//! What the platform costs against the host itself. Not a test of anything: run it with
//! `cargo nextest run --release -p platform --run-ignored only --no-capture`.

use std::process::Command;

use crate::supervisor::{World, build};

fn numbers(text: &str) -> Vec<(String, f64)> {
    let number =
        |line: &str| line.split_once(' ').map(|(name, value)| (name.to_owned(), value.parse().unwrap()));
    text.lines().filter_map(number).collect()
}

#[test]
#[ignore = "a measurement"]
fn against_native() {
    let Some(program) = build::guest("speed") else { return };
    let native = Command::new(&program).output().unwrap();
    let native = numbers(&String::from_utf8_lossy(&native.stdout));
    let run = |arguments: &[&str]| {
        let world = World::new(&program);
        let (_, output) = world.run(arguments);
        world.finish();
        numbers(&output)
    };
    let (plain, quick) = (run(&[]), run(&["quick"]));
    println!(
        "{:16}{:>10}{:>10}{:>8}{:>18}{:>8}",
        "ns", "native", "stubs", "ratio", "parent_returns", "ratio"
    );
    for ((name, native), ((_, plain), (_, quick))) in native.iter().zip(plain.iter().zip(&quick)) {
        println!(
            "{name:16}{native:10.0}{plain:10.0}{:8.2}{quick:18.0}{:8.2}",
            plain / native,
            quick / native
        );
    }
}

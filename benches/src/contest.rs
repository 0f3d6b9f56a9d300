//! Two builds, row by row: what the second is of the first.

use crate::rounds::Results;
use crate::statistics::{Summary, summary};

/// Prints how `other` stands to `base`. A row is marked if the middle halves of the two lie apart: then it is more than chance.
pub(crate) fn print(results: &Results, base: &str, other: &str) {
    println!("\n| row | {other} / {base} | |");
    println!("|---|---|---|");
    for (row, of) in results.rows() {
        let [base, other] = [base, other].map(|name| of.get(name).and_then(|results| summary(results)));
        if let (Some(base), Some(other)) = (base, other) {
            println!("| {row} | {:.2} | {} |", other.median / base.median, verdict(base, other));
        }
    }
    println!();
}

fn verdict(base: Summary, other: Summary) -> &'static str {
    if other.high < base.low {
        "faster"
    } else if other.low > base.high {
        "slower"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spreads_that_touch_say_nothing() {
        let of = |results: &[f64]| summary(results).unwrap();
        let base = of(&[10.0, 11.0, 12.0]);
        assert_eq!(verdict(base, of(&[11.0, 12.0, 13.0])), "");
        assert_eq!(verdict(base, of(&[20.0, 21.0, 22.0])), "slower");
        assert_eq!(verdict(base, of(&[5.0, 6.0, 7.0])), "faster");
    }
}

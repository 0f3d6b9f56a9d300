//! Medians and spreads.

/// Some results of one row and one column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Summary {
    pub(crate) median: f64,
    /// The middle half of the results lies between these.
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// Nothing for no results.
pub(crate) fn summary(results: &[f64]) -> Option<Summary> {
    let mut sorted = results.to_vec();
    sorted.sort_by(f64::total_cmp);
    Some(Summary { median: at(&sorted, 2)?, low: at(&sorted, 1)?, high: at(&sorted, 3)? })
}

/// A quartile, between two results if need be.
fn at(sorted: &[f64], quarter: usize) -> Option<f64> {
    let place = sorted.len().checked_sub(1)? * quarter;
    let (below, rest) = (sorted.get(place / 4)?, place % 4);
    let above = sorted.get((place / 4) + 1).unwrap_or(below);
    Some(below + (above - below) * [0.0, 0.25, 0.5, 0.75].get(rest)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_lie_between_results() {
        assert_eq!(summary(&[]), None);
        assert_eq!(summary(&[3.0]), Some(Summary { median: 3.0, low: 3.0, high: 3.0 }));
        assert_eq!(summary(&[4.0, 1.0, 2.0, 3.0]), Some(Summary { median: 2.5, low: 1.75, high: 3.25 }));
        assert_eq!(summary(&[5.0, 1.0, 9.0]), Some(Summary { median: 5.0, low: 3.0, high: 7.0 }));
    }
}

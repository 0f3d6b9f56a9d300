//! `cpu.*`: processor time. There are no weights: the host shares its processors among all guests alike.

use std::time::Duration;

use abi::Errno;
use kernel::control_group::{Bandwidth, Controllers, Writer};

use super::{Row, Subject};
use crate::counters;
use crate::values::line;

pub(super) static ROWS: &[Row] = &[
    Row::setting("cpu.max", most, set_most).of(Controllers::CPU),
    Row::text("cpu.stat", |subject| {
        let mut text = counters::processor_time(subject)?;
        let limited = subject.kernel.control_groups.with(|tree| tree.controllers(subject.group));
        if limited.contains(Controllers::CPU) && !subject.is_container() {
            text.extend(periods(subject)?);
        }
        Ok(text)
    }),
];

fn periods(subject: &Subject) -> Result<Vec<u8>, Errno> {
    let Bandwidth { periods, stops, stopped, since, .. } = subject.look(|group| group.cpu)?;
    let stopped = stopped.saturating_add(since.map_or(Duration::ZERO, |since| since.elapsed()));
    line(format_args!("nr_periods {periods}\nnr_throttled {stops}\nthrottled_usec {}", stopped.as_micros()))
}

fn most(subject: &Subject) -> Result<Vec<u8>, Errno> {
    if subject.is_container() {
        return counters::time_limit();
    }
    let Bandwidth { quota, period, .. } = subject.look(|group| group.cpu)?;
    let quota = quota.map_or_else(|| String::from("max"), |quota| quota.as_micros().to_string());
    line(format_args!("{quota} {}", period.as_micros()))
}

/// A quota or "max", and perhaps a period, both in microseconds.
fn set_most(subject: &Subject, _: &Writer, text: &[u8]) -> Result<(), Errno> {
    const SHORTEST: Duration = Duration::from_millis(1);
    const LONGEST: Duration = Duration::from_secs(1);
    let text = str::from_utf8(text).map_err(|_| Errno::EINVAL)?;
    let mut words = text.split_ascii_whitespace();
    let micros = |word: &str| word.parse().map(Duration::from_micros).map_err(|_| Errno::EINVAL);
    let quota = match words.next().ok_or(Errno::EINVAL)? {
        "max" => None,
        quota => Some(micros(quota)?),
    };
    let period = words.next().map(micros).transpose()?;
    let period = match period {
        Some(period) => period,
        None => subject.look(|group| group.cpu.period)?,
    };
    let long_enough = quota.is_none_or(|quota| quota >= SHORTEST);
    if !long_enough || !(SHORTEST..=LONGEST).contains(&period) {
        return Err(Errno::EINVAL);
    }
    subject.limit(|group| {
        group.cpu.quota = quota;
        group.cpu.period = period;
    })
}

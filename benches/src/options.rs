//! The command line.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

pub(crate) const USAGE: &str = "usage: cargo xtask bench [OPTION]... [GROUP]...
  --rounds N          how often each column takes its turn (5)
  --quick             2 rounds of a tenth of the work: to see that all runs, not to compare
  --against BINARY    another build of casemate, as a column of its own
  --peer NAME=COMMAND an OCI runtime, as a column of its own; the command may have options, as in 'runsc=/opt/runsc --platform=kvm'
  --columns NAMES     only these of the columns, with commas between, as in native,casemate
  --pin CPUS          run everything on these processors, as taskset -c
  --json FILE         write all single results
  --charts DIRECTORY  write a chart for each group
runc and crun are columns wherever they are installed. Without groups all are run: calls files fuse events handover memory processes callers
start footprint idle work";

/// What the user wants.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) rounds: usize,
    pub(crate) quick: bool,
    pub(crate) against: Option<PathBuf>,
    /// Names and commands.
    pub(crate) peers: Vec<(String, String)>,
    /// None: all.
    columns: Option<Vec<String>>,
    pub(crate) pin: Option<String>,
    pub(crate) json: Option<PathBuf>,
    pub(crate) charts: Option<PathBuf>,
    groups: Vec<String>,
}

impl Options {
    /// Nothing if the user only wants to know how to use it.
    ///
    /// # Errors
    /// A sentence about what was not understood.
    pub(crate) fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Option<Self>> {
        let mut options = Self { rounds: 5, ..Self::default() };
        let mut rest = arguments.into_iter();
        while let Some(argument) = rest.next() {
            let mut value = || rest.next().with_context(|| format!("{argument} needs a value"));
            match argument.as_str() {
                "--help" | "-h" => return Ok(None),
                "--quick" => (options.quick, options.rounds) = (true, 2),
                "--rounds" => {
                    let rounds = value()?;
                    options.rounds =
                        rounds.parse().with_context(|| format!("--rounds {rounds}: no number"))?;
                }
                "--against" => options.against = Some(value()?.into()),
                "--peer" => {
                    let peer = value()?;
                    let (name, command) =
                        peer.split_once('=').with_context(|| format!("--peer {peer}: no '='"))?;
                    options.peers.push((name.to_owned(), command.to_owned()));
                }
                "--columns" => options.columns = Some(value()?.split(',').map(String::from).collect()),
                "--pin" => options.pin = Some(value()?),
                "--json" => options.json = Some(value()?.into()),
                "--charts" => options.charts = Some(value()?.into()),
                option if option.starts_with('-') => bail!("{option} is no option\n{USAGE}"),
                group if crate::group::GROUPS.iter().any(|g| g.name == group) => {
                    options.groups.push(argument)
                }
                other => bail!("there is no group {other}\n{USAGE}"),
            }
        }
        Ok(Some(options))
    }

    pub(crate) fn wants(&self, group: &str) -> bool {
        self.groups.is_empty() || self.groups.iter().any(|name| name == group)
    }

    pub(crate) fn wants_column(&self, name: &str) -> bool {
        self.columns.as_ref().is_none_or(|wanted| wanted.iter().any(|column| column == name))
    }

    /// Milliseconds that a micro benchmark takes, about.
    pub(crate) const fn milliseconds(&self) -> u32 {
        if self.quick { 10 } else { 100 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Option<Options>> {
        Options::parse(line.split_whitespace().map(String::from))
    }

    #[test]
    fn options_and_groups_come_in_any_order() {
        let options = parse("files --peer a=/b/c=d --rounds 3 --columns native,a start").unwrap().unwrap();
        assert_eq!(options.rounds, 3);
        assert_eq!(options.peers, [(String::from("a"), String::from("/b/c=d"))]);
        assert!(options.wants("files") && options.wants("start") && !options.wants("calls"));
        assert!(options.wants_column("a") && !options.wants_column("runc"));
        let all = parse("").unwrap().unwrap();
        assert!(all.wants("calls") && all.wants_column("runc"));
        assert_eq!(parse("--help").unwrap(), None);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for wrong in ["--rounds", "--rounds x", "--peer runsc", "--fast", "no-such-group"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}

//! What is known of the names in a directory that was made here a moment ago, so that names that are not there cost no message.
//!
//! Programs that unpack, copy or build look for each name before they make it. In a directory that they have just made every name is known.
//! That holds as long as nobody else changes the directory, and so is for [`crate::Caching::Exclusive`] alone; and though nobody should,
//! engines copy files into running containers: so it is believed while names come in quick succession, and not for longer.
//!
//! A name that comes is entered before the server is asked, and one that goes is taken out after it has answered, if no other came
//! meanwhile: so a name that is there is never denied.

use std::collections::HashSet;
use std::time::{Duration, Instant};

/// Names kept for one directory.
const MOST: usize = 4096;
/// How long after the last name came the others are known.
const FRESH: Duration = Duration::from_millis(20);

/// The names of one directory.
#[derive(Debug, Default)]
pub(crate) struct Names {
    all: Option<All>,
    /// Counts what began and what ended to bring a name.
    changes: u32,
    /// How many are bringing one.
    coming: u32,
}

/// No other names are there than these, some of which may not be, either.
#[derive(Debug)]
struct All {
    names: HashSet<Box<[u8]>>,
    /// When the last one came.
    last: Instant,
}

/// Where the count of changes stood: take it before asking the server, and hand it over with the answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Since(u32);

impl Names {
    /// The directory was made just now.
    pub(crate) fn are_none(&mut self) {
        self.all = Some(All { names: HashSet::new(), last: Instant::now() });
    }

    /// Whether the name is known not to be there.
    pub(crate) fn lack(&self, name: &[u8]) -> bool {
        self.all.as_ref().is_some_and(|all| !all.names.contains(name) && all.last.elapsed() < FRESH)
    }

    pub(crate) const fn since(&self) -> Since {
        Since(self.changes)
    }

    /// The server has taken the name away.
    pub(crate) fn went(&mut self, name: &[u8], since: Since) {
        if let Some(all) = self.all.as_mut().filter(|_| self.changes == since.0 && self.coming == 0) {
            all.names.remove(name);
        }
    }

    /// Somebody is about to make a name. [`Self::came`] follows, whatever becomes of it.
    pub(crate) fn comes(&mut self, name: &[u8]) {
        self.changes = self.changes.wrapping_add(1);
        self.coming += 1;
        if let Some(all) = &mut self.all {
            all.names.insert(name.into());
        }
        self.all.take_if(|all| all.names.len() > MOST || all.last.elapsed() >= FRESH);
    }

    /// The name is there now, or it has failed.
    pub(crate) fn came(&mut self) {
        self.changes = self.changes.wrapping_add(1);
        self.coming = self.coming.saturating_sub(1);
        if let Some(all) = &mut self.all {
            all.last = Instant::now();
        }
    }

    /// Nothing is known any more.
    pub(crate) fn forget(&mut self) {
        self.all = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Those of a new directory, which stays new for as long as a test takes.
    fn none() -> Names {
        let mut names = Names::default();
        names.are_none();
        names.all.as_mut().unwrap().last += Duration::from_secs(3600);
        names
    }

    fn bring(names: &mut Names, name: &[u8]) {
        names.comes(name);
        names.came();
        names.all.iter_mut().for_each(|all| all.last += Duration::from_secs(3600));
    }

    #[test]
    fn a_new_directory_lacks_all_names_but_those_that_come() {
        let mut names = none();
        assert!(names.lack(b"a"));
        bring(&mut names, b"a");
        assert!(!names.lack(b"a") && names.lack(b"b"));
        let since = names.since();
        names.went(b"a", since);
        assert!(names.lack(b"a"));
        assert!(!Names::default().lack(b"a"));
    }

    #[test]
    fn what_went_before_another_came_stays() {
        let mut names = none();
        let before = names.since();
        names.comes(b"a");
        let between = names.since();
        names.went(b"a", between);
        assert!(!names.lack(b"a"));
        names.came();
        names.went(b"a", before);
        names.went(b"a", between);
        assert!(!names.lack(b"a"));
    }

    #[test]
    fn a_full_directory_is_not_known_any_more() {
        let mut names = none();
        for index in 0..=MOST {
            bring(&mut names, &index.to_le_bytes());
        }
        assert!(!names.lack(b"something else"));
    }

    #[test]
    fn a_directory_is_new_for_a_moment() {
        let mut names = none();
        names.all.as_mut().unwrap().last = Instant::now().checked_sub(FRESH).unwrap();
        assert!(!names.lack(b"a"));
        names.comes(b"b");
        names.came();
        assert!(!names.lack(b"a"));
    }
}

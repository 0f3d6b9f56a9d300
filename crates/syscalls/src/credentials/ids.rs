//! The rules of credentials(7) by which user ids and group ids change: they are the same.

use abi::Errno;

use super::SAME;

/// A process's ids of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ids {
    pub(super) real: u32,
    pub(super) effective: u32,
    pub(super) saved: u32,
    pub(super) filesystem: u32,
}

impl Ids {
    /// setuid(2), setgid(2): all ids with the right to it (`free`), otherwise the effective one to the real or saved one.
    ///
    /// # Errors
    /// `EINVAL` for no id at all, `EPERM`.
    pub(super) fn set(self, free: bool, id: u32) -> Result<Self, Errno> {
        if id == SAME {
            return Err(Errno::EINVAL);
        }
        match free {
            true => Ok(Self { real: id, effective: id, saved: id, filesystem: id }),
            false if [self.real, self.saved].contains(&id) => {
                Ok(Self { effective: id, filesystem: id, ..self })
            }
            false => Err(Errno::EPERM),
        }
    }

    /// setreuid(2), setregid(2): the saved id follows the effective one if the real one is set, or the effective one to something new.
    ///
    /// # Errors
    /// `EPERM`.
    pub(super) fn set_two(self, free: bool, real: u32, effective: u32) -> Result<Self, Errno> {
        let mut new = self;
        if real != SAME {
            new.real = permitted(free, real, &[self.real, self.effective])?;
        }
        if effective != SAME {
            new.effective = permitted(free, effective, &[self.real, self.effective, self.saved])?;
        }
        if real != SAME || (effective != SAME && effective != self.real) {
            new.saved = new.effective;
        }
        new.filesystem = new.effective;
        Ok(new)
    }

    /// setresuid(2), setresgid(2): each to one of the three.
    ///
    /// # Errors
    /// `EPERM`.
    pub(super) fn set_three(self, free: bool, wanted: [u32; 3]) -> Result<Self, Errno> {
        let mut new = self;
        for (wanted, slot) in wanted.into_iter().zip([&mut new.real, &mut new.effective, &mut new.saved]) {
            if wanted != SAME {
                *slot = permitted(free, wanted, &[self.real, self.effective, self.saved])?;
            }
        }
        new.filesystem = new.effective;
        Ok(new)
    }

    /// setfsuid(2), setfsgid(2): nothing if it is not allowed, or changes nothing.
    pub(super) fn set_filesystem(self, free: bool, id: u32) -> Option<Self> {
        let allowed = free || [self.real, self.effective, self.saved].contains(&id);
        (id != SAME && id != self.filesystem && allowed).then_some(Self { filesystem: id, ..self })
    }
}

fn permitted(free: bool, wanted: u32, own: &[u32]) -> Result<u32, Errno> {
    if free || own.contains(&wanted) { Ok(wanted) } else { Err(Errno::EPERM) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: Ids = Ids { real: 1, effective: 2, saved: 3, filesystem: 2 };

    #[test]
    fn one_id_sets_all_or_the_effective_one() {
        let all = Ids { real: 9, effective: 9, saved: 9, filesystem: 9 };
        assert_eq!(OWN.set(true, 9), Ok(all));
        assert_eq!(OWN.set(false, 3), Ok(Ids { effective: 3, filesystem: 3, ..OWN }));
        assert_eq!(OWN.set(false, 2), Err(Errno::EPERM));
        assert_eq!(OWN.set(true, SAME), Err(Errno::EINVAL));
    }

    #[test]
    fn the_saved_id_follows_a_new_effective_one() {
        let kept = Ids { effective: 1, filesystem: 1, ..OWN };
        assert_eq!(OWN.set_two(false, SAME, 1), Ok(kept));
        assert_eq!(OWN.set_two(false, SAME, 3), Ok(Ids { effective: 3, saved: 3, filesystem: 3, ..OWN }));
        assert_eq!(OWN.set_two(false, 2, SAME), Ok(Ids { real: 2, saved: 2, ..OWN }));
        assert_eq!(OWN.set_two(false, 3, SAME), Err(Errno::EPERM));
        assert_eq!(OWN.set_two(true, 7, 8), Ok(Ids { real: 7, effective: 8, saved: 8, filesystem: 8 }));
    }

    #[test]
    fn three_ids_change_among_themselves() {
        let turned = Ids { real: 3, effective: 1, saved: 2, filesystem: 1 };
        assert_eq!(OWN.set_three(false, [3, 1, 2]), Ok(turned));
        assert_eq!(OWN.set_three(false, [SAME, SAME, 4]), Err(Errno::EPERM));
        assert_eq!(OWN.set_three(true, [SAME, SAME, 4]), Ok(Ids { saved: 4, ..OWN }));
    }

    #[test]
    fn the_filesystem_id_is_one_of_the_others() {
        assert_eq!(OWN.set_filesystem(false, 3), Some(Ids { filesystem: 3, ..OWN }));
        assert_eq!(OWN.set_filesystem(false, 4), None);
        assert_eq!(OWN.set_filesystem(true, 4), Some(Ids { filesystem: 4, ..OWN }));
        assert_eq!(OWN.set_filesystem(true, SAME), None);
    }
}

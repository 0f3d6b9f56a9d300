//! What mount(2) is told of a hierarchy of the first version.

use abi::Errno;
use kernel::control_group::Controllers;
use vfs::MountOption;

/// A hierarchy that is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FirstVersion {
    /// With these controllers.
    pub controllers: Controllers,
    /// With this name.
    pub name: Option<Vec<u8>>,
}

impl FirstVersion {
    /// Reads the options: controllers, `none` or `all`, and `name=`. Without any of them, and without a name, all are meant.
    ///
    /// # Errors
    /// `EINVAL` for what there is not, and for contradictions.
    pub fn parse(options: &[MountOption]) -> Result<Self, Errno> {
        let mut wanted = Self::default();
        let (mut none, mut all) = (false, false);
        for option in options {
            match (option.key.as_slice(), &option.value) {
                (b"none", None) => none = true,
                (b"all", None) => all = true,
                (b"name", Some(name)) if wanted.name.is_none() && is_name(name) => {
                    wanted.name = Some(name.clone())
                }
                (controller, None) => {
                    wanted.controllers |= Controllers::named(controller).ok_or(Errno::EINVAL)?
                }
                _ => return Err(Errno::EINVAL),
            }
        }
        let some = !wanted.controllers.is_empty();
        if (none || all) && some || none && (all || wanted.name.is_none()) {
            return Err(Errno::EINVAL);
        }
        if all || !none && !some && wanted.name.is_none() {
            wanted.controllers = Controllers::all();
        }
        Ok(wanted)
    }
}

fn is_name(name: &[u8]) -> bool {
    let known = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_".contains(byte);
    (1..=63).contains(&name.len()) && name.iter().all(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_name_controllers_or_the_hierarchy() {
        let parse = |text: &[u8]| FirstVersion::parse(&MountOption::split(text));
        let named = Some(b"systemd".to_vec());
        assert_eq!(
            parse(b"none,name=systemd"),
            Ok(FirstVersion { controllers: Controllers::empty(), name: named })
        );
        let both = Controllers::CPU | Controllers::CPUACCT;
        assert_eq!(parse(b"cpu,cpuacct"), Ok(FirstVersion { controllers: both, name: None }));
        assert_eq!(parse(b"").map(|wanted| wanted.controllers), Ok(Controllers::all()));
        for wrong in [&b"none"[..], b"none,pids,name=x", b"all,pids", b"nonsense", b"name=a b", b"name="] {
            assert_eq!(parse(wrong), Err(Errno::EINVAL));
        }
    }
}

//! Types of filesystems: what mount(2) and fsopen(2) know by name.

use std::sync::Arc;

use abi::Errno;

use crate::UserNamespace;
use crate::caller::Caller;
use crate::superblock::SuperBlock;

/// One option of a filesystem: `size=64m`, `ro`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MountOption {
    /// Its name.
    pub key: Vec<u8>,
    /// Its value, if it has one.
    pub value: Option<Vec<u8>>,
}

impl MountOption {
    /// The options of a text as mount(2) takes them. A comma after a backslash belongs to a value.
    #[must_use]
    pub fn split(text: &[u8]) -> Vec<Self> {
        let mut options = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let mut previous = 0;
            let end = rest.iter().position(|byte| {
                let ends = *byte == b',' && previous != b'\\';
                previous = *byte;
                ends
            });
            let (option, behind) = rest.split_at(end.unwrap_or(rest.len()));
            rest = behind.get(1..).unwrap_or_default();
            if !option.is_empty() {
                options.push(Self::parse(option));
            }
        }
        options
    }

    fn parse(option: &[u8]) -> Self {
        match option.iter().position(|byte| *byte == b'=') {
            None => Self { key: option.to_vec(), value: None },
            Some(at) => {
                let (key, value) = option.split_at(at);
                Self { key: key.to_vec(), value: Some(value.get(1..).unwrap_or_default().to_vec()) }
            }
        }
    }

    /// As it stands in a text of options.
    #[must_use]
    pub fn text(&self) -> Vec<u8> {
        let mut text = self.key.clone();
        if let Some(value) = &self.value {
            text.push(b'=');
            text.extend_from_slice(value);
        }
        text
    }

    /// A text of options.
    #[must_use]
    pub fn join(options: &[Self]) -> Vec<u8> {
        options.iter().map(Self::text).collect::<Vec<_>>().join(&b","[..])
    }
}

/// What a filesystem is to be made from.
pub struct MountRequest<'a> {
    /// Who asks, for options that are paths.
    pub caller: &'a Caller<'a>,
    /// The type's name as it was given: with the subtype, if it takes one.
    pub kind: &'a [u8],
    /// What stands for the device.
    pub source: &'a [u8],
    /// The options, in their order.
    pub options: &'a [MountOption],
}

/// A type of filesystem.
pub trait FileSystemType: Send + Sync {
    /// The name in /proc/filesystems.
    fn name(&self) -> &'static str;

    /// Whether the name may be followed by a dot and a subtype, as in `fuse.sshfs`.
    fn takes_subtype(&self) -> bool {
        false
    }

    /// Whether those who are privileged only in a user namespace of their own may mount it there.
    fn in_user_namespaces(&self) -> bool {
        false
    }

    /// The user namespace that a new filesystem would belong to: CAP_SYS_ADMIN there is what making it needs.
    fn owner(&self, caller: &Caller<'_>) -> Arc<UserNamespace> {
        if self.in_user_namespaces() {
            Arc::clone(&caller.credentials.user)
        } else {
            UserNamespace::initial()
        }
    }

    /// Whether it shows what somebody may have covered with other mounts, so that in a user namespace it can only be mounted where all of it
    /// is seen already.
    fn reveals(&self) -> bool {
        false
    }

    /// Whether an option makes sense for itself.
    ///
    /// # Errors
    /// `EINVAL`.
    fn check(&self, option: &MountOption) -> Result<(), Errno>;

    /// A filesystem: a new one, or the only one.
    ///
    /// # Errors
    /// `EINVAL` for options that it does not know, and as the storage behind says.
    fn make(&self, request: &MountRequest<'_>) -> Result<Arc<SuperBlock>, Errno>;
}

#[cfg(test)]
mod tests {
    use super::MountOption;

    #[test]
    fn options_are_told_apart_by_commas() {
        let options = MountOption::split(br"ro,,size=64k,lowerdir=/a\,b=c,x=");
        let texts: Vec<_> = options.iter().map(|o| (o.key.as_slice(), o.value.as_deref())).collect();
        let expected: &[(&[u8], Option<&[u8]>)] =
            &[(b"ro", None), (b"size", Some(b"64k")), (b"lowerdir", Some(br"/a\,b=c")), (b"x", Some(b""))];
        assert_eq!(texts, expected);
        assert_eq!(MountOption::join(&options), br"ro,size=64k,lowerdir=/a\,b=c,x=");
    }
}

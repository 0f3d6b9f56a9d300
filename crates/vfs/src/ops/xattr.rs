//! setxattr(2), getxattr(2), listxattr(2), removexattr(2): who may use which namespace, as xattr(7) has it.

use abi::Errno;
use abi::inotify::WatchBits;

use super::change::changeable;
use crate::caller::{Caller, Found};
use crate::user::file_capabilities;
use crate::{Access, Acl, AclKind, AttributeChange, Attributes, Capability, FileKind, InodeRef};

/// The longest name (`XATTR_NAME_MAX`).
const NAME_MAX: usize = 255;
/// The longest value (`XATTR_SIZE_MAX`).
const SIZE_MAX: usize = 65_536;
/// The longest list of names (`XATTR_LIST_MAX`).
const LIST_MAX: usize = 65_536;

/// The attribute that gives capabilities to those who execute a file.
const CAPABILITIES: &[u8] = b"security.capability";

/// Flags of setxattr(2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct XattrMode {
    /// `XATTR_CREATE`: fail if it exists.
    pub create: bool,
    /// `XATTR_REPLACE`: fail if it does not.
    pub replace: bool,
}

impl XattrMode {
    /// The flags argument of setxattr(2).
    ///
    /// # Errors
    /// `EINVAL` for unknown flags.
    pub const fn parse(flags: u32) -> Result<Self, Errno> {
        if flags & !3 != 0 {
            return Err(Errno::EINVAL);
        }
        Ok(Self { create: flags & 1 != 0, replace: flags & 2 != 0 })
    }
}

impl Caller<'_> {
    /// getxattr(2).
    ///
    /// # Errors
    /// `ENODATA`, `EOPNOTSUPP`, `EACCES`, `ERANGE` for a bad name.
    pub fn xattr(&self, target: &Found, name: &[u8]) -> Result<Vec<u8>, Errno> {
        check_name(name)?;
        if let Some(kind) = AclKind::of_xattr(name) {
            let acl = target.inode().ok_or(Errno::EOPNOTSUPP)?.told_acl(kind)?.ok_or(Errno::ENODATA)?;
            let acl = if let Some(ids) = target.ids() { ids.seen_list(acl) } else { acl };
            return Ok(acl.seen_from(&self.credentials.user).value());
        }
        let attributes = target.attributes()?;
        self.may_use(&attributes, name, Access::READ)?;
        check_suffix(name)?;
        let value = target.inode().ok_or(Errno::EOPNOTSUPP)?.xattr(name)?;
        if name == CAPABILITIES {
            file_capabilities::shown(value, self.credentials, target.ids())
        } else {
            Ok(value)
        }
    }

    /// setxattr(2).
    ///
    /// # Errors
    /// `EPERM`, `EACCES`, `E2BIG` for a long value, `ENOSPC`, `EEXIST`, `ENODATA`, `EROFS`.
    pub fn set_xattr(&self, target: &Found, name: &[u8], value: &[u8], mode: XattrMode) -> Result<(), Errno> {
        check_name(name)?;
        if value.len() > SIZE_MAX {
            return Err(Errno::E2BIG);
        }
        let attributes = changeable(target)?;
        if let Some(kind) = AclKind::of_xattr(name) {
            let acl = Acl::parse(value)?.map(|acl| acl.given_in(&self.credentials.user)).transpose()?;
            let acl = match (acl, target.ids()) {
                (Some(acl), Some(ids)) => Some(ids.stored_list(acl)?),
                (acl, _) => acl,
            };
            return self.set_acl(target, &attributes, kind, acl);
        }
        self.may_change(&attributes, name)?;
        let translated;
        let value = if name == CAPABILITIES {
            translated = file_capabilities::stored(value, self.credentials, target.ids())?;
            &translated
        } else {
            value
        };
        target.inode().ok_or(Errno::EOPNOTSUPP)?.set_xattr(name, value, mode.create, mode.replace)?;
        changed(target);
        Ok(())
    }

    /// removexattr(2).
    ///
    /// # Errors
    /// `ENODATA`, `EPERM`, `EACCES`, `EROFS`.
    pub fn remove_xattr(&self, target: &Found, name: &[u8]) -> Result<(), Errno> {
        check_name(name)?;
        let attributes = changeable(target)?;
        if let Some(kind) = AclKind::of_xattr(name) {
            return self.set_acl(target, &attributes, kind, None);
        }
        self.may_change(&attributes, name)?;
        target.inode().ok_or(Errno::EOPNOTSUPP)?.remove_xattr(name)?;
        changed(target);
        Ok(())
    }

    /// listxattr(2): names, each with a NUL behind it. Those of `trusted.` only for CAP_SYS_ADMIN.
    ///
    /// # Errors
    /// `E2BIG` if the list is longer than the system call can return.
    pub fn list_xattrs(&self, target: &Found) -> Result<Vec<u8>, Errno> {
        let Some(inode) = target.inode() else { return Ok(Vec::new()) };
        let trusted = self.credentials.has(Capability::SysAdmin);
        let mut list = Vec::new();
        for name in inode.xattr_names()? {
            if trusted || !name.starts_with(b"trusted.") {
                list.extend_from_slice(&name);
                list.push(0);
            }
        }
        if list.len() > LIST_MAX { Err(Errno::E2BIG) } else { Ok(list) }
    }

    /// Sets or removes an access control list, and what of it the mode shows.
    fn set_acl(
        &self,
        target: &Found,
        attributes: &Attributes,
        kind: AclKind,
        acl: Option<Acl>,
    ) -> Result<(), Errno> {
        let keeps = |inode: &InodeRef| inode.keeps_acls() && attributes.kind != FileKind::Symlink;
        let inode = target.inode().filter(keeps).ok_or(Errno::EOPNOTSUPP)?;
        if kind == AclKind::Default && attributes.kind != FileKind::Directory {
            return if acl.is_some() { Err(Errno::EACCES) } else { Ok(()) };
        }
        attributes.is_loose()?;
        if !self.credentials.owns(attributes) || !attributes.has_owner() {
            return Err(Errno::EPERM);
        }
        let acl = match acl {
            Some(acl) if kind == AclKind::Access && !inode.server_applies_acls() => acl,
            other => return inode.set_acl(kind, other.as_ref()),
        };
        let mode = self.permitted_mode(attributes, attributes.mode & !0o777 | acl.mode());
        inode.set_attributes(&AttributeChange { mode: Some(mode), ..Default::default() })?;
        inode.set_acl(kind, Some(&acl).filter(|acl| !acl.is_minimal()))?;
        changed(target);
        Ok(())
    }

    fn may_change(&self, attributes: &Attributes, name: &[u8]) -> Result<(), Errno> {
        self.may_use(attributes, name, Access::WRITE)?;
        if name == CAPABILITIES {
            let may = self.credentials.has_over(Capability::Setfcap, attributes);
            return if may { Ok(()) } else { Err(Errno::EPERM) };
        }
        if name.starts_with(b"security.") {
            self.credentials.need(Capability::SysAdmin)?;
        }
        check_suffix(name)
    }

    /// What the namespace asks of the file and the caller.
    fn may_use(&self, attributes: &Attributes, name: &[u8], access: Access) -> Result<(), Errno> {
        const STICKY: u32 = 0o1000;
        let change = access == Access::WRITE;
        let refused = if change { Errno::EPERM } else { Errno::ENODATA };
        if change {
            attributes.is_loose()?;
            attributes.has_owner().then_some(()).ok_or(Errno::EPERM)?;
        }
        if name.starts_with(b"security.") || name.starts_with(b"system.") {
            return Ok(());
        }
        if name.starts_with(b"trusted.") {
            return if self.credentials.has(Capability::SysAdmin) { Ok(()) } else { Err(refused) };
        }
        if !name.starts_with(b"user.") {
            self.credentials.check(attributes, access)?;
            return Err(Errno::EOPNOTSUPP);
        }
        let sticky = attributes.kind == FileKind::Directory && attributes.mode & STICKY != 0;
        match attributes.kind {
            FileKind::Directory if change && sticky && !self.credentials.owns(attributes) => {
                Err(Errno::EPERM)
            }
            FileKind::Regular | FileKind::Directory => self.credentials.check(attributes, access),
            _ => Err(refused),
        }
    }
}

/// Tells those who watch the file.
fn changed(target: &Found) {
    if let Some(dentry) = target.dentry() {
        crate::notify::file(dentry, WatchBits::ATTRIB);
    }
}

fn check_name(name: &[u8]) -> Result<(), Errno> {
    if name.is_empty() || name.len() > NAME_MAX { Err(Errno::ERANGE) } else { Ok(()) }
}

/// A namespace alone is no name.
fn check_suffix(name: &[u8]) -> Result<(), Errno> {
    if name.ends_with(b".") && name.iter().filter(|byte| **byte == b'.').count() == 1 {
        return Err(Errno::EINVAL);
    }
    Ok(())
}

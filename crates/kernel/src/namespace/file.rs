//! What a link in /proc/PID/ns leads to.

use std::any::Any;
use std::sync::Arc;

use abi::Errno;
use vfs::{Attributes, Credentials, File, FileKind, OpenFlags};

use super::Namespace;

/// An open namespace: it keeps it alive, and setns(2) enters it.
pub struct NamespaceFile(pub Namespace);

impl File for NamespaceFile {
    fn seekable(&self) -> bool {
        false
    }

    fn reopen(&self, _: OpenFlags, _: &Credentials) -> Result<Arc<dyn File>, Errno> {
        Ok(Arc::new(Self(self.0.clone())))
    }

    fn attributes(&self) -> Result<Attributes, Errno> {
        Ok(Attributes {
            inode: self.0.number().into(),
            kind: FileKind::Regular,
            mode: 0o444,
            ..anon::attributes()
        })
    }

    fn description(&self) -> String {
        format!("{}:[{}]", self.0.kind().name(), self.0.number())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

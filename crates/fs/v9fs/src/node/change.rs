//! Changes of attributes.

use abi::Errno;
use ninep::message::Tsetattr;
use vfs::AttributeChange;

use super::Node;

impl Node {
    /// Has the server change attributes.
    ///
    /// # Errors
    /// As [`Self::fid`].
    pub(super) fn change(&self, change: &AttributeChange) -> Result<(), Errno> {
        self.write_back()?;
        let fid = self.fid_or_open()?;
        let request = Tsetattr { fid: fid.number(), set: gofer_fs::to_wire(change) };
        let result = self.shared.client.call(&request, |_| ());
        // Even a server that fails may have changed something.
        self.changed();
        if change.mode.is_some() {
            self.lists.forget();
        }
        result?;
        // What is checked next depends on it.
        let mut known = self.known.lock();
        change.apply(&mut known);
        drop(known);
        if let Some(size) = change.size {
            self.content.cut(size);
        }
        Ok(())
    }
}

//! Directory entries, one after the other in the data of a reply.

use crate::types::{Attr, Qid};
use crate::wire::{Malformed, Reader, Text, Wire, Writer};

/// An entry of `Rreaddir`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The file.
    pub qid: Qid,
    /// Where the next entry begins: what to ask for to go on behind this one.
    pub offset: u64,
    /// `DT_*` of readdir(3).
    pub kind: u8,
    /// Its name.
    pub name: Text<'a>,
}

impl<'a> Wire<'a> for Entry<'a> {
    fn get(from: &mut Reader<'a>) -> Result<Self, Malformed> {
        Ok(Self { qid: from.get()?, offset: from.get()?, kind: from.get()?, name: from.get()? })
    }

    fn put(&self, into: &mut Writer<'_>) {
        into.put(&self.qid);
        into.put(&self.offset);
        into.put(&self.kind);
        into.put(&self.name);
    }
}

/// An entry of `Rreaddirattr`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryAttr<'a> {
    /// Where the next entry begins.
    pub offset: u64,
    /// `DT_*` of readdir(3).
    pub kind: u8,
    /// Its name.
    pub name: Text<'a>,
    /// What it is; `valid` is 0 if only the qid is known.
    pub attr: Attr,
}

impl<'a> Wire<'a> for EntryAttr<'a> {
    fn get(from: &mut Reader<'a>) -> Result<Self, Malformed> {
        Ok(Self { offset: from.get()?, kind: from.get()?, name: from.get()?, attr: from.get()? })
    }

    fn put(&self, into: &mut Writer<'_>) {
        into.put(&self.offset);
        into.put(&self.kind);
        into.put(&self.name);
        into.put(&self.attr);
    }
}

/// The entries in a reply's data.
///
/// # Errors
/// `Truncated`.
pub fn all<'a, T: Wire<'a>>(data: &'a [u8]) -> Result<Vec<T>, Malformed> {
    let mut reader = Reader::new(data);
    let mut entries = Vec::new();
    while !reader.is_empty() {
        entries.push(reader.get()?);
    }
    Ok(entries)
}

//! The mappings of a process as if nothing were patched.

use std::sync::Arc;

use crate::Mapping;
use crate::stubs::process::Process;

use super::file::TextFile;

impl Process {
    /// Patched pages become part of the file's mapping again; trampolines vanish.
    pub(in crate::stubs) fn hide_patched_mappings(&self, mappings: Vec<Mapping>) -> Vec<Mapping> {
        let mut files: Vec<((u64, u64), Arc<TextFile>)> = Vec::new();
        for text in self.space.texts.list().iter().filter(|text| text.mapped.is_some()) {
            let state = text.file.state.lock();
            files.extend(state.variants.iter().map(|variant| (variant.key, Arc::clone(&text.file))));
        }
        if files.is_empty() {
            return mappings;
        }
        let mut shown: Vec<Mapping> = Vec::with_capacity(mappings.len());
        let mut open = false;
        for mut mapping in mappings {
            let file = files.iter().find(|(key, _)| Some(*key) == mapping.host_file).map(|(_, file)| file);
            if let Some(file) = file {
                let Some(position) = file.position(mapping.offset) else { continue };
                mapping.offset = position;
                mapping.host_file = Some(file.key);
                mapping.host_name.clear();
            }
            match shown.last_mut() {
                // The host would not have parted these.
                Some(last) if (open || file.is_some()) && continues(last, &mapping) => last.end = mapping.end,
                _ => shown.push(mapping),
            }
            open = file.is_some();
        }
        shown
    }
}

fn continues(last: &Mapping, next: &Mapping) -> bool {
    last.end == next.start
        && last.protection == next.protection
        && last.shared == next.shared
        && last.host_file == next.host_file
        && last.offset + (last.end - last.start) == next.offset
}

//! All connections of the sandbox, for fusectl.

use std::sync::{Arc, LazyLock, Weak};

use parking_lot::Mutex;

use super::Connection;

/// The connections whose filesystem is mounted.
#[derive(Default)]
pub(crate) struct Connections(Mutex<Vec<Weak<Connection>>>);

/// Those of the sandbox.
pub(crate) fn connections() -> &'static Connections {
    static ALL: LazyLock<Connections> = LazyLock::new(Connections::default);
    &ALL
}

impl Connections {
    pub(crate) fn add(&self, connection: &Arc<Connection>) {
        let mut all = self.0.lock();
        all.retain(|other| other.strong_count() > 0);
        all.push(Arc::downgrade(connection));
    }

    pub(crate) fn remove(&self, connection: &Connection) {
        self.0.lock().retain(|other| !std::ptr::eq(other.as_ptr(), connection));
    }

    pub(crate) fn all(&self) -> Vec<Arc<Connection>> {
        self.0.lock().iter().filter_map(Weak::upgrade).collect()
    }

    /// The one of this name: the minor number of its device.
    pub(crate) fn find(&self, name: &[u8]) -> Option<Arc<Connection>> {
        self.all().into_iter().find(|connection| connection.name().as_bytes() == name)
    }
}

impl Connection {
    /// Its name in fusectl.
    pub(crate) fn name(&self) -> String {
        self.device.minor.to_string()
    }
}

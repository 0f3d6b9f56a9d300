//! The filesystem against servers in the same process.

mod anything;

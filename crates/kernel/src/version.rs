//! Which Linux this kernel says it is.

/// `release` of uname(2): the version whose interface programs may expect.
pub const RELEASE: &str = "6.12.0";
/// `version` of uname(2).
pub const VERSION: &str = "#1 SMP casemate";

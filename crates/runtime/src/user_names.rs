//! Names of the host's users: passwd(5).

use std::fs;

/// The name of a user, or the number of one that has none.
pub(crate) fn of(uid: u32) -> String {
    fs::read_to_string("/etc/passwd")
        .ok()
        .and_then(|text| find(&text, uid))
        .unwrap_or_else(|| uid.to_string())
}

fn find(passwd: &str, uid: u32) -> Option<String> {
    let number = uid.to_string();
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == number).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_number() {
        let text = "root:x:0:0::/root:/bin/sh\nodd\na:x:10:0:::\n";
        assert_eq!((find(text, 10).as_deref(), find(text, 1)), (Some("a"), None));
    }
}

// SPDX-License-Identifier: Apache-2.0
//! The version in what a program says about itself.

use semver::{Version, VersionReq};

/// The first version in a text: `gcc (Debian 12.2.0-14) 12.2.0` is 12.2.0, `v1.3` is 1.3.0.
pub fn find(text: &str) -> Option<Version> {
    text.split(|c: char| !(c.is_ascii_digit() || c == '.')).filter(|word| word.contains('.')).find_map(parse).or_else(
        || {
            // Programs with one number, such as `valgrind-3`.
            text.split(|c: char| !c.is_ascii_digit()).find_map(parse)
        },
    )
}

fn parse(word: &str) -> Option<Version> {
    let mut numbers = word.trim_matches('.').split('.').map(str::parse::<u64>);
    let major = numbers.next()?.ok()?;
    let mut next = || numbers.next().map_or(Some(0), Result::ok);
    Some(Version::new(major, next()?, next()?))
}

/// Whether a version is one of those that are accepted.
pub fn fits(version: &Version, wanted: Option<&VersionReq>) -> bool {
    wanted.is_none_or(|wanted| wanted.matches(version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_where_programs_put_them() {
        let cases = [
            ("gcc (Debian 12.2.0-14+deb12u1) 12.2.0", "12.2.0"),
            ("1.3", "1.3.0"),
            ("valgrind-3.19.0", "3.19.0"),
            ("Python 3.11.7", "3.11.7"),
            ("git version 2.47.3", "2.47.3"),
            ("ShellCheck - shell script analysis tool\nversion: 0.11.0\n", "0.11.0"),
            ("v20.20.2", "20.20.2"),
            ("go version go1.19.8 linux/amd64", "1.19.8"),
            ("dpkg-deb 1", "1.0.0"),
        ];
        for (text, version) in cases {
            assert_eq!(find(text).map(|v| v.to_string()).as_deref(), Some(version), "{text}");
        }
        assert_eq!(find("no number"), None);
    }
}

// SPDX-License-Identifier: Apache-2.0
//! A package that pkg-config does not know: it may be one of the store's, and then there is a way to it.

use toolkit::Failure;

/// What stands before and after the name in the words of meson, pkg-config and cargo's crate for it.
const WORDS: [(&str, &str); 7] = [
    ("Dependency \"", "\" not found"),
    ("Dependency '", "' not found"),
    ("Package '", "', required by"),
    ("Package '", "' not found"),
    ("No package '", "' found"),
    ("Package ", " was not found in the pkg-config search path"),
    ("The system library `", "` required by crate"),
];

/// Adds how such a package is fetched.
pub fn explain(failure: Failure) -> Failure {
    let Some(package) = failure.messages().iter().find_map(|message| missing(message).map(str::to_owned)) else {
        return failure;
    };
    failure.help(format!(
        "if {package} is in the store, name it in `dependencies` of the workflow ({package}@auto) or in `fetch-package`; on a \
         command line, fetch it with install: prefix and give that folder as pkgconfig-prefix. Else install its development \
         files"
    ))
}

/// The name of the package that a message misses.
fn missing(message: &str) -> Option<&str> {
    WORDS.iter().find_map(|(before, after)| {
        let (_, rest) = message.split_once(before)?;
        let (name, _) = rest.split_once(after)?;
        (!name.is_empty() && !name.contains(char::is_whitespace)).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_packages_are_known_by_everybody_s_words() {
        let cases = [
            ("meson.build:2:50: Dependency \"vaccel\" not found, tried pkgconfig", Some("vaccel")),
            ("Package 'vaccel', required by 'virtual:world', not found", Some("vaccel")),
            ("Package vaccel was not found in the pkg-config search path.\nPerhaps you should add", Some("vaccel")),
            ("No package 'vaccel' found", Some("vaccel")),
            ("The system library `vaccel` required by crate `vaccel-sys` was not found.", Some("vaccel")),
            ("Package operations: 3 installs; No package found", None),
            ("undefined reference to `vaccel_init'", None),
        ];
        for (message, expected) in cases {
            assert_eq!(missing(message), expected, "{message}");
        }
        let failure = explain(Failure::work("the build failed").because(Failure::work(cases[0].0)).help("see above"));
        let text = failure.to_string();
        assert!(text.contains("(vaccel@auto) or in `fetch-package`") && !text.contains("see above"), "{text}");
        assert_eq!(
            explain(Failure::work("other").help("kept")).to_string(),
            Failure::work("other").help("kept").to_string()
        );
    }
}

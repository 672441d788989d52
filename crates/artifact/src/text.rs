// SPDX-License-Identifier: Apache-2.0
//! What all names have in common: they are text, and parse once.

/// Implements `Display`, `AsRef<str>`, serde and the JSON Schema of a type that is a checked string
/// in its field `0` and implements `FromStr`.
macro_rules! checked_text {
    ($name:ident, $schema:literal) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        $crate::text::serde_as_text!($name, $schema);

        impl $name {
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

/// Implements serde through `Display` and `FromStr`, and a JSON Schema with a pattern.
macro_rules! serde_as_text {
    ($name:ident, $schema:literal) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        #[cfg(feature = "schemars")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "pattern": $schema })
            }
        }
    };
}

pub(crate) use {checked_text, serde_as_text};

#[cfg(test)]
mod tests {
    use crate::{Arch, BuildType, Commit, FileName, GitState, PackageName, RefName, Sha256, Timestamp, Version};
    use proptest::prelude::*;
    use proptest::test_runner::TestCaseError;
    use serde::Serialize;
    use serde::de::DeserializeOwned;
    use std::fmt::{Debug, Display};
    use std::str::FromStr;

    /// What parses is written as it was read, also in JSON; what does not is refused there too.
    fn comes_back<T>(text: &str) -> Result<bool, TestCaseError>
    where
        T: FromStr + Display + Serialize + DeserializeOwned + PartialEq + Debug,
    {
        let json = serde_json::to_string(text).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let read = serde_json::from_str::<T>(&json).ok();
        let Ok(value) = text.parse::<T>() else {
            prop_assert_eq!(read, None);
            return Ok(false);
        };
        prop_assert_eq!(value.to_string(), text);
        prop_assert_eq!(serde_json::to_string(&value).ok(), Some(json));
        prop_assert_eq!(read, Some(value));
        Ok(true)
    }

    fn all_come_back(text: &str) -> Result<(), TestCaseError> {
        comes_back::<Arch>(text)?;
        comes_back::<BuildType>(text)?;
        comes_back::<Commit>(text)?;
        comes_back::<FileName>(text)?;
        comes_back::<PackageName>(text)?;
        comes_back::<RefName>(text)?;
        comes_back::<Sha256>(text)?;
        comes_back::<Timestamp>(text)?;
        comes_back::<Version>(text)?;
        Ok(())
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_comes_back(text in any::<String>(), near in "[0-9a-zT:.+/ ~-]{0,24}") {
            all_come_back(&text)?;
            all_come_back(&near)?;
        }

        #[test]
        fn what_has_the_form_is_accepted(
            commit in "[0-9a-f]{40}|[0-9a-f]{64}",
            file in "[0-9A-Za-zäß_+~%][0-9A-Za-zäß_.+~%-]{0,40}",
            package in "[a-z0-9][a-z0-9+.-]{1,40}",
            reference in "[0-9a-zäß+%]{1,9}(/[0-9a-zäß_+%-]{1,9}){0,3}",
            version in "(0|[1-9][0-9]{0,3})\\.(0|[1-9][0-9]?)\\.(0|[1-9][0-9]?)(-(rc|[a-z]{1,4})\\.[1-9])?(\\+[0-9A-Za-z]{1,9}(\\.[0-9]{1,3}){0,3})?",
        ) {
            prop_assert!(comes_back::<Commit>(&commit)?);
            prop_assert!(comes_back::<FileName>(&file)?, "{}", file);
            prop_assert!(comes_back::<PackageName>(&package)?, "{}", package);
            prop_assert!(comes_back::<RefName>(&reference)?, "{}", reference);
            prop_assert!(comes_back::<Version>(&version)?, "{}", version);
        }
    }

    #[test]
    fn the_words_come_back() {
        let words = Arch::ALL.map(Arch::as_str).into_iter().chain(BuildType::ALL.map(BuildType::as_str));
        for word in words {
            all_come_back(word).unwrap();
        }
    }

    fn refused<T: FromStr>(text: &str) -> String
    where
        T::Err: std::error::Error + Send + Sync + 'static,
    {
        // clap's derive takes the error as this type.
        let error: Option<Box<dyn std::error::Error + Send + Sync>> = text.parse::<T>().err().map(Into::into);
        error.map_or_else(|| format!("{text:?} was accepted"), |error| error.to_string())
    }

    #[test]
    fn messages_name_the_value_and_what_is_allowed() {
        let described = |describe: &str| {
            let state = GitState { describe: Some(describe.to_owned()), ..GitState::default() };
            Version::from_git(&state).unwrap_err().to_string()
        };
        let messages = [
            refused::<Arch>("amd64"),
            refused::<BuildType>("custom"),
            refused::<PackageName>("vAccel"),
            refused::<Version>("1.2"),
            Version::from_tag("0.7.1").unwrap_err().to_string(),
            described("v0.7.1"),
            described("v1-3-gebc23b1f"),
            described(&format!("v0.1.{}-3-gebc23b1f", u64::MAX)),
            refused::<Sha256>("ABC"),
            refused::<Commit>("ebc23b1f"),
            refused::<Timestamp>("yesterday"),
            refused::<FileName>(""),
            refused::<FileName>("../x"),
            refused::<FileName>(".hidden"),
            refused::<FileName>("-rf"),
            refused::<FileName>("a\nb"),
            refused::<FileName>("a "),
            refused::<FileName>("manifest.json"),
            refused::<RefName>(""),
            refused::<RefName>("a\tb"),
            refused::<RefName>("a b"),
            refused::<RefName>("../main"),
            refused::<RefName>("main."),
            refused::<RefName>("-main"),
            refused::<RefName>("/main"),
            refused::<RefName>("a/.b"),
            crate::sha256sums::parse("\nabc  name\n").unwrap_err().to_string(),
        ];
        insta::assert_snapshot!(messages.join("\n"), @r#"
        unknown architecture "amd64"; there are x86_64, aarch64 and armv7l
        unknown build type "custom"; there are plain, debug, debugoptimized, release and minsize
        "vAccel" is not a package name: two or more of a-z, 0-9, '+', '-' and '.', beginning with a letter or digit
        "1.2" is not a semantic version (unexpected end of input while parsing minor version number)
        "0.7.1" is not a release tag: `v` and a semantic version
        "v0.7.1" is not what `git describe --long` prints
        "v1" is not a release tag: `v` and a semantic version
        nothing can follow "v0.1.18446744073709551615": its patch number is the largest there is
        "ABC" is not a SHA-256 digest: 64 lower-case hexadecimal digits
        "ebc23b1f" is not a full commit hash: 40 lower-case hexadecimal digits
        "yesterday" is not a time in UTC like 2026-01-02T03:04:05Z
        "" is not a plain file name: it is empty
        "../x" is not a plain file name: it holds a path separator
        ".hidden" is not a plain file name: it begins with a dot
        "-rf" is not a plain file name: it begins with a dash
        "a\nb" is not a plain file name: it holds a control character
        "a " is not a plain file name: it begins or ends with a space
        "manifest.json" is not a plain file name: the name is reserved
        "" cannot name a branch or a release: it is empty
        "a\tb" cannot name a branch or a release: it holds a control character
        "a b" cannot name a branch or a release: it holds a space or one of ~ ^ : ? * [ \
        "../main" cannot name a branch or a release: it holds '..' or '@{'
        "main." cannot name a branch or a release: it ends with a dot or begins with a dash
        "-main" cannot name a branch or a release: it ends with a dot or begins with a dash
        "/main" cannot name a branch or a release: it has an empty part between slashes
        "a/.b" cannot name a branch or a release: a part begins with a dot or ends with .lock
        line 2 of the digest list is not `<sha256>  <name>`: "abc  name"
        "#);
    }

    #[test]
    fn names_that_are_too_long() {
        let ends = |message: String, end: &str| assert!(message.ends_with(end), "{message}");
        ends(refused::<FileName>(&"x".repeat(256)), "it is longer than 255 bytes");
        ends(refused::<RefName>(&"x".repeat(513)), "it is longer than 512 bytes");
    }
}

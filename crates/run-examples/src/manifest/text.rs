// SPDX-License-Identifier: Apache-2.0
//! Expected text: exact, by regular expressions, or as numbers within a tolerance.

use serde::{Deserialize, Deserializer};
use std::path::{Path, PathBuf};

/// What a text must be. A plain string is the exact text.
#[derive(Clone, Debug, Default)]
pub struct Text {
    /// Exactly this.
    pub exact: Option<String>,
    /// Exactly what is in this file, relative to the manifest.
    pub file: Option<PathBuf>,
    /// Each of these is found in it.
    pub matches: Vec<Pattern>,
    /// None of these is found in it.
    pub lacks: Vec<Pattern>,
    /// The numbers of a file, within a tolerance.
    pub numbers: Option<Numbers>,
}

/// Numbers within a tolerance: the text between them is the same, and each differs from the
/// expected one by at most `absolute + relative * |expected|`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Numbers {
    /// The file with the expected text, relative to the manifest.
    pub file: PathBuf,
    /// How much each number may differ.
    #[serde(default)]
    pub absolute: f64,
    /// How much each may differ, as a part of the expected one.
    #[serde(default)]
    pub relative: f64,
}

/// A regular expression; `^` and `$` are the ends of lines.
#[derive(Clone, Debug)]
pub struct Pattern(pub regex_lite::Regex);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema), schemars(inline))]
struct Table {
    /// Exactly this.
    exact: Option<String>,
    /// Exactly what is in this file, relative to the manifest.
    file: Option<PathBuf>,
    /// Regular expressions that are found in it; `^` and `$` are the ends of lines.
    #[serde(default)]
    matches: Vec<Pattern>,
    /// Regular expressions that are not found in it.
    #[serde(default)]
    lacks: Vec<Pattern>,
    /// The numbers of a file, within a tolerance.
    numbers: Option<Numbers>,
}

impl Text {
    /// The file with the expected content, if one is named.
    pub fn golden(&self) -> Option<&Path> {
        self.file.as_deref().or(self.numbers.as_ref().map(|numbers| numbers.file.as_path()))
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Text;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a text, or a table with exact, file, matches, lacks or numbers")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text { exact: Some(text.to_owned()), ..Text::default() })
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Text, A::Error> {
                let table = Table::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                let Table { exact, file, matches, lacks, numbers } = table;
                Ok(Text { exact, file, matches, lacks, numbers })
            }
        }
        // Not an untagged enum: that would hide which key is unknown.
        deserializer.deserialize_any(Visitor)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let built = regex_lite::RegexBuilder::new(&text).multi_line(true).build();
        built.map(Self).map_err(|error| {
            let error = error.to_string();
            // The first lines draw the expression; the last one says what is wrong.
            let reason = error.lines().last().unwrap_or_default().trim_start_matches("error: ");
            serde::de::Error::custom(format!("the regular expression `{text}` does not compile: {reason}"))
        })
    }
}

#[cfg(feature = "schemars")]
impl schemars::JsonSchema for Text {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Text".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let table = generator.subschema_for::<Table>();
        schemars::json_schema!({
            "description": "What a text must be. A plain string is the exact text.",
            "anyOf": [{ "type": "string" }, table]
        })
    }
}

#[cfg(feature = "schemars")]
impl schemars::JsonSchema for Pattern {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Pattern".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "regex" })
    }
}

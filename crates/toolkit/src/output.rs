// SPDX-License-Identifier: Apache-2.0
//! Outputs: declared once, beside the inputs, as a struct whose fields are all written.

use serde::Serialize;
use std::path::{Path, PathBuf};

/// Name and description of one output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OutputDefinition {
    /// The name in a workflow, in kebab case.
    pub name: String,
    /// What it holds.
    pub description: String,
}

/// The outputs of an action; implemented by [`outputs!`](crate::outputs).
pub trait Outputs {
    /// Every output, in the order of declaration.
    fn definitions() -> Vec<OutputDefinition>;
    /// Name and value of each output that has one.
    fn values(&self) -> Vec<(String, String)>;
}

/// An action without outputs.
impl Outputs for () {
    fn definitions() -> Vec<OutputDefinition> {
        Vec::new()
    }

    fn values(&self) -> Vec<(String, String)> {
        Vec::new()
    }
}

/// How a value is written; `None` leaves the output unset.
pub trait OutputValue {
    /// The text of the output.
    fn render(&self) -> Option<String>;
}

macro_rules! displayed {
    ($($ty:ty),*) => {$(
        impl OutputValue for $ty {
            fn render(&self) -> Option<String> {
                Some(self.to_string())
            }
        }
    )*};
}
displayed!(String, bool, u32, u64, usize);

impl OutputValue for PathBuf {
    fn render(&self) -> Option<String> {
        Some(Path::display(self).to_string())
    }
}

impl<T: OutputValue> OutputValue for Option<T> {
    fn render(&self) -> Option<String> {
        self.as_ref().and_then(OutputValue::render)
    }
}

/// One item per line.
impl OutputValue for Vec<String> {
    fn render(&self) -> Option<String> {
        Some(self.join("\n"))
    }
}

/// A document, written as compact JSON (for `fromJSON()`).
#[derive(Clone, Debug)]
pub struct Json<T>(pub T);

impl<T: Serialize> OutputValue for Json<T> {
    fn render(&self) -> Option<String> {
        serde_json::to_string(&self.0).ok()
    }
}

/// The output's name for a field's.
#[doc(hidden)]
pub fn output_name(field: &str) -> String {
    field.trim_start_matches("r#").replace('_', "-")
}

/// Declares a struct of outputs. The fields' names (with `-` for `_`) are the outputs' names, their
/// doc comments the descriptions.
#[macro_export]
macro_rules! outputs {
    (
        $(#[doc = $about:literal])*
        $vis:vis struct $name:ident {
            $( $(#[doc = $doc:literal])+ pub $field:ident : $ty:ty ),* $(,)?
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Debug)]
        $vis struct $name { $( $(#[doc = $doc])+ pub $field: $ty ),* }

        impl $crate::Outputs for $name {
            fn definitions() -> Vec<$crate::OutputDefinition> {
                vec![$( $crate::OutputDefinition {
                    name: $crate::output_name(stringify!($field)),
                    description: concat!($($doc),+).trim().to_owned(),
                } ),*]
            }

            fn values(&self) -> Vec<(String, String)> {
                let values = [$( (stringify!($field), $crate::OutputValue::render(&self.$field)) ),*];
                values.into_iter().filter_map(|(name, value)| Some(($crate::output_name(name), value?))).collect()
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::outputs! {
        /// Example.
        pub struct Example {
            /// Where the
            /// tree is.
            pub dist_path: PathBuf,
            /// How many.
            pub r#type: u32,
            /// Not always there.
            pub report: Option<String>,
            /// Names.
            pub names: Vec<String>,
        }
    }

    #[test]
    fn declaration_gives_names_descriptions_and_values() {
        let example =
            Example { dist_path: "dist".into(), r#type: 3, report: None, names: vec!["a".into(), "b".into()] };
        let values: Vec<_> = example.values();
        assert_eq!(
            values,
            [("dist-path", "dist"), ("type", "3"), ("names", "a\nb")].map(|(n, v)| (n.to_owned(), v.to_owned()))
        );
        assert_eq!(Example::definitions()[0].description, "Where the tree is.");
        assert_eq!(Example::definitions().len(), 4);
    }
}

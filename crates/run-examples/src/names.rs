// SPDX-License-Identifier: Apache-2.0
//! Names of examples. Reports are compared by name, so a name must say nothing of the machine and must be unique.

use crate::recorder::Example;
use artifact::Sha256;
use std::collections::{HashMap, HashSet};

/// The longest name, in characters.
const LONGEST: usize = 120;
/// What is left of a longer one, and how many characters of its digest keep it apart from others that begin so.
const KEPT: usize = 108;
const DIGEST: usize = 10;

/// Shortens names, and numbers those that come again.
pub fn settle(examples: &mut [Example]) {
    for example in examples.iter_mut() {
        example.name = shortened(&example.name);
    }
    let mut taken: HashSet<String> = examples.iter().map(|example| example.name.clone()).collect();
    let mut seen: HashMap<String, usize> = HashMap::new();
    for example in examples {
        let count = seen.entry(example.name.clone()).or_default();
        *count += 1;
        while *count > 1 {
            let name = format!("{} ({count})", example.name);
            if taken.insert(name.clone()) {
                example.name = name;
                break;
            }
            *count += 1;
        }
    }
}

/// The name of an example must not depend on which others there are.
fn shortened(name: &str) -> String {
    if name.chars().count() <= LONGEST {
        return name.to_owned();
    }
    let beginning: String = name.chars().take(KEPT).collect();
    let digest: String = Sha256::of(name.as_bytes()).to_string().chars().take(DIGEST).collect();
    format!("{beginning}… {digest}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use artifact::Outcome;

    #[test]
    fn long_names_stay_apart() {
        let long = "x".repeat(200);
        let names = [&long, &format!("{long}y"), &long, "short"];
        let mut examples: Vec<_> = names.iter().map(|name| Example::new(*name, Outcome::Pass)).collect();
        settle(&mut examples);
        let settled: Vec<_> = examples.iter().map(|example| example.name.as_str()).collect();
        assert!(settled[0].chars().count() <= LONGEST && settled[0] != settled[1]);
        assert_eq!((settled[2], settled[3]), (format!("{} (2)", settled[0]).as_str(), "short"));
        // An example more or less changes no name.
        let mut alone = [Example::new(&long, Outcome::Pass)];
        settle(&mut alone);
        assert_eq!(alone[0].name, settled[0]);
    }
}

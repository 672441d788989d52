// SPDX-License-Identifier: Apache-2.0
use super::*;

fn with(text: &str) -> Result<Vec<Linter>, (String, DefinitionError)> {
    let table: Table = text.parse().unwrap();
    let adjustments = table.into_iter().map(|(name, value)| (name, value.try_into().unwrap())).collect();
    merged(&adjustments)
}

#[test]
fn every_definition_in_the_folder_is_shipped_under_its_name() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/linters");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| path.file_name().unwrap().to_string_lossy().split('.').next().unwrap().to_owned())
        .collect();
    files.sort();
    let shipped: Vec<_> = SHIPPED.iter().map(|(name, _)| *name).collect();
    assert_eq!(shipped, files);
    let linters = merged(&BTreeMap::new()).unwrap();
    assert_eq!(linters.iter().map(|linter| linter.name.as_str()).collect::<Vec<_>>(), files);
}

#[test]
fn a_repository_adjusts_single_keys_and_adds_linters() {
    let linters = with(
        r#"
        shellcheck.run.timeout = 5
        shellcheck.files.exclude = ["old/*"]
        [own]
        category = "docs"
        homepage = "https://example.org"
        files.globs = ["*.txt"]
        run = { program = "own", args = ["{files}"] }
        read = { format = "regex", pattern = "^(?P<path>.+):(?P<line>[0-9]+): (?P<message>.+)$" }
        "#,
    )
    .unwrap();
    let of = |name: &str| linters.iter().find(|linter| linter.name == name).unwrap();
    assert_eq!(of("shellcheck").run.timeout, 5);
    assert_eq!(of("shellcheck").files.exclude, ["old/*"]);
    assert!(!of("shellcheck").files.globs.is_empty(), "what is not adjusted stays");
    assert_eq!(of("own").category, Category::Docs);
}

#[test]
fn a_key_at_fault_is_named() {
    let cases = [
        ("shellcheck.run.timeot = 5", "run.timeot", "unknown field `timeot`"),
        ("shellcheck.run.timeout = 'x'", "run.timeout", "invalid type: string \"x\""),
        ("shellcheck.categry = 'docs'", "categry", "unknown field `categry`"),
        ("shellcheck.category = 'doc'", "category", "unknown variant `doc`"),
        ("shellcheck.name = 'other'", "name", "the table is of \"shellcheck\""),
        ("shellcheck.read.format = 'xml'", "read", "unknown variant `xml`"),
        ("shellcheck.read = { format = 'regex', pattern = '(' }", "read.pattern", "open group without closing"),
        ("shellcheck.files.globs = ['[a']", "files.globs", "is no glob"),
        ("own.category = 'docs'", "", "missing field `homepage`"),
        ("own.run.per = 'fil'", "run.per", "unknown variant `fil`"),
    ];
    for (text, key, message) in cases {
        let (_, error) = with(text).unwrap_err();
        assert_eq!(error.key.join("."), key, "{text}: {error}");
        assert!(error.message.contains(message), "{text}: {error}");
    }
}

#[test]
fn names_win_over_categories() {
    let all = || merged(&BTreeMap::new()).unwrap();
    let chosen = choose(all(), &["shellcheck".to_owned()], &[Category::Docs]).unwrap();
    assert_eq!(chosen.iter().map(|linter| linter.name.as_str()).collect::<Vec<_>>(), ["shellcheck"]);
    assert!(choose(all(), &[], &[Category::Docs]).unwrap().iter().all(|linter| linter.category == Category::Docs));
    let failure = choose(all(), &["shelchek".to_owned()], &[]).unwrap_err();
    assert!(failure.to_string().starts_with("unknown linter \"shelchek\"; there are "), "{failure}");
}

// SPDX-License-Identifier: Apache-2.0
use super::*;
use crate::catalogue;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::LazyLock;

fn linter(run: &str) -> Linter {
    let text = format!(
        "category = 'code'\nhomepage = 'x'\nread.format = 'sarif'\nfiles.globs = ['*']\n[run]\nprogram = 'x'\n{run}"
    );
    let table = BTreeMap::from([("x".to_owned(), text.parse().unwrap())]);
    catalogue::merged(&table).unwrap().into_iter().find(|linter| linter.name == "x").unwrap()
}

fn planned(linter: &Linter, files: &[File], configuration: &Configuration, jobs: usize) -> Vec<Call> {
    let files: Vec<&File> = files.iter().collect();
    let work = Work::find(0, linter, &files, configuration, false);
    calls(&[work], jobs, &Around { root: Path::new("/r"), build: Some(Path::new("/b")) })
}

fn words(run: &str, configuration: &Configuration) -> Vec<String> {
    let files = [File::new("-a b", 1), File::new("c", 1)];
    let calls = planned(&linter(run), &files, configuration, 1);
    calls[0].arguments.iter().map(|word| word.to_string_lossy().into_owned()).collect()
}

#[test]
fn arguments_are_filled_in() {
    let none = Configuration::default();
    let some = Configuration { file: Some("/c".into()), ..Configuration::default() };
    let off = Configuration { arguments: vec!["--isolated".to_owned()], ..Configuration::default() };
    let shared = Configuration { file: Some("/l/c".into()), shared: Some("/l/c".into()), ..Configuration::default() };
    let cases: [(&str, &Configuration, &[&str]); 14] = [
        ("args = ['--config={shared-config}', 'x']", &shared, &["--config=/l/c", "x"]),
        ("args = ['--config={shared-config}', 'x']", &some, &["x"]),
        ("args = ['--config', '{shared-config}', 'x']", &some, &["x"]),
        ("args = ['--config={config}', 'x']", &shared, &["--config=/l/c", "x"]),
        ("args = ['--in={shared-folder}', '{root}']", &shared, &["--in=/l", "/r"]),
        ("args = ['-x', '{files}', '-y']", &none, &["-x", "./-a b", "./c", "-y"]),
        ("args = ['--f={file}']\nper = 'file'", &none, &["--f=./-a b"]),
        ("args = ['--f={file}']", &none, &["--f={file}"]),
        ("args = ['-p', '{build-path}/x']", &none, &["-p", "/b/x"]),
        ("args = ['--config', '{config}', 'x']", &some, &["--config", "/c", "x"]),
        ("args = ['--config', '{config}', 'x']", &none, &["x"]),
        ("args = ['--config={config}', 'x']", &none, &["x"]),
        ("args = ['--config={config}', 'x']", &off, &["--isolated", "x"]),
        ("args = ['x']\nunconfigured-args = ['y']", &none, &["y"]),
    ];
    for (run, configuration, expected) in cases {
        assert_eq!(words(run, configuration), expected, "{run}");
    }
}

#[test]
fn what_takes_long_begins_first_and_is_divided() {
    let slow = linter("args = ['{files}']\ncost = 1000");
    let quick = linter("args = ['{files}']\ncost = 1");
    let configuration = Configuration::default();
    let files: Vec<File> = (0..40).map(|number| File::new(format!("{number}"), 1)).collect();
    let files: Vec<&File> = files.iter().collect();
    let work = [&quick, &slow].map(|linter| Work::find(0, linter, &files, &configuration, false));
    let calls = calls(&work, 2, &Around { root: Path::new("/r"), build: None });
    let sizes: Vec<_> = calls.iter().map(|call| call.files.len()).collect();
    assert_eq!(sizes, [10, 10, 10, 10, 40]);
}

#[test]
fn a_linter_of_the_repository_is_called_once_and_one_of_files_for_each() {
    let files = [File::new("a", 1), File::new("b", 1)];
    let configuration = Configuration::default();
    assert_eq!(planned(&linter("args = []\nper = 'repository'"), &files, &configuration, 4).len(), 1);
    assert_eq!(planned(&linter("args = []\nper = 'file'"), &files, &configuration, 4).len(), 2);
    assert_eq!(planned(&linter("args = []\nper = 'repository'"), &[], &configuration, 4).len(), 1);
    assert_eq!(planned(&linter("args = []"), &[], &configuration, 4).len(), 0);
}

static ANY: LazyLock<Linter> = LazyLock::new(|| linter("args = ['{files}']"));

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_file_is_in_one_call_and_no_call_is_too_long(
        names in prop::collection::btree_set("[a-z]{1,200}", 0..300),
        size in 0u64..100_000,
        jobs in 0usize..9,
    ) {
        let files: Vec<File> = names.iter().map(|name| File::new(name, size)).collect();
        let calls = planned(&ANY, &files, &Configuration::default(), jobs);
        let mut called: Vec<_> = calls.iter().flat_map(|call| call.files.clone()).collect();
        called.sort();
        prop_assert_eq!(called, names.iter().map(PathBuf::from).collect::<Vec<_>>());
        for call in &calls {
            let bytes: usize = call.arguments.iter().map(|argument| argument.len() + 1).sum();
            prop_assert!(bytes <= ARGUMENT_BYTES);
        }
    }
}

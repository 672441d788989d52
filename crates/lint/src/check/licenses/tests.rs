// SPDX-License-Identifier: Apache-2.0
use super::*;
use proptest::prelude::*;
use std::process::Command;
use std::sync::LazyLock;

const MIT: &str = "SPDX-License-Identifier: MIT";

fn license(expressions: &[&str]) -> License {
    let expressions = expressions.iter().map(|&text| text.to_owned()).collect();
    License { expressions, source: "LICENSE".to_owned() }
}

fn context(files: &[(&str, &str)]) -> (tempfile::TempDir, Context) {
    let folder = tempfile::tempdir().unwrap();
    let mut context = Context { root: folder.path().to_path_buf(), ..Context::default() };
    for (name, text) in files {
        let full = folder.path().join(name);
        std::fs::create_dir_all(full.parent().unwrap()).unwrap();
        std::fs::write(full, text).unwrap();
        context.files.insert(name.into());
        context.selected.insert(name.into());
    }
    (folder, context)
}

/// Name, path, text, rule and line.
type Case = (&'static str, &'static str, String, Option<(&'static str, u32)>);

#[test]
fn headers_of_files() {
    let license = license(&["MIT"]);
    let settings = Settings { also: vec!["Apache-2.0 OR ISC".to_owned()], ..Settings::default() };
    let check = Check::new(&license, &settings).unwrap();
    let above = "// x\n".repeat(1000);
    let cases: [Case; 15] = [
        ("right", "a.c", format!("// {MIT}\nint a;\n"), None),
        ("right in a block", "a.h", format!("/* {MIT} */\n"), None),
        ("right in a list", "a.h", format!("/*\n * Copyright x\n *\n * {MIT}\n */\n"), None),
        ("right in markup", "a.svg", format!("<!-- {MIT} -->\n<svg/>\n"), None),
        ("right after a shebang", "a.sh", format!("#!/bin/sh\n#{MIT}\n"), None),
        ("allowed too", "a.c", "// SPDX-License-Identifier: isc OR Apache-2.0\n".into(), None),
        ("missing", "a.c", "int a;\n".into(), Some(("missing-header", 1))),
        ("only spoken of", "a.c", format!("char *a = \"// {MIT}\";\n"), Some(("missing-header", 1))),
        ("too far below", "a.c", format!("{above}// {MIT}\n"), Some(("missing-header", 1))),
        ("another one", "a.c", "\n// SPDX-License-Identifier: ISC\n".into(), Some(("wrong-license", 2))),
        ("no expression", "a.c", "// SPDX-License-Identifier: our own\n".into(), Some(("wrong-license", 1))),
        ("no licence", "a.c", "/* SPDX-License-Identifier: */\n".into(), Some(("wrong-license", 1))),
        ("empty file", "__init__.py", "\n".into(), None),
        ("needs none", "a.md", "# A\n".into(), None),
        ("no comments", "a.json", "{}\n".into(), None),
    ];
    for (name, path, text, expected) in cases {
        let found = check.file(Path::new(path), text.as_bytes());
        let found = found.map(|finding| (finding.rule.unwrap(), finding.span.unwrap().line));
        assert_eq!(found, expected.map(|(rule, line)| (rule.to_owned(), line)), "{name}");
    }
}

#[test]
fn messages_name_the_licence_and_the_way_out() {
    let files = [
        ("Cargo.toml", "[package]\nlicense = 'MIT'\n"),
        ("a.go", "// Package a.\npackage a\n"),
        ("b.c", "/* SPDX-License-Identifier: GPL-2.0-only */\n"),
        ("c.c", "// SPDX-License-Identifier: GPLv2\n"),
    ];
    let (_folder, context) = context(&files);
    let findings = run(&context).unwrap();
    let text = findings.iter().map(|finding| {
        format!(
            "{}: {}\n{}",
            finding.path.as_ref().unwrap().display(),
            finding.message,
            finding.fix.as_deref().unwrap_or("")
        )
    });
    insta::assert_snapshot!(text.collect::<String>());
}

#[test]
fn the_licence_may_be_unknown_or_open() {
    let (_folder, unknown) = context(&[("a.c", "int a;\n")]);
    let findings = run(&unknown).unwrap();
    assert_eq!(findings.len(), 1);
    assert_eq!((findings[0].rule.as_deref(), &findings[0].path), (Some("unknown-license"), &None));

    let gpl = "GNU GENERAL PUBLIC LICENSE Version 3, 29 June 2007";
    let (_folder, open) =
        context(&[("COPYING", gpl), ("a.c", "int a;\n"), ("b.c", "// SPDX-License-Identifier: GPL-3.0-or-later\n")]);
    let findings = run(&open).unwrap();
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].fix, None);
    insta::assert_snapshot!(findings[0].message);

    let (_folder, mut wrong) = context(&[]);
    wrong.settings.licenses.license = Some("GPLv3".to_owned());
    insta::assert_snapshot!(run(&wrong).unwrap_err().to_string());
}

#[test]
fn git_applies_the_fixes() {
    let files = [
        ("a b.c", "int a;\n"),
        ("run", "#!/usr/bin/env python3\n# coding: utf-8\n"),
        ("é\n\".sh", "#!/bin/sh\r\nls\r\n"),
        ("no-end.c", "int a;"),
        ("a.css", "@charset \"utf-8\";\na {}\n"),
    ];
    let (folder, mut context) = context(&files);
    context.settings.licenses.license = Some("MIT".to_owned());
    let findings = run(&context).unwrap();
    assert_eq!(findings.len(), files.len());
    let patch: String = findings.into_iter().filter_map(|finding| finding.fix).collect();
    let file = folder.path().join("fix.patch");
    std::fs::write(&file, patch).unwrap();
    let status =
        Command::new("git").arg("apply").arg("--whitespace=nowarn").arg(&file).current_dir(folder.path()).status();
    assert!(status.unwrap().success());
    assert_eq!(run(&context).unwrap(), []);
    let text = std::fs::read_to_string(folder.path().join("é\n\".sh")).unwrap();
    assert_eq!(text, format!("#!/bin/sh\r\n# {MIT}\r\nls\r\n"));
}

#[test]
fn what_is_no_text_gets_no_fix() {
    let (folder, mut context) = context(&[("zero.c", "a\0b")]);
    std::fs::write(folder.path().join("latin.c"), b"// caf\xe9\n").unwrap();
    context.selected.insert("latin.c".into());
    context.settings.licenses.license = Some("MIT".to_owned());
    let findings = run(&context).unwrap();
    assert_eq!(findings.len(), 1);
    assert_eq!((findings[0].path.as_deref(), &findings[0].fix), (Some(Path::new("latin.c")), &None));
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(
        text in "(?s)(#!|/bin/|sh|[\\n\\r ]|SPDX-License-Identifier:|//|/\\*|MIT|\u{feff}|ü|<\\?xml|\\?>|coding=x){0,12}",
        name in "[a-z]{1,3}(\\.(c|go|py|xml|css|md))?",
    ) {
        // Made once: there are many patterns in it.
        static LICENSE: LazyLock<License> = LazyLock::new(|| license(&["MIT"]));
        static CHECK: LazyLock<Check<'static>> = LazyLock::new(|| Check::new(&LICENSE, &Settings::default()).unwrap());
        if let Some(fix) = CHECK.file(Path::new(&name), text.as_bytes()).and_then(|finding| finding.fix) {
            prop_assert_eq!(patch::parse(fix.as_bytes()).unwrap().len(), 1);
        }
    }
}

#[test]
fn other_headers_are_accepted_and_files_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let text = "/*\n * Licensed under the MIT License\n * (the \"License\");  you may not\n */\nint a;\n";
    for (name, text) in [("old.c", text), ("new.c", "int a;\n"), ("vendor/a.c", "int a;\n"), ("doc/a.c", "int a;\n")] {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let settings = "license = 'MIT'\nignore = ['vendor/**']\nonly = ['*.c', 'vendor/*']\n\
        headers = ['Licensed under the MIT License\n\\(the \"License\"\\); you may not']";
    let settings: Settings = toml::from_str(&settings.replace("License\n\\(", "License \\(")).unwrap();
    let files: std::collections::BTreeSet<_> =
        ["old.c", "new.c", "vendor/a.c", "doc/a.c"].into_iter().map(std::path::PathBuf::from).collect();
    let context = Context {
        root: folder.path().to_owned(),
        files: files.clone(),
        selected: files,
        settings: crate::check::Settings { licenses: settings, ..Default::default() },
        ..Context::default()
    };
    let found: Vec<_> = run(&context).unwrap().into_iter().filter_map(|finding| finding.path).collect();
    assert_eq!(found, [Path::new("doc/a.c"), Path::new("new.c")]);
}

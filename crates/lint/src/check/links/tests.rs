// SPDX-License-Identifier: Apache-2.0
use super::*;
use proptest::prelude::*;

const FILES: [&str; 7] =
    ["README.md", "docs/a b.md", "docs/guide.md", "docs/img/logo.png", "src/main.c", "LICENSE", "docs/über.md"];

fn said(path: &str, text: &str, ignore: &[&str]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let mut files = BTreeSet::new();
    for file in FILES {
        let full = folder.path().join(file);
        std::fs::create_dir_all(full.parent().unwrap()).unwrap();
        std::fs::write(full, "# Title\n## Part\n## Part\n").unwrap();
        files.insert(PathBuf::from(file));
    }
    std::fs::write(folder.path().join(path), text).unwrap();
    std::fs::write(folder.path().join(".gitmodules"), "[submodule \"x\"]\n\tpath = third/party\n").unwrap();
    let mut context = Context { root: folder.path().to_path_buf(), ..Context::default() };
    context.settings.links.ignore = ignore.iter().map(|&text| text.to_owned()).collect();
    files.insert(PathBuf::from(path));
    context.files = files;
    context.selected.insert(PathBuf::from(path));
    let findings = run(&context).unwrap();
    findings
        .into_iter()
        .map(|finding| {
            let span = finding.span.unwrap();
            format!("{}:{} {}: {}", span.line, span.column.unwrap(), finding.rule.unwrap(), finding.message)
        })
        .collect()
}

#[test]
fn links_that_lead_somewhere() {
    let cases = [
        ("file", "[x](guide.md)"),
        ("file above", "[x](../README.md)"),
        ("from the root", "[x](/src/main.c)"),
        ("folder", "[x](../src/) [y](img) [z](..) [r](/)"),
        ("escaped", "[x](a%20b.md) [y](<a b.md>) [z](%C3%BCber.md) [u](über.md)"),
        ("heading", "[x](guide.md#part) [y](guide.md#part-1) [z](../README.md#title)"),
        ("heading here", "# Here & There\n[x](#here--there) [t](#top) [e](#)"),
        ("line of source", "[x](../src/main.c#L3-L9) [y](guide.md?plain=1#L3)"),
        ("anchor", "<a name=\"Exact\"></a> [x](#Exact) [y](#user-content-Exact)"),
        ("footnote", "a[^1] [x](#user-content-fn-1)\n\n[^1]: b"),
        ("query", "![x](img/logo.png?raw=true)"),
        ("other places", "[x](https://x.org/gone.md) [m](mailto:a@b.org) [p](//x.org/y) <a@b.org>"),
        ("pages of GitHub", "[x](../../issues) [y](../../actions/workflows/ci.yml)"),
        ("submodule", "[x](../third/party/README.md#any) [y](../third)"),
        ("code", "`[x](gone.md)`\n```\n[x](gone.md)\n```\n"),
        ("text in brackets", "- [ ] a[0] [maybe] > [!NOTE]"),
    ];
    for (name, text) in cases {
        assert_eq!(said("docs/page.md", text, &[]), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn links_that_lead_nowhere() {
    let text = "# Title\n\
        Über [a](gone.md) and ![b](img/no.png)\n\
        [case](GUIDE.md) [anchor](guide.md#gone) [Anchor](guide.md#Part) [here](#nope)\n\
        [ref][r], [no][where] and []()\n\
        <img src=\"img/lost.svg\">\n\
        [root](/guide.md) [folder](nodir/)\n\n\
        [r]: missing%20file.md\n";
    insta::assert_snapshot!(said("docs/page.md", text, &[]).join("\n"));
}

#[test]
fn ignored_destinations_and_links_of_the_file_system() {
    assert_eq!(said("docs/page.md", "[x](@site/a.md) [y](/api/b)", &["@site/*", "/api/*"]), Vec::<String>::new());
    let mut context = Context::default();
    context.settings.links.ignore = vec!["[".to_owned()];
    assert!(run(&context).unwrap_err().to_string().contains("\"[\" is no glob"));
    // A link that leaves the tree is not read.
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/etc/passwd", folder.path().join("a.md")).unwrap();
    let mut context = Context { root: folder.path().to_path_buf(), ..Context::default() };
    context.selected.insert(PathBuf::from("a.md"));
    assert_eq!(run(&context).unwrap(), []);
}

proptest! {
    #[test]
    fn no_document_makes_it_panic(text in "(?s)([\\[\\]()#<>a/.%\\n ü`!:\"=-]|\\[a\\]\\(|<a href=|<!--|# ){0,60}") {
        let document = Document::read(&text);
        let files = BTreeSet::from([PathBuf::from("a")]);
        let tree = Tree { files: &files, modules: &[] };
        let anchors = BTreeSet::new();
        for finding in check(Path::new("docs/a.md"), &text, &document, &tree, &|_| false, &|_| Some(&anchors)) {
            let span = finding.span.unwrap();
            prop_assert!(span.line >= 1 && span.line as usize <= text.split('\n').count());
            prop_assert!((span.line, span.column) <= (span.end_line.unwrap(), span.end_column));
        }
    }

    #[test]
    fn no_path_leaves_the_root(path in "[./a]{0,20}") {
        if let Some(normal) = normal(Path::new(&path)) {
            prop_assert!(normal.components().all(|part| matches!(part, Component::Normal(_))));
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
//! What a Markdown document links to, and what can be linked to in it, as GitHub shows it.

use pulldown_cmark::{BrokenLink, Event, LinkType, Options, Parser, Tag, TagEnd};
use regex_lite::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Range, RangeInclusive};
use std::sync::LazyLock;

/// A document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// Its links and images, in order.
    pub links: Vec<Link>,
    /// `[text][label]` without a definition of the label: the label and its bytes.
    pub undefined: Vec<(String, Range<usize>)>,
    /// Names behind `#` that lead to a place in it.
    pub anchors: BTreeSet<String>,
}

/// A link or an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Where it leads, as written.
    pub destination: String,
    /// Its bytes in the document.
    pub range: Range<usize>,
}

/// An attribute of an HTML tag: the tag's name, the attribute's, its value in quotes or bare.
#[allow(clippy::expect_used)] // a constant; the tests run it
static ATTRIBUTE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?is)(?:^|[\s"'/])(href|srcset|src|id|name)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))"#)
        .expect("constant")
});
#[allow(clippy::expect_used)]
static TAG: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?is)<!--.*?(?:-->|\z)|</?([a-z][a-z0-9-]*)((?:"[^"]*"|'[^']*'|[^'">])*)>"#).expect("constant")
});
#[allow(clippy::expect_used)]
static HEADING: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?is)<h[1-6](?:\s[^>]*)?>(.*?)</h[1-6]\s*>").expect("constant"));

/// Marks that belong to the letter before: accents, where they are written apart.
const COMBINING: RangeInclusive<char> = '\u{300}'..='\u{36f}';

impl Document {
    /// Reads a document. What stands in code is no link.
    pub fn read(text: &str) -> Self {
        let mut document = Self::default();
        let mut undefined = BTreeMap::new();
        let options = Options::ENABLE_TABLES
            | Options::ENABLE_FOOTNOTES
            | Options::ENABLE_STRIKETHROUGH
            | Options::ENABLE_TASKLISTS
            | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS
            | Options::ENABLE_MATH
            | Options::ENABLE_GFM;
        let broken = |link: BrokenLink<'_>| {
            // `[text]` alone is text if nothing defines it.
            if matches!(link.link_type, LinkType::Reference | LinkType::Collapsed) {
                undefined.insert(link.span.start, (link.reference.to_string(), link.span));
            }
            None
        };
        let mut slugs = Slugs::default();
        let mut heading: Option<String> = None;
        let mut html: Option<(String, usize)> = None;
        for (event, range) in Parser::new_with_broken_link_callback(text, options, Some(broken)).into_offset_iter() {
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    if let Some(title) = heading.take() {
                        document.anchors.insert(slugs.next(&title));
                    }
                }
                // Addresses in angle brackets have no scheme of their own.
                Event::Start(Tag::Link { link_type: LinkType::Email, .. }) => {}
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    document.links.push(Link { destination: dest_url.into_string(), range });
                }
                Event::Text(part) | Event::Code(part) => {
                    if let Some(title) = &mut heading {
                        title.push_str(&part);
                    }
                }
                Event::Start(Tag::HtmlBlock) => html = Some((String::new(), range.start)),
                Event::Html(part) => match &mut html {
                    Some((block, _)) => block.push_str(&part),
                    None => document.html(&part, range.start, &mut slugs),
                },
                Event::InlineHtml(part) => document.html(&part, range.start, &mut slugs),
                Event::End(TagEnd::HtmlBlock) => {
                    if let Some((block, start)) = html.take() {
                        document.html(&block, start, &mut slugs);
                    }
                }
                _ => {}
            }
        }
        document.undefined = undefined.into_values().collect();
        document
    }

    /// Takes links and anchors from HTML that begins at a byte of the document.
    fn html(&mut self, html: &str, start: usize, slugs: &mut Slugs) {
        for tag in TAG.captures_iter(html) {
            // A comment has no name.
            let (Some(name), Some(attributes)) = (tag.get(1), tag.get(2)) else { continue };
            let name = name.as_str().to_ascii_lowercase();
            for attribute in ATTRIBUTE.captures_iter(attributes.as_str()) {
                let Some(key) = attribute.get(1) else { continue };
                let value = [2, 3, 4].into_iter().find_map(|group| attribute.get(group)).map_or("", |v| v.as_str());
                match (name.as_str(), key.as_str().to_ascii_lowercase().as_str()) {
                    (_, "id") | ("a", "name") => {
                        self.anchors.insert(value.to_owned());
                    }
                    ("a", "href") | ("img" | "source" | "video", "src" | "srcset") => {
                        let range = tag.get(0).map_or(0..0, |whole| start + whole.start()..start + whole.end());
                        // Several pictures for several screens: `a.png 1x, b.png 2x`.
                        let several = if key.as_str().eq_ignore_ascii_case("srcset") { value } else { "" };
                        let several = several.split(',').filter_map(|picture| picture.split_whitespace().next());
                        let one = several.clone().next().is_none().then_some(value);
                        let links = several.chain(one).map(str::to_owned);
                        self.links.extend(links.map(|destination| Link { destination, range: range.clone() }));
                    }
                    _ => {}
                }
            }
        }
        for heading in HEADING.captures_iter(html) {
            let title = TAG.replace_all(heading.get(1).map_or("", |title| title.as_str()), "");
            self.anchors.insert(slugs.next(title.trim()));
        }
    }
}

/// The names that GitHub gives headings.
#[derive(Default)]
struct Slugs(BTreeMap<String, usize>);

impl Slugs {
    /// The name of the next heading: lower case, without punctuation, `-` for spaces; a number
    /// behind what was there before.
    fn next(&mut self, title: &str) -> String {
        let is_kept = |c: &char| c.is_alphanumeric() || COMBINING.contains(c) || "_- ".contains(*c);
        let base = title.to_lowercase().chars().filter(is_kept).collect::<String>().replace(' ', "-");
        let mut count = self.0.get(&base).copied();
        let mut slug = base.clone();
        while let Some(before) = count {
            self.0.insert(base.clone(), before + 1);
            slug = format!("{base}-{}", before + 1);
            count = self.0.contains_key(&slug).then_some(before + 1);
        }
        self.0.insert(slug.clone(), 0);
        slug
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_get_githubs_names() {
        let cases: [(&str, &str, &[&str]); 13] = [
            ("plain", "# Getting Started", &["getting-started"]),
            ("punctuation", "## What's new, in C++?", &["whats-new-in-c"]),
            ("code and emphasis", "## The `--list` of *all* **tools**", &["the---list-of-all-tools"]),
            ("underscore and dash", "# snake_case - and more", &["snake_case---and-more"]),
            ("other letters", "# Über Größe 日本語", &["über-größe-日本語"]),
            ("accent apart", "# Re\u{301}sume\u{301}", &["re\u{301}sume\u{301}"]),
            ("link in heading", "# See [here](https://x.org) now", &["see-here-now"]),
            ("emoji", "# 🚀 Launch", &["-launch"]),
            ("duplicates", "# A\n# A\n# A", &["a", "a-1", "a-2"]),
            ("duplicate of a number", "# A\n# A-1\n# A", &["a", "a-1", "a-2"]),
            ("setext", "Title\n=====\n", &["title"]),
            ("html", "<h2 align=\"center\"><b>Big</b> one</h2>\n", &["big-one"]),
            ("in code", "```\n# no\n```\n\n    # no\n", &[]),
        ];
        for (name, text, expected) in cases {
            let mut expected: Vec<_> = expected.to_vec();
            expected.sort_unstable();
            assert_eq!(Document::read(text).anchors.into_iter().collect::<Vec<_>>(), expected, "{name}");
        }
    }

    #[test]
    fn html_anchors_count_and_comments_do_not() {
        let text =
            "<a name=\"one\"></a> and <span id='two'>x</span>\n\n<div id=three>\n<!-- <a id=\"four\"> -->\n</div>\n";
        assert_eq!(Document::read(text).anchors.into_iter().collect::<Vec<_>>(), ["one", "three", "two"]);
    }

    #[test]
    fn links_of_every_kind() {
        let cases: [(&str, &str, &[&str]); 12] = [
            ("inline", "[a](b.md \"title\")", &["b.md"]),
            ("image in link", "[![a](i.png)](b.md)", &["b.md", "i.png"]),
            ("angle", "[a](<b c.md>)", &["b c.md"]),
            ("reference", "[a][B]\n\n[b]: c.md", &["c.md"]),
            ("collapsed and shortcut", "[b][] [b]\n\n[b]: c.md", &["c.md", "c.md"]),
            ("autolink", "<https://x.org>", &["https://x.org"]),
            ("table", "| a |\n|---|\n| [x](y.md) |\n", &["y.md"]),
            ("html", "<p><img width=3 src='i.png'>\n<a href=\"b.md\">b</a></p>", &["i.png", "b.md"]),
            (
                "pictures",
                "<picture><source srcset=\"a.png, b.png 2x\"><img src=c.png data-src=d.png></picture>",
                &["a.png", "b.png", "c.png"],
            ),
            ("inline html", "text <a href=b.md>b</a>", &["b.md"]),
            ("code", "`[a](b.md)`\n\n```\n[a](b.md)\n```\n\n    [a](b.md)\n", &[]),
            ("comment and front matter", "---\na: '[x](y)'\n---\n<!-- [a](b.md) <img src=\"x\"> -->\n", &[]),
        ];
        for (name, text, expected) in cases {
            let found: Vec<_> = Document::read(text).links.into_iter().map(|link| link.destination).collect();
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn a_full_reference_needs_a_definition() {
        let found = Document::read("[a][gone] [gone][] [gone] [x] and [b][c]\n\n[c]: d.md").undefined;
        let labels: Vec<_> = found.iter().map(|(label, range)| (label.as_str(), range.clone())).collect();
        assert_eq!(labels, [("gone", 0..9), ("gone", 10..16)]);
    }
}

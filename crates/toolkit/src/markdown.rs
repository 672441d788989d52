// SPDX-License-Identifier: Apache-2.0
//! Markdown for job summaries.

/// A table; cells are Markdown and must already be escaped where they hold foreign text.
pub fn table<C: AsRef<str>>(columns: &[&str], rows: impl IntoIterator<Item = Vec<C>>) -> String {
    let mut text = format!("| {} |\n|{}\n", columns.join(" | "), " --- |".repeat(columns.len()));
    for row in rows {
        text.push('|');
        for cell in row {
            text.push(' ');
            text.push_str(&cell.as_ref().replace(['\n', '\r'], " "));
            text.push_str(" |");
        }
        text.push('\n');
    }
    text
}

/// Foreign text as it is: nothing in it is taken as Markdown, HTML or a mention.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '@' => escaped.push_str("&#64;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '!' | '|' | '~' => {
                escaped.push('\\');
                escaped.push(c);
            }
            '\n' | '\r' => escaped.push(' '),
            _ => escaped.push(c),
        }
    }
    escaped
}

/// Inline code, safe in a table cell whatever the text holds.
pub fn code(text: &str) -> String {
    if text.contains(['`', '\n', '\r']) || text.trim().is_empty() {
        format!("<code>{}</code>", escape(text))
    } else {
        format!("`{}`", text.replace('|', "\\|"))
    }
}

/// A fenced block that its content cannot close.
pub fn block(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{}\n{fence}\n", text.trim_end_matches('\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_a_line_per_row() {
        let text = table(&["File", "Size"], [vec!["a\nb", "1 B"], vec!["c", "2 B"]]);
        insta::assert_snapshot!(text, @r"
        | File | Size |
        | --- | --- |
        | a b | 1 B |
        | c | 2 B |
        ");
    }

    #[test]
    fn foreign_text_has_no_voice() {
        assert_eq!(escape("<b>[x](y) | @team"), "&lt;b&gt;\\[x\\]\\(y\\) \\| &#64;team");
        assert_eq!(code("a|<b>"), "`a\\|<b>`");
        assert_eq!(code("a`|<b>"), "<code>a\\`\\|&lt;b&gt;</code>");
        assert_eq!(block("```\nx"), "````text\n```\nx\n````\n");
    }
}

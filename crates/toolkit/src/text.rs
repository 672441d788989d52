// SPDX-License-Identifier: Apache-2.0
//! Text that somebody else wrote, as a person may safely see it.

use std::borrow::Cow;

/// Text in which nothing is hidden: characters that steer a terminal, reorder what is around them or cannot be seen
/// are spelled out, `\u{202e}`. Line breaks and tabs stay.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_hidden(character) { shown.extend(character.escape_unicode()) } else { shown.push(character) }
    }
    Cow::Owned(shown)
}

/// The same for text that may hold colours of ours; `coloured` is whether they are shown.
pub fn visible_or_coloured(text: &str, coloured: bool) -> Cow<'_, str> {
    if !coloured || !text.contains('\u{1b}') {
        return visible(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        shown.push_str(&visible(before));
        let colour = after.strip_prefix('[').and_then(|after| after.split_once('m')).map(|(codes, _)| codes);
        if let Some(codes) = colour.filter(|codes| codes.bytes().all(|byte| byte.is_ascii_digit() || byte == b';')) {
            shown.extend(["\u{1b}[", codes, "m"]);
            rest = after.get(codes.len() + 2..).unwrap_or_default();
        } else {
            shown.push_str("\\u{1b}");
            rest = after;
        }
    }
    shown.push_str(&visible(rest));
    Cow::Owned(shown)
}

fn is_hidden(character: char) -> bool {
    match character {
        // A joiner is part of many writings and emoji, and reorders nothing.
        '\n' | '\t' | '\u{200c}' | '\u{200d}' => false,
        '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => true,
        other => other.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_hidden_is_spelled_out() {
        let cases = [
            ("plain, ä, 漢字, \u{1f468}\u{200d}\u{1f469}", "plain, ä, 漢字, \u{1f468}\u{200d}\u{1f469}"),
            ("a\tb\nc", "a\tb\nc"),
            ("\u{1b}[31mred\u{7}", "\\u{1b}[31mred\\u{7}"),
            ("if (\u{202e} admin \u{2066})", "if (\\u{202e} admin \\u{2066})"),
            ("a\r\u{9b}2Jb\u{200b}c\u{feff}", "a\\u{d}\\u{9b}2Jb\\u{200b}c\\u{feff}"),
        ];
        for (text, shown) in cases {
            assert_eq!(visible(text), shown, "{text:?}");
        }
    }

    #[test]
    fn colours_are_all_that_a_terminal_gets() {
        let text = "\u{1b}[1;31mred\u{1b}[0m \u{1b}[2J\u{1b}]0;title\u{7}\u{1b}";
        let shown = "\u{1b}[1;31mred\u{1b}[0m \\u{1b}[2J\\u{1b}]0;title\\u{7}\\u{1b}";
        assert_eq!(visible_or_coloured(text, true), shown);
        assert!(!visible_or_coloured(text, false).contains('\u{1b}'));
    }

    proptest! {
        #[test]
        fn nothing_stays_hidden_and_the_rest_stays(text in any::<String>()) {
            let shown = visible(&text);
            prop_assert!(!shown.contains(is_hidden));
            prop_assert_eq!(visible(&shown).into_owned(), shown.into_owned());
        }
    }
}

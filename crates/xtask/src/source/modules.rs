//! Which files a file names with `mod name;`.

use std::ops::Range;

use super::lexer::is_word;

/// A module that lies in a file of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Declaration {
    /// Names from the outermost inline module in this file to the declared one, joined with `/`.
    pub(crate) name: String,
    /// What `#[path = ".."]` says, if it is there.
    pub(crate) path: Option<String>,
    /// Whether it is there for tests only.
    pub(crate) is_test: bool,
}

/// All declarations of a file. `code` is `text` without comments and literals.
pub(super) fn declarations(text: &str, code: &str, tests: &[Range<usize>]) -> Vec<Declaration> {
    let mut found = Vec::new();
    let mut inline: Vec<(usize, &str)> = Vec::new();
    let mut path = None;
    let mut words = words(code);
    while let Some((at, word)) = words.next() {
        if word == "path" && code[..at].trim_end().ends_with("#[") {
            path = quoted(&text[at..]);
        }
        if word != "mod" {
            continue;
        }
        let Some((name_at, name)) = words.next() else {
            break;
        };
        let end = name_at + name.len();
        inline.retain(|(close, _)| *close > at);
        if code[end..].trim_start().starts_with('{') {
            inline.push((super::items::item_end(code, end), name));
            continue;
        }
        let names = inline.iter().map(|(_, outer)| *outer).chain([name]);
        found.push(Declaration {
            name: names.collect::<Vec<_>>().join("/"),
            path: path.take(),
            is_test: tests.iter().any(|span| span.contains(&at)),
        });
    }
    found
}

/// Each word of `code` with the byte it starts at.
pub(super) fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + code[at..].find(is_word)?;
        let bytes = code[start..].find(|c| !is_word(c));
        at = bytes.map_or(code.len(), |bytes| start + bytes);
        Some((start, &code[start..at]))
    })
}

fn quoted(text: &str) -> Option<String> {
    text.split('"').nth(1).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    fn declared(text: &str) -> Vec<(String, Option<String>, bool)> {
        Source::new(text)
            .declarations()
            .iter()
            .map(|d| (d.name.clone(), d.path.clone(), d.is_test))
            .collect()
    }

    #[test]
    fn modules_in_files_are_found_with_their_inline_parents() {
        let text = "mod a;\npub(crate) mod b { mod c; mod d { mod e; } }\nmod f;\n";
        let names: Vec<String> = declared(text).into_iter().map(|(name, ..)| name).collect();
        assert_eq!(names, ["a", "b/c", "b/d/e", "f"]);
    }

    #[test]
    fn path_and_test_are_kept() {
        let text = "#[cfg(test)]\n#[path = \"other.rs\"]\nmod a;\n// mod no;\nmod b;\n";
        assert_eq!(
            declared(text),
            [
                ("a".to_owned(), Some("other.rs".to_owned()), true),
                ("b".to_owned(), None, false)
            ]
        );
    }

    #[test]
    fn words_are_split_at_what_no_name_can_hold() {
        let found: Vec<&str> = words("fn a_1(b::c)").map(|(_, word)| word).collect();
        assert_eq!(found, ["fn", "a_1", "b", "c"]);
    }
}

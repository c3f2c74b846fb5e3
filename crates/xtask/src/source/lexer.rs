//! Cuts source text into code, comments and literals: what must be known to read braces and words rightly.

/// What a stretch of source text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Code,
    Comment,
    /// A doc comment for what follows it (`///` or `/**`).
    OuterDoc,
    /// A string, byte string, raw string or character, with its marks.
    Literal,
}

/// The pieces of `text` in order, without gaps: what it is, and its bytes.
pub(crate) fn pieces(text: &str) -> impl Iterator<Item = (Piece, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (piece, bytes) = first(rest);
        let (head, tail) = rest.split_at(bytes.min(rest.len()));
        rest = tail;
        Some((piece, head))
    })
}

fn first(rest: &str) -> (Piece, usize) {
    match rest.as_bytes() {
        [b'/', b'/', ..] => line_comment(rest),
        [b'/', b'*', ..] => block_comment(rest),
        [b'"', ..] => (Piece::Literal, string_bytes(rest)),
        [b'\'', ..] => character_or_lifetime(rest),
        _ => word_or_prefixed_string(rest),
    }
}

fn line_comment(rest: &str) -> (Piece, usize) {
    let outer = rest.starts_with("///") && !rest.starts_with("////");
    let piece = if outer {
        Piece::OuterDoc
    } else {
        Piece::Comment
    };
    (piece, rest.find('\n').unwrap_or(rest.len()))
}

fn block_comment(rest: &str) -> (Piece, usize) {
    let outer = rest.starts_with("/**") && !rest.starts_with("/***") && !rest.starts_with("/**/");
    let piece = if outer {
        Piece::OuterDoc
    } else {
        Piece::Comment
    };
    let mut open = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        let pair = rest.as_bytes().get(at..at + 2).unwrap_or_default();
        match pair {
            b"/*" => open += 1,
            b"*/" => open -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if open == 0 {
            break;
        }
    }
    (piece, at)
}

/// Bytes of the string that `rest` begins with, marks included; all of it if the string does not end.
fn string_bytes(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn character_or_lifetime(rest: &str) -> (Piece, usize) {
    let mut characters = rest.char_indices().skip(1);
    match (characters.next(), characters.next()) {
        (Some((_, '\\')), Some((_, escaped))) => {
            let from = 2 + escaped.len_utf8();
            let end = rest[from..].find('\'').map(|more| from + more + 1);
            (Piece::Literal, end.unwrap_or(rest.len()))
        }
        (Some(_), Some((end, '\''))) => (Piece::Literal, end + 1),
        _ => (Piece::Code, 1),
    }
}

fn word_or_prefixed_string(rest: &str) -> (Piece, usize) {
    let end = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
    if end == 0 {
        let character = rest.chars().next().map_or(1, char::len_utf8);
        return (Piece::Code, character);
    }
    let (word, tail) = rest.split_at(end);
    let string = match word {
        "b" | "c" if tail.starts_with('"') => Some(string_bytes(tail)),
        "r" | "br" | "cr" => raw_string_bytes(tail),
        _ => None,
    };
    match string {
        Some(bytes) => (Piece::Literal, end + bytes),
        None => (Piece::Code, end),
    }
}

/// Bytes of `#"..."#` with any number of `#`; none if it is no raw string (`r#type` is a name).
fn raw_string_bytes(tail: &str) -> Option<usize> {
    let marks = tail.len() - tail.trim_start_matches('#').len();
    let inside = tail[marks..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(marks));
    let bytes = inside
        .find(&close)
        .map_or(inside.len(), |at| at + close.len());
    Some(marks + 1 + bytes)
}

/// Whether a name or number can hold this character.
pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pieces that are not code, in order.
    fn quiet(text: &str) -> Vec<(Piece, &str)> {
        assert_eq!(pieces(text).map(|(_, part)| part).collect::<String>(), text);
        pieces(text)
            .filter(|(piece, _)| *piece != Piece::Code)
            .collect()
    }

    #[test]
    fn comments_are_told_from_docs() {
        use Piece::{Comment, OuterDoc};
        assert_eq!(quiet("a // b\nc"), [(Comment, "// b")]);
        assert_eq!(
            quiet("/// d\n//// not\n//! in"),
            [
                (OuterDoc, "/// d"),
                (Comment, "//// not"),
                (Comment, "//! in")
            ]
        );
        assert_eq!(
            quiet("a /* b /* c */ d */ e"),
            [(Comment, "/* b /* c */ d */")]
        );
        assert_eq!(
            quiet("/** d */ /*** n */ /**/"),
            [
                (OuterDoc, "/** d */"),
                (Comment, "/*** n */"),
                (Comment, "/**/")
            ]
        );
    }

    #[test]
    fn strings_of_every_kind_are_literals() {
        for literal in [
            r#""a \" // b""#,
            r##"r#"a " b"#"##,
            r#"r"\""#,
            r#"b"{""#,
            r##"br#"}"#"##,
            r#"c"{""#,
            "'{'",
            r"'\''",
            r"'\\'",
            r"'\u{1F600}'",
            "'é'",
        ] {
            let text = format!("x = {literal}; y");
            assert_eq!(quiet(&text), [(Piece::Literal, literal)], "{text}");
        }
    }

    #[test]
    fn lifetimes_and_raw_names_are_code() {
        assert_eq!(quiet("fn f<'a, 'b>(x: &'a str) { r#type }"), []);
        assert_eq!(quiet("bar\"s\""), [(Piece::Literal, "\"s\"")]);
    }

    #[test]
    fn text_that_stops_in_the_middle_is_taken_to_its_end() {
        for text in ["\"a", "/* b", "r#\"c", "'\\", "'", "b\"\\", "/"] {
            assert_eq!(pieces(text).map(|(_, part)| part).collect::<String>(), text);
        }
    }
}

//! A Rust file as far as the checks need to understand it.

mod functions;
mod items;
mod lexer;
mod modules;

use std::collections::BTreeSet;
use std::ops::Range;

use lexer::Piece;
pub(crate) use lexer::is_word;
pub(crate) use modules::Declaration;

/// A file with what is not code made harmless.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    text: String,
    /// As long as `text`, with the same line ends. Comments and attributes are blanks; literals are quotation marks.
    code: String,
    /// Indices of lines that hold a doc comment or doc attribute for what follows.
    doc_lines: BTreeSet<usize>,
    /// Byte ranges of items under `#[cfg(test)]`.
    tests: Vec<Range<usize>>,
    declarations: Vec<Declaration>,
}

impl Source {
    /// Reads `text`; never fails, since what does not compile is not this program's business.
    pub(crate) fn new(text: &str) -> Self {
        let with_attributes = quiet_code(text);
        let attributes = items::attributes(&with_attributes);
        let tests = items::test_items(&with_attributes, &attributes);
        let declarations = modules::declarations(text, &with_attributes, &tests);
        let doc_lines = doc_lines(text, &with_attributes, &attributes);
        Self {
            text: text.to_owned(),
            code: blank(with_attributes, &attributes),
            doc_lines,
            tests,
            declarations,
        }
    }

    /// The file as it is.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Modules that lie in files of their own.
    pub(crate) fn declarations(&self) -> &[Declaration] {
        &self.declarations
    }

    /// Lines that hold code: of production, and of tests. Comments, blanks and attributes alone on a line do not count.
    pub(crate) fn code_lines(&self) -> LineCounts {
        let mut counts = LineCounts::default();
        for (start, line) in lines(&self.code) {
            match (line.trim().is_empty(), self.is_test(start)) {
                (true, _) => {}
                (false, true) => counts.tests += 1,
                (false, false) => counts.production += 1,
            }
        }
        counts
    }

    /// Code lines of each production function, from its name to its closing brace.
    pub(crate) fn function_lines(&self) -> Vec<usize> {
        functions::spans(&self.code)
            .into_iter()
            .filter(|span| !self.is_test(span.start))
            .map(|span| {
                let lines = self.code[span].lines();
                lines.filter(|line| !line.trim().is_empty()).count()
            })
            .collect()
    }

    /// Line index and head of each public type, trait and function of production code that has no doc comment.
    pub(crate) fn undocumented(&self) -> Vec<(usize, String)> {
        let mut missing = Vec::new();
        let mut documented = false;
        for (index, (start, line)) in lines(&self.code).enumerate() {
            let line = line.trim();
            documented |= self.doc_lines.contains(&index);
            if line.is_empty() {
                continue;
            }
            // What a macro passes on, `$(#[$meta])*`, is documented where the macro is called.
            if line.chars().all(|c| "$()* ".contains(c)) {
                documented = true;
                continue;
            }
            let head = items::public_head(line);
            if let Some(head) = head.filter(|_| !documented && !self.is_test(start)) {
                missing.push((index, head));
            }
            documented = false;
        }
        missing
    }

    fn is_test(&self, at: usize) -> bool {
        self.tests.iter().any(|span| span.contains(&at))
    }
}

/// Code lines of a file or crate, apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LineCounts {
    pub(crate) production: usize,
    pub(crate) tests: usize,
}

/// `text` with comments blanked and literals made quotation marks, byte for byte as long.
fn quiet_code(text: &str) -> String {
    lexer::pieces(text)
        .map(|(piece, part)| match piece {
            Piece::Code => part.to_owned(),
            Piece::Comment | Piece::OuterDoc => repeat_for(part, ' '),
            Piece::Literal => repeat_for(part, '"'),
        })
        .collect()
}

fn blank(code: String, spans: &[Range<usize>]) -> String {
    let mut code = code;
    for span in spans {
        let quiet = repeat_for(&code[span.clone()], ' ');
        code.replace_range(span.clone(), &quiet);
    }
    code
}

/// `mark` for each byte of `part`, but line ends stay.
fn repeat_for(part: &str, mark: char) -> String {
    let keep = |byte| if byte == b'\n' { '\n' } else { mark };
    part.bytes().map(keep).collect()
}

fn doc_lines(text: &str, code: &str, attributes: &[Range<usize>]) -> BTreeSet<usize> {
    let mut lines = BTreeSet::new();
    let mut line = 0;
    for (piece, part) in lexer::pieces(text) {
        line += part.matches('\n').count();
        if piece == Piece::OuterDoc {
            lines.insert(line);
        }
    }
    let by_attribute = attributes
        .iter()
        .filter(|span| code[(*span).clone()].starts_with("#[doc"))
        .map(|span| code[..span.start].matches('\n').count());
    lines.extend(by_attribute);
    lines
}

/// Each line with the byte it starts at.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_inclusive('\n').scan(0, |next, line| {
        let start = *next;
        *next += line.len();
        Some((start, line))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"//! What is it?

/// A thing.
#[derive(
    Debug,
)]
pub struct Thing {
    pub name: String, // not an item
}

pub(crate) struct Inner;

impl Thing {
    pub const fn bare(&self) -> &str {
        "pub fn in_a_string() {"
    }
}

#[doc(hidden)]
pub fn hidden() {}

#[cfg(test)]
mod tests {
    pub struct InATest;
    fn helper() {}
}
pub type Last = u8;
"#;

    #[test]
    fn public_items_without_docs_are_named_with_their_lines() {
        assert_eq!(
            Source::new(FILE).undocumented(),
            [(13, "fn bare".to_owned()), (26, "type Last".to_owned())]
        );
    }

    #[test]
    fn a_macro_that_passes_docs_on_is_documented_where_it_is_called() {
        let text = "macro_rules! id {\n    ($(#[$meta:meta])* $n:ident) => {\n        $(#[$meta])*\n        pub struct $n;\n    };\n}\n";
        assert_eq!(Source::new(text).undocumented(), []);
    }

    #[test]
    fn docs_of_one_item_do_not_count_for_the_next() {
        let text = "/// Doc.\npub fn a() {}\npub fn b() {}\n";
        assert_eq!(Source::new(text).undocumented(), [(2, "fn b".to_owned())]);
    }

    #[test]
    fn production_and_test_lines_are_counted_apart() {
        let counts = Source::new(FILE).code_lines();
        // Thing 3, Inner 1, impl 5, hidden 1, Last 1; the test module 4.
        assert_eq!((counts.production, counts.tests), (11, 4));
    }

    #[test]
    fn a_text_of_many_lines_counts_as_code() {
        let source = Source::new("const A: &str = \"a\n{ b\nc\";\n");
        assert_eq!(source.code_lines().production, 3);
    }

    #[test]
    fn a_file_that_stops_anywhere_is_still_read() {
        for (at, _) in FILE.char_indices() {
            let source = Source::new(&FILE[..at]);
            assert_eq!(source.code.len(), at);
            source.undocumented();
            source.function_lines();
        }
    }

    #[test]
    fn only_production_functions_are_measured() {
        assert_eq!(Source::new(FILE).function_lines(), [3, 1]);
    }
}

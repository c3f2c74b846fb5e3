//! Attributes, and where the item that they stand before ends.

use std::ops::Range;

use super::lexer::is_word;

/// Byte ranges of all attributes, `#[..]` and `#![..]`.
pub(super) fn attributes(code: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = code[from..].find('#').map(|at| from + at) {
        let open = at + 1 + usize::from(code[at + 1..].starts_with('!'));
        from = at + 1;
        if code[open..].starts_with('[') {
            from = closing(code, open);
            found.push(at..from);
        }
    }
    found
}

/// Byte ranges of the items under `#[cfg(test)]`, their attributes included.
pub(super) fn test_items(code: &str, attributes: &[Range<usize>]) -> Vec<Range<usize>> {
    attributes
        .iter()
        .filter_map(|span| {
            let attribute = &code[span.clone()];
            match is_for_tests(attribute) {
                true if attribute.starts_with("#!") => Some(0..code.len()),
                true => {
                    Some(span.start..item_end(code, after_attributes(span.end, attributes, code)))
                }
                false => None,
            }
        })
        .collect()
}

/// Kind and name of the public item that starts on this line of code, such as `fn open`.
pub(super) fn public_head(line: &str) -> Option<String> {
    let mut words = line.strip_prefix("pub ")?.split_whitespace();
    let kind = words.find(|word| !is_modifier(word))?;
    let kinds = ["fn", "struct", "enum", "union", "trait", "type"];
    let name = kinds.contains(&kind).then(|| words.next()).flatten()?;
    let end = name.find(|c| !is_word(c)).unwrap_or(name.len());
    Some(format!("{kind} {}", &name[..end]))
}

/// The byte after the end of the item that starts at `from`: its `;`, or the brace that closes its first block.
pub(super) fn item_end(code: &str, from: usize) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate().skip(from) {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth = depth.saturating_sub(1),
            b';' if depth == 0 => return at + 1,
            b'{' if depth == 0 => return closing(code, at),
            _ => {}
        }
    }
    code.len()
}

/// The byte after the bracket that closes the one at `open`.
fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => continue,
        }
        if depth == 0 {
            return at + 1;
        }
    }
    code.len()
}

fn is_for_tests(attribute: &str) -> bool {
    let bare: String = attribute.split_whitespace().collect();
    let conditional = bare.starts_with("#[cfg(") || bare.starts_with("#![cfg(");
    conditional
        && !bare.contains("not(test")
        && !bare.contains("any(")
        && bare.split(|c| !is_word(c)).any(|word| word == "test")
}

fn after_attributes(from: usize, attributes: &[Range<usize>], code: &str) -> usize {
    let mut at = from;
    for span in attributes.iter().filter(|span| span.start >= from) {
        if !code[at..span.start].trim().is_empty() {
            break;
        }
        at = span.end;
    }
    at
}

fn is_modifier(word: &str) -> bool {
    ["async", "const", "unsafe", "extern"].contains(&word) || word.starts_with('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tests_of(code: &str) -> Vec<&str> {
        test_items(code, &attributes(code))
            .into_iter()
            .map(|span| &code[span])
            .collect()
    }

    #[test]
    fn attributes_are_found_over_lines_and_inside_one_another() {
        let code = "#![a] #[b(\n[c])] fn x() { #[d] y } # e";
        let found: Vec<&str> = attributes(code).into_iter().map(|s| &code[s]).collect();
        assert_eq!(found, ["#![a]", "#[b(\n[c])]", "#[d]"]);
    }

    #[test]
    fn the_item_under_cfg_test_is_taken_whole() {
        assert_eq!(
            tests_of("a #[cfg(test)]\nmod t; b"),
            ["#[cfg(test)]\nmod t;"]
        );
        assert_eq!(
            tests_of("#[cfg(test)] #[x] fn f(a: [u8; 3]) { { } } fn g() {}"),
            ["#[cfg(test)] #[x] fn f(a: [u8; 3]) { { } }"]
        );
        assert_eq!(
            tests_of("#[cfg(all(test, unix))] use a;"),
            ["#[cfg(all(test, unix))] use a;"]
        );
        assert_eq!(
            tests_of("#![cfg(test)] fn f() {}"),
            ["#![cfg(test)] fn f() {}"]
        );
    }

    #[test]
    fn what_also_runs_in_production_is_no_test() {
        for code in [
            "#[cfg(not(test))] fn f() {}",
            "#[cfg(any(test, unix))] fn f() {}",
            "#[cfg(latest)] fn f() {}",
            "#[test] fn f() {}",
        ] {
            assert_eq!(tests_of(code), [""; 0], "{code}");
        }
    }

    #[test]
    fn heads_of_public_items() {
        let head = |line| public_head(line).unwrap_or_default();
        assert_eq!(head("pub struct A<T>(T);"), "struct A");
        assert_eq!(head("pub const fn f(self)"), "fn f");
        assert_eq!(head("pub unsafe extern \"\"\" fn f()"), "fn f");
        assert_eq!(head("pub trait Gate: Debug {"), "trait Gate");
        for line in [
            "pub const A: u8 = 1;",
            "pub use a::b;",
            "pub mod c;",
            "pub(crate) fn d()",
            "pub e: u8,",
            "fn g()",
        ] {
            assert_eq!(public_head(line), None, "{line}");
        }
    }
}

//! Where functions begin and end, by matching braces.

use std::ops::Range;

use super::items::item_end;
use super::modules::words;

/// Byte ranges from the word `fn` to the closing brace of each function that has a body.
pub(super) fn spans(code: &str) -> Vec<Range<usize>> {
    words(code)
        .filter(|(at, word)| *word == "fn" && is_named(&code[at + 2..]))
        .map(|(at, _)| at..item_end(code, at))
        .filter(|span| code[span.clone()].ends_with('}'))
        .collect()
}

/// A pointer type `fn(u8)` has no name.
fn is_named(after: &str) -> bool {
    !after.trim_start().starts_with('(')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_found_and_declarations_and_pointers_are_not() {
        let code =
            "trait T { fn a(&self); fn b() { if x { y } } } type P = fn(u8) -> u8; struct S {}";
        let found: Vec<&str> = spans(code).into_iter().map(|span| &code[span]).collect();
        assert_eq!(found, ["fn b() { if x { y } }"]);
    }

    #[test]
    fn inner_functions_count_for_themselves_too() {
        assert_eq!(spans("fn a() { fn b() {} }").len(), 2);
    }
}

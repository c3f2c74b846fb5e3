//! White space that nobody can see.

use crate::finding::Finding;
use crate::tree::Tree;

/// Tabs, white space at the end of a line, and a last line without an end.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let files = tree.texts.iter();
    files
        .flat_map(|(path, text)| check_file(path, text))
        .collect()
}

fn check_file(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in text.split('\n').enumerate() {
        if line.contains('\t') {
            findings.push(Finding::at_line(path, index, "has a tab; use spaces"));
        }
        if line.ends_with([' ', '\t', '\r']) {
            findings.push(Finding::at_line(path, index, "ends with white space"));
        }
    }
    if !text.is_empty() && !text.ends_with('\n') {
        findings.push(Finding::at(path, "the last line has no end"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_found_at_its_line() {
        let found: Vec<String> = check_file("a.md", "ok\n\tb\nc \nd\r\ne")
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            found,
            [
                "a.md:2: has a tab; use spaces",
                "a.md:3: ends with white space",
                "a.md:4: ends with white space",
                "a.md: the last line has no end"
            ]
        );
        assert_eq!(check_file("a.md", ""), []);
    }
}

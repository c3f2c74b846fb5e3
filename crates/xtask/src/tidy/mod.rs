//! What neither the compiler nor clippy looks at.

mod docs;
mod named;
mod questions;
mod readme;
mod size;
mod whitespace;
mod words;

use crate::finding::Finding;
use crate::tree::Tree;

/// All findings of all checks, in the order of the checks.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let checks: [fn(&Tree) -> Vec<Finding>; 7] = [
        whitespace::check,
        words::check,
        named::check,
        questions::check,
        readme::check,
        docs::check,
        size::check,
    ];
    checks.iter().flat_map(|check| check(tree)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tests::tree;

    #[test]
    fn a_house_in_order_has_no_findings() {
        let tree = tree(&[
            ("README.md", "| `dco-a` | What is a? |\n"),
            (
                "crates/dco-a/src/lib.rs",
                "//! What is a?\n\n/// Doc.\npub fn a() {}\n",
            ),
        ]);
        assert_eq!(check(&tree), []);
    }

    #[test]
    fn every_check_is_called() {
        let long = "fn f() {}\n".repeat(401);
        let tree = tree(&[
            (
                "crates/dco-a/src/lib.rs",
                &format!("//! No.\npub fn a() {{}} \n{long}"),
            ),
            ("crates/dco-a/src/dead.rs", concat!("// TO", "DO\n")),
        ]);
        // White space, word, dead file, question, README, docs, size.
        assert_eq!(check(&tree).len(), 7);
    }
}

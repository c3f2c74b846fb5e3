//! Every public type, trait and function says what it is for.

use crate::finding::Finding;
use crate::tree::{Role, Tree};

/// Public items of production code without a doc comment. What the end-to-end tests share counts too: many read it.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let read_by_others =
        |path: &str, role| role == Role::Production || path.starts_with("tests/src/");
    let crates = tree.house.crates.iter();
    crates
        .flat_map(|krate| tree.files_of(krate))
        .filter(|(path, _, role)| read_by_others(path, *role))
        .flat_map(|(path, source, _)| {
            let missing = source.undocumented().into_iter();
            missing.map(move |(index, head)| {
                let message = format!(
                    "`{head}` has no doc comment; say what goes in and out, its units, its errors and \
                     where the rule comes from"
                );
                Finding::at_line(path, index, message)
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tests::tree;

    #[test]
    fn a_public_item_without_docs_is_named() {
        let tree = tree(&[
            (
                "crates/dco-a/src/lib.rs",
                "/// D.\npub struct A;\n\nimpl A {\n    pub fn b() {}\n}\n",
            ),
            ("crates/dco-a/tests/all.rs", "pub fn helper() {}\n"),
        ]);
        let found = check(&tree);
        assert_eq!(found.len(), 1);
        let text = found[0].to_string();
        assert!(
            text.starts_with("crates/dco-a/src/lib.rs:5: `fn b` has no doc"),
            "{text}"
        );
    }
}

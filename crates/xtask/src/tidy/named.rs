//! No dead files.

use crate::finding::Finding;
use crate::tree::Tree;

/// Rust files in a crate's folder that no module names.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.sources
        .keys()
        .filter(|path| !tree.roles.contains_key(*path))
        .map(|path| {
            Finding::at(
                path,
                "no module names this file, so nobody compiles it; name it with `mod` or remove it",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tests::tree;

    #[test]
    fn a_file_that_no_module_names_is_found() {
        let tree = tree(&[
            ("crates/dco-a/src/lib.rs", "mod b;\n// mod c;\n"),
            ("crates/dco-a/src/b.rs", ""),
            ("crates/dco-a/src/c.rs", ""),
            ("crates/other/src/lib.rs", ""),
        ]);
        let found = check(&tree);
        assert_eq!(found.len(), 1);
        assert!(found[0].to_string().starts_with("crates/dco-a/src/c.rs: "));
    }
}

//! No file is so long that one searches in it instead of reading it.

use crate::finding::Finding;
use crate::tree::{Role, Tree};

/// Lines of production code in a file. Comments, blanks, attributes and tests do not count: nobody should save on those.
const FILE_LINES_MAX: usize = 400;

/// Files over the limit. Functions, nesting and parameters are clippy's.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let crates = tree.house.crates.iter();
    crates
        .flat_map(|krate| tree.files_of(krate))
        .filter(|(_, _, role)| *role == Role::Production)
        .filter_map(|(path, source, _)| {
            let lines = source.code_lines().production;
            (lines > FILE_LINES_MAX).then(|| {
                let message = format!(
                    "{lines} lines of code, {FILE_LINES_MAX} are allowed; find the second thing that this \
                     file is about and give it a file"
                );
                Finding::at(path, message)
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tests::tree;

    fn findings(text: &str) -> usize {
        check(&tree(&[("crates/dco-a/src/lib.rs", text)])).len()
    }

    #[test]
    fn the_limit_is_exact() {
        assert_eq!(findings(&"use a;\n".repeat(FILE_LINES_MAX)), 0);
        assert_eq!(findings(&"use a;\n".repeat(FILE_LINES_MAX + 1)), 1);
    }

    #[test]
    fn comments_and_tests_do_not_count() {
        let tests = "fn t() {}\n".repeat(FILE_LINES_MAX);
        assert_eq!(findings(&"// why\n\n".repeat(FILE_LINES_MAX)), 0);
        assert_eq!(
            findings(&format!("use a;\n#[cfg(test)]\nmod tests {{\n{tests}}}\n")),
            0
        );
        let elsewhere = tree(&[("crates/dco-a/tests/all.rs", &tests.repeat(2))]);
        assert_eq!(check(&elsewhere), []);
    }
}

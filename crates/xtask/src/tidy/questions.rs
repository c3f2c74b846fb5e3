//! Each crate begins with the question that it answers.

use crate::finding::Finding;
use crate::house::{Crate, RootKind};
use crate::tree::Tree;

/// Libraries that do not begin with their package's description, and binaries and test roots that do not say what they are.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let crates = tree.house.crates.iter();
    crates.flat_map(|krate| check_crate(tree, krate)).collect()
}

fn check_crate(tree: &Tree, krate: &Crate) -> Vec<Finding> {
    let mut findings = Vec::new();
    if krate.description.is_empty() {
        findings.push(Finding::at(
            format!("{}/Cargo.toml", krate.folder),
            "has no description; write the question that the crate answers",
        ));
    }
    for root in &krate.roots {
        let Some(source) = tree.sources.get(&root.path) else {
            continue;
        };
        let expected = match root.kind {
            RootKind::Library => format!("//! {}", krate.description),
            _ => "//! ".to_owned(),
        };
        if !source.text().starts_with(&expected) {
            findings.push(Finding::at_line(
                &root.path,
                0,
                format!("must begin with `{expected}`: say first what it is for"),
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tests::tree;

    #[test]
    fn a_library_begins_with_its_question() {
        let wrong = tree(&[("crates/dco-a/src/lib.rs", "//! What is b?\n")]);
        assert!(check(&wrong)[0].to_string().contains("`//! What is a?`"));
        let right = tree(&[("crates/dco-a/src/lib.rs", "//! What is a?\n//! More.\n")]);
        assert_eq!(check(&right), []);
    }

    #[test]
    fn a_binary_begins_with_any_line_about_itself() {
        let wrong = tree(&[("crates/dco-a/src/main.rs", "fn main() {}\n")]);
        assert_eq!(check(&wrong).len(), 1);
        let right = tree(&[("crates/dco-a/src/main.rs", "//! Anything.\n")]);
        assert_eq!(check(&right), []);
    }

    #[test]
    fn a_package_without_a_description_is_found() {
        let mut tree = tree(&[]);
        tree.house.crates[0].description.clear();
        assert!(
            check(&tree)[0]
                .to_string()
                .starts_with("crates/dco-a/Cargo.toml: ")
        );
    }
}

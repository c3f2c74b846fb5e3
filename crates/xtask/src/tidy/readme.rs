//! The README's table of crates says what the crates say.

use crate::finding::Finding;
use crate::house::Crate;
use crate::tree::Tree;

const README: &str = "README.md";

/// Crates under `crates/` that have no row with their name and question.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(readme) = tree.texts.get(README) else {
        return vec![Finding::at(README, "is missing")];
    };
    let crates = tree.house.crates.iter();
    crates
        .filter(|krate| krate.folder.starts_with("crates/"))
        .filter(|krate| !has_row(readme, krate))
        .map(|krate| {
            let message = format!(
                "the table of crates needs a row `| \\`{}\\` | {} |`, as its Cargo.toml says",
                krate.name, krate.description
            );
            Finding::at(README, message)
        })
        .collect()
}

fn has_row(readme: &str, krate: &Crate) -> bool {
    let name = format!("`{}`", krate.name);
    let rows = readme.lines().filter(|line| line.starts_with('|'));
    let mut cells = rows.map(|row| row.split('|').skip(1).map(str::trim));
    cells.any(|mut cells| {
        cells.next().is_some_and(|cell| cell.contains(&name))
            && cells
                .next()
                .is_some_and(|cell| cell.starts_with(&krate.description))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tests::tree;

    fn findings(readme: &str) -> usize {
        check(&tree(&[(README, readme)])).len()
    }

    #[test]
    fn a_row_must_have_the_name_and_the_question() {
        assert_eq!(
            findings("| [`dco-a`](crates/dco-a) | What is a? | pure |\n"),
            0
        );
        assert_eq!(findings("| `dco-a` | What is a? (More.) |\n"), 0);
        assert_eq!(findings("| `dco-a` | What is b? |\n"), 1);
        assert_eq!(findings("`dco-a` What is a?\n"), 1);
    }

    #[test]
    fn no_readme_is_a_finding() {
        assert_eq!(check(&tree(&[]))[0].to_string(), "README.md: is missing");
    }
}

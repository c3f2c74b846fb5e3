//! How large everything is, for people to look at.

use std::fmt::Write;

use crate::house::Crate;
use crate::source::LineCounts;
use crate::tree::{Role, Tree};

/// What is counted in one crate, or in all.
#[derive(Debug, Default)]
struct Sizes {
    files: usize,
    lines: LineCounts,
    /// Production code lines of each file that has some.
    file_lines: Vec<usize>,
    /// Code lines of each production function.
    function_lines: Vec<usize>,
}

/// One line for each crate and one for all: code lines, and percentiles of production files and functions.
pub(crate) fn table(tree: &Tree) -> String {
    let mut out = String::from(
        "crate          files   code  tests tests%   file p50 / p90 / max   fn p50 / p90 / max\n",
    );
    let mut all = Sizes::default();
    for krate in &tree.house.crates {
        let sizes = Sizes::of(tree, krate);
        push_row(&mut out, &krate.name, &sizes);
        all.add(sizes);
    }
    push_row(&mut out, "all", &all);
    out
}

impl Sizes {
    fn of(tree: &Tree, krate: &Crate) -> Self {
        let mut sizes = Self::default();
        for (_, source, role) in tree.files_of(krate) {
            let lines = source.code_lines();
            sizes.files += 1;
            if role == Role::Test {
                sizes.lines.tests += lines.tests + lines.production;
                continue;
            }
            sizes.lines.tests += lines.tests;
            sizes.lines.production += lines.production;
            sizes.file_lines.push(lines.production);
            sizes.function_lines.extend(source.function_lines());
        }
        sizes
    }

    fn add(&mut self, other: Self) {
        self.files += other.files;
        self.lines.production += other.lines.production;
        self.lines.tests += other.lines.tests;
        self.file_lines.extend(other.file_lines);
        self.function_lines.extend(other.function_lines);
    }
}

fn push_row(out: &mut String, name: &str, sizes: &Sizes) {
    let LineCounts { production, tests } = sizes.lines;
    let share = tests * 100 / (production + tests).max(1);
    let file = percentiles(&sizes.file_lines);
    let function = percentiles(&sizes.function_lines);
    writeln!(
        out,
        "{name:<14} {:>5} {production:>6} {tests:>6} {share:>5}%   {file:>20}   {function:>18}",
        sizes.files
    )
    .expect("writing to a String cannot fail");
}

fn percentiles(values: &[usize]) -> String {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let [p50, p90, max] = [50, 90, 100].map(|percent| nearest_rank(&sorted, percent));
    format!("{p50} / {p90} / {max}")
}

/// The smallest value that at least `percent` of all are not above; 0 if there is none.
fn nearest_rank(sorted: &[usize], percent: usize) -> usize {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tests::tree;

    #[test]
    fn percentiles_take_the_nearest_rank() {
        let ten: Vec<usize> = (1..=10).rev().collect();
        assert_eq!(percentiles(&ten), "5 / 9 / 10");
        assert_eq!(percentiles(&[7]), "7 / 7 / 7");
        assert_eq!(percentiles(&[]), "0 / 0 / 0");
    }

    #[test]
    fn the_table_keeps_tests_apart_and_adds_up() {
        let tree = tree(&[
            (
                "crates/dco-a/src/lib.rs",
                "fn a() {\n    b();\n}\n#[cfg(test)]\nmod tests {\n}\n",
            ),
            ("crates/dco-a/tests/all.rs", "fn t() {}\nfn u() {}\n"),
        ]);
        let table = table(&tree);
        let words: Vec<Vec<&str>> = table
            .lines()
            .map(|l| l.split_whitespace().collect())
            .collect();
        let expected = [
            "2", "3", "4", "57%", "3", "/", "3", "/", "3", "3", "/", "3", "/", "3",
        ];
        assert_eq!(words[1][1..], expected);
        assert_eq!(words[2][1..], expected);
    }
}

//! One word for one thing, and nothing left unfinished.

use crate::finding::Finding;
use crate::source::is_word;
use crate::tree::Tree;

/// Marks of unfinished work. Written in halves, so that the list does not find itself.
const UNFINISHED: &[&str] = &[
    concat!("FIX", "ME"),
    concat!("TO", "DO"),
    concat!("XX", "X"),
];

/// A word that is not ours for something that we have a word for.
struct Twin {
    twin: &'static str,
    ours: &'static str,
    /// The crates in which the word means something else.
    except: &'static [&'static str],
}

/// The words that others use (CONTRIBUTING.md has ours). Kept short: only what was met.
const TWINS: &[Twin] = &[
    twin(concat!("chu", "nk"), "block (or `part` of something else)"),
    twin(concat!("ten", "ant"), "User"),
    twin(concat!("cust", "omer"), "User"),
    twin(concat!("pub", "lisher"), "User"),
    twin(concat!("roll", "out"), "batch"),
    twin(concat!("s", "la"), "TRT"),
    Twin {
        // There it is the whole of an estate's batches, as in `dco sim`.
        except: &["dco-sim", "dco-cli"],
        ..twin(concat!("cam", "paign"), "batch or schedule")
    },
];

const fn twin(twin: &'static str, ours: &'static str) -> Twin {
    Twin {
        twin,
        ours,
        except: &[],
    }
}

/// Marks of unfinished work in any file; twins in Rust and proto files.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in &tree.texts {
        let krate = tree.house.crate_of(path).map(|krate| krate.name.as_str());
        let is_code = path.ends_with(".rs") || path.ends_with(".proto");
        for (index, line) in text.lines().enumerate() {
            let wrong = unfinished(line).or_else(|| foreign(line, krate).filter(|_| is_code));
            findings.extend(wrong.map(|message| Finding::at_line(path, index, message)));
        }
    }
    findings
}

fn unfinished(line: &str) -> Option<String> {
    let mut words = line.split(|c| !is_word(c));
    let mark = words.find(|word| UNFINISHED.contains(word))?;
    Some(format!(
        "{mark}: finish it, or say in the docs that it is absent and why"
    ))
}

fn foreign(line: &str, krate: Option<&str>) -> Option<String> {
    own_names(line).find_map(|name| {
        let parts = parts(name);
        let twin = TWINS
            .iter()
            .filter(|twin| !krate.is_some_and(|krate| twin.except.contains(&krate)))
            .find(|twin| {
                parts
                    .iter()
                    .any(|part| part.trim_end_matches('s') == twin.twin)
            })?;
        Some(format!("`{name}`: our word is {}", twin.ours))
    })
}

/// The names on a line that we chose: not methods and paths, which may come from other libraries.
fn own_names(line: &str) -> impl Iterator<Item = &str> {
    let starts = line.char_indices().filter(move |(at, c)| {
        let before = line[..*at].chars().next_back();
        is_word(*c) && !before.is_some_and(is_word)
    });
    starts
        .filter(|(at, _)| !line[..*at].ends_with('.') && !line[..*at].ends_with("::"))
        .filter_map(|(at, _)| line[at..].split(|c| !is_word(c)).next())
}

/// `blockBytes`, `BlockBytes` and `block_bytes` all are `block` and `bytes`.
fn parts(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut after_small = false;
    for c in name.chars() {
        if c == '_' || (c.is_uppercase() && after_small) {
            parts.push(String::new());
        }
        if let Some(part) = parts.last_mut().filter(|_| c != '_') {
            part.extend(c.to_lowercase());
        }
        after_small = !c.is_uppercase();
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tests::tree;

    fn found(path: &str, text: &str) -> usize {
        check(&tree(&[(path, text)])).len()
    }

    #[test]
    fn marks_of_unfinished_work_are_found_in_any_file() {
        for mark in UNFINISHED {
            assert_eq!(
                found("docs/a.md", &format!("ok\n<!-- {mark}: later -->\n")),
                1
            );
            assert_eq!(found("docs/a.md", &format!("{mark}Y\n")), 0);
        }
    }

    #[test]
    fn twins_are_found_however_they_are_written() {
        for twin in TWINS {
            let word = twin.twin;
            let mut big = word.to_owned();
            big[..1].make_ascii_uppercase();
            for name in [
                format!("{word}_bytes"),
                format!("{word}s"),
                format!("My{big}Id"),
                big,
            ] {
                assert_eq!(
                    found("crates/dco-a/src/lib.rs", &format!("let {name} = 1;\n")),
                    1,
                    "{name}"
                );
                assert_eq!(found("docs/a.md", &format!("{name}\n")), 0, "{name}");
            }
        }
    }

    #[test]
    fn methods_of_others_are_theirs() {
        let word = TWINS[0].twin;
        let line = format!("let part = bytes.{word}s(4).map(std::slice::{word}s_exact);\n");
        assert_eq!(found("crates/dco-a/src/lib.rs", &line), 0);
        assert_eq!(found("proto/a.proto", &format!("bytes {word} = 1;\n")), 1);
    }

    #[test]
    fn a_word_is_free_in_the_crate_where_it_means_something_else() {
        let line = format!("struct {};", concat!("Cam", "paign"));
        assert!(foreign(&line, Some("dco-engine")).is_some());
        assert!(foreign(&line, Some("dco-sim")).is_none());
    }
}

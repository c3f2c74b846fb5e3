//! All files of the house, and what each is for.

use std::collections::BTreeMap;

use crate::files::{self, ReadError};
use crate::house::{Crate, House, Root, RootKind};
use crate::source::Source;

/// The workspace with its text.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    pub(crate) house: House,
    /// Every text file of ours by its path from the root.
    pub(crate) texts: BTreeMap<String, String>,
    /// The Rust files of the crates among them.
    pub(crate) sources: BTreeMap<String, Source>,
    /// The Rust files that a cargo target reaches through its modules.
    pub(crate) roles: BTreeMap<String, Role>,
}

/// What a Rust file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// Reached only through `#[cfg(test)]`, or from a test, bench or example.
    Test,
    Production,
}

impl Tree {
    /// Reads everything.
    pub(crate) fn read(house: House) -> Result<Self, ReadError> {
        let texts = files::read_all(&house.root)?;
        Ok(Self::new(house, texts))
    }

    /// Puts files that have been read in their places.
    pub(crate) fn new(house: House, texts: impl IntoIterator<Item = (String, String)>) -> Self {
        let texts: BTreeMap<String, String> = texts.into_iter().collect();
        let sources = texts
            .iter()
            .filter(|(path, _)| path.ends_with(".rs") && house.crate_of(path).is_some())
            .map(|(path, text)| (path.clone(), Source::new(text)))
            .collect();
        let roles = roles(&house, &sources);
        Self {
            house,
            texts,
            sources,
            roles,
        }
    }

    /// The Rust files of one crate with their roles; what nothing reaches is left out.
    pub(crate) fn files_of<'a>(
        &'a self,
        krate: &'a Crate,
    ) -> impl Iterator<Item = (&'a str, &'a Source, Role)> {
        self.roles
            .iter()
            .filter(|(path, _)| krate.holds(path))
            .filter_map(|(path, role)| Some((path.as_str(), self.sources.get(path)?, *role)))
    }
}

impl House {
    /// The crate whose folder holds this file.
    pub(crate) fn crate_of(&self, path: &str) -> Option<&Crate> {
        self.crates.iter().find(|krate| krate.holds(path))
    }
}

impl Crate {
    fn holds(&self, path: &str) -> bool {
        path.strip_prefix(&self.folder)
            .is_some_and(|rest| rest.starts_with('/'))
    }

    fn role_of(&self, root: &Root) -> Role {
        match root.kind {
            RootKind::Test => Role::Test,
            _ if self.is_tests() => Role::Test,
            _ => Role::Production,
        }
    }
}

fn roles(house: &House, sources: &BTreeMap<String, Source>) -> BTreeMap<String, Role> {
    let mut roles = BTreeMap::new();
    for krate in &house.crates {
        for root in &krate.roots {
            visit(
                &root.path,
                parent(&root.path),
                krate.role_of(root),
                sources,
                &mut roles,
            );
        }
    }
    roles
}

/// Marks `path`, whose modules lie under `folder`, and all files that it names. The higher role wins.
fn visit(
    path: &str,
    folder: &str,
    role: Role,
    sources: &BTreeMap<String, Source>,
    roles: &mut BTreeMap<String, Role>,
) {
    let Some(source) = sources.get(path) else {
        return;
    };
    if roles.get(path).is_some_and(|known| *known >= role) {
        return;
    }
    roles.insert(path.to_owned(), role);
    for declaration in source.declarations() {
        let role = if declaration.is_test {
            Role::Test
        } else {
            role
        };
        let stem = format!("{folder}/{}", declaration.name);
        let beside = declaration.path.as_ref();
        let beside = beside.map(|name| join(parent(path), name));
        if let Some(path) = beside {
            visit(&path, parent(&path), role, sources, roles);
        }
        visit(&format!("{stem}.rs"), &stem, role, sources, roles);
        visit(&format!("{stem}/mod.rs"), &stem, role, sources, roles);
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// `folder/name` with each `..` taken up.
fn join(folder: &str, name: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').collect();
    for part in name.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A house of one crate `dco-a` in `crates/dco-a` with these files.
    pub(crate) fn tree(files: &[(&str, &str)]) -> Tree {
        let root = |path: &str, kind| Root {
            path: path.to_owned(),
            kind,
        };
        let krate = Crate {
            name: "dco-a".to_owned(),
            description: "What is a?".to_owned(),
            folder: "crates/dco-a".to_owned(),
            roots: vec![
                root("crates/dco-a/src/lib.rs", RootKind::Library),
                root("crates/dco-a/src/main.rs", RootKind::Binary),
                root("crates/dco-a/tests/all.rs", RootKind::Test),
            ],
            ..Crate::default()
        };
        let house = House {
            crates: vec![krate],
            ..House::default()
        };
        let files = files.iter();
        Tree::new(
            house,
            files.map(|(path, text)| ((*path).to_owned(), (*text).to_owned())),
        )
    }

    fn role(tree: &Tree, name: &str) -> Option<Role> {
        tree.roles.get(&format!("crates/dco-a/{name}")).copied()
    }

    #[test]
    fn modules_are_followed_through_files_and_folders() {
        let tree = tree(&[
            (
                "crates/dco-a/src/lib.rs",
                "mod b;\nmod c { mod d; }\n#[cfg(test)]\nmod t;\n",
            ),
            (
                "crates/dco-a/src/b/mod.rs",
                "mod e;\n#[path = \"../odd.rs\"]\nmod odd;\n",
            ),
            ("crates/dco-a/src/b/e.rs", "mod f;"),
            ("crates/dco-a/src/b/e/f.rs", ""),
            ("crates/dco-a/src/c/d.rs", ""),
            ("crates/dco-a/src/odd.rs", ""),
            ("crates/dco-a/src/t.rs", "mod u;"),
            ("crates/dco-a/src/t/u.rs", ""),
            ("crates/dco-a/src/dead.rs", ""),
            ("crates/dco-a/tests/all.rs", "mod one;"),
            ("crates/dco-a/tests/one.rs", ""),
        ]);
        for name in [
            "src/lib.rs",
            "src/b/mod.rs",
            "src/b/e.rs",
            "src/b/e/f.rs",
            "src/c/d.rs",
            "src/odd.rs",
        ] {
            assert_eq!(role(&tree, name), Some(Role::Production), "{name}");
        }
        for name in ["src/t.rs", "src/t/u.rs", "tests/all.rs", "tests/one.rs"] {
            assert_eq!(role(&tree, name), Some(Role::Test), "{name}");
        }
        assert_eq!(role(&tree, "src/dead.rs"), None);
    }

    #[test]
    fn what_production_also_reaches_is_production() {
        let tree = tree(&[
            ("crates/dco-a/src/lib.rs", "#[cfg(test)]\nmod b;\n"),
            ("crates/dco-a/src/main.rs", "mod b;\n"),
            ("crates/dco-a/src/b.rs", ""),
        ]);
        assert_eq!(role(&tree, "src/b.rs"), Some(Role::Production));
    }

    #[test]
    fn modules_that_name_each_other_come_to_an_end() {
        let tree = tree(&[(
            "crates/dco-a/src/lib.rs",
            "#[path = \"lib.rs\"]\nmod again;\n",
        )]);
        assert_eq!(tree.roles.len(), 1);
    }
}

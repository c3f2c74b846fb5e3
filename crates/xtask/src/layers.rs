//! Which crate may use which: the table of the design, held against what the manifests say.

use std::collections::BTreeSet;

use crate::finding::Finding;
use crate::house::{Crate, Dependency, House};

/// A crate, what it may use of ours, and whether it may wait.
struct Layer {
    name: &'static str,
    may_use: Uses,
    /// Whether it may use an async runtime, sockets or TLS.
    may_wait: bool,
}

enum Uses {
    Only(&'static [&'static str]),
    AllBut(&'static [&'static str]),
}

/// The whole table. A crate stands below all that it may use.
const LAYERS: &[Layer] = &[
    pure("dco-block", &[]),
    pure("dco-dispatch", &[]),
    pure("dco-schedule", &["dco-dispatch"]),
    pure("dco-engine", &["dco-block", "dco-schedule", "dco-dispatch"]),
    pure("dco-store", &["dco-block"]),
    pure(
        "dco-sim",
        &[
            "dco-block",
            "dco-schedule",
            "dco-dispatch",
            "dco-engine",
            "dco-store",
        ],
    ),
    waiting("dco-proto", &[]),
    waiting(
        "dco-server",
        &[
            "dco-block",
            "dco-schedule",
            "dco-engine",
            "dco-store",
            "dco-proto",
        ],
    ),
    waiting("dco-client", &["dco-block", "dco-proto"]),
    waiting("dco-gateway", &["dco-block", "dco-client"]),
    waiting(
        "dco-load",
        &[
            "dco-block",
            "dco-client",
            "dco-gateway",
            "dco-store",
            "dco-engine",
        ],
    ),
    Layer {
        name: "dco-cli",
        may_use: Uses::AllBut(&["dco-cli", "dco-tests", "xtask"]),
        may_wait: true,
    },
    Layer {
        name: "dco-tests",
        may_use: Uses::AllBut(&["dco-tests"]),
        may_wait: true,
    },
    pure("xtask", &[]),
];

/// What waits, or brings in what waits: the beginning of package names.
const WAITING: &[&str] = &[
    "tokio", "tonic", "hyper", "rustls", "tower", "mio", "async-", "futures",
];

const fn pure(name: &'static str, may_use: &'static [&'static str]) -> Layer {
    Layer {
        name,
        may_use: Uses::Only(may_use),
        may_wait: false,
    }
}

const fn waiting(name: &'static str, may_use: &'static [&'static str]) -> Layer {
    Layer {
        name,
        may_use: Uses::Only(may_use),
        may_wait: true,
    }
}

impl Layer {
    fn allows(&self, name: &str) -> bool {
        match self.may_use {
            Uses::Only(names) => names.contains(&name),
            Uses::AllBut(names) => !names.contains(&name),
        }
    }
}

/// Every crate that is not in the table, every line of the table without a crate, and every edge that the table does not have.
pub(crate) fn check(house: &House) -> Vec<Finding> {
    let members: BTreeSet<&str> = house.crates.iter().map(|c| c.name.as_str()).collect();
    let gone = LAYERS
        .iter()
        .filter(|layer| !members.contains(layer.name))
        .map(|layer| {
            Finding::at(
                layer.name,
                "stands in the table of layers but is no crate of the workspace; \
                 take its line out of crates/xtask/src/layers.rs",
            )
        });
    let edges = house
        .crates
        .iter()
        .flat_map(|krate| check_crate(krate, &members));
    gone.chain(edges).collect()
}

fn check_crate(krate: &Crate, members: &BTreeSet<&str>) -> Vec<Finding> {
    let Some(layer) = LAYERS.iter().find(|layer| layer.name == krate.name) else {
        return vec![Finding::at(
            &krate.name,
            "has no line in the table of layers; decide what it may use and add it to \
             crates/xtask/src/layers.rs and to the map in ARCHITECTURE.md",
        )];
    };
    krate
        .dependencies
        .iter()
        .filter_map(|dependency| check_edge(layer, dependency, members))
        .collect()
}

fn check_edge(layer: &Layer, to: &Dependency, members: &BTreeSet<&str>) -> Option<Finding> {
    let edge = format!("{} -> {} ({})", layer.name, to.name, to.kind);
    if members.contains(to.name.as_str()) {
        return (!layer.allows(&to.name)).then(|| {
            Finding::at(
                edge,
                "the design does not have this edge; move the code to the crate whose question it \
                 answers, or change the design first (ARCHITECTURE.md, then crates/xtask/src/layers.rs)",
            )
        });
    }
    if to.is_path {
        return Some(Finding::at(
            edge,
            "a folder outside the workspace (fuzz/ is one) may not be depended on; \
             move what is shared into a crate",
        ));
    }
    let waits = WAITING.iter().any(|waiting| to.name.starts_with(waiting));
    (waits && !layer.may_wait).then(|| {
        Finding::at(
            edge,
            "this crate has no runtime, socket or TLS; do the waiting in an outer crate \
             and pass what happened in as an argument",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A workspace that has exactly the crates of the table, and these edges: from, to, kind.
    fn house(edges: &[(&str, &str, &'static str)]) -> House {
        let crates = LAYERS
            .iter()
            .map(|layer| krate(layer.name, edges))
            .collect();
        House {
            crates,
            ..House::default()
        }
    }

    fn krate(name: &str, edges: &[(&str, &str, &'static str)]) -> Crate {
        Crate {
            name: name.to_owned(),
            dependencies: edges
                .iter()
                .filter(|(from, ..)| *from == name)
                .map(|(_, to, kind)| Dependency {
                    name: (*to).to_owned(),
                    kind,
                    is_path: to.starts_with("dco-") || *to == "xtask",
                })
                .collect(),
            ..Crate::default()
        }
    }

    fn findings(house: &House) -> Vec<String> {
        check(house).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn allowed_edges_pass() {
        let house = house(&[
            ("dco-engine", "dco-dispatch", "normal"),
            ("dco-cli", "dco-server", "normal"),
            ("dco-tests", "dco-sim", "dev"),
            ("dco-server", "tokio", "normal"),
            ("dco-engine", "prost", "normal"),
        ]);
        assert_eq!(findings(&house), [""; 0]);
    }

    #[test]
    fn an_edge_that_the_table_does_not_have_is_refused_whatever_its_kind() {
        for kind in ["normal", "dev", "build"] {
            let found = findings(&house(&[("dco-engine", "dco-store", kind)]));
            assert_eq!(found.len(), 1);
            assert!(found[0].starts_with(&format!("dco-engine -> dco-store ({kind}): ")));
        }
    }

    #[test]
    fn nothing_may_use_the_tests_and_the_cli_may_not_use_xtask() {
        let found = findings(&house(&[
            ("dco-cli", "dco-tests", "dev"),
            ("dco-cli", "xtask", "normal"),
            ("dco-load", "dco-tests", "dev"),
        ]));
        assert_eq!(found.len(), 3);
    }

    #[test]
    fn a_crate_without_a_line_and_a_line_without_a_crate_are_refused() {
        let mut house = house(&[]);
        let last = house.crates.len() - 1;
        house.crates[last].name = "dco-new".to_owned();
        let found = findings(&house);
        assert!(found[0].starts_with("xtask: stands in the table"));
        assert!(found[1].starts_with("dco-new: has no line"));
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn a_folder_outside_the_workspace_is_refused() {
        let mut house = house(&[]);
        house.crates[0].dependencies.push(Dependency {
            name: "fuzz".to_owned(),
            kind: "dev",
            is_path: true,
        });
        let found = findings(&house);
        assert!(found[0].contains("outside the workspace"), "{found:?}");
    }

    #[test]
    fn a_crate_that_may_not_wait_gets_no_runtime() {
        let found = findings(&house(&[
            ("dco-engine", "tokio-util", "normal"),
            ("dco-sim", "tonic", "dev"),
        ]));
        assert_eq!(found.len(), 2);
        assert!(found[0].contains("no runtime"));
    }

    #[test]
    fn every_crate_stands_below_what_it_may_use() {
        for (index, layer) in LAYERS.iter().enumerate() {
            let Uses::Only(names) = layer.may_use else {
                continue;
            };
            let above = LAYERS.iter().take(index).map(|layer| layer.name);
            let above: BTreeSet<&str> = above.collect();
            assert!(
                names.iter().all(|name| above.contains(name)),
                "{}",
                layer.name
            );
        }
    }
}

//! What cargo knows about the workspace, cut down to what the checks ask.

use cargo_metadata::{DependencyKind, MetadataCommand, Package, Target, TargetKind};
use std::path::{Path, PathBuf};

/// The workspace. All paths are relative to its root, with `/`.
#[derive(Clone, Debug, Default)]
pub(crate) struct House {
    pub(crate) root: PathBuf,
    pub(crate) crates: Vec<Crate>,
}

/// One workspace package.
#[derive(Clone, Debug, Default)]
pub(crate) struct Crate {
    pub(crate) name: String,
    /// The question it answers.
    pub(crate) description: String,
    /// Its folder, such as `crates/dco-block`.
    pub(crate) folder: String,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) roots: Vec<Root>,
}

/// A dependency as declared; one name can stand in it more than once with different kinds.
#[derive(Clone, Debug)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `normal`, `dev` or `build`.
    pub(crate) kind: &'static str,
    /// Whether it is a folder on this machine and not from a registry.
    pub(crate) is_path: bool,
}

/// The file that a cargo target starts from.
#[derive(Clone, Debug)]
pub(crate) struct Root {
    pub(crate) path: String,
    pub(crate) kind: RootKind,
}

/// What a cargo target is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RootKind {
    Library,
    Binary,
    BuildScript,
    /// Integration test, bench or example: not production code.
    Test,
}

impl House {
    /// Asks `cargo metadata`, without resolving what lies outside the workspace.
    pub(crate) fn ask_cargo() -> Result<Self, cargo_metadata::Error> {
        let metadata = MetadataCommand::new().no_deps().exec()?;
        let root = metadata.workspace_root.into_std_path_buf();
        let crates = metadata
            .packages
            .iter()
            .map(|package| Crate::from_package(package, &root))
            .collect();
        Ok(Self { root, crates })
    }

    /// The programs of a package outside the workspace, by name.
    pub(crate) fn binaries_of(manifest: &Path) -> Result<Vec<String>, cargo_metadata::Error> {
        let metadata = MetadataCommand::new()
            .manifest_path(manifest)
            .no_deps()
            .exec()?;
        let targets = metadata
            .packages
            .iter()
            .flat_map(|package| &package.targets);
        let binaries = targets.filter(|target| target.is_bin());
        Ok(binaries.map(|target| target.name.clone()).collect())
    }
}

impl Crate {
    /// Whether all of it is test code: the package that nothing may depend on.
    pub(crate) fn is_tests(&self) -> bool {
        self.name == "dco-tests"
    }

    fn from_package(package: &Package, root: &Path) -> Self {
        let manifest = relative(package.manifest_path.as_str(), root);
        Self {
            name: package.name.to_string(),
            description: package.description.clone().unwrap_or_default(),
            folder: manifest
                .strip_suffix("/Cargo.toml")
                .unwrap_or_default()
                .to_owned(),
            dependencies: package
                .dependencies
                .iter()
                .map(|dependency| Dependency {
                    name: dependency.name.clone(),
                    kind: kind_name(dependency.kind),
                    is_path: dependency.path.is_some(),
                })
                .collect(),
            roots: package
                .targets
                .iter()
                .map(|target| Root {
                    path: relative(target.src_path.as_str(), root),
                    kind: root_kind(target),
                })
                .collect(),
        }
    }
}

fn relative(path: &str, root: &Path) -> String {
    let path = Path::new(path);
    path.strip_prefix(root)
        .unwrap_or(path)
        .to_string_lossy()
        .into_owned()
}

fn kind_name(kind: DependencyKind) -> &'static str {
    match kind {
        DependencyKind::Development => "dev",
        DependencyKind::Build => "build",
        _ => "normal",
    }
}

fn root_kind(target: &Target) -> RootKind {
    match target.kind.first() {
        Some(TargetKind::Test | TargetKind::Bench | TargetKind::Example) => RootKind::Test,
        Some(TargetKind::CustomBuild) => RootKind::BuildScript,
        Some(TargetKind::Bin) => RootKind::Binary,
        _ => RootKind::Library,
    }
}

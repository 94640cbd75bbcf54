//! The house: which crate may see which, and which library lives where.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// Every edge that is allowed. A new edge is a decision: change this table and `docs/rfd/` together.
const EDGES: &[(&str, &[&str])] = &[
    ("lamp-api", &[]),
    ("lamp-cloud", &["lamp-api"]),
    ("lamp-plan", &["lamp-api", "lamp-cloud"]),
    ("lamp-sim", &["lamp-api", "lamp-cloud"]),
    ("lamp-store", &["lamp-api"]),
    ("lamp-aws", &["lamp-api", "lamp-cloud"]),
    ("lamp-controller", &["lamp-api", "lamp-cloud", "lamp-plan", "lamp-store"]),
    ("lamp-server", &["lamp-api", "lamp-store"]),
    // The evaluator of scaling policies, for `replay`: that of production, not a copy of it.
    ("lampctl", &["lamp-api", "lamp-plan"]),
    (
        "lamplighter",
        &[
            "lamp-api",
            "lamp-aws",
            "lamp-cloud",
            "lamp-controller",
            "lamp-plan",
            "lamp-server",
            "lamp-sim",
            "lamp-store",
        ],
    ),
];

/// Libraries that live in one crate, and nowhere else.
const HOMES: &[(&str, &str)] =
    &[("sled", "lamp-store"), ("axum", "lamp-server"), ("aws-", "lamp-aws"), ("plotters", "lampctl")];

/// Crates that must not know the runtime.
const PURE: &[&str] = &["lamp-api", "lamp-cloud", "lamp-plan", "lamp-sim"];

fn metadata() -> Metadata {
    MetadataCommand::new().no_deps().exec().expect("cargo metadata")
}

fn dependencies(metadata: &Metadata) -> BTreeMap<String, BTreeSet<String>> {
    let normal = |package: &cargo_metadata::Package| {
        package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind == DependencyKind::Normal)
            .map(|dependency| dependency.name.clone())
            .collect()
    };
    metadata
        .workspace_packages()
        .into_iter()
        .map(|package| (package.name.to_string(), normal(package)))
        .collect()
}

#[test]
fn crates_see_only_what_the_house_allows() {
    let all = dependencies(&metadata());
    let ours: BTreeSet<&String> = all.keys().collect();
    for (name, allowed) in EDGES {
        let seen = all.get(*name).unwrap_or_else(|| panic!("no crate {name}"));
        let surplus: Vec<_> = seen
            .iter()
            .filter(|dependency| ours.contains(dependency) && !allowed.contains(&dependency.as_str()))
            .collect();
        assert!(surplus.is_empty(), "{name} must not know {surplus:?}");
    }
    let listed: BTreeSet<&str> = EDGES.iter().map(|(name, _)| *name).chain(["lamp-tests", "xtask"]).collect();
    let unlisted: Vec<_> = ours.iter().filter(|name| !listed.contains(name.as_str())).collect();
    assert!(unlisted.is_empty(), "crates that the table does not name: {unlisted:?}");
}

#[test]
fn heavy_libraries_live_in_one_crate() {
    for (name, dependencies) in dependencies(&metadata()) {
        for (library, home) in HOMES {
            let guest = dependencies.iter().find(|dependency| {
                dependency.as_str() == *library || (library.ends_with('-') && dependency.starts_with(library))
            });
            assert!(name == *home || guest.is_none(), "{name} must not know {guest:?}: it lives in {home}");
        }
    }
}

#[test]
fn pure_crates_know_no_runtime() {
    let all = dependencies(&metadata());
    for name in PURE {
        for library in ["tokio", "futures", "tracing", "reqwest", "prometheus"] {
            assert!(!all[*name].contains(library), "{name} must not know {library}");
        }
    }
}

//! Holds the arrows between the crates: what a crate may see is part of the design.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// What each crate may depend on directly, of ours and of what the walls are about.
const ARROWS: &[(&str, &[&str])] = &[
    ("deployer-core", &[]),
    ("deployer-kinds", &["deployer-core"]),
    ("deployer-stack", &["deployer-core", "deployer-kinds", "saphyr-parser"]),
    ("deployer-engine", &["deployer-core", "tokio"]),
    ("deployer-image", &["tokio"]),
    ("deployer-session", &["deployer-engine", "tokio"]),
    (
        "deployer-aws",
        &[
            "deployer-core",
            "deployer-engine",
            "deployer-image",
            "deployer-kinds",
            "deployer-session",
            "tokio",
            "aws-sdk",
        ],
    ),
    (
        "deployer-cli",
        &["deployer-core", "deployer-engine", "deployer-kinds", "deployer-stack", "tokio"],
    ),
    ("deployer", &["deployer-aws", "deployer-cli", "tokio"]),
    ("deployer-testkit", &["deployer-core", "deployer-engine", "tokio"]),
    (
        "deployer-tests",
        &[
            "deployer-aws",
            "deployer-cli",
            "deployer-core",
            "deployer-engine",
            "deployer-kinds",
            "deployer-stack",
            "tokio",
        ],
    ),
];

#[test]
fn no_crate_sees_more_than_the_design_lets_it() {
    let found = dependencies();
    let allowed: BTreeMap<&str, BTreeSet<&str>> =
        ARROWS.iter().map(|(name, arrows)| (*name, arrows.iter().copied().collect())).collect();
    assert_eq!(
        found.keys().map(String::as_str).collect::<BTreeSet<_>>(),
        allowed.keys().copied().collect::<BTreeSet<_>>(),
        "every crate of the workspace has its arrows listed"
    );
    for (name, arrows) in &found {
        for arrow in arrows {
            assert!(allowed[name.as_str()].contains(arrow.as_str()), "{name} sees {arrow}");
        }
    }
}

/// The normal dependencies of each crate that the walls are about.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = MetadataCommand::new().no_deps().exec().expect("cargo metadata");
    let packages = metadata.workspace_packages();
    packages
        .iter()
        .map(|package| {
            let normal = package
                .dependencies
                .iter()
                .filter(|dependency| dependency.kind == DependencyKind::Normal)
                .filter_map(|dependency| watched(&dependency.name));
            (package.name.to_string(), normal.collect())
        })
        .collect()
}

/// Our own crates, the clock and the threads, YAML, and AWS, each by one name.
fn watched(name: &str) -> Option<String> {
    match name {
        name if name.starts_with("aws-") => Some("aws-sdk".to_owned()),
        name if name.starts_with("deployer-") => Some(name.to_owned()),
        "tokio" | "saphyr-parser" => Some(name.to_owned()),
        _ => None,
    }
}

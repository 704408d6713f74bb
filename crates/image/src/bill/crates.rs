//! The crates that a Rust program is linked of, as cargo knows them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::package::{Package, url};

/// As much as is needed of what `cargo metadata` prints (cargo book, "cargo metadata").
#[derive(Debug, Deserialize)]
pub(crate) struct Graph {
    packages: Vec<Crate>,
    resolve: Resolve,
}

#[derive(Debug, Deserialize)]
struct Crate {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    targets: Vec<Target>,
}

#[derive(Debug, Deserialize)]
struct Target {
    kind: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Debug, Deserialize)]
struct Kind {
    /// Nothing for one that is linked; `build` and `dev` are not.
    kind: Option<String>,
}

/// The crate with this identifier and all that it is linked with. What only runs while it is built is
/// not in it: build scripts, and macros with all that they are made of.
pub(crate) fn of_binary(graph: &Graph, root: &str) -> Vec<Package> {
    let nodes: BTreeMap<&str, &Node> =
        graph.resolve.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
    let is_macro =
        |it: &&Crate| it.targets.iter().any(|it| it.kind.iter().any(|it| it == "proc-macro"));
    let macros: BTreeSet<&str> =
        graph.packages.iter().filter(is_macro).map(|it| it.id.as_str()).collect();
    let (mut linked, mut left) = (BTreeSet::new(), vec![root]);
    while let Some(id) = left.pop() {
        if macros.contains(id) || !linked.insert(id) {
            continue;
        }
        let dependencies = nodes.get(id).into_iter().flat_map(|node| &node.deps);
        let is_linked = |it: &&Dependency| it.dep_kinds.iter().any(|it| it.kind.is_none());
        left.extend(dependencies.filter(is_linked).map(|it| it.pkg.as_str()));
    }
    let in_it = graph.packages.iter().filter(|it| linked.contains(it.id.as_str()));
    let mut packages: Vec<Package> = in_it.map(package).collect();
    packages.sort();
    packages
}

fn package(Crate { name, version, license, .. }: &Crate) -> Package {
    Package {
        name: name.clone(),
        version: version.clone(),
        // An older way to write a choice (cargo book, "The manifest format").
        license: license
            .as_ref()
            .map(|license| license.replace('/', " OR "))
            .filter(|license| is_expression(license)),
        url: url("cargo", None, (name, version), &[]),
    }
}

/// Whether a text has the form of an SPDX expression: names with `AND`, `OR` or `WITH` between them.
fn is_expression(text: &str) -> bool {
    let plain = text.replace(['(', ')'], " ");
    let mut is_name_next = true;
    for word in plain.split_whitespace() {
        if is_name_next == ["AND", "OR", "WITH"].contains(&word) {
            return false;
        }
        is_name_next = !is_name_next;
    }
    !is_name_next
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_linked_is_in_the_bill_and_what_builds_is_not() {
        let package = |name: &str| {
            json!({
                "id": name,
                "name": name,
                "version": "1.2.3+4",
                "license": if name == "codec" { "BSD-3-Clause MIT" } else { "MIT/Apache-2.0" },
                "targets": [{ "kind": [if name == "derive" { "proc-macro" } else { "lib" }] }],
            })
        };
        let dependency = |name: &str, kind: Option<&str>| json!({ "pkg": name, "dep_kinds": [{ "kind": kind }] });
        let packages = ["app", "web", "codec", "generator", "checks", "derive"].map(package);
        let graph = json!({
            "packages": packages,
            "resolve": { "nodes": [
                { "id": "app", "deps": [
                    dependency("web", None),
                    dependency("derive", None),
                    dependency("generator", Some("build")),
                    dependency("checks", Some("dev")),
                ] },
                { "id": "web", "deps": [dependency("codec", None)] },
                // Circles there are through tests.
                { "id": "codec", "deps": [dependency("web", None)] },
            ] },
        });
        let graph: Graph = serde_json::from_value(graph).expect("a graph");
        let bill = of_binary(&graph, "app");
        let names: Vec<&str> = bill.iter().map(|package| package.name.as_str()).collect();
        assert_eq!(names, ["app", "codec", "web"]);
        assert_eq!(bill[2].url, "pkg:cargo/web@1.2.3%2B4");
        assert_eq!(bill[1].license, None);
        assert_eq!(bill[2].license.as_deref(), Some("MIT OR Apache-2.0"));
    }
}

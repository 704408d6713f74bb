//! The crates that a Rust program is linked of, as cargo knows them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::package::Package;

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

/// The crate with this identifier and all that it is linked with. What only runs while it is built,
/// such as build scripts, is not in it.
pub(crate) fn of_binary(graph: &Graph, root: &str) -> Vec<Package> {
    let nodes: BTreeMap<&str, &Node> =
        graph.resolve.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
    let (mut linked, mut left) = (BTreeSet::new(), vec![root]);
    while let Some(id) = left.pop() {
        if !linked.insert(id) {
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
        license: license.as_ref().map(|license| license.replace('/', " OR ")),
        url: format!("pkg:cargo/{name}@{version}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_linked_is_in_the_bill_and_what_builds_is_not() {
        let package = |name: &str| json!({ "id": name, "name": name, "version": "1.2.3", "license": "MIT/Apache-2.0" });
        let dependency = |name: &str, kind: Option<&str>| json!({ "pkg": name, "dep_kinds": [{ "kind": kind }] });
        let packages = ["app", "web", "codec", "generator", "checks"].map(package);
        let graph = json!({
            "packages": packages,
            "resolve": { "nodes": [
                { "id": "app", "deps": [
                    dependency("web", None),
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
        assert_eq!(bill[2].url, "pkg:cargo/web@1.2.3");
        assert_eq!(bill[2].license.as_deref(), Some("MIT OR Apache-2.0"));
    }
}

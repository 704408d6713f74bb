//! Every example loads, in each of its environments.

use std::fs;

use deployer_stack::outline;

use crate::support::{loaded, root};

#[test]
fn every_example_loads_and_says_what_it_is() {
    let mut folders: Vec<_> =
        fs::read_dir(root().join("examples")).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.retain(|folder| folder.join("stack.yaml").exists());
    assert!(folders.len() >= 4, "{folders:?}");
    for folder in folders {
        let text = fs::read_to_string(folder.join("stack.yaml")).unwrap();
        let readme = fs::read_to_string(folder.join("README.md")).unwrap();
        assert!(readme.starts_with("# "), "{}", folder.display());
        let environments = outline(&text).unwrap().environments;
        let environments = environments.iter().map(|name| Some(name.as_str()));
        let first = if environments.len() == 0 { vec![None] } else { Vec::new() };
        for environment in first.into_iter().chain(environments) {
            let loaded = loaded(&text, environment);
            assert!(!loaded.stack.resources.is_empty(), "{}", folder.display());
            assert_eq!(loaded.warnings, [], "{}", folder.display());
        }
    }
}

#[test]
fn every_stack_on_a_page_loads() {
    let mut pages = vec![root().join("README.md")];
    let docs = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    pages.extend(docs.filter(|page| page.extension().is_some_and(|end| end == "md")));
    pages.push(root().join("docs/reference/sections.md"));
    let mut seen = 0;
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        let blocks = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
        for stack in blocks.filter(|block| block.starts_with("stack:")) {
            let environments = outline(stack).unwrap().environments;
            loaded(stack, environments.first().map(String::as_str));
            seen += 1;
        }
    }
    assert!(seen >= 4, "{seen}");
}

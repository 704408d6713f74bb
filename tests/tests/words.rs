//! What people read is said as a colleague would say it.

use std::fs;
use std::path::{Path, PathBuf};

use deployer_tests::root;

/// Turns of phrase that nobody understands at first reading, each with what to say.
const AVOIDED: [(&str, &str); 9] = [
    ("is no value of", "is not a valid …; expected one of …"),
    ("not one of its words", "not one of its values"),
    ("would go what is not ours", "deleting … would also delete …"),
    ("would tell it from", "set `origin:`"),
    ("from nobody knows where", "resources without an origin tag"),
    ("could not see it", "could not get it …"),
    ("is followed at once", "its lock is taken over at once"),
    ("did not answer as it should", "could not read …"),
    ("Make what is there what the stack says", "until the account matches the stack"),
];

fn below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
        let path = entry.path();
        if path.is_dir() {
            below(&path, found);
        } else if path.extension().is_some_and(|end| ["rs", "md", "snap"].iter().any(|e| end == *e))
        {
            found.push(path);
        }
    }
}

#[test]
fn no_message_and_no_page_says_what_nobody_understands() {
    let mut files = vec![root().join("README.md"), root().join("CONTRIBUTING.md")];
    for folder in ["crates", "docs", "examples"] {
        below(&root().join(folder), &mut files);
    }
    let mut wrong = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("a text");
        // A message may be written over several lines.
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for (avoided, instead) in AVOIDED {
            if text.contains(avoided) {
                wrong.push(format!("{}: `{avoided}`; say {instead}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

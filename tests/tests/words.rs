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

/// One word for many things: report, show, say, list, name, print, distinguish. Each of those says
/// more.
const VAGUE: [&str; 4] = ["tell", "tells", "told", "telling"];

fn below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
        let path = entry.path();
        if path.is_dir() {
            below(&path, found);
        } else if path
            .extension()
            .is_some_and(|end| ["rs", "md", "snap", "yaml"].iter().any(|e| end == *e))
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

/// The lines of a source that people may read: comments, and those with a text or a part of one.
fn read_by_people(source: &str) -> impl Iterator<Item = &str> {
    let mut continues = false;
    source.lines().map(str::trim).filter(move |line| {
        let is_text = continues || line.starts_with("//") || line.contains('"');
        continues = is_text && line.ends_with('\\');
        is_text
    })
}

#[test]
fn what_is_reported_shown_or_listed_is_called_so() {
    let mut pages = vec![root().join("README.md"), root().join("CONTRIBUTING.md")];
    below(&root().join("docs"), &mut pages);
    below(&root().join("examples"), &mut pages);
    let mut sources = Vec::new();
    for name in ["cli", "core", "stack", "kinds", "image"] {
        below(&root().join("crates").join(name).join("src"), &mut sources);
    }
    let mut wrong = Vec::new();
    for file in pages.iter().chain(&sources) {
        let text = fs::read_to_string(file).expect("a text");
        let is_source = file.extension().is_some_and(|end| end == "rs");
        let lines: Vec<&str> =
            if is_source { read_by_people(&text).collect() } else { text.lines().collect() };
        for line in lines {
            let mut words = line.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
            if words.any(|word| VAGUE.contains(&word.to_lowercase().as_str())) {
                wrong.push(format!("{}: {line}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "say report, show, list, name or print:\n{}", wrong.join("\n"));
}

/// What only its owner may advise: what stands in the way may be ours, and have lost its tags.
const NEVER_ADVISED: [&str; 8] = [
    "delete it:",
    "delete it,",
    "delete it or",
    "delete it for good",
    "delete that",
    "delete those",
    "delete or rename",
    "or delete",
];

#[test]
fn no_message_advises_to_delete_what_may_be_ours() {
    let mut sources = Vec::new();
    for name in ["aws", "engine", "core", "kinds"] {
        below(&root().join("crates").join(name).join("src"), &mut sources);
    }
    let mut wrong = Vec::new();
    for file in sources {
        let text = fs::read_to_string(&file).expect("a text");
        let lines = read_by_people(&text).filter(|line| !line.starts_with("//"));
        let text =
            lines.map(|line| line.trim_end_matches('\\').trim()).collect::<Vec<_>>().join(" ");
        for advice in NEVER_ADVISED {
            if text.contains(advice) {
                wrong.push(format!("{}: `{advice}`", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "say `deployer adopt ADDRESS ID`:\n{}", wrong.join("\n"));
}

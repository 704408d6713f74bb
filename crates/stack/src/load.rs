//! From a stack's text to a stack, step by step.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{
    Address, Desired, Diagnostic, Kinds, Outputs, Roles, Scope, Span, Stack, Text, closest,
    resolve_partly,
};

use crate::bodies::{self, OUTPUTS};
use crate::draft::{Asked, Draft, Made, NetworkFacts};
use crate::found::Sought;
use crate::head::{self, Options};
use crate::interpolate::{MOST_FILLED, Words, interpolate};
use crate::mistakes::{Mistakes, listed};
use crate::node::{Content, Node};
use crate::overlay::{fill_empty, merge};
use crate::section::{Output, SectionInfo, Sections};
use crate::sections::{self, LIST};
use crate::shape::{self, Rules};
use crate::written::Written;
use crate::{check, indent, language, like, resources, source};

/// How many environments are looked at for mistakes when none is named.
const LOOKED_AT: usize = 8;

/// A stack that could be read.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The stack.
    pub stack: Stack,
    /// What is worth knowing, though nothing is wrong.
    pub warnings: Vec<Diagnostic>,
    /// The images that are built here, by the service that runs them, in its own container or beside
    /// that.
    pub images: BTreeMap<String, BTreeSet<Address>>,
    /// What each entry of each section became, by `section/name`.
    pub entries: BTreeMap<String, BTreeSet<Address>>,
    /// The zones that stand for as many of those that the account has, since nobody has looked.
    pub assumed_zones: Vec<String>,
    /// What it names and did not make, and nobody has looked for yet.
    pub sought: BTreeSet<Sought>,
    /// The files that it names and that nobody has read yet, by their paths as it writes them.
    pub unread: BTreeSet<String>,
    /// Where in the text its resources come from.
    pub written: Written,
    /// Where the account is written that the stack is for.
    pub account_at: Option<Span>,
}

/// Reads a stack's text and expands one environment of it.
///
/// # Errors
/// Every mistake in it, each at its place.
pub fn load(text: &str, options: &Options, kinds: &Kinds) -> Result<Loaded, Vec<Diagnostic>> {
    let mut root = source::read(text)?;
    if !matches!(root.content, Content::Map(_)) {
        return Err(vec![head::no_stack(root.span)]);
    }
    let mut mistakes = Mistakes::default();
    let written = language::used(&root, kinds);
    let start = Span { start: 0, end: 0 };
    indent::mend(&mut root, &written, &mut mistakes);
    shape::check(&root, start, &written, "", Rules::Written, &mut mistakes);
    shape::as_written(&mut root, &written);

    let stack = head::name(&root, &mut mistakes);
    let origin = head::origin(&root, &mut mistakes).or_else(|| options.origin.clone());
    let Some(environment) = head::environment(&root, options, &mut mistakes) else {
        mistakes.extend(in_any(text, &root, options, kinds));
        return Err(mistakes.finish().err().unwrap_or_default());
    };
    let (home, account_at) = head::home(&root, &environment, &mut mistakes);
    let overlays = like::overlays(&root, &environment, &mut mistakes);
    root.remove(&["environments".to_owned()]);
    let alone = alone(&root, &overlays);
    for overlay in overlays.iter().filter(|overlay| matches!(overlay.content, Content::Map(_))) {
        root = merge(root, overlay, &written);
    }
    let images_of = like::resolve(&mut root, &written, &mut mistakes);
    let region = head::region(&root, options, &mut mistakes);
    let stack = stack.unwrap_or_else(|| "stack".to_owned());
    let tags = BTreeMap::new();
    let mut scope = Scope { stack, environment, origin, tags };
    let region = region.unwrap_or_else(|| "eu-west-1".to_owned());
    let mut asked = Vec::new();
    let outputs = outputs(&root);
    let printed = printed(&outputs);
    let mut words = head::words(&scope, &region);
    words.extend(head::variables(&root, options, &mut mistakes));
    root.remove(&["variables".to_owned()]);
    let words = Words {
        source: text,
        meanings: words,
        outputs,
        are_kinds_known: Cell::new(false),
        room: Cell::new(MOST_FILLED),
    };
    fill_in(&mut root, &words, &mut mistakes, &mut asked);
    scope.tags = head::tags(&root, &mut mistakes);

    let mut draft = Draft {
        root,
        scope,
        is_like_another: overlays.len() > 1,
        region,
        zones: options.zones.clone(),
        found: options.found.clone(),
        files: options.files.clone(),
        unread: BTreeSet::new(),
        sought: BTreeSet::new(),
        existing: Outputs::new(),
        declared: BTreeMap::new(),
        examples: BTreeMap::new(),
        broken: BTreeSet::new(),
        network: NetworkFacts::default(),
        balancers: BTreeMap::new(),
        made: BTreeMap::new(),
        roles: Roles::new(),
        images: BTreeMap::new(),
        images_of,
        outputs: BTreeMap::new(),
        asked,
        mistakes,
    };
    let sections = read(&mut draft);
    let written_outputs = std::mem::take(&mut draft.outputs);
    draft.outputs = printed;
    for section in LIST {
        (section.expand)(&sections, &mut draft);
    }
    draft.outputs.extend(written_outputs);
    resources::merge_in(&mut draft, kinds);
    sections::roles::apply(&sections, &mut draft);
    check::check(&mut draft, kinds);
    for (span, advice) in &alone {
        draft.mistakes.advise(*span, advice);
    }

    let warnings = draft.mistakes.finish()?;
    let Draft { root, scope, region, roles, made, outputs, images, .. } = draft;
    let Draft { network, sought, existing, unread, .. } = draft;
    let written = Written::of(root, &made);
    let entries = entries(&made);
    let resources = resources_of(made, &existing);
    let outputs = outputs.into_iter().map(|(name, text)| (name, text.with(&existing))).collect();
    let stack = Stack { scope, region, home, roles, resources, outputs };
    Ok(Loaded {
        stack,
        warnings,
        images,
        entries,
        assumed_zones: network.assumed,
        sought,
        unread,
        written,
        account_at,
    })
}

/// What each entry of each section became.
fn entries(made: &BTreeMap<Address, Made>) -> BTreeMap<String, BTreeSet<Address>> {
    let mut entries: BTreeMap<String, BTreeSet<Address>> = BTreeMap::new();
    for (address, made) in made {
        if let [section, name, ..] = made.origin.body.as_slice()
            && sections::find(section).is_some()
        {
            entries.entry(format!("{section}/{name}")).or_default().insert(address.clone());
        }
    }
    entries
}

/// The resources, in which what exists already is named by its identifiers, as far as they are known.
fn resources_of(made: BTreeMap<Address, Made>, existing: &Outputs) -> BTreeMap<Address, Desired> {
    let desired =
        |Made { place, spec, .. }: Made| Desired { place, spec: resolve_partly(&spec, existing) };
    made.into_iter().map(|(address, made)| (address, desired(made))).collect()
}

/// What is wrong in any of the environments, where nobody knows which is meant.
fn in_any(text: &str, root: &Node, options: &Options, kinds: &Kinds) -> Vec<Diagnostic> {
    let each = head::environments(root).into_iter().take(LOOKED_AT).map(|environment| {
        let options = Options { environment: Some(environment), ..options.clone() };
        load(text, &options, kinds).err().unwrap_or_default()
    });
    each.flatten().collect()
}

/// The entries of sections that stand in an overlay alone, such as of one that has another name by
/// now, each with what to say where it is not enough by itself.
fn alone(root: &Node, overlays: &[Node]) -> Vec<(Span, String)> {
    let mut alone = Vec::new();
    for section in LIST.iter().filter(|section| section.is_named) {
        let known = root.field(section.key).map(Node::entries).unwrap_or_default();
        let names: Vec<&str> = known.iter().map(|entry| entry.key.as_str()).collect();
        let over = overlays.iter().filter_map(|overlay| overlay.field(section.key));
        for entry in over.flat_map(Node::entries) {
            if !names.is_empty() && !names.contains(&entry.key.as_str()) {
                let near = closest(&entry.key, names.iter().copied());
                let meant = near.map_or_else(|| listed(&names), |near| format!("`{near}`"));
                alone.push((entry.span, format!("outside of `environments` there is {meant}")));
            }
        }
    }
    alone
}

fn fill_in(root: &mut Node, words: &Words<'_>, mistakes: &mut Mistakes, asked: &mut Vec<Asked>) {
    if let Content::Map(entries) = &mut root.content {
        for entry in entries {
            // What is made in `resources:` has no section by which it could be read.
            words.are_kinds_known.set(["resources", "outputs"].contains(&entry.key.as_str()));
            interpolate(&mut entry.value, words, mistakes, asked);
            match entry.key.as_str() {
                "stack" | "origin" | "region" | "account" | "role" | "tags" => {}
                // Nothing is asked for where nothing is written.
                key if sections::find(key).is_some_and(|section| section.is_later) => {}
                "network" | "outputs" => fill_empty(&mut entry.value, 0, false),
                // The names are one level deeper than in the sections.
                "resources" => fill_empty(&mut entry.value, 2, true),
                _ => fill_empty(&mut entry.value, 1, false),
            }
        }
    }
}

/// Reads the bodies of all sections.
fn read(draft: &mut Draft) -> Sections {
    declare(draft);
    let mut all = Sections::new(LIST);
    for section in LIST {
        (section.read)(draft, &mut all);
    }
    let outputs: BTreeMap<String, Text> = bodies::of(draft, OUTPUTS, true);
    draft.outputs.extend(outputs);
    all
}

/// Takes down which names there are, readable or not.
fn declare(draft: &mut Draft) {
    draft.examples.extend(LIST.iter().map(|section| (section.key, section.example)));
    let root = draft.root.clone();
    for entry in root.entries().iter().filter(|entry| !language::is_key(&entry.key)) {
        // A misspelt section is reported already; what is in it is not missing.
        if let Some(meant) = closest(&entry.key, LIST.iter().map(|section| section.key)) {
            draft.broken.insert((meant.to_owned(), String::new()));
        }
    }
    for section in LIST.iter().filter(|section| section.is_later) {
        if root.field(section.key).is_some_and(|node| node.content != Content::Null) {
            draft.broken.insert((section.key.to_owned(), String::new()));
        }
    }
    for section in LIST.iter().filter(|section| section.is_named && !section.is_later) {
        let Some(node) = root.field(section.key) else { continue };
        match &node.content {
            Content::Map(entries) => {
                let names = entries.iter().map(|entry| entry.key.clone()).collect();
                draft.declared.insert(section.key, names);
            }
            _ => {
                draft.broken.insert((section.key.to_owned(), String::new()));
            }
        }
    }
}

/// What can be read of each entry of each section, by `section/name`.
fn outputs(root: &Node) -> BTreeMap<String, Vec<Output>> {
    let of = |section: &'static SectionInfo| {
        let entries = root.field(section.key).into_iter().flat_map(Node::entries);
        entries.map(|entry| {
            let key = format!("{}/{}", section.key, entry.key);
            (key, (section.outputs)(&entry.key, &entry.value))
        })
    };
    LIST.iter().filter(|section| section.is_named).flat_map(of).collect()
}

/// What `deployer outputs` prints by itself.
fn printed(outputs: &BTreeMap<String, Vec<Output>>) -> BTreeMap<String, Text> {
    let all = outputs.iter().flat_map(|(key, outputs)| {
        let name = key.split_once('/').map(|(_, name)| name).unwrap_or_default();
        let printed = outputs.iter().filter(|output| output.is_printed);
        printed.map(move |output| (format!("{name}-{}", output.name), output.text.clone()))
    });
    all.collect()
}

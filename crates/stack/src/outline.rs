//! What can be known of a stack without expanding it.

use std::collections::BTreeMap;

use deployer_core::{Diagnostic, Home, Span};

use crate::mistakes::Mistakes;
use crate::node::{Content, Node};
use crate::{head, like, source};

/// A stack's name, origin, region, account and environments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// The stack's name.
    pub name: String,
    /// What distinguishes it from another stack of the same name, when the file says it.
    pub origin: Option<String>,
    /// The region, when the file says it.
    pub region: Option<String>,
    /// The names of the environments; empty when none are declared, and `default` is meant.
    pub environments: Vec<String>,
    /// The regions of the environments that have one of their own.
    pub regions: BTreeMap<String, String>,
    /// The account that each environment is for, and the way there.
    pub homes: BTreeMap<String, Whose>,
}

/// The account that an environment is for and the way there, as the file says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whose {
    /// The account and the role.
    pub home: Home,
    /// Where the account is written.
    pub account_at: Option<Span>,
    /// What is wrong with it: then nobody knows whose it is.
    pub mistakes: Vec<Diagnostic>,
}

impl Outline {
    /// The region of an environment, when the file says it.
    pub fn region_of(&self, environment: &str) -> Option<&str> {
        self.regions.get(environment).or(self.region.as_ref()).map(String::as_str)
    }

    /// The account that an environment is for, and the way there.
    ///
    /// # Errors
    /// What is wrong with what the file says of it.
    pub fn home_of(&self, environment: &str) -> Result<Whose, Vec<Diagnostic>> {
        let whose = self.homes.get(environment).cloned().unwrap_or_default();
        if whose.mistakes.is_empty() { Ok(whose) } else { Err(whose.mistakes) }
    }

    /// The names of the environments, in the order of the file.
    pub fn environments(&self) -> impl Iterator<Item = &str> {
        self.environments.iter().map(String::as_str)
    }

    /// The environment that was asked for, or the only one there is.
    pub fn environment(&self, asked: Option<&str>) -> Result<String, Diagnostic> {
        head::choose(&self.environments, asked, None)
    }
}

/// Reads a stack's name, origin, region, account and environments; mistakes in its sections do not matter.
///
/// # Errors
/// When the text is not YAML, or the stack has no usable name or origin.
pub fn outline(text: &str) -> Result<Outline, Vec<Diagnostic>> {
    let root = source::read(text)?;
    if !matches!(root.content, Content::Map(_)) {
        return Err(vec![head::no_stack(root.span)]);
    }
    let mut mistakes = Mistakes::default();
    let name = head::name(&root, &mut mistakes);
    let origin = head::origin(&root, &mut mistakes);
    let region = root.field("region").and_then(Node::text).filter(|region| head::is_region(region));
    let environments = root.field("environments").map(Node::entries).unwrap_or_default();
    let regions = environments.iter().filter_map(|entry| {
        // The last of those it is laid over that says one.
        let overlays = like::overlays(&root, &entry.key, &mut Mistakes::default());
        let said = overlays.iter().rev().filter_map(|overlay| overlay.field("region"));
        let region = said.filter_map(Node::text).find(|region| head::is_region(region))?;
        Some((entry.key.clone(), region.to_owned()))
    });
    let regions = regions.collect();
    let names = environments.iter().map(|entry| entry.key.as_str());
    let all = if environments.is_empty() { vec!["default"] } else { names.collect() };
    let homes = all.into_iter().map(|environment| {
        let mut wrong = Mistakes::default();
        let (home, account_at) = head::home(&root, environment, &mut wrong);
        let mistakes = wrong.finish().err().unwrap_or_default();
        (environment.to_owned(), Whose { home, account_at, mistakes })
    });
    let homes = homes.collect();
    mistakes.finish()?;
    // Without a name, a mistake was reported.
    let name = name.unwrap_or_default();
    Ok(Outline {
        name,
        origin,
        region: region.map(str::to_owned),
        environments: head::environments(&root),
        regions,
        homes,
    })
}

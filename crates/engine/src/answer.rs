//! What a cloud answers: a value or why not, what was found, and how far it is.

use std::collections::BTreeMap;

use deployer_core::{Failure, Kind, Phase};

/// What a call on a cloud gives: a value, or why not.
pub type Result<T> = std::result::Result<T, Failure>;

/// What the tags of something say it is. Whether that is true is judged elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Badge {
    /// The name part of its address.
    pub name: String,
    /// The generation.
    pub generation: u32,
    /// The mark of the spec it was last given.
    pub mark: Option<String>,
    /// What is to prove the others.
    pub proof: Option<String>,
    /// The stack and the environment that it is of.
    pub of: Option<(String, String)>,
    /// What it is called in AWS, for kinds that have names. No tag says so.
    pub called: Option<String>,
    /// The tags of the user's own that it was given, as it has them now.
    pub tags: BTreeMap<String, String>,
}

/// Something with our tags as a scan found it.
#[derive(Clone, Debug)]
pub struct Found<K: Kind> {
    /// What its tags say it is.
    pub badge: Badge,
    /// What it is like, every reference a physical identifier.
    pub spec: K::Spec,
    /// What AWS tells of it.
    pub output: K::Output,
    /// How far AWS is with it.
    pub phase: Phase,
    /// AWS's own word for its state; empty where there is none.
    pub state: String,
    /// What is attached to it that is not ours, or that a spec cannot say.
    pub foreign: Vec<String>,
}

/// What helps where something else has a name.
pub(crate) const OTHERWISE: &str = "name the stack, the environment or the resource differently";

/// Something that has what only one can have and a create is to have.
pub struct Rival<K: Kind> {
    /// What has it.
    pub found: Found<K>,
    /// What that is, such as `the port 443`.
    pub what: String,
    /// What helps instead of taking it over.
    pub otherwise: String,
}

impl<K: Kind> Rival<K> {
    /// One that has the name.
    pub fn namesake(found: Found<K>, name: &str) -> Self {
        Self { found, what: format!("the name `{name}`"), otherwise: OTHERWISE.to_owned() }
    }
}

/// One look at something that AWS is working on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress<T> {
    /// It is finished.
    Done(T),
    /// It is not; says what AWS is doing, in AWS's words.
    Waiting(String),
    /// It never will be; says why.
    Failed(String),
}

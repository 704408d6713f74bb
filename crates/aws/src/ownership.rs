//! The tags that say whose a resource is, written in one place and read in one place.

use std::collections::BTreeMap;

use deployer_core::{Address, Cause, Failure, Kind, KindInfo, Scope, Stray};
use deployer_engine::{Identity, Survey};

use crate::Aws;

pub(crate) const STACK: &str = "deployer:stack";
pub(crate) const ENVIRONMENT: &str = "deployer:environment";
const ORIGIN: &str = "deployer:origin";
const ADDRESS: &str = "deployer:address";
const GENERATION: &str = "deployer:generation";
const SPEC: &str = "deployer:spec";
const ADOPTED: &str = "deployer:adopted";

/// What the keys of [`Kept`] values begin with.
const KEPT: &str = "deployer:keep:";

/// Fields of a spec that AWS has no place for, such as what to do on delete: kept as tags.
pub(crate) type Kept = BTreeMap<&'static str, String>;

/// The tags of a resource, as AWS has them.
pub(crate) type Tags = BTreeMap<String, String>;

/// The tags a new resource gets: whose it is, and what the console shows as its name.
pub(crate) fn tags(identity: &Identity, kept: &Kept) -> Tags {
    let mut tags = Tags::from([
        ("Name".to_owned(), identity.name.clone()),
        (STACK.to_owned(), identity.scope.stack.clone()),
        (ENVIRONMENT.to_owned(), identity.scope.environment.clone()),
        (ADDRESS.to_owned(), identity.address.to_string()),
        (GENERATION.to_owned(), identity.generation.to_string()),
        (SPEC.to_owned(), identity.mark.clone()),
    ]);
    tags.extend(identity.scope.origin.iter().map(|it| (ORIGIN.to_owned(), it.clone())));
    tags.extend(identity.adopted.iter().map(|id| (ADOPTED.to_owned(), id.clone())));
    tags.extend(kept.iter().map(|(field, value)| (kept_key(field), value.clone())));
    tags
}

/// The key of the tag that keeps a field.
pub(crate) fn kept_key(field: &str) -> String {
    format!("{KEPT}{field}")
}

/// Which resource of ours something is, read from its tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owned {
    pub(crate) name: String,
    pub(crate) generation: u32,
    tags: Tags,
}

impl Owned {
    /// Reads the tags of something that may be a `K` of the scope's. Nothing when it is not:
    /// another stack's, another environment's, of another kind, or not made by us.
    pub(crate) fn tagged<K: Kind>(scope: &Scope, tags: &Tags) -> Option<Self> {
        let is_ours = tags.get(STACK) == Some(&scope.stack)
            && tags.get(ENVIRONMENT) == Some(&scope.environment);
        let address: Address = tags.get(ADDRESS)?.parse().ok()?;
        let generation = tags.get(GENERATION)?.parse().ok()?;
        (is_ours && address.kind == K::NAME).then(|| Self {
            name: address.name,
            generation,
            tags: tags.clone(),
        })
    }

    /// The same of something that a survey came upon, or is to take over. The survey is told where
    /// the stack that made it is kept.
    pub(crate) fn found<K: Kind>(
        survey: &Survey<'_, Aws>,
        id: Option<&str>,
        tags: &Tags,
    ) -> Option<Self> {
        let owned = Self::adopted_or_tagged::<K>(survey, id, tags)?;
        owned.tell_origin(survey);
        Some(owned)
    }

    /// The same as [`Owned::found`] of something that has a name: ours only under the name we gave
    /// it, or if it was taken over. Tags are copied: to what is restored from a snapshot, to a task
    /// definition registered from another.
    pub(crate) fn named<K: Kind>(
        survey: &Survey<'_, Aws>,
        id: Option<&str>,
        name: Option<&str>,
        tags: &Tags,
    ) -> Option<Self> {
        let owned = Self::adopted_or_tagged::<K>(survey, id, tags)?;
        let name = name.unwrap_or_default();
        let address = Address::new(K::NAME, &owned.name);
        let expected = KindInfo::of::<K>().physical_name(survey.scope, &address, owned.generation);
        let is_adopted = tags.get(ADOPTED).map(String::as_str) == id
            || survey.adopts(K::NAME, id.unwrap_or_default()).is_some();
        // RDS keeps names in lower case.
        if is_adopted || name.eq_ignore_ascii_case(&expected) {
            owned.tell_origin(survey);
            return Some(owned);
        }
        let because = format!("it is not called {expected}");
        survey.sightings.stray(Stray { address, id: name.to_owned(), because });
        None
    }

    /// Whether it is, for all that is known, of the very stack that the scope is of rather than of
    /// another of the same name.
    pub(crate) fn is_of(&self, scope: &Scope) -> bool {
        self.tags.get(ORIGIN).is_none_or(|origin| scope.origin.as_ref() == Some(origin))
    }

    /// The mark of the spec it was last given.
    pub(crate) fn mark(&self) -> Option<String> {
        self.tags.get(SPEC).cloned()
    }

    /// A field that is kept as a tag.
    pub(crate) fn kept(&self, field: &str) -> Option<&str> {
        self.tags.get(&kept_key(field)).map(String::as_str)
    }

    fn adopted_or_tagged<K: Kind>(
        survey: &Survey<'_, Aws>,
        id: Option<&str>,
        tags: &Tags,
    ) -> Option<Self> {
        match id.and_then(|id| survey.adopts(K::NAME, id)) {
            Some(name) => Some(Self { name: name.to_owned(), generation: 1, tags: tags.clone() }),
            None => Self::tagged::<K>(survey.scope, tags),
        }
    }

    fn tell_origin(&self, survey: &Survey<'_, Aws>) {
        if let Some(origin) = self.tags.get(ORIGIN) {
            survey.sightings.origin(origin);
        }
    }
}

/// Whether the resource with these tags is the very one a step is about.
pub(crate) fn is_this<K: Kind>(identity: &Identity, tags: Option<&Tags>) -> bool {
    tags.and_then(|tags| Owned::tagged::<K>(&identity.scope, tags)).is_some_and(|owned| {
        (&owned.name, owned.generation) == (&identity.address.name, identity.generation)
    })
}

/// The failure of a create whose name somebody else's resource has.
pub(crate) fn taken(attempted: &str, name: &str) -> Failure {
    let message = format!("the account has one called `{name}` that this stack did not make");
    Failure::new(Cause::Refused, attempted, message)
        .help("delete that one, or name the stack, the environment or the resource differently")
}

/// Collects the tags of an answer whose tags have an optional key and value each.
pub(crate) fn collect<'a>(
    tags: impl IntoIterator<Item = (Option<&'a str>, Option<&'a str>)>,
) -> Tags {
    tags.into_iter()
        .filter_map(|(key, value)| Some((key?.to_owned(), value.unwrap_or_default().to_owned())))
        .collect()
}

#[cfg(test)]
mod tests {
    use deployer_kinds::{Subnet, Vpc};

    use super::*;

    fn identity() -> Identity {
        Identity {
            scope: Scope {
                stack: "notes".into(),
                environment: "dev".into(),
                origin: Some("example.com/notes:stack.yaml".into()),
            },
            address: Address::new("vpc", "main"),
            generation: 2,
            mark: "7f3a".into(),
            adopted: None,
            name: "notes-dev-main".into(),
        }
    }

    #[test]
    fn what_was_tagged_reads_back_as_the_same_resource() {
        let kept = Kept::from([("final-snapshot", "true".to_owned())]);
        let owned = Owned::tagged::<Vpc>(&identity().scope, &tags(&identity(), &kept)).unwrap();
        assert_eq!((owned.name.as_str(), owned.generation), ("main", 2));
        assert_eq!(owned.kept("final-snapshot"), Some("true"));
        assert_eq!(owned.mark().as_deref(), Some("7f3a"));
        assert!(owned.is_of(&identity().scope));
        assert!(!owned.is_of(&Scope { origin: None, ..identity().scope }), "its origin is written");
    }

    #[test]
    fn another_environment_or_kind_is_not_ours() {
        let written = tags(&identity(), &Kept::new());
        let other = Scope { environment: "prod".into(), ..identity().scope };
        assert_eq!(Owned::tagged::<Vpc>(&other, &written), None);
        assert_eq!(Owned::tagged::<Subnet>(&identity().scope, &written), None);
    }
}

//! The tags that say whose a resource is, written in one place and read in one place. Whether they
//! tell the truth is judged elsewhere: anybody can write tags.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Address, Failure, Kind, Scope, tag_code};
use deployer_engine::{Badge, Context, Found, Identity, Provenance, Result, Survey};
use sha2::{Digest, Sha256};

use crate::Aws;
use crate::missing::is_unread;

pub(crate) const STACK: &str = "deployer:stack";
pub(crate) const ENVIRONMENT: &str = "deployer:environment";
const ADDRESS: &str = "deployer:address";
const GENERATION: &str = "deployer:generation";
const SPEC: &str = "deployer:spec";
/// What the keys of our own tags begin with.
const OURS: &str = "deployer:";
/// Which tags of the user's own were given: three characters for each key, in any order.
const GIVEN: &str = "deployer:tags";
pub(crate) const PROOF: &str = "deployer:proof";

/// Where a release comes from: the caller, the commit, the run, and the release that it is again.
const BY: &str = "deployer:by";
const COMMIT: &str = "deployer:commit";
const RUN: &str = "deployer:run";
const AGAIN: &str = "deployer:again";

/// What helps where something else has a name.
const OTHERWISE: &str = "name the stack, the environment or the resource differently";

/// What the keys of [`Kept`] values begin with.
const KEPT: &str = "deployer:keep:";

/// The most characters of a tag's value (tagging guide of AWS's general reference).
const LONGEST: usize = 256;

/// Fields of a spec that AWS has no place for, such as what to do on delete: kept as tags.
pub(crate) type Kept = BTreeMap<&'static str, String>;

/// The tags of a resource, as AWS has them.
pub(crate) type Tags = BTreeMap<String, String>;

/// The tags a new resource gets: whose it is, and what the console shows as its name.
pub(crate) fn tags(identity: &Identity, kept: &Kept) -> Tags {
    let mut tags = own(identity);
    tags.extend([
        ("Name".to_owned(), identity.name.clone()),
        (STACK.to_owned(), identity.scope.stack.clone()),
        (ENVIRONMENT.to_owned(), identity.scope.environment.clone()),
        (ADDRESS.to_owned(), identity.address.to_string()),
        (GENERATION.to_owned(), identity.generation.to_string()),
        (SPEC.to_owned(), identity.mark.clone()),
    ]);
    tags.extend(identity.proof.iter().map(|proof| (PROOF.to_owned(), proof.clone())));
    tags.extend(kept.iter().map(|(field, value)| (kept_key(field), value.clone())));
    tags
}

/// The tags that say where a release comes from. Nothing is decided by them but whether somebody has
/// gone back already, and nothing is compared with them.
pub(crate) fn origin(provenance: &Provenance) -> Tags {
    let Provenance { by, commit, run, again } = provenance.clone();
    let again = again.map(|number| number.to_string());
    let tags = [(BY, by), (COMMIT, commit), (RUN, run), (AGAIN, again)];
    tags.into_iter().filter_map(|(key, value)| Some((key.to_owned(), taggable(&value?)))).collect()
}

/// Where a release comes from, by its tags.
pub(crate) fn provenance(tags: &Tags) -> Provenance {
    let text = |key: &str| tags.get(key).cloned();
    let again = text(AGAIN).and_then(|number| number.parse().ok());
    Provenance { by: text(BY), commit: text(COMMIT), run: text(RUN), again }
}

/// A text as a tag takes it: of these characters, and no more than 256 of them (tagging guide of
/// AWS's general reference).
fn taggable(text: &str) -> String {
    let plain = text.chars().map(|c| if Scope::may_be_in_tag(c) { c } else { '_' });
    plain.take(LONGEST).collect()
}

/// The same of what AWS keeps no tags of, for a place that we find for them: without the tags of the
/// user's own, and what the console shows.
pub(crate) fn marks(identity: &Identity, kept: &Kept) -> Tags {
    let mut marks = tags(identity, kept);
    marks.retain(|key, _| key.starts_with(OURS) && key != GIVEN);
    marks
}

/// Such marks as the tags of something that has all that the user gives: there is nothing to put
/// them right on.
pub(crate) fn as_given(scope: &Scope, mut marks: Tags) -> Tags {
    marks.extend(scope.tags.clone());
    if !scope.tags.is_empty() {
        marks.insert(GIVEN.to_owned(), scope.tags.keys().map(|key| tag_code(key)).collect());
    }
    marks
}

/// The tags of the user's own, and which they are.
pub(crate) fn own(identity: &Identity) -> Tags {
    let mut tags = identity.scope.tags.clone();
    if !tags.is_empty() {
        tags.insert(GIVEN.to_owned(), tags.keys().map(|key| tag_code(key)).collect());
    }
    tags
}

/// The keys of the tags to take off: those of the user's own that are not wanted any more.
pub(crate) fn dropped(identity: &Identity) -> Vec<String> {
    let is_none_left = identity.scope.tags.is_empty() && !identity.dropped.is_empty();
    let given = is_none_left.then(|| GIVEN.to_owned());
    identity.dropped.iter().cloned().chain(given).collect()
}

/// The tags of the user's own that were given, as they are now.
fn given(tags: &Tags) -> Tags {
    let Some(codes) = tags.get(GIVEN) else { return Tags::new() };
    let codes: Vec<&[u8]> = codes.as_bytes().chunks(3).collect();
    let is_ours = |key: &str| key.starts_with(OURS) || key == "Name";
    let is_given = |key: &String| !is_ours(key) && codes.contains(&tag_code(key).as_bytes());
    let given = tags.iter().filter(|(key, _)| is_given(key));
    given.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// The stack and the environment that tags name, whether that is true or not: `notes/prod`.
pub(crate) fn named_owner(tags: &Tags) -> Option<String> {
    Some(format!("{}/{}", tags.get(STACK)?, tags.get(ENVIRONMENT)?))
}

/// The key of the tag that keeps a field.
pub(crate) fn kept_key(field: &str) -> String {
    format!("{KEPT}{field}")
}

/// Which resource of the scope's something says it is, read from its tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owned {
    badge: Badge,
    tags: Tags,
}

impl Owned {
    /// Reads the tags of something that may be a `K` of the scope's. Nothing when they do not say
    /// so: another stack's, another environment's, of another kind, or not made by us.
    pub(crate) fn tagged<K: Kind>(scope: &Scope, tags: &Tags) -> Option<Self> {
        let is_ours = tags.get(STACK) == Some(&scope.stack)
            && tags.get(ENVIRONMENT) == Some(&scope.environment);
        let address: Address = tags.get(ADDRESS)?.parse().ok()?;
        let badge = Badge {
            name: address.name,
            generation: tags.get(GENERATION)?.parse().ok()?,
            mark: tags.get(SPEC).cloned(),
            proof: tags.get(PROOF).cloned(),
            of: named_in(tags),
            called: None,
            tags: given(tags),
        };
        let is_ours = is_ours && address.kind == K::NAME;
        is_ours.then(|| Self { badge, tags: tags.clone() })
    }

    /// The same of something that has a name.
    pub(crate) fn named<K: Kind>(scope: &Scope, name: Option<&str>, tags: &Tags) -> Option<Self> {
        Self::tagged::<K>(scope, tags).map(|owned| owned.called(name))
    }

    /// The same of something that was asked for itself: it counts whatever its tags say.
    pub(crate) fn read<K: Kind>(scope: &Scope, name: Option<&str>, tags: &Tags) -> Self {
        let badge = Badge { of: named_in(tags), ..Badge::default() };
        let nobodys = || Self { badge, tags: tags.clone() };
        Self::tagged::<K>(scope, tags).unwrap_or_else(nobodys).called(name)
    }

    /// Something of which nobody asks whose it is.
    pub(crate) fn nobodys() -> Self {
        Self { badge: Badge::default(), tags: Tags::new() }
    }

    /// What it says it is.
    pub(crate) fn badge(&self) -> Badge {
        self.badge.clone()
    }

    /// The name part of the address it says it has.
    pub(crate) fn name(&self) -> &str {
        &self.badge.name
    }

    /// The generation it says it has.
    pub(crate) fn generation(&self) -> u32 {
        self.badge.generation
    }

    /// A field that is kept as a tag.
    pub(crate) fn kept(&self, field: &str) -> Option<&str> {
        self.tags.get(&kept_key(field)).map(String::as_str)
    }

    /// Whether something that carries no tags was given, by the codes that a field keeps; see
    /// [`codes`]. Where the tags do not say, everything was.
    pub(crate) fn is_given(&self, field: &str, what: &str) -> bool {
        let code = tag_code(what);
        let has = |kept: &str| kept.as_bytes().chunks(3).any(|it| it == code.as_bytes());
        self.kept(field).is_none_or(has)
    }

    fn called(mut self, name: Option<&str>) -> Self {
        self.badge.called = name.map(ToOwned::to_owned);
        self
    }
}

/// What was given of what carries no tags, as a field keeps it: three characters for each.
pub(crate) fn codes<T: AsRef<str>>(given: impl IntoIterator<Item = T>) -> String {
    let given: BTreeSet<String> = given.into_iter().map(|it| it.as_ref().to_owned()).collect();
    given.iter().map(|it| tag_code(it)).collect()
}

/// What the names of a scope begin with where they are joined by hyphens; see
/// [`deployer_core::Naming`].
pub(crate) fn prefix(scope: &Scope) -> String {
    format!("{}-{}-", scope.stack, scope.environment)
}

/// What makes a create the same one when its reply was lost: the proof among its tags is the same
/// then, and AWS refuses a token that comes with other tags. `said` is what else makes it another
/// one. 64 letters and digits, as many as EC2 takes (EC2 API reference); others take fewer.
pub(crate) fn token(identity: &Identity, said: &str) -> String {
    let Identity { scope, address, generation, proof, .. } = identity;
    let proof = proof.as_deref().unwrap_or_default();
    let attempt = format!("{scope} {address} {generation} {proof} {said}");
    let tags = &scope.tags;
    let attempt = if tags.is_empty() { attempt } else { format!("{attempt} {tags:?}") };
    format!("{:x}", Sha256::digest(attempt))
}

/// The stack and the environment that tags name.
fn named_in(tags: &Tags) -> Option<(String, String)> {
    Some((tags.get(STACK)?.clone(), tags.get(ENVIRONMENT)?.clone()))
}

/// What was read of something; nothing where it cannot be read and is none of ours by the record,
/// which is reported then.
pub(crate) fn readable<K: Kind>(
    survey: &Survey<'_, Aws>,
    owned: &Owned,
    id: Option<&str>,
    read: Result<Found<K>>,
) -> Option<Result<Found<K>>> {
    match read {
        Err(failure) if is_unread(&failure) => {
            let aside = survey.set_aside::<K>(&owned.badge, id.unwrap_or_default(), failure);
            aside.err().map(Err)
        }
        read => Some(read),
    }
}

/// Whether tags are not those that we wrote last, by the environment's record.
pub(crate) fn are_outdated(survey: &Survey<'_, Aws>, tags: &Tags) -> bool {
    let text = |key: &str| tags.get(key).map(String::as_str).unwrap_or_default();
    let address = text(ADDRESS).parse::<Address>();
    let place = address.ok().zip(text(GENERATION).parse().ok());
    place.is_some_and(|(address, generation)| survey.are_outdated(&address, generation, text(SPEC)))
}

/// Whether something that is in the way of a create is the very resource that the step is to make:
/// a create whose reply got lost made it.
pub(crate) fn is_this<K: Kind>(
    cx: &Context<'_, Aws>,
    id: &str,
    name: Option<&str>,
    tags: Option<&Tags>,
) -> bool {
    let owned = tags.and_then(|tags| Owned::tagged::<K>(&cx.identity.scope, tags));
    owned.is_some_and(|owned| cx.is_ours(&owned.called(name).badge, id))
}

/// Whether something that says it is of the scope's is.
pub(crate) fn owns<K: Kind>(
    cx: &Context<'_, Aws>,
    id: &str,
    name: Option<&str>,
    tags: &Tags,
) -> bool {
    let owned = Owned::tagged::<K>(&cx.identity.scope, tags);
    owned.is_some_and(|owned| cx.owns(&owned.called(name).badge, id))
}

/// The failure of a create because something that is not the very resource has the name: AWS would
/// hand it back as if the call had made it.
pub(crate) fn taken(cx: &Context<'_, Aws>, attempted: String, id: &str) -> Failure {
    cx.in_the_way(attempted, id, &format!("the name `{}`", cx.identity.name), OTHERWISE)
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
            dropped: BTreeSet::new(),
            scope: Scope {
                stack: "notes".into(),
                environment: "dev".into(),
                origin: None,
                tags: BTreeMap::new(),
            },
            address: Address::new("vpc", "main"),
            generation: 2,
            mark: "7f3a".into(),
            proof: Some("1:abc:def".into()),
            provenance: deployer_engine::Provenance::default(),
            name: "notes-dev-main".into(),
        }
    }

    #[test]
    fn what_was_tagged_reads_back_as_the_same_resource() {
        let kept = Kept::from([("final-snapshot", "true".to_owned())]);
        let owned = Owned::tagged::<Vpc>(&identity().scope, &tags(&identity(), &kept)).unwrap();
        assert_eq!((owned.name(), owned.generation()), ("main", 2));
        assert_eq!(owned.kept("final-snapshot"), Some("true"));
        let Badge { mark, proof, .. } = owned.badge();
        assert_eq!((mark.as_deref(), proof.as_deref()), (Some("7f3a"), Some("1:abc:def")));
    }

    #[test]
    fn where_a_release_comes_from_reads_back_as_far_as_a_tag_takes_it() {
        let run = format!("https://ci.example/{}", "7".repeat(300));
        let written = Provenance {
            by: Some("arn:aws:sts::123456789012:assumed-role/deploy/alice".to_owned()),
            commit: Some("1f0c-dirty".to_owned()),
            run: Some(run.clone()),
            again: Some(3),
        };
        let tags = origin(&written);
        let read = Provenance { run: Some(run[..LONGEST].to_owned()), ..written };
        assert_eq!(provenance(&tags), read);
        let odd = Provenance { run: Some("a?b#c".to_owned()), ..Provenance::default() };
        assert_eq!(origin(&odd)[RUN], "a_b_c");
        assert_eq!(given(&tags), Tags::new(), "they are none of the user's own");
    }

    #[test]
    fn another_environment_or_kind_is_not_ours() {
        let written = tags(&identity(), &Kept::new());
        let other = Scope { environment: "prod".into(), ..identity().scope };
        assert_eq!(Owned::tagged::<Vpc>(&other, &written), None);
        let read = Owned::read::<Vpc>(&other, None, &written).badge();
        assert_eq!(read, Badge { of: named_in(&written), ..Badge::default() });
        assert_eq!(Owned::tagged::<Subnet>(&identity().scope, &written), None);
    }

    #[test]
    fn tags_of_the_users_own_are_those_that_we_gave_and_none_of_others() {
        let mut identity = identity();
        identity.scope.tags = [("team", "notes"), ("cost-center", "42")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        let mut written = tags(&identity, &Kept::new());
        written.insert("owner".to_owned(), "somebody".to_owned());
        written.insert("team".to_owned(), "others".to_owned());
        let owned = Owned::tagged::<Vpc>(&identity.scope, &written).unwrap();
        let given = owned.badge().tags;
        assert_eq!(given.keys().collect::<Vec<_>>(), ["cost-center", "team"]);
        assert_eq!(given["team"], "others");
        // The last of them goes with what says that there were any.
        identity.dropped = given.into_keys().collect();
        assert_eq!(dropped(&identity).len(), 2);
        identity.scope.tags.clear();
        assert_eq!(dropped(&identity), ["cost-center", "team", GIVEN]);
    }
}

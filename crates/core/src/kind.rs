//! What a kind of resource is, and the list of kinds with their types erased.

use std::collections::{BTreeMap, BTreeSet};

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Action, Address, Change, Fact, Impact, Live, Naming, Notice, Removal, Replacement, Scope,
    unread,
};

/// A kind whose resources must be there before this one works, though no field says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct After {
    /// The kind to wait for, and to outlive.
    pub kind: &'static str,
    /// Only resources that refer to the same resource of this kind count; all when `None`.
    pub sharing: Option<&'static str>,
}

/// A field that is a set of what is allowed, reached or bound: one more harms nobody who relies on
/// what is there, and one less may. A list, or a mapping, whose values may be lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The field.
    pub field: &'static str,
    /// The keys that distinguish one item from another, for items of which AWS accepts no two that
    /// differ in the rest alone; the whole item when empty.
    pub by: &'static [&'static str],
    /// The key, and its value, of an item that forbids what others allow.
    pub forbids: Option<(&'static str, &'static str)>,
    /// How many AWS takes.
    pub most: usize,
}

impl Grant {
    /// A set of plain items, of any number.
    pub const fn of(field: &'static str) -> Self {
        Self { field, by: &[], forbids: None, most: usize::MAX }
    }
}

/// How long AWS typically takes, in seconds; for the plan's estimate and the order of work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Typical {
    /// To create one.
    pub create: u32,
    /// To change one.
    pub update: u32,
    /// To delete one.
    pub delete: u32,
}

/// How long AWS takes for one action, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Time {
    /// As a rule.
    pub typical: u32,
    /// The longest that is known: what takes longer is given up. Nothing is given up before four
    /// times what is typical, nor before ten minutes.
    pub limit: u32,
}

impl Typical {
    /// The time of an action that never takes much longer.
    pub const fn time(self, action: Action) -> Time {
        let typical = match action {
            Action::Create | Action::Await => self.create,
            Action::Update => self.update,
            Action::Delete => self.delete,
        };
        Time { typical, limit: 0 }
    }
}

/// A mistake inside one spec, found without looking at AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The field, as a path with dots: `ingress.0.port`.
    pub path: String,
    /// What is wrong with it, as a fragment: `cpu 300 is not a Fargate size`.
    pub message: String,
    /// Advice that can be typed.
    pub help: Option<String>,
    /// Whether `{30}` in its texts is an amount, in the unit that the field counts in: see
    /// [`Problem::amounts`].
    pub has_amounts: bool,
    /// The other fields that it depends on.
    pub along: &'static [&'static str],
}

impl Problem {
    /// A problem with advice.
    pub fn new(
        path: impl Into<String>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        let help = Some(help.into());
        Self { path: path.into(), message: message.into(), help, has_amounts: false, along: &[] }
    }

    /// A problem with an amount. Each `{30}` or `{30 days}` in its texts is one, in the unit that
    /// the field counts in: where it comes from a value that is written otherwise, such as
    /// `30 days`, it is shown so, because that is what can be typed there.
    pub fn amounts(
        path: impl Into<String>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self { has_amounts: true, ..Self::new(path, message, help) }
    }

    /// The same, of a problem that depends on other fields as well.
    #[must_use]
    pub fn along(self, along: &'static [&'static str]) -> Self {
        Self { along, ..self }
    }

    /// The message and the advice, with each amount as `write` shows it; without one, as it stands
    /// between its braces.
    pub fn shown(&self, write: impl Fn(u32) -> Option<String>) -> (String, Option<String>) {
        let filled =
            |text: &str| if self.has_amounts { fill(text, &write) } else { text.to_owned() };
        (filled(&self.message), self.help.as_deref().map(filled))
    }
}

/// A text with its amounts filled in.
fn fill(text: &str, write: &impl Fn(u32) -> Option<String>) -> String {
    let mut pieces = text.split('{');
    let mut filled = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (amount, rest) = piece.split_once('}').unwrap_or((piece, ""));
        let number = amount.split(' ').next().and_then(|number| number.parse().ok());
        filled += &number.and_then(write).unwrap_or_else(|| amount.to_owned());
        filled += rest;
    }
    filled
}

/// One kind of AWS resource: its spec, its output, and what a change in each field leads to.
///
/// In a `Spec`, a field with a default is managed even when the file leaves it out, so removing
/// it from the file resets it; an `Option` left out is not compared. An `Output` holds `id`, the
/// identifier that references resolve to, and whatever else `${kind/name.field}` may ask for.
pub trait Kind: Send + Sync + 'static {
    /// The name, as in addresses: `security-group`.
    const NAME: &'static str;
    /// What a difference leads to: every field of the spec, in its order, and what is otherwise
    /// further in, as `forward.*.weight`, where `*` is any key of a mapping or any item of a list.
    /// The longest path counts. Inside of a list the one rule that counts is `Delegated`.
    const CHANGES: &'static [(&'static str, Change)];
    /// How AWS wants its names; `None` where it is only tagged.
    const NAMING: Option<Naming> = None;
    /// How its successor comes when it must be replaced.
    const REPLACEMENT: Replacement = Replacement::CreateFirst;
    /// What becomes of it when it is no longer wanted.
    const REMOVAL: Removal = Removal::Delete;
    /// Whether clients connect to it, at what [`Kind::endpoint`] says.
    const IS_REACHED: bool = false;
    /// What users notice when it is deleted, where [`Kind::deletion`] does not say otherwise.
    const DELETION: Impact = Impact::Outage;
    /// The boolean field that forbids deleting it, where AWS has one.
    const PROTECTION: Option<&'static str> = None;
    /// Whether AWS refuses to delete one while others are in it or use it, so that a reference
    /// to one shows that it exists.
    const REFUSED_WHILE_USED: bool = false;
    /// Whether the service has no regions, so that one is the same in all of an account's.
    const GLOBAL: bool = false;
    /// The field that says what it is part of, for what can carry no tags of its own: it is ours
    /// if that is.
    const PART_OF: Option<&'static str> = None;
    /// The fields that say what a deletion does and that AWS has no place for but tags, each with
    /// its gentlest value as JSON: taken where nobody knows who wrote the tags.
    const GENTLEST: &'static [(&'static str, &'static str)] = &[];
    /// The fields whose values come about by work that may fail, such as a run before a release: a
    /// difference there is what is left to do, and nobody's change.
    const UNDONE: &'static [&'static str] = &[];
    /// What must be there before it works, beside what its fields refer to.
    const AFTER: &'static [After] = &[];
    /// The fields that are sets of permissions, routes, rules, zones or bindings. Such a change
    /// has two halves: what is new is there before anything needs it, and what is old until
    /// nothing does.
    const GRANTS: &'static [Grant] = &[];
    /// The field that names what works only while this fills it, such as the target groups of a
    /// service: whoever leads there is led away before it leaves.
    const FILLS: Option<&'static str> = None;
    /// The field that leads requests to what others fill, such as the action of a rule: that is
    /// ready before anybody is led there.
    const LEADS: Option<&'static str> = None;
    /// The field that names others of the kind that it calls, by their output `name`, such as the
    /// services that a service reaches: who is called no more goes on to be reached until those
    /// that called it have moved.
    const CALLS: Option<&'static str> = None;
    /// Which outputs a change in place may change: a field, and an output.
    const MOVES: &'static [(&'static str, &'static str)] = &[];
    /// How long AWS typically takes where [`Kind::time`] does not say otherwise; the source of
    /// each number stands beside it.
    const TYPICAL: Typical = Typical { create: 1, update: 1, delete: 1 };

    /// What we want of it.
    type Spec: Serialize + DeserializeOwned + JsonSchema + Clone + Send + Sync + 'static;
    /// What AWS returns for it once it exists.
    type Output: Serialize + DeserializeOwned + JsonSchema + Clone + Send + Sync + 'static;

    /// Finds mistakes that the types cannot say.
    fn check(_spec: &Self::Spec) -> Vec<Problem> {
        Vec::new()
    }

    /// What a difference in a field leads to where that depends on its two values, unless a rule
    /// further in says so. What is unread ([`is_unread`](crate::is_unread)) is a difference only
    /// where this gives something for it.
    fn change(_field: &str, _live: &Value, _wanted: &Value) -> Option<Change> {
        None
    }

    /// Whether a difference in a field is one that AWS makes by itself, such as storage that grows:
    /// then it is none, and an update is given the value that is there.
    fn is_moved(_field: &str, _live: &Self::Spec, _wanted: &Self::Spec) -> bool {
        false
    }

    /// What users notice when one like this is deleted that is in this state, in AWS's own word.
    fn deletion(_live: &Self::Spec, _state: &str) -> Impact {
        Self::DELETION
    }

    /// What is in one that goes with it when it is deleted in this state, in words that follow a
    /// colon: `12 messages in it`; none where there is nothing to say.
    fn lost(_live: &Self::Spec, _state: &str) -> Option<String> {
        None
    }

    /// What one does in the whole: what users notice of changes of that is worked out from the
    /// plan, whatever the rules of its fields say.
    fn facts(_spec: &Self::Spec) -> Vec<Fact> {
        Vec::new()
    }

    /// Where clients connect to, as far as AWS has said it: `host:5432`. Only where
    /// [`Kind::IS_REACHED`].
    fn endpoint(_output: &Self::Output) -> Option<String> {
        None
    }

    /// Why one that has something in it stays when it is to go, and what to do about that; none for
    /// one that goes with all that is in it. What is in it are the parts of it
    /// ([`Kind::PART_OF`]).
    fn stays(_live: &Self::Spec) -> Option<&'static str> {
        None
    }

    /// What users notice of a change in place that depends on its values, such as their direction.
    fn notices(_live: &Self::Spec, _wanted: &Self::Spec) -> Vec<Notice> {
        Vec::new()
    }

    /// The spec by which it is bound to what it is to lead to and leads nobody there yet: AWS
    /// wants it bound before it can be filled. From what is there, if it is; none where there is
    /// no such spec.
    fn reserve(_live: Option<&Self::Spec>, _wanted: &Self::Spec) -> Option<Self::Spec> {
        None
    }

    /// Whether it leads nobody, since it was only bound so far.
    fn is_reserved(_live: &Self::Spec) -> bool {
        false
    }

    /// The spec by which both what fills it now and what is to fill it are found well; none where
    /// that is so anyway.
    fn lenient(_live: &Self::Spec, _wanted: &Self::Spec) -> Option<Self::Spec> {
        None
    }

    /// For how many seconds a change must hold before it is believed; it is put back if it does
    /// not.
    fn watch(_live: &Self::Spec, _wanted: &Self::Spec) -> u32 {
        0
    }

    /// How the successor comes where that depends on the two specs.
    fn replacement(_live: &Self::Spec, _wanted: &Self::Spec) -> Replacement {
        Self::REPLACEMENT
    }

    /// How long AWS takes where that depends on the specs, as a rule and at most. What its target
    /// groups add for health checks and draining is known from [`Kind::facts`].
    fn time(action: Action, _live: Option<&Self::Spec>, _wanted: Option<&Self::Spec>) -> Time {
        Self::TYPICAL.time(action)
    }
}

/// A [`Kind`] with its types erased: JSON in, JSON out.
pub struct KindInfo {
    /// See [`Kind::NAME`].
    pub name: &'static str,
    /// See [`Kind::CHANGES`].
    pub changes: &'static [(&'static str, Change)],
    /// See [`Kind::NAMING`].
    pub naming: Option<Naming>,
    /// See [`Kind::REMOVAL`].
    pub removal: Removal,
    /// See [`Kind::IS_REACHED`].
    pub is_reached: bool,
    /// See [`Kind::PROTECTION`].
    pub protection: Option<&'static str>,
    /// See [`Kind::REFUSED_WHILE_USED`].
    pub refused_while_used: bool,
    /// See [`Kind::GLOBAL`].
    pub global: bool,
    /// See [`Kind::UNDONE`].
    pub undone: &'static [&'static str],
    /// See [`Kind::PART_OF`].
    pub part_of: Option<&'static str>,
    /// See [`Kind::GENTLEST`].
    pub gentlest: &'static [(&'static str, &'static str)],
    /// See [`Kind::AFTER`].
    pub after: &'static [After],
    /// See [`Kind::GRANTS`].
    pub grants: &'static [Grant],
    /// See [`Kind::FILLS`].
    pub fills: Option<&'static str>,
    /// See [`Kind::LEADS`].
    pub leads: Option<&'static str>,
    /// See [`Kind::CALLS`].
    pub calls: Option<&'static str>,
    /// See [`Kind::MOVES`].
    pub moves: &'static [(&'static str, &'static str)],
    supersedes: bool,
    deletion: fn(&Value, &str) -> Impact,
    lost: fn(&Value, &str) -> Option<String>,
    pub(crate) refined: fn(&str, &Value, &Value) -> Option<Change>,
    pub(crate) moved: fn(&str, &Value, &Value) -> bool,
    facts: fn(&Value) -> Option<Vec<Fact>>,
    stays: fn(&Value) -> Option<&'static str>,
    notices: fn(&Value, &Value) -> Vec<Notice>,
    reserve: fn(Option<&Value>, &Value) -> Option<Value>,
    is_reserved: fn(&Value) -> bool,
    endpoint: fn(&Value) -> Option<String>,
    lenient: fn(&Value, &Value) -> Option<Value>,
    watch: fn(&Value, &Value) -> u32,
    replacement: fn(&Value, &Value) -> Replacement,
    time: fn(Action, Option<&Value>, Option<&Value>) -> Time,
    normalize: fn(Value) -> serde_json::Result<Value>,
    read: fn(Value) -> Result<Value, Problem>,
    check: fn(&Value) -> Vec<Problem>,
    spec_schema: fn() -> Schema,
    output_schema: fn() -> Schema,
}

impl KindInfo {
    /// Erases a kind.
    pub fn of<K: Kind>() -> Self {
        Self {
            name: K::NAME,
            changes: K::CHANGES,
            naming: K::NAMING,
            removal: K::REMOVAL,
            is_reached: K::IS_REACHED,
            deletion: |spec, state| {
                spec_of::<K>(spec).map_or(K::DELETION, |spec| K::deletion(&spec, state))
            },
            lost: |spec, state| K::lost(&spec_of::<K>(spec).ok()?, state),
            protection: K::PROTECTION,
            refused_while_used: K::REFUSED_WHILE_USED,
            global: K::GLOBAL,
            part_of: K::PART_OF,
            undone: K::UNDONE,
            gentlest: K::GENTLEST,
            after: K::AFTER,
            grants: K::GRANTS,
            fills: K::FILLS,
            leads: K::LEADS,
            calls: K::CALLS,
            moves: K::MOVES,
            supersedes: matches!(K::REPLACEMENT, Replacement::Supersede),
            refined: K::change,
            moved: |field, live, wanted| match (spec_of::<K>(live), spec_of::<K>(wanted)) {
                (Ok(live), Ok(wanted)) => K::is_moved(field, &live, &wanted),
                _ => false,
            },
            endpoint: |output| {
                let output = K::Output::deserialize(output).ok()?;
                K::endpoint(&output)
            },
            facts: |spec| spec_of::<K>(spec).ok().map(|spec| K::facts(&spec)),
            stays: |live| spec_of::<K>(live).ok().and_then(|live| K::stays(&live)),
            notices: |live, wanted| match (spec_of::<K>(live), spec_of::<K>(wanted)) {
                (Ok(live), Ok(wanted)) => K::notices(&live, &wanted),
                _ => Vec::new(),
            },
            is_reserved: |live| spec_of::<K>(live).is_ok_and(|live| K::is_reserved(&live)),
            reserve: |live, wanted| {
                let live = live.map(spec_of::<K>).transpose().ok()?;
                let reserved = K::reserve(live.as_ref(), &spec_of::<K>(wanted).ok()?)?;
                serde_json::to_value(reserved).ok()
            },
            lenient: |live, wanted| {
                let lenient = K::lenient(&spec_of::<K>(live).ok()?, &spec_of::<K>(wanted).ok()?)?;
                serde_json::to_value(lenient).ok()
            },
            watch: |live, wanted| match (spec_of::<K>(live), spec_of::<K>(wanted)) {
                (Ok(live), Ok(wanted)) => K::watch(&live, &wanted),
                _ => 0,
            },
            replacement: |live, wanted| match (spec_of::<K>(live), spec_of::<K>(wanted)) {
                (Ok(live), Ok(wanted)) => K::replacement(&live, &wanted),
                _ => K::REPLACEMENT,
            },
            time: |action, live, wanted| {
                let [live, wanted] = [live, wanted].map(|spec| spec_of::<K>(spec?).ok());
                K::time(action, live.as_ref(), wanted.as_ref())
            },
            normalize: |spec| {
                serde_json::from_value::<K::Spec>(spec).and_then(serde_json::to_value)
            },
            read: read::<K>,
            check: |spec| spec_of::<K>(spec).map(|spec| K::check(&spec)).unwrap_or_default(),
            spec_schema: schema::<K::Spec>,
            output_schema: schema::<K::Output>,
        }
    }

    /// What the `generation`-th resource at `address` is called in AWS, or in its console where the
    /// kind has no names. Generations that supersede each other share one name.
    pub fn physical_name(&self, scope: &Scope, address: &Address, generation: u32) -> String {
        let generation = if self.supersedes { 1 } else { generation };
        self.naming.unwrap_or(Naming::hyphens(255)).name(scope, address, generation)
    }

    /// What the first resource of a kind that has this name in the stack is called in AWS.
    pub fn first_name<K: Kind>(scope: &Scope, name: &str) -> String {
        Self::of::<K>().physical_name(scope, &Address::new(K::NAME, name), 1)
    }

    /// Whether it goes by itself, or stays as history: it holds on to what it refers to only as
    /// long as something else uses it.
    pub(crate) fn is_passive(&self) -> bool {
        self.supersedes || self.removal == Removal::WithParent
    }

    /// The fields of the spec, in the order of the change rules.
    pub fn fields(&self) -> impl Iterator<Item = &'static str> {
        self.changes.iter().map(|(path, _)| *path).filter(|path| !path.contains('.'))
    }

    /// See [`Kind::endpoint`]; none for an output that is not of this kind.
    pub fn endpoint(&self, output: &Value) -> Option<String> {
        (self.endpoint)(output)
    }

    /// See [`Kind::deletion`].
    pub fn deletion(&self, live: &Live) -> Impact {
        (self.deletion)(&live.spec, &live.state)
    }

    /// What users lose with one, and why that is worth a word; see [`Kind::lost`].
    pub(crate) fn loss(&self, live: &Live) -> Option<Notice> {
        let lost = (self.lost)(&live.spec, &live.state)?;
        Some(Notice::new(self.deletion(live), lost))
    }

    /// See [`Kind::facts`]; none where the spec is not of the kind's form, so that nobody knows
    /// what the resource does.
    pub fn facts(&self, spec: &Value) -> Option<Vec<Fact>> {
        (self.facts)(spec)
    }

    /// See [`Kind::stays`].
    pub(crate) fn stays(&self, live: &Value) -> Option<&'static str> {
        (self.stays)(live)
    }

    /// See [`Kind::notices`].
    pub(crate) fn notices(&self, live: &Value, wanted: &Value) -> Vec<Notice> {
        (self.notices)(live, wanted)
    }

    /// See [`Kind::reserve`].
    pub(crate) fn reserve(&self, live: Option<&Value>, wanted: &Value) -> Option<Value> {
        (self.reserve)(live, wanted)
    }

    /// See [`Kind::is_reserved`].
    pub(crate) fn is_reserved(&self, live: &Value) -> bool {
        (self.is_reserved)(live)
    }

    /// See [`Kind::lenient`].
    pub(crate) fn lenient(&self, live: &Value, wanted: &Value) -> Option<Value> {
        (self.lenient)(live, wanted)
    }

    /// See [`Kind::watch`].
    pub fn watch(&self, live: &Value, wanted: &Value) -> u32 {
        (self.watch)(live, wanted)
    }

    /// How the successor of `live` comes.
    pub fn replacement(&self, live: &Value, wanted: &Value) -> Replacement {
        (self.replacement)(live, wanted)
    }

    /// How long AWS takes for an action. What a spec does not say yet counts as not there.
    pub fn time(&self, action: Action, live: Option<&Value>, wanted: Option<&Value>) -> Time {
        (self.time)(action, live, wanted)
    }

    /// Reads a spec through its type and writes it again: defaults filled in, sets in order.
    pub fn normalize(&self, spec: Value) -> serde_json::Result<Value> {
        (self.normalize)(spec)
    }

    /// Normalises a spec that a person wrote: what its type refuses is reported with its path.
    pub fn read(&self, spec: Value) -> Result<Value, Problem> {
        (self.read)(spec)
    }

    /// Finds mistakes in a spec that the types cannot say.
    pub fn check(&self, spec: &Value) -> Vec<Problem> {
        (self.check)(spec)
    }

    /// The JSON schema of the spec.
    pub fn spec_schema(&self) -> Schema {
        (self.spec_schema)()
    }

    /// The JSON schema of the output.
    pub fn output_schema(&self) -> Schema {
        (self.output_schema)()
    }

    /// The names of the outputs that `${kind/name.field}` may ask for.
    pub fn output_fields(&self) -> BTreeSet<String> {
        let schema = self.output_schema();
        let fields = schema.get("properties").and_then(Value::as_object);
        fields.map(|fields| fields.keys().cloned().collect()).unwrap_or_default()
    }
}

fn read<K: Kind>(spec: Value) -> Result<Value, Problem> {
    let problem =
        |path: String, message: String| Problem { help: None, ..Problem::new(path, message, "") };
    let spec: K::Spec = serde_path_to_error::deserialize(spec)
        .map_err(|error| problem(error.path().to_string(), error.inner().to_string()))?;
    let spec =
        serde_json::to_value(spec).map_err(|error| problem(String::new(), error.to_string()))?;
    match unread(&spec).pop_first() {
        Some(path) => Err(problem(path, "only what AWS shows can be unread".to_owned())),
        None => Ok(spec),
    }
}

fn spec_of<K: Kind>(spec: &Value) -> serde_json::Result<K::Spec> {
    K::Spec::deserialize(spec)
}

/// Inlined, so that a spec's schema stands on its own wherever it is put.
fn schema<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft07().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    settings.into_generator().into_root_schema_for::<T>()
}

/// The kinds there are, by name.
pub struct Kinds(BTreeMap<&'static str, KindInfo>);

impl Kinds {
    /// Collects a list of kinds.
    pub fn new(kinds: impl IntoIterator<Item = KindInfo>) -> Self {
        Self(kinds.into_iter().map(|kind| (kind.name, kind)).collect())
    }

    /// The kind of this name.
    pub fn find(&self, name: &str) -> Option<&KindInfo> {
        self.0.get(name)
    }

    /// Whether resources of a kind hold on to nothing themselves: [`KindInfo::is_passive`].
    pub(crate) fn is_passive(&self, name: &str) -> bool {
        self.find(name).is_some_and(KindInfo::is_passive)
    }

    /// All kinds, by name.
    pub fn iter(&self) -> impl Iterator<Item = &KindInfo> {
        self.0.values()
    }
}

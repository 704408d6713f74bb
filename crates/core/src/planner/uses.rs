//! Who uses what: by references, by what a kind comes after, and by outputs that occur in text.

use std::collections::{BTreeMap, BTreeSet};

use aho_corasick::{AhoCorasick, MatchKind};
use serde_json::Value;

use crate::live::physical;
use crate::{Address, Desired, Kinds, Live, Scope, Snapshot, Stack, references};

/// A shorter output may stand in a text by accident.
const LONG_ENOUGH: usize = 6;

/// Who uses what, as it is to be and as it is.
pub(super) struct Relations<'a> {
    pub(super) wanted: Wanted<'a>,
    pub(super) there: Uses<'a>,
}

impl<'a> Relations<'a> {
    pub(super) fn of(stack: &'a Stack, snapshot: &'a Snapshot, kinds: &Kinds) -> Self {
        let wanted = Wanted::of(&stack.resources, kinds);
        Self { wanted, there: Uses::of(&snapshot.scope, &snapshot.lives, kinds) }
    }
}

/// What each resource of a stack uses.
pub(super) struct Wanted<'a> {
    /// By its fields.
    refers: BTreeMap<&'a Address, BTreeSet<Address>>,
    /// By its kind.
    comes_after: BTreeMap<&'a Address, BTreeSet<&'a Address>>,
}

impl<'a> Wanted<'a> {
    fn of(resources: &'a BTreeMap<Address, Desired>, kinds: &Kinds) -> Self {
        let refers = resources.iter();
        let refers: BTreeMap<&Address, BTreeSet<Address>> =
            refers.map(|(address, desired)| (address, references(&desired.spec))).collect();
        let mut comes_after: BTreeMap<&Address, BTreeSet<&Address>> = BTreeMap::new();
        for (address, targets) in &refers {
            if kinds.find(&address.kind).is_none_or(|kind| kind.after.is_empty()) {
                continue;
            }
            for (other, theirs) in &refers {
                let shares = |sharing: &str| {
                    targets.intersection(theirs).any(|shared| shared.kind == sharing)
                };
                if comes_after_kind(kinds, &address.kind, &other.kind, shares) {
                    comes_after.entry(*address).or_default().insert(*other);
                }
            }
        }
        Self { refers, comes_after }
    }

    /// What a resource uses itself, or through what does not act itself.
    pub(super) fn through_history(&self, address: &Address, kinds: &Kinds) -> BTreeSet<Address> {
        let uses = |user: &Address| self.refers.get(user).into_iter().flatten().cloned().collect();
        reach(address, uses, |used| kinds.is_passive(&used.kind))
    }

    /// Those that are to use a resource themselves, or through what does not act itself.
    pub(super) fn movers_of(&self, address: &Address, kinds: &Kinds) -> BTreeSet<Address> {
        let users = |used: &Address| {
            let users = self.refers.iter().filter(|(_, refers)| refers.contains(used));
            users.map(|(user, _)| (*user).clone()).collect()
        };
        reach(address, users, |user| kinds.is_passive(&user.kind))
    }

    /// Whether the first names the second in its fields.
    pub(super) fn refers(&self, user: &Address, to: &Address) -> bool {
        self.refers.get(user).is_some_and(|refers| refers.contains(to))
    }

    /// What a resource uses itself.
    pub(super) fn uses(&self, address: &Address) -> impl Iterator<Item = &Address> {
        let refers = self.refers.get(address).into_iter().flatten();
        refers.chain(self.comes_after.get(address).into_iter().flatten().copied())
    }
}

/// Who uses whom of what is there.
pub(super) struct Uses<'a> {
    lives: &'a [Live],
    /// By the identifiers in their specs.
    refers: Vec<BTreeSet<usize>>,
    /// By their kinds, and by outputs in text.
    leans: Vec<BTreeSet<usize>>,
    /// By the field that says what they fill.
    fills: Vec<BTreeSet<usize>>,
    /// By the field that names those they call.
    calls: Vec<BTreeSet<usize>>,
    by_id: BTreeMap<&'a str, BTreeSet<usize>>,
}

impl<'a> Uses<'a> {
    fn of(scope: &Scope, lives: &'a [Live], kinds: &Kinds) -> Self {
        let mut by_id: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        for (place, live) in lives.iter().enumerate() {
            by_id.entry(live.id()).or_default().insert(place);
        }
        by_id.remove("");
        let ids: Vec<BTreeSet<&str>> = lives.iter().map(|live| physical(&live.spec)).collect();
        let refers = ids.iter().map(|ids| named(&by_id, ids)).collect();
        let fills = lives.iter().map(|live| {
            let field = kinds.find(&live.address.kind).and_then(|kind| kind.fills);
            let filled = field.and_then(|field| live.spec.get(field));
            filled.map(|filled| named(&by_id, &physical(filled))).unwrap_or_default()
        });
        let fills = fills.collect();
        let calls = lives.iter().map(|live| called(lives, live, kinds)).collect();
        let leans = said(scope, lives, kinds);
        let mut uses = Self { lives, refers, leans, fills, calls, by_id };
        uses.lean(&ids, kinds);
        uses
    }

    fn lean(&mut self, ids: &[BTreeSet<&str>], kinds: &Kinds) {
        for (user, live) in self.lives.iter().enumerate() {
            if kinds.find(&live.address.kind).is_none_or(|kind| kind.after.is_empty()) {
                continue;
            }
            for (other, theirs) in self.lives.iter().enumerate() {
                let shares = |sharing: &str| {
                    let mut shared = ids[user].intersection(&ids[other]);
                    shared.any(|id| self.is_of(id, sharing))
                };
                if comes_after_kind(kinds, &live.address.kind, &theirs.address.kind, shares) {
                    self.leans[user].insert(other);
                }
            }
        }
    }

    fn is_of(&self, id: &str, kind: &str) -> bool {
        let found = self.by_id.get(id).into_iter().flatten();
        found.into_iter().any(|place| self.lives[*place].address.kind == kind)
    }

    /// What one uses itself, or through what does not act itself.
    pub(super) fn through_history(&self, user: usize, kinds: &Kinds) -> BTreeSet<usize> {
        let next_to =
            |place: &usize| self.refers[*place].union(&self.leans[*place]).copied().collect();
        reach(&user, next_to, |used| kinds.is_passive(&self.lives[*used].address.kind))
    }

    /// Those with one of these identifiers.
    pub(super) fn named(&self, ids: &BTreeSet<&str>) -> BTreeSet<usize> {
        named(&self.by_id, ids)
    }

    /// Who names it in its spec.
    pub(super) fn referring_to(&self, live: usize) -> impl Iterator<Item = usize> {
        users(&self.refers, live)
    }

    /// Who relies on it without naming it.
    pub(super) fn leaning_on(&self, live: usize) -> impl Iterator<Item = usize> {
        users(&self.leans, live)
    }

    /// Who calls it.
    pub(super) fn calling(&self, live: usize) -> impl Iterator<Item = usize> {
        users(&self.calls, live)
    }

    /// What it fills.
    pub(super) fn filled_by(&self, user: usize) -> &BTreeSet<usize> {
        &self.fills[user]
    }

    /// Whether the first relies on the second by its kind or by a text.
    pub(super) fn leans(&self, user: usize, on: usize) -> bool {
        self.leans[user].contains(&on)
    }

    /// Whether the first names the second in its spec.
    pub(super) fn refers(&self, user: usize, to: usize) -> bool {
        self.refers[user].contains(&to)
    }
}

fn named(by_id: &BTreeMap<&str, BTreeSet<usize>>, ids: &BTreeSet<&str>) -> BTreeSet<usize> {
    ids.iter().filter_map(|id| by_id.get(id)).flatten().copied().collect()
}

/// Those of its kind that one calls by their names.
fn called(lives: &[Live], live: &Live, kinds: &Kinds) -> BTreeSet<usize> {
    let field = kinds.find(&live.address.kind).and_then(|kind| kind.calls);
    let names = field.and_then(|field| live.spec.get(field)?.as_array());
    let names: BTreeSet<&str> = names.into_iter().flatten().filter_map(Value::as_str).collect();
    if names.is_empty() {
        return BTreeSet::new();
    }
    let is_called = |(_, other): &(usize, &Live)| {
        let name = || other.output.get("name").and_then(Value::as_str);
        other.address.kind == live.address.kind && name().is_some_and(|name| names.contains(name))
    };
    lives.iter().enumerate().filter(is_called).map(|(place, _)| place).collect()
}

/// All that is next to something, and next to that where one goes on from there.
fn reach<T: Ord + Clone>(
    from: &T,
    next_to: impl Fn(&T) -> Vec<T>,
    goes_on: impl Fn(&T) -> bool,
) -> BTreeSet<T> {
    let (mut found, mut next) = (BTreeSet::new(), vec![from.clone()]);
    while let Some(here) = next.pop() {
        for there in next_to(&here) {
            if found.insert(there.clone()) && goes_on(&there) {
                next.push(there);
            }
        }
    }
    found
}

fn users(relation: &[BTreeSet<usize>], of: usize) -> impl Iterator<Item = usize> {
    let found = relation.iter().enumerate().filter(move |(_, targets)| targets.contains(&of));
    found.map(|(user, _)| user)
}

/// Whether resources of `kind` come after those of `other`; `shares` says whether two of them
/// have a reference to a resource of some kind in common.
fn comes_after_kind(kinds: &Kinds, kind: &str, other: &str, shares: impl Fn(&str) -> bool) -> bool {
    kinds.find(kind).is_some_and(|kind| {
        kind.after.iter().any(|after| after.kind == other && after.sharing.is_none_or(&shares))
    })
}

/// For each of what is there, of what else an output stands in the texts of its spec: the host in
/// a variable, the ARN in a policy.
fn said(scope: &Scope, lives: &[Live], kinds: &Kinds) -> Vec<BTreeSet<usize>> {
    let mut needles: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for (place, live) in lives.iter().enumerate() {
        // A name that follows from stack and environment is that of several things.
        let kind = kinds.find(&live.address.kind).filter(|kind| kind.naming.is_some());
        let name = kind.map(|kind| kind.physical_name(scope, &live.address, live.generation));
        let is_name = |text: &str| name.as_ref().is_some_and(|it| it.eq_ignore_ascii_case(text));
        let outputs = live.output.as_object().into_iter().flatten();
        let texts = outputs.filter_map(|(_, value)| value.as_str());
        for text in texts.filter(|text| is_distinctive(text) && !is_name(text)) {
            needles.entry(text).or_default().insert(place);
        }
    }
    let found = AhoCorasick::builder().match_kind(MatchKind::Standard).build(needles.keys());
    // More than four billion states do not fit into memory before they do not fit in here.
    let Ok(found) = found else { return vec![BTreeSet::new(); lives.len()] };
    let owners: Vec<&BTreeSet<usize>> = needles.values().collect();
    let mut said = Vec::with_capacity(lives.len());
    for (place, live) in lives.iter().enumerate() {
        let mut texts = Vec::new();
        collect(&live.spec, &mut texts);
        let mut uses = BTreeSet::new();
        for text in texts {
            for hit in found.find_overlapping_iter(text) {
                if is_whole(text, hit.start(), hit.end()) {
                    uses.extend(owners[hit.pattern().as_usize()]);
                }
            }
        }
        uses.remove(&place);
        said.push(uses);
    }
    said
}

/// Whether an output can be nothing else, such as an ARN, a host or `vpc-0abc`: a bare name can be
/// that of many things.
fn is_distinctive(output: &str) -> bool {
    let numbered = output.contains('-') && output.contains(|letter: char| letter.is_ascii_digit());
    output.len() >= LONG_ENOUGH && (numbered || output.contains(['.', ':', '/']))
}

/// Whether what was found is no part of a longer name.
fn is_whole(text: &str, start: usize, end: usize) -> bool {
    let goes_on = |next: Option<char>| next.is_some_and(|it| it.is_alphanumeric() || it == '-');
    !goes_on(text[..start].chars().next_back()) && !goes_on(text[end..].chars().next())
}

/// The texts of a spec, without its references.
fn collect<'a>(spec: &'a Value, texts: &mut Vec<&'a str>) {
    match spec {
        Value::String(text) => texts.push(text),
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Value::Object(fields) if fields.len() == 1 && fields.contains_key("id") => {}
        Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            texts.push(key);
            collect(value, texts);
        }),
        _ => {}
    }
}

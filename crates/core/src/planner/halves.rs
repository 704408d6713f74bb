//! The two halves of a change: first what is needed is given, and once nobody needs it any more
//! what was is taken away.

use serde_json::{Map, Value};

use crate::diff::is_marker;
use crate::{Change, Difference, Grant, Impact, KindInfo, is_unread};

/// What a change of sets gives and takes away.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Halves {
    /// The spec under which all works that worked and all that is to work.
    pub(super) between: Value,
    /// What is there only afterwards.
    pub(super) given: Vec<Value>,
    /// What is there only before.
    pub(super) taken: Vec<Value>,
    /// Whether the first half only binds what the second leads to.
    is_reserving: bool,
    /// What the first half changes, and what users notice of that.
    pub(super) first: (Vec<Difference>, Impact),
    /// What the second half changes, and what users notice of that.
    pub(super) second: (Vec<Difference>, Impact),
}

impl Halves {
    /// The halves of the change from one spec to another, both normalised; none for a kind
    /// that has no such sets.
    pub(super) fn of(
        kind: &KindInfo,
        live: &Value,
        wanted: &Value,
        judge: impl Fn(Vec<(Difference, Change)>) -> (Vec<Difference>, Impact),
    ) -> Option<Self> {
        if kind.grants.is_empty() {
            return None;
        }
        let mut halves = Self {
            between: wanted.clone(),
            given: vec![],
            taken: vec![],
            first: Default::default(),
            second: Default::default(),
            is_reserving: false,
        };
        for grant in kind.grants {
            let (Some(was), Some(will)) = (live.get(grant.field), wanted.get(grant.field)) else {
                continue;
            };
            let between = halves.set(grant, was, will);
            if let Some(fields) = halves.between.as_object_mut() {
                fields.insert(grant.field.to_owned(), between);
            }
        }
        if let Ok(normal) = kind.normalize(halves.between.clone()) {
            halves.between = kind.leave_delegated(live, &normal);
        }
        halves.first = judge(kind.compare(live, &halves.between));
        halves.second = judge(kind.compare(&halves.between, wanted));
        Some(halves)
    }

    /// The halves of a change, or of a create, that first binds what it leads to. The first
    /// changes nothing that users could notice.
    pub(super) fn reserving(
        between: Value,
        second: (Vec<Difference>, Impact),
        first: Vec<Difference>,
    ) -> Self {
        let first = (first, Impact::None);
        Self { between, given: vec![], taken: vec![], first, second, is_reserving: true }
    }

    /// The halves of a change between which a spec holds that suits old and new.
    pub(super) fn around(
        between: Value,
        first: (Vec<Difference>, Impact),
        second: (Vec<Difference>, Impact),
    ) -> Self {
        Self { between, given: vec![], taken: vec![], first, second, is_reserving: false }
    }

    /// Whether it takes two steps.
    pub(super) fn is_apart(&self) -> bool {
        self.is_reserving || !self.first.0.is_empty() && !self.second.0.is_empty()
    }

    /// Whether something is taken away that somebody may rely on.
    pub(super) fn takes(&self) -> bool {
        let takes_nothing = self.taken.is_empty() && self.second.0.is_empty();
        !self.is_reserving && !takes_nothing
    }

    /// Whether nothing is given or changed otherwise.
    pub(super) fn only_takes(&self) -> bool {
        !self.is_reserving && self.first.0.is_empty()
    }

    /// The set with what was and what will be. Where AWS does not take so many, what will be.
    fn set(&mut self, grant: &Grant, was: &Value, will: &Value) -> Value {
        let between = match (was, will) {
            _ if is_unread(was) || is_marker(will) => will.clone(),
            (Value::Array(was), Value::Array(will)) => self.items(grant, was, will).into(),
            (Value::Object(was), Value::Object(will)) => self.entries(grant, was, will).into(),
            _ => will.clone(),
        };
        if size(&between) <= grant.most { between } else { will.clone() }
    }

    fn items(&mut self, grant: &Grant, was: &[Value], will: &[Value]) -> Vec<Value> {
        let is_among = |items: &[Value], item: &Value| {
            items.iter().any(|other| grant.key(other) == grant.key(item))
        };
        self.given.extend(will.iter().filter(|item| !was.contains(item)).cloned());
        self.taken.extend(was.iter().filter(|item| !will.contains(item)).cloned());
        // What forbids comes last and goes first.
        let kept = will.iter().filter(|item| !grant.forbids(item) || was.contains(item));
        let left = was.iter().filter(|item| !grant.forbids(item) && !is_among(will, item));
        kept.chain(left).cloned().collect()
    }

    fn entries(
        &mut self,
        grant: &Grant,
        was: &Map<String, Value>,
        will: &Map<String, Value>,
    ) -> Map<String, Value> {
        let mut between = will.clone();
        for (key, value) in will {
            match (was.get(key), value) {
                (Some(Value::Array(was)), Value::Array(will)) => {
                    between.insert(key.clone(), self.items(grant, was, will).into());
                }
                (was, value) if was != Some(value) => self.given.push(value.clone()),
                _ => {}
            }
        }
        for (key, value) in was.iter().filter(|(key, _)| !will.contains_key(*key)) {
            self.taken.push(value.clone());
            between.insert(key.clone(), value.clone());
        }
        between
    }
}

impl Grant {
    /// What distinguishes an item from others: two with the same cannot both exist.
    fn key<'a>(&self, item: &'a Value) -> Vec<Option<&'a Value>> {
        match self.by {
            [] => vec![Some(item)],
            keys => keys.iter().map(|key| item.get(key)).collect(),
        }
    }

    /// Whether an item takes away from what others give.
    fn forbids(&self, item: &Value) -> bool {
        self.forbids.is_some_and(|(key, value)| item.get(key).is_some_and(|it| it == value))
    }
}

fn size(set: &Value) -> usize {
    match set {
        Value::Array(items) => items.len(),
        Value::Object(entries) => entries.len(),
        _ => 0,
    }
}

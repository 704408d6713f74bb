//! Which requests are answered by whom.

use std::collections::{BTreeMap, BTreeSet};

use super::state::{State, Who, pinned};
use crate::{Destination, Impact, Lead, Notice, Thing, glob};

/// More rules than these are not asked in pairs, which takes the square of their number.
const PAIRED: usize = 40;

/// What a sample asks for where a rule does not say.
const ANY_HOST: &str = "any.invalid";
const ANY_PATH: &str = "/any";
const ANY_METHOD: &str = "GET";

/// How many sorts of requests one notice names.
const NAMED: usize = 3;

/// Requests that stand for all others: for each rule, and each two, those that they take.
pub(super) struct Samples(Vec<Sample>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Sample {
    at: Who,
    host: String,
    path: String,
    method: String,
    also: BTreeMap<String, String>,
    /// As a person knows them: `/api/*`.
    word: String,
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Answer {
    /// The tasks of these answer it.
    Served(BTreeSet<Who>),
    /// It is answered on the spot.
    Answered(String),
    /// The client is sent elsewhere.
    Redirected(String),
    /// It is led to where no task is.
    Nobody,
    /// Nobody can read where it is led.
    Unknown,
    /// There is no such listener.
    Closed,
}

impl Samples {
    pub(super) fn of(leads: Vec<(Who, Lead)>) -> Self {
        let mut by_listener: BTreeMap<Who, Vec<Lead>> = BTreeMap::new();
        for (at, lead) in leads {
            by_listener.entry(at).or_default().push(lead);
        }
        let mut samples = BTreeSet::new();
        for (at, leads) in by_listener {
            for lead in &leads {
                samples.extend(asked(&at, lead, lead));
            }
            for lead in leads.iter().take(PAIRED) {
                for other in leads.iter().take(PAIRED) {
                    samples.extend(asked(&at, lead, other));
                }
            }
        }
        Self(samples.into_iter().collect())
    }

    /// Those that come in by what is there: nobody asks a listener that is only being made.
    pub(super) fn at(self, is_there: impl Fn(&Who) -> bool) -> Self {
        Self(self.0.into_iter().filter(|sample| is_there(&sample.at)).collect())
    }

    /// What becomes of each.
    pub(super) fn answers(&self, state: &State) -> Vec<Answer> {
        let mut rules: BTreeMap<&Who, Vec<&Lead>> = BTreeMap::new();
        for (at, lead) in state.leads.values().flatten() {
            rules.entry(at).or_default().push(lead);
        }
        for rules in rules.values_mut() {
            rules.sort_by_key(|lead| lead.turn.unwrap_or(u32::MAX));
        }
        let filled = state.filled();
        let answer = |sample: &Sample| {
            let Some(rules) = rules.get(&sample.at) else { return Answer::Closed };
            match rules.iter().find(|lead| sample.is_taken_by(lead)).map(|lead| &lead.to) {
                Some(Some(Destination::Groups(groups))) => {
                    // A part of the requests is led to each, whether a task is there or not.
                    let filled: Option<Vec<_>> =
                        groups.iter().map(|group| filled.get(group)).collect();
                    let served = |filled: Vec<&BTreeSet<Who>>| {
                        Answer::Served(filled.into_iter().flatten().cloned().collect())
                    };
                    filled.map_or(Answer::Nobody, served)
                }
                Some(Some(Destination::Answer(answer))) => Answer::Answered(answer.clone()),
                Some(Some(Destination::Redirect(to))) => Answer::Redirected(to.clone()),
                Some(None) => Answer::Unknown,
                None => Answer::Closed,
            }
        };
        self.0.iter().map(answer).collect()
    }

    /// What users notice when answers change.
    pub(super) fn notices(&self, before: &[Answer], after: &[Answer]) -> Vec<Notice> {
        let mut noticed: BTreeMap<(Impact, String), BTreeSet<&str>> = BTreeMap::new();
        for (sample, (before, after)) in self.0.iter().zip(before.iter().zip(after)) {
            if let Some(change) = change(before, after) {
                noticed.entry(change).or_default().insert(&sample.word);
            }
        }
        let found = noticed.into_iter().map(|((impact, what), requests)| {
            let mut words: Vec<&str> = requests.iter().take(NAMED).copied().collect();
            let more = format!("{} more", requests.len().saturating_sub(NAMED));
            if requests.len() > NAMED {
                words.push(&more);
            }
            Notice::new(impact, format!("requests for {} {what}", listed(&words)))
        });
        found.collect()
    }
}

impl State {
    /// Which groups are filled, and by whom.
    fn filled(&self) -> BTreeMap<Thing, BTreeSet<Who>> {
        let mut filled: BTreeMap<Thing, BTreeSet<Who>> = BTreeMap::new();
        for (who, runs) in &self.runs {
            for run in runs.iter().filter(|run| run.fact.tasks != Some(0)) {
                for group in &run.groups {
                    filled.entry(pinned(group)).or_default().insert(who.clone());
                }
            }
        }
        filled
    }
}

impl Sample {
    fn is_taken_by(&self, lead: &Lead) -> bool {
        let takes = |patterns: &BTreeSet<String>, text: &str| {
            patterns.is_empty() || patterns.iter().any(|pattern| glob::matches(pattern, text))
        };
        let host: BTreeSet<String> = lead.hosts.iter().map(|it| it.to_lowercase()).collect();
        takes(&host, &self.host)
            && takes(&lead.paths, &self.path)
            && takes(&lead.methods, &self.method)
            && lead.also.iter().all(|(name, patterns)| {
                self.also.get(name).is_some_and(|text| takes(patterns, text))
            })
    }
}

/// Whether requests of one rule would be taken by another if that had its turn first.
pub(in crate::planner) fn takes_some_of(taker: &Lead, of: &Lead) -> bool {
    let anywhere = Who::Foreign(String::new());
    let [own, shared] = [asked(&anywhere, of, of), asked(&anywhere, of, taker)];
    let mut both = own.iter().chain(&shared).filter(|sample| sample.is_taken_by(of));
    both.any(|sample| sample.is_taken_by(taker))
}

/// Requests with the hosts of one rule and the paths and methods of another, and with what else
/// either asks of them.
fn asked(at: &Who, lead: &Lead, other: &Lead) -> Vec<Sample> {
    let or = |patterns: &BTreeSet<String>, or: &BTreeSet<String>| -> Vec<Option<String>> {
        let patterns = if patterns.is_empty() { or } else { patterns };
        if patterns.is_empty() {
            return vec![None];
        }
        patterns.iter().cloned().map(Some).collect()
    };
    let besides = besides(lead, other);
    let mut samples = Vec::new();
    for host in or(&lead.hosts, &other.hosts) {
        for path in or(&other.paths, &lead.paths) {
            for method in or(&other.methods, &lead.methods) {
                let example = |pattern: &Option<String>, or: &str| {
                    pattern.as_deref().map_or_else(|| or.to_owned(), glob::example)
                };
                let words = [method.clone(), host.clone(), path.clone()];
                for also in &besides {
                    samples.push(Sample {
                        at: at.clone(),
                        host: example(&host, ANY_HOST).to_lowercase(),
                        path: example(&path, ANY_PATH),
                        method: example(&method, ANY_METHOD),
                        also: (also.iter())
                            .map(|(name, pattern)| ((*name).clone(), glob::example(pattern)))
                            .collect(),
                        word: word(&words, also),
                    });
                }
            }
        }
    }
    samples
}

/// What else two rules ask of requests: once with each value that either names.
fn besides<'a>(lead: &'a Lead, other: &'a Lead) -> Vec<BTreeMap<&'a String, &'a String>> {
    let mut named: BTreeMap<&String, BTreeSet<&String>> = BTreeMap::new();
    for (name, patterns) in lead.also.iter().chain(&other.also) {
        named.entry(name).or_default().extend(patterns);
    }
    let first: BTreeMap<&String, &String> =
        named.iter().filter_map(|(name, patterns)| Some((*name, *patterns.first()?))).collect();
    let further = named.iter().flat_map(|(name, patterns)| {
        let with = |pattern: &&'a String| {
            let mut one = first.clone();
            one.insert(*name, *pattern);
            one
        };
        patterns.iter().skip(1).map(with).collect::<Vec<_>>()
    });
    std::iter::once(first.clone()).chain(further).collect()
}

/// Requests as a person knows them: `GET /api/* with x-beta: yes`.
fn word(words: &[Option<String>; 3], also: &BTreeMap<&String, &String>) -> String {
    let [method, host, path] = words;
    let method = method.as_ref().map(|method| format!("{method} "));
    let parts = [method.as_deref(), host.as_deref(), path.as_deref()];
    let mut word: String = parts.into_iter().flatten().collect();
    if word.is_empty() {
        word.push_str(if also.is_empty() { "all else" } else { "all" });
    }
    let with: Vec<String> = also.iter().map(|(name, value)| format!("{name} {value}")).collect();
    if with.is_empty() { word } else { format!("{word} with {}", with.join(" and ")) }
}

/// What users notice when a request was answered in one way and is in another.
fn change(before: &Answer, after: &Answer) -> Option<(Impact, String)> {
    let served = matches!(before, Answer::Served(_) | Answer::Redirected(_));
    Some(match (before, after) {
        (before, after) if before == after => return None,
        (Answer::Served(before), Answer::Served(after)) => {
            if !addresses(before).is_disjoint(&addresses(after)) {
                return None;
            }
            let (before, after) = (addresses(before), addresses(after));
            let what = format!("go to {} instead of {}", listed(&after), listed(&before));
            (Impact::Elsewhere, what)
        }
        (Answer::Nobody | Answer::Closed, _) => return None,
        (_, Answer::Served(after)) => {
            (Impact::Elsewhere, format!("go to {}", listed(addresses(after))))
        }
        (_, Answer::Redirected(to)) => (Impact::Elsewhere, to.clone()),
        (_, Answer::Answered(answer)) if served => (Impact::Outage, answer.clone()),
        (_, Answer::Answered(answer)) => (Impact::Elsewhere, answer.clone()),
        (_, Answer::Nobody) if served => (Impact::Outage, "find no task".to_owned()),
        (_, Answer::Nobody) => (Impact::Elsewhere, "find no task".to_owned()),
        (_, Answer::Closed) => (Impact::Outage, "find nobody who listens".to_owned()),
        (_, Answer::Unknown) => (Impact::Unknown, "go where nobody can read".to_owned()),
    })
}

fn addresses(who: &BTreeSet<Who>) -> BTreeSet<String> {
    who.iter().map(Who::word).collect()
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed<T: AsRef<str>>(words: impl IntoIterator<Item = T>) -> String {
    let words: Vec<T> = words.into_iter().collect();
    let all: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    match all.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lead(also: &[(&str, &[&str])]) -> Lead {
        let texts = |texts: &[&str]| texts.iter().map(|it| (*it).to_owned()).collect();
        Lead {
            at: Thing::Itself,
            turn: Some(1),
            hosts: BTreeSet::new(),
            paths: BTreeSet::new(),
            methods: BTreeSet::new(),
            also: also.iter().map(|(name, values)| ((*name).to_owned(), texts(values))).collect(),
            to: None,
        }
    }

    #[test]
    fn rules_that_differ_in_a_header_take_each_others_requests_where_values_meet() {
        let beta = lead(&[("x-beta:", &["yes"])]);
        for (other, is_taken) in [
            (lead(&[("x-beta:", &["no", "yes"])]), true),
            (lead(&[("x-beta:", &["*"])]), true),
            (lead(&[]), true),
            (lead(&[("x-beta:", &["no"])]), false),
        ] {
            assert_eq!(takes_some_of(&beta, &other), is_taken, "{other:?}");
        }
        assert!(takes_some_of(&lead(&[("version =", &["2"])]), &beta), "one may have both");
    }

    #[test]
    fn each_value_is_asked_for_and_requests_have_the_words_of_their_rule() {
        let who = Who::Foreign(String::new());
        let words = |lead: &Lead| -> Vec<String> {
            asked(&who, lead, lead).into_iter().map(|sample| sample.word).collect()
        };
        let beta = lead(&[("accept-language:", &["de*", "fr*"]), ("version =", &["2"])]);
        assert_eq!(
            words(&beta),
            [
                "all with accept-language: de* and version = 2",
                "all with accept-language: fr* and version = 2",
            ]
        );
        assert_eq!(words(&lead(&[])), ["all else"]);
    }
}

//! Sets what was answered here beside what the lab answers.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::record::Exchange;

/// How many different values of a field are shown; with more of them it is no default.
const VALUES: usize = 6;

/// What says that there is another page, which is so with many things.
const TOKENS: [&str; 5] = ["Marker", "NextMarker", "NextToken", "marker", "nextToken"];

/// All that two sides answered to one operation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Compared {
    /// The service and the operation.
    pub operation: String,
    /// How many answers there were here.
    pub here: usize,
    /// How many in the lab.
    pub lab: usize,
    /// How long an answer took here, in milliseconds: the median.
    pub took: u64,
    /// What is different.
    pub differences: Vec<Difference>,
}

/// Something that is answered otherwise.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Difference {
    /// What kind of difference it is.
    pub what: What,
    /// The field, as `Vpcs[].State`; for errors the code.
    pub path: String,
    /// What there is here.
    pub here: String,
    /// What there is in the lab.
    pub lab: String,
}

/// In which way answers differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// A field that only one of them has, or another type.
    Shape,
    /// A value that nobody asked for.
    Default,
    /// The code of an error.
    Error,
    /// A state that something goes through.
    State,
}

/// How long after something was made an answer did not know it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Lag {
    /// What was asked.
    pub operation: String,
    /// The code with which it was answered.
    pub code: String,
    /// What had been made last before.
    pub after: String,
    /// The longest, in milliseconds.
    pub longest: u64,
    /// How often.
    pub times: usize,
}

/// Sets two recordings side by side, operation by operation.
pub(super) fn compare(here: &[Exchange], lab: &[Exchange]) -> Vec<Compared> {
    let (here, lab) = (Observed::all(here), Observed::all(lab));
    let nothing = Observed::default();
    let names: BTreeSet<&String> = here.keys().chain(lab.keys()).collect();
    let compared = names.into_iter().map(|name| {
        let (here, lab) = (here.get(name).unwrap_or(&nothing), lab.get(name).unwrap_or(&nothing));
        Compared {
            operation: name.clone(),
            here: here.calls,
            lab: lab.calls,
            took: here.median(),
            differences: if here.calls == 0 || lab.calls == 0 {
                Vec::new()
            } else {
                here.differences(lab)
            },
        }
    });
    compared.collect()
}

/// For how long answers lagged behind what had been made.
pub(super) fn lags(recordings: &[Vec<Exchange>]) -> Vec<Lag> {
    let mut lags: BTreeMap<(String, String, String), (u64, usize)> = BTreeMap::new();
    for recording in recordings {
        // The last that was made in each service.
        let mut made: BTreeMap<&str, &Exchange> = BTreeMap::new();
        for exchange in recording {
            let is_making = ["Allocate", "Attach", "Create", "Put", "Register"]
                .iter()
                .any(|verb| exchange.operation.starts_with(verb));
            if exchange.status < 300 && is_making {
                made.insert(&exchange.service, exchange);
            }
            let made = made.get(exchange.service.as_str());
            let (Some(code), Some(made)) = (&exchange.code, made) else { continue };
            if code.contains("NotFound") || code.contains("Missing") || code.contains("NoSuch") {
                let key = (exchange.name(), code.clone(), made.name());
                let (longest, times) = lags.entry(key).or_default();
                *longest = (*longest).max(exchange.at.saturating_sub(made.at));
                *times += 1;
            }
        }
    }
    let lags = lags.into_iter().map(|((operation, code, after), (longest, times))| Lag {
        operation,
        code,
        after,
        longest,
        times,
    });
    lags.collect()
}

/// What one side answered to one operation.
#[derive(Default)]
struct Observed {
    calls: usize,
    /// The types that the values at each path have.
    shape: BTreeMap<String, BTreeSet<&'static str>>,
    /// The values at each path that no request had in it.
    values: BTreeMap<String, BTreeSet<String>>,
    codes: BTreeSet<String>,
    took: Vec<u64>,
}

impl Observed {
    fn all(exchanges: &[Exchange]) -> BTreeMap<String, Self> {
        let mut all: BTreeMap<String, Self> = BTreeMap::new();
        for exchange in exchanges {
            all.entry(exchange.name()).or_default().add(exchange);
        }
        all
    }

    fn add(&mut self, exchange: &Exchange) {
        self.calls += 1;
        self.took.push(exchange.took);
        match &exchange.code {
            Some(code) => drop(self.codes.insert(code.clone())),
            None if exchange.status < 300 => {
                self.walk("", &exchange.answer, &exchange.asked.to_string());
            }
            None => drop(self.codes.insert(exchange.status.to_string())),
        }
    }

    fn walk(&mut self, path: &str, value: &Value, asked: &str) {
        if !path.is_empty() {
            self.shape.entry(path.to_owned()).or_default().insert(kind_of(value));
        }
        let plain = match value {
            Value::Array(elements) => {
                for element in elements {
                    self.walk(&format!("{path}[]"), element, asked);
                }
                return;
            }
            Value::Object(fields) => {
                for (name, value) in fields {
                    if TOKENS.contains(&name.as_str()) {
                        continue;
                    }
                    let dot = if path.is_empty() { "" } else { "." };
                    let name = if is_renamed(name) { "*" } else { name };
                    self.walk(&format!("{path}{dot}{name}"), value, asked);
                }
                return;
            }
            Value::String(text) => text.clone(),
            Value::Bool(_) | Value::Number(_) => value.to_string(),
            Value::Null => return,
        };
        if is_word(&plain) && !asked.contains(&format!("\"{plain}\"")) {
            self.values.entry(path.to_owned()).or_default().insert(plain);
        }
    }

    fn median(&self) -> u64 {
        let mut took = self.took.clone();
        took.sort_unstable();
        took.get(took.len() / 2).copied().unwrap_or_default()
    }

    fn differences(&self, lab: &Self) -> Vec<Difference> {
        let mut found = BTreeSet::new();
        let mut other_types = BTreeSet::new();
        let mut paths: BTreeSet<&String> = self.shape.keys().chain(lab.shape.keys()).collect();
        // Who has only refused has shown nothing.
        if self.shape.is_empty() || lab.shape.is_empty() {
            paths.clear();
        }
        for path in paths {
            let (here, there) = (self.shape.get(path), lab.shape.get(path));
            let is_under_another = parents(path)
                .any(|parent| !self.shape.contains_key(parent) || !lab.shape.contains_key(parent));
            // A list that was empty each time shows nothing of what it has in it.
            let is_element = path.ends_with("[]");
            let differs = match (here, there) {
                (Some(here), Some(there)) => {
                    let (here, there) = (typed(here), typed(there));
                    !here.is_empty() && !there.is_empty() && here.is_disjoint(&there)
                }
                _ => !is_under_another && !is_element,
            };
            if differs {
                other_types.insert(path);
                let (here, lab) = (listed(here), listed(there));
                found.insert(Difference { what: What::Shape, path: path.clone(), here, lab });
            }
        }
        for (path, here) in &self.values {
            let Some(there) = lab.values.get(path).filter(|_| !other_types.contains(path)) else {
                continue;
            };
            let what = if is_state(path) { What::State } else { What::Default };
            let is_few = here.len() <= VALUES && there.len() <= VALUES;
            let differs = match what {
                What::State => !here.is_subset(there),
                _ => is_few && here.is_disjoint(there),
            };
            if differs {
                let (here, lab) = (listed(Some(here)), listed(Some(there)));
                found.insert(Difference { what, path: path.clone(), here, lab });
            }
        }
        for code in self.codes.difference(&lab.codes) {
            let (here, lab) = ("answered".to_owned(), "never answered".to_owned());
            found.insert(Difference { what: What::Error, path: code.clone(), here, lab });
        }
        found.into_iter().collect()
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::String(text) if text.is_empty() => "nothing",
        Value::Bool(_) => "truth",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "mapping",
    }
}

fn typed(kinds: &BTreeSet<&'static str>) -> BTreeSet<&'static str> {
    kinds.iter().copied().filter(|kind| *kind != "nothing").collect()
}

/// Whether a key is an identifier that the recording has called otherwise: `vpc-1`.
fn is_renamed(key: &str) -> bool {
    let number = key.rsplit_once('-').map(|(_, number)| number);
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

/// The paths that a path is in, the outermost first.
fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices(['.', '[']).map(|(end, _)| &path[..end])
}

/// Whether a value may be a default: a number, a truth, or a word of an enumeration.
fn is_word(text: &str) -> bool {
    let is_number = text.len() <= 6 && text.parse::<f64>().is_ok();
    let is_name = text.len() <= 32
        && text.chars().all(|sign| sign.is_ascii_alphabetic() || matches!(sign, '-' | '_' | '.'));
    !text.is_empty() && (is_number || is_name)
}

/// Whether a field says what something goes through, how many tasks run among it.
fn is_state(path: &str) -> bool {
    let last = path.rsplit('.').next().unwrap_or(path).to_ascii_lowercase();
    let is_count = last.ends_with("count");
    last.ends_with("state")
        || last.ends_with("status")
        || (is_count && (last.starts_with("running") || last.starts_with("pending")))
}

fn listed<T: AsRef<str>>(values: Option<&BTreeSet<T>>) -> String {
    let values: Vec<&str> = values.into_iter().flatten().map(AsRef::as_ref).collect();
    if values.is_empty() { "nothing".to_owned() } else { values.join(", ") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn exchange(at: u64, operation: &str, asked: Value, answer: Value) -> Exchange {
        Exchange {
            at,
            service: "EC2".to_owned(),
            operation: operation.to_owned(),
            asked,
            status: 200,
            code: None,
            answer,
            took: 1,
        }
    }

    fn failed(at: u64, operation: &str, code: &str) -> Exchange {
        let code = Some(code.to_owned());
        Exchange { status: 400, code, ..exchange(at, operation, json!({}), json!({})) }
    }

    fn differences(here: Value, lab: Value) -> Vec<(What, String)> {
        let one = |answer| [exchange(0, "DescribeVpcs", json!({ "asked": "given" }), answer)];
        let compared = compare(&one(here), &one(lab)).remove(0);
        compared.differences.into_iter().map(|found| (found.what, found.path)).collect()
    }

    #[test]
    fn each_way_of_being_different_is_seen() {
        let lab = json!({ "set": [{ "id": "a", "on": true, "state": "up", "n": "text" }] });
        for (here, what, path) in [
            (
                json!({ "set": [{ "id": "a", "on": true, "state": "up", "n": 1 }] }),
                What::Shape,
                "set[].n",
            ),
            (json!({ "set": [{ "id": "a", "on": true, "state": "up" }] }), What::Shape, "set[].n"),
            (
                json!({ "set": [{ "id": "a", "on": false, "state": "up", "n": "text" }] }),
                What::Default,
                "set[].on",
            ),
            (
                json!({ "set": [{ "id": "a", "on": true, "state": "down", "n": "text" }] }),
                What::State,
                "set[].state",
            ),
        ] {
            assert_eq!(differences(here, lab.clone()), [(what, path.to_owned())]);
        }
        assert_eq!(differences(lab.clone(), lab), []);
    }

    #[test]
    fn how_many_tasks_run_is_a_state_and_how_many_are_wanted_is_none() {
        assert!(is_state("service.currentServiceRevisions[].runningTaskCount"));
        assert!(is_state("services[].pendingCount"));
        assert!(!is_state("services[].desiredCount"));
    }

    #[test]
    fn what_was_asked_for_is_no_default_and_an_empty_list_shows_nothing() {
        assert_eq!(differences(json!({ "x": "given" }), json!({ "x": "other" })), []);
        assert_eq!(differences(json!({ "set": [] }), json!({ "set": [{ "id": "a" }] })), []);
    }

    #[test]
    fn codes_that_the_lab_never_answers_are_seen() {
        let here = [failed(0, "CreateVpc", "VpcLimitExceeded")];
        let lab = [exchange(0, "CreateVpc", json!({}), json!({ "vpcId": "vpc-1" }))];
        let compared = compare(&here, &lab).remove(0);
        assert_eq!(compared.differences[0].what, What::Error);
        assert_eq!(compared.differences[0].path, "VpcLimitExceeded");
    }

    #[test]
    fn a_lag_goes_from_what_was_made_to_the_last_answer_that_did_not_know_it() {
        let recording = vec![
            exchange(1000, "CreateVpc", json!({}), json!({})),
            failed(1200, "DescribeVpcs", "InvalidVpcID.NotFound"),
            failed(1700, "DescribeVpcs", "InvalidVpcID.NotFound"),
            exchange(2000, "DescribeVpcs", json!({}), json!({})),
        ];
        let lags = lags(&[recording]);
        assert_eq!((lags[0].longest, lags[0].times), (700, 2));
        assert_eq!(lags[0].after, "EC2:CreateVpc");
    }
}

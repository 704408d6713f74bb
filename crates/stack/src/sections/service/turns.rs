//! What is asked of a request, and in which turn.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use deployer_kinds::Patterns;

use super::forms::OneOrMore;

/// Longest literal beginning of a path that still makes a difference in turn.
const LONGEST: usize = 63;
/// Turns for each length, with and without a host: 128 bands of 390 fill the 50000 AWS has.
const BAND: usize = 390;

/// What is asked of a request by a route, or by an answer of a load balancer.
#[derive(Clone, Debug, Default)]
pub(in crate::sections) struct Asked<'s> {
    pub(in crate::sections) path: &'s [String],
    pub(in crate::sections) host: &'s [String],
    pub(in crate::sections) method: &'s [String],
    pub(in crate::sections) header: Values<'s>,
    pub(in crate::sections) query: Values<'s>,
    pub(in crate::sections) priority: Option<u32>,
}

/// What each of some headers or parameters is to be.
pub(in crate::sections) type Values<'s> = Vec<(&'s str, &'s [String])>;

/// The same as they are written.
pub(in crate::sections) fn values(written: &BTreeMap<String, OneOrMore>) -> Values<'_> {
    written.iter().map(|(name, OneOrMore(values))| (name.as_str(), values.as_slice())).collect()
}

impl Asked<'_> {
    /// The paths that a rule of it takes: all where it asks for nothing at all.
    pub(super) fn paths(&self) -> BTreeSet<String> {
        if self.path.is_empty() && self.host.is_empty() && !self.asks_for_more() {
            return ["/*".to_owned()].into();
        }
        self.path.iter().cloned().collect()
    }

    pub(super) fn headers(&self) -> Patterns {
        patterns(&self.header)
    }

    pub(super) fn queries(&self) -> Patterns {
        patterns(&self.query)
    }

    /// Whether it asks for more than a host and a path.
    fn asks_for_more(&self) -> bool {
        !(self.method.is_empty() && self.header.is_empty() && self.query.is_empty())
    }

    /// Its band: those with hosts first, then the longer the path the earlier.
    fn rank(&self) -> usize {
        let literal = |path: &String| match path.find(['*', '?']) {
            Some(at) => at,
            // A whole path comes before the same path with a wildcard.
            None => path.len() + 1,
        };
        // Without a path it takes those of `/*`.
        let any = usize::from(self.asks_for_more());
        let shortest = self.path.iter().map(literal).min().unwrap_or(any).min(LONGEST);
        let behind_hosts = if self.host.is_empty() { LONGEST + 1 } else { 0 };
        behind_hosts + LONGEST - shortest
    }

    /// What two have in common that take the same requests.
    pub(super) fn key(&self) -> String {
        let paths: Vec<String> = self.paths().into_iter().collect();
        let mut key = format!("{} {}", self.host.join(","), paths.join(","));
        if !self.method.is_empty() {
            write!(key, " {}", self.method.join(",")).ok();
        }
        for (name, values) in &self.header {
            write!(key, " {name}: {}", values.join(",")).ok();
        }
        for (name, values) in &self.query {
            write!(key, " {name}={}", values.join(",")).ok();
        }
        key
    }
}

fn patterns(of: &Values<'_>) -> Patterns {
    let values = of.iter().map(|(name, values)| {
        ((*name).to_owned(), values.iter().cloned().collect::<BTreeSet<String>>())
    });
    values.collect()
}

/// The turn of each. One keeps its turn when others come and go, because it follows from what it
/// asks for itself: AWS refuses a turn that is taken, so swapping turns would fail.
pub(super) fn turns(all: &[&Asked<'_>]) -> Vec<u32> {
    let mut taken: BTreeSet<u32> = all.iter().filter_map(|asked| asked.priority).collect();
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by_key(|index| all[*index].key());
    let mut turns = vec![0; all.len()];
    for index in order {
        let asked = all[index];
        turns[index] = asked.priority.unwrap_or_else(|| {
            // Those that ask for more have the first half of a band.
            let half = BAND / 2;
            let begin = asked.rank() * BAND + if asked.asks_for_more() { 0 } else { half };
            let slot = hash(&asked.key()) % half;
            let candidates = (0..half).map(|step| begin + (slot + step) % half + 1);
            let mut free = candidates
                .filter_map(|turn| u32::try_from(turn).ok())
                .filter(|turn| !taken.contains(turn));
            let turn = free.next().unwrap_or(50_000);
            taken.insert(turn);
            turn
        });
    }
    turns
}

/// FNV-1a: small, and the same on every machine and in every version.
fn hash(text: &str) -> usize {
    let hash = text
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A host and a path, each of which may be left out.
    type Pair = [Vec<String>; 2];

    fn pair(host: &str, path: &str) -> Pair {
        [host, path].map(|it| if it.is_empty() { Vec::new() } else { vec![it.to_owned()] })
    }

    fn asked([host, path]: &Pair) -> Asked<'_> {
        Asked { path, host, ..Asked::default() }
    }

    fn turns_of(pairs: &[Pair]) -> Vec<u32> {
        let all: Vec<Asked<'_>> = pairs.iter().map(asked).collect();
        turns(&all.iter().collect::<Vec<_>>())
    }

    #[test]
    fn hosts_come_first_and_long_paths_before_short_ones() {
        let turns = turns_of(&[
            pair("", "/*"),
            pair("", "/api/*"),
            pair("", "/api/v1"),
            pair("a.example", "/*"),
        ]);
        assert!(turns[3] < turns[2] && turns[2] < turns[1] && turns[1] < turns[0], "{turns:?}");
        assert!(turns.iter().all(|turn| (1..=50_000).contains(turn)), "{turns:?}");
    }

    #[test]
    fn what_asks_for_more_comes_before_the_same_path() {
        let yes = ["yes".to_owned()];
        let header = vec![("x-beta", yes.as_slice())];
        let long = format!("/{}", "a".repeat(80));
        for (more, plain) in [("", "/*"), ("/*", "/*"), ("/api/*", "/api/*"), (&long, &long)] {
            let (more, plain) = (pair("", more), pair("", plain));
            let asking = Asked { header: header.clone(), ..asked(&more) };
            let turns = turns(&[&asked(&plain), &asking]);
            assert!(turns[1] < turns[0], "{more:?} {plain:?}: {turns:?}");
        }
        let [longer, long, short, any] = ["/api*", "/api", "/a*", "/*"].map(|it| pair("", it));
        let asking = |pair| Asked { header: header.clone(), ..asked(pair) };
        let turns = turns(&[&asking(&longer), &asked(&long), &asking(&any), &asked(&short)]);
        assert!(turns[0] > turns[1] && turns[2] > turns[3], "a longer path comes first: {turns:?}");
    }

    #[test]
    fn one_keeps_its_turn_when_another_comes() {
        let before = turns_of(&[pair("", "/*")]);
        let after = turns_of(&[pair("", "/api/*"), pair("", "/*")]);
        assert_eq!(before[0], after[1]);
    }
}

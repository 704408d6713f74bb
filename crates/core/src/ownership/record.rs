//! What an environment has made, as the account keeps it: who is whose, and nothing of what it is
//! like.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Address, Place, Roles, Serial};

/// The version of the format.
const VERSION: u32 = 2;

/// The most bytes of one part: a standard parameter holds 4,096 characters (quotas of Systems
/// Manager in the AWS general reference), and what is written is ASCII.
const PART: usize = 4096;

/// The highest epoch of the lock that is believed. At one a second it is reached after 30,000
/// years.
pub const HIGHEST_EPOCH: u64 = 1_000_000_000_000;

/// What stands where nobody knows a mark.
const NONE: &str = "-";

/// What the hashes of marks begin with, instead of a kind.
const GIVEN: &str = "given";

/// The room that is kept in the first part for the roles, some eight of them.
const ROLES: usize = 1000;

/// How many creates of one generation may be open at a time; older ones are forgotten.
const OPEN: usize = 8;

/// One create, and what it made.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    place: Place,
    generation: u32,
    serial: Serial,
    /// A hash of the identifier of what it made; none as long as nobody knows.
    made: Option<String>,
    /// A hash of the mark that it was last given; none where nobody knows.
    given: Option<String>,
    /// Whether it was deleted and can be brought back, such as a secret.
    is_left: bool,
}

/// The record of one environment.
///
/// It is kept in parts, so that each fits into one parameter. An entry stays in the part that it
/// was first written to, so a run that dies between the writes of two parts loses nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Where the stack is kept; none where nobody knows.
    pub origin: Option<String>,
    /// The lowest epoch of the lock that nobody has had yet.
    pub epoch: u64,
    /// The roles that lead to the other accounts it has something in.
    pub roles: Roles,
    kinds: BTreeMap<Place, BTreeSet<String>>,
    parts: Vec<BTreeMap<Address, Vec<Entry>>>,
    is_whole: bool,
}

/// A record of a version that this one cannot read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it was written by a newer version of deployer (format {0}); use that one")]
pub struct Unreadable(u64);

/// More roles than the record has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the roles that lead to other accounts have more than 1,000 characters together")]
pub struct TooManyRoles;

#[derive(Serialize, Deserialize)]
struct Written {
    version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    head: Option<Head>,
    made: BTreeMap<Address, Vec<String>>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<String>,
    epoch: u64,
    parts: usize,
    #[serde(default, skip_serializing_if = "Roles::is_empty")]
    roles: Roles,
    /// By place, as that is written.
    kinds: BTreeMap<String, BTreeSet<String>>,
}

impl Record {
    /// The record of an environment that has made nothing yet.
    pub fn new(origin: Option<String>) -> Self {
        Self { origin, epoch: 1, parts: vec![BTreeMap::new()], is_whole: true, ..Self::default() }
    }

    /// Reads a record from its parts, by their numbers from 1 on. Parts that are missing or that
    /// nobody can read are lost, and the record is then not whole.
    ///
    /// # Errors
    /// When a newer version has written it: what it says must not be lost.
    pub fn read(parts: &BTreeMap<usize, String>) -> Result<Self, Unreadable> {
        let mut record = Self::default();
        let mut expected = None;
        for (number, text) in parts {
            #[derive(Deserialize)]
            struct Version {
                version: u64,
            }
            let version = serde_json::from_str::<Version>(text).map(|it| it.version);
            if let Ok(newer) = version
                && newer > u64::from(VERSION)
            {
                return Err(Unreadable(newer));
            }
            let Ok(written) = serde_json::from_str::<Written>(text) else { continue };
            if let Some(head) = written.head {
                expected = Some(head.parts);
                record.origin = head.origin;
                // There is room for those that follow.
                record.epoch = head.epoch.min(HIGHEST_EPOCH / 2);
                record.roles = head.roles;
                let kinds = head.kinds.into_iter();
                record.kinds =
                    kinds.filter_map(|(place, kinds)| Some((place.parse().ok()?, kinds))).collect();
            }
            record.parts.resize(record.parts.len().max(*number), BTreeMap::new());
            if let Some(part) = number.checked_sub(1).and_then(|at| record.parts.get_mut(at)) {
                let entries = written.made.into_iter().map(|(address, entries)| {
                    (address, entries.iter().filter_map(|text| Entry::read(text)).collect())
                });
                part.extend(entries);
            }
        }
        let there = (1..=expected.unwrap_or(1)).all(|number| parts.contains_key(&number));
        record.is_whole = expected.is_some_and(|expected| there && record.parts.len() == expected);
        if record.parts.is_empty() {
            record.parts.push(BTreeMap::new());
        }
        Ok(record)
    }

    /// The parts as they are read, by their numbers from 1 on.
    pub fn written(&self) -> BTreeMap<usize, String> {
        let parts = self.parts.iter().enumerate().map(|(place, part)| {
            let head = (place == 0).then(|| Head {
                origin: self.origin.clone(),
                epoch: self.epoch,
                // One that has lost a part stays so until somebody confirms what there is.
                parts: if self.is_whole { self.parts.len() } else { 0 },
                roles: self.roles.clone(),
                kinds: self
                    .kinds
                    .iter()
                    .map(|(place, kinds)| (place.to_string(), kinds.clone()))
                    .collect(),
            });
            let made = part
                .iter()
                .map(|(address, entries)| {
                    (address.clone(), entries.iter().map(Entry::written).collect())
                })
                .collect();
            (place + 1, text(&Written { version: VERSION, head, made }))
        });
        parts.collect()
    }

    /// Whether nothing of it is lost, so that what it does not have was never made.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Takes what it has for all there is to know.
    pub fn confirm(&mut self) {
        self.is_whole = true;
    }

    /// The kinds that the environment has ever had at a place.
    pub fn kinds(&self, place: &Place) -> impl Iterator<Item = &str> {
        self.kinds.get(place).into_iter().flatten().map(String::as_str)
    }

    /// The places where the environment may have something: those of its kinds, and of what it has
    /// where the part that lists the kinds is lost.
    pub fn places(&self) -> BTreeSet<&Place> {
        self.kinds.keys().chain(self.entries().map(|(_, entry)| &entry.place)).collect()
    }

    /// Takes down the roles that lead to the accounts it may have something in.
    ///
    /// # Errors
    /// When there is no room for them.
    pub fn keep_roles(&mut self, known: &Roles) -> Result<(), TooManyRoles> {
        let mut roles = self.roles.clone();
        roles.extend(known.clone());
        let places = self.places();
        roles.retain(|account, _| places.iter().any(|it| it.account.as_ref() == Some(account)));
        if room(&roles) > ROLES {
            return Err(TooManyRoles);
        }
        self.roles = roles;
        Ok(())
    }

    /// Forgets the places elsewhere where it has nothing any more: a role that is gone is then no
    /// longer assumed.
    pub fn forget_places(&mut self) {
        let used: BTreeSet<Place> = self.entries().map(|(_, entry)| entry.place.clone()).collect();
        self.kinds.retain(|place, _| place.is_home() || used.contains(place));
    }

    /// Notes that the environment is about to have one of a kind at a place.
    pub fn expect(&mut self, place: &Place, kind: &str) {
        self.kinds.entry(place.clone()).or_default().insert(kind.to_owned());
    }

    /// Whether something was left behind that can be brought back.
    pub fn has_left(&self) -> bool {
        self.entries().any(|(_, entry)| entry.is_left)
    }

    /// Notes that a create is about to be sent.
    pub fn begin(&mut self, place: &Place, address: &Address, generation: u32, serial: &Serial) {
        self.expect(place, &address.kind);
        let entry = Entry {
            place: place.clone(),
            generation,
            serial: serial.clone(),
            made: None,
            given: None,
            is_left: false,
        };
        if self.entry(place, address, generation, serial).is_some() {
            return;
        }
        self.insert(address, entry);
        for entries in self.parts.iter_mut().filter_map(|part| part.get_mut(address)) {
            let is_open = |entry: &Entry| entry.generation == generation && entry.made.is_none();
            let mut surplus = entries.iter().filter(|it| is_open(it)).count().saturating_sub(OPEN);
            entries.retain(|entry| {
                let goes = surplus > 0 && is_open(entry);
                surplus -= usize::from(goes);
                !goes
            });
        }
    }

    /// Notes what a create made, or what was adopted.
    pub fn made(
        &mut self,
        place: &Place,
        address: &Address,
        generation: u32,
        serial: &Serial,
        id: &str,
    ) {
        let made = hash(&address.kind, id);
        let others: Vec<Address> = self.entries().map(|(other, _)| other.clone()).collect();
        for other in others.iter().filter(|other| other.kind == address.kind) {
            self.retain(other, |entry| !entry.is(place, &made));
        }
        self.begin(place, address, generation, serial);
        for entry in self.of_mut(address) {
            if (&entry.place, entry.generation, &entry.serial) == (place, generation, serial) {
                (entry.made, entry.is_left) = (Some(made.clone()), false);
            }
        }
    }

    /// Notes the mark of the spec that something was last given; none where nobody knows whether
    /// its tags have it.
    pub fn gave(&mut self, place: &Place, address: &Address, id: &str, mark: Option<&str>) {
        let (made, given) = (hash(&address.kind, id), mark.map(|mark| hash(GIVEN, mark)));
        for entry in self.of_mut(address).filter(|entry| entry.is(place, &made)) {
            entry.given.clone_from(&given);
        }
    }

    /// Whether a mark is the one that something at this address was last given, so that tags with
    /// this mark are those we wrote last; none where nobody knows.
    pub fn is_last_given(
        &self,
        place: &Place,
        address: &Address,
        id: &str,
        mark: &str,
    ) -> Option<bool> {
        let made = hash(&address.kind, id);
        let entry = self.of(address).find(|entry| entry.is(place, &made))?;
        entry.given.as_ref().map(|given| *given == hash(GIVEN, mark))
    }

    /// Whether a mark is none of those last given at this address, so that tags with it are from
    /// before.
    pub fn is_former(&self, address: &Address, generation: u32, mark: &str) -> bool {
        let given = self.of(address).filter(|entry| entry.generation == generation);
        let mut given = given.filter_map(|entry| entry.given.as_ref()).peekable();
        given.peek().is_some() && given.all(|given| *given != hash(GIVEN, mark))
    }

    /// Whether it has no other of a kind at a place than these, and knows of each create which one
    /// it made.
    pub fn has_only<'a>(
        &self,
        place: &Place,
        kind: &str,
        ids: impl IntoIterator<Item = &'a str>,
    ) -> bool {
        let ids: BTreeSet<String> = ids.into_iter().map(|id| hash(kind, id)).collect();
        let mut entries = self.entries_at(place, kind);
        entries.all(|(_, entry)| entry.made.as_ref().is_some_and(|made| ids.contains(made)))
    }

    /// The resources of a kind that it has at a place, with their generations.
    pub fn of_kind(&self, place: &Place, kind: &str) -> impl Iterator<Item = (&Address, u32)> {
        let entries = self.entries_at(place, kind);
        entries.map(|(address, entry)| (address, entry.generation))
    }

    /// The resources of a kind that it has made at a place and that are not among these: somebody
    /// has deleted them, or has taken off the tags by which they are found.
    pub fn missing<'a>(
        &self,
        place: &Place,
        kind: &str,
        ids: impl IntoIterator<Item = &'a str>,
    ) -> Vec<(&Address, u32)> {
        let ids: BTreeSet<String> = ids.into_iter().map(|id| hash(kind, id)).collect();
        let entries = self.entries_at(place, kind);
        let is_missing = |(_, entry): &(&Address, &Entry)| {
            entry.made.as_ref().is_some_and(|made| !ids.contains(made) && !entry.is_left)
        };
        entries.filter(is_missing).map(|(address, entry)| (address, entry.generation)).collect()
    }

    /// Forgets what is gone.
    pub fn gone(&mut self, place: &Place, address: &Address, id: &str) {
        let made = hash(&address.kind, id);
        self.retain(address, |entry| !entry.is(place, &made));
    }

    /// Notes that something is gone and can be brought back.
    pub fn left(&mut self, place: &Place, address: &Address, id: &str) {
        let made = hash(&address.kind, id);
        for entry in self.of_mut(address) {
            entry.is_left |= entry.is(place, &made);
        }
    }

    /// Forgets the generations at a place of a kind that keeps its history but for the newest.
    pub fn forget_before(&mut self, place: &Place, address: &Address, generation: u32) {
        self.retain(address, |entry| entry.place != *place || entry.generation >= generation);
    }

    /// Which resource the identifier of a kind is at a place, its generation, and the create that
    /// made it.
    pub fn whose(&self, place: &Place, kind: &str, id: &str) -> Option<(&Address, u32, &Serial)> {
        let made = hash(kind, id);
        let mut entries = self.entries();
        let (address, entry) =
            entries.find(|(address, entry)| address.kind == kind && entry.is(place, &made))?;
        Some((address, entry.generation, &entry.serial))
    }

    /// Whether a create was begun, and whether it is known what it made.
    pub(super) fn begun(
        &self,
        place: &Place,
        address: &Address,
        generation: u32,
        serial: &Serial,
    ) -> Option<bool> {
        self.entry(place, address, generation, serial).map(|entry| entry.made.is_some())
    }

    /// The newest create of a generation of which nobody knows what it made.
    pub fn open(&self, place: &Place, address: &Address, generation: u32) -> Option<&Serial> {
        let of = |it: &&Entry| it.place == *place && it.generation == generation;
        let open = self.of(address).filter(of).filter(|it| it.made.is_none());
        open.last().map(|entry| &entry.serial)
    }

    /// The newest generation it has of a resource at a place.
    pub(super) fn newest(&self, place: &Place, address: &Address) -> Option<u32> {
        self.of(address).filter(|entry| entry.place == *place).map(|entry| entry.generation).max()
    }

    fn entry(
        &self,
        place: &Place,
        address: &Address,
        generation: u32,
        serial: &Serial,
    ) -> Option<&Entry> {
        let is =
            |it: &&Entry| (&it.place, it.generation, &it.serial) == (place, generation, serial);
        self.of(address).find(is)
    }

    fn of(&self, address: &Address) -> impl Iterator<Item = &Entry> {
        self.parts.iter().filter_map(move |part| part.get(address)).flatten()
    }

    fn of_mut(&mut self, address: &Address) -> impl Iterator<Item = &mut Entry> {
        self.parts.iter_mut().filter_map(move |part| part.get_mut(address)).flatten()
    }

    fn entries_at(&self, place: &Place, kind: &str) -> impl Iterator<Item = (&Address, &Entry)> {
        self.entries().filter(move |(address, it)| address.kind == kind && it.place == *place)
    }

    fn entries(&self) -> impl Iterator<Item = (&Address, &Entry)> {
        self.parts
            .iter()
            .flatten()
            .flat_map(|(address, entries)| entries.iter().map(move |entry| (address, entry)))
    }

    fn retain(&mut self, address: &Address, keep: impl Fn(&Entry) -> bool) {
        for part in &mut self.parts {
            if let Some(entries) = part.get_mut(address) {
                entries.retain(&keep);
                if entries.is_empty() {
                    part.remove(address);
                }
            }
        }
    }

    /// Puts an entry into the part that has its address, or else into the first with room for it.
    fn insert(&mut self, address: &Address, entry: Entry) {
        let needed = line(address, &entry);
        let written = self.written();
        let for_roles = ROLES.saturating_sub(room(&self.roles));
        let has_room = |place: usize| {
            let grows: usize = self.parts[place].values().flatten().map(Entry::growth).sum();
            let kept = if place == 0 { for_roles } else { 0 };
            written[&(place + 1)].len() + grows + needed + kept <= PART
        };
        let holder = self.parts.iter().position(|part| part.contains_key(address));
        let place = holder
            .filter(|place| has_room(*place))
            .or_else(|| (0..self.parts.len()).find(|place| has_room(*place)));
        let part = if let Some(place) = place {
            &mut self.parts[place]
        } else {
            self.parts.push(BTreeMap::new());
            self.parts.last_mut().expect("it was just added")
        };
        part.entry(address.clone()).or_default().push(entry);
    }
}

/// The most bytes that an entry adds to a part: with its address and what stands around it, with
/// what it grows by, and with the name of its kind and the digits that the head may grow by.
fn line(address: &Address, entry: &Entry) -> usize {
    let around = "\"\":[\"\"],,\"\",".len() + 8;
    let place = entry.place.to_string().len() + "\"\":[],".len();
    address.to_string().len()
        + address.kind.len()
        + entry.written().len()
        + entry.growth()
        + place
        + around
}

/// The bytes that roles take, each with its account and what stands around the two.
fn room(roles: &Roles) -> usize {
    roles.iter().map(|(account, role)| account.len() + role.len() + "\"\":\"\",".len()).sum()
}

fn text(written: &Written) -> String {
    serde_json::to_string(written).expect("a record is plain text")
}

impl Entry {
    /// Whether it made the thing at a place whose identifier has this hash.
    fn is(&self, place: &Place, made: &str) -> bool {
        self.place == *place && self.made.as_deref() == Some(made)
    }

    fn read(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let which = words.next()?;
        let (generation, place) = match which.split_once('@') {
            Some((generation, place)) => (generation, place.parse().ok()?),
            None => (which, Place::default()),
        };
        Some(Self {
            place,
            generation: generation.parse().ok()?,
            serial: words.next()?.to_owned().try_into().ok()?,
            made: words.next().map(ToOwned::to_owned),
            given: words.next().filter(|given| *given != NONE).map(ToOwned::to_owned),
            is_left: words.next() == Some("left"),
        })
    }

    /// How many more bytes it takes once it is known what it made, and that this can be brought
    /// back.
    fn growth(&self) -> usize {
        let whole = Self {
            made: Some("abcdefgh".to_owned()),
            given: Some("abcdefgh".to_owned()),
            is_left: true,
            ..self.clone()
        };
        whole.written().len() - self.written().len()
    }

    fn written(&self) -> String {
        let Self { place, generation, serial, made, given, is_left } = self;
        let elsewhere = if place.is_home() { String::new() } else { format!("@{place}") };
        let mut text = format!("{generation}{elsewhere} {serial}");
        if let Some(made) = made {
            let given = given.as_deref().unwrap_or(NONE);
            text = format!("{text} {made} {given}");
        }
        if *is_left { text + " left" } else { text }
    }
}

/// A hash of an identifier, in 48 bits: nobody chooses the identifiers that AWS gives, and of those
/// that people choose only one's own can be made to fit.
fn hash(kind: &str, id: &str) -> String {
    URL_SAFE_NO_PAD.encode(&Sha256::digest(format!("{kind} {id}"))[..6])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serial(of: u8) -> Serial {
        Serial::of(&[of; 9])
    }

    fn home() -> Place {
        Place::default()
    }

    fn vpc() -> Address {
        Address::new("vpc", "main")
    }

    fn reread(record: &Record) -> Record {
        Record::read(&record.written()).unwrap()
    }

    #[test]
    fn what_was_written_reads_back() {
        let mut record = Record::new(Some("git.test/acme/notes:stack.yaml".into()));
        record.epoch = 7;
        record.begin(&home(), &vpc(), 1, &serial(1));
        record.made(&home(), &Address::new("secret", "session"), 2, &serial(1), "arn");
        record.gave(&home(), &Address::new("secret", "session"), "arn", Some("1:mark"));
        record.left(&home(), &Address::new("secret", "session"), "arn");
        record.made(&home(), &vpc(), 2, &serial(2), "vpc-2");
        assert_eq!(reread(&record), record);
        assert!(record.is_whole() && record.has_left());
        assert_eq!(record.kinds(&home()).collect::<Vec<_>>(), ["secret", "vpc"]);
    }

    #[test]
    fn an_epoch_that_nobody_can_have_had_is_not_believed() {
        let record = Record { epoch: u64::MAX, ..Record::new(None) };
        assert!(reread(&record).epoch < HIGHEST_EPOCH);
    }

    #[test]
    fn it_says_whose_an_identifier_is_and_only_of_its_kind() {
        let mut record = Record::new(None);
        record.made(&home(), &vpc(), 3, &serial(1), "vpc-1");
        assert_eq!(record.whose(&home(), "vpc", "vpc-1"), Some((&vpc(), 3, &serial(1))));
        assert_eq!(record.whose(&home(), "vpc", "vpc-2"), None);
        assert_eq!(record.whose(&home(), "subnet", "vpc-1"), None);
        record.gone(&home(), &vpc(), "vpc-1");
        assert_eq!(record.whose(&home(), "vpc", "vpc-1"), None);
        assert!(record.kinds(&home()).any(|kind| kind == "vpc"), "there was one once");
    }

    #[test]
    fn it_has_only_what_it_knows_to_be_made() {
        let mut record = Record::new(None);
        assert!(record.has_only(&home(), "vpc", []), "there is none");
        record.begin(&home(), &vpc(), 1, &serial(1));
        assert!(!record.has_only(&home(), "vpc", ["vpc-1"]), "nobody knows what the create made");
        record.made(&home(), &vpc(), 1, &serial(1), "vpc-1");
        record.made(&home(), &Address::new("subnet", "a"), 1, &serial(1), "subnet-1");
        assert!(record.has_only(&home(), "vpc", ["vpc-1", "vpc-2"]));
        assert!(!record.has_only(&home(), "vpc", ["vpc-2"]));
    }

    #[test]
    fn it_distinguishes_the_mark_that_was_given_last_from_one_before() {
        let mut record = Record::new(None);
        assert_eq!(record.is_last_given(&home(), &vpc(), "vpc-1", "1:new"), None);
        record.made(&home(), &vpc(), 1, &serial(1), "vpc-1");
        assert_eq!(record.is_last_given(&home(), &vpc(), "vpc-1", "1:new"), None);
        assert!(!record.is_former(&vpc(), 1, "1:old"), "nobody knows");
        record.gave(&home(), &vpc(), "vpc-1", Some("1:old"));
        record.gave(&home(), &vpc(), "vpc-1", Some("1:new"));
        assert_eq!(record.is_last_given(&home(), &vpc(), "vpc-1", "1:new"), Some(true));
        assert_eq!(record.is_last_given(&home(), &vpc(), "vpc-1", "1:old"), Some(false));
        assert!(record.is_former(&vpc(), 1, "1:old") && !record.is_former(&vpc(), 1, "1:new"));
        assert!(!record.is_former(&vpc(), 2, "1:old"));
        // What else was made there says nothing of this one.
        record.made(&home(), &vpc(), 1, &serial(2), "vpc-2");
        assert_eq!(record.is_last_given(&home(), &vpc(), "vpc-2", "1:old"), None);
    }

    #[test]
    fn each_part_fits_into_a_parameter_and_no_entry_moves() {
        let mut record = Record::new(None);
        let address = |number| Address::new("security-group", format!("some-service-{number}"));
        for number in 0..500 {
            record.begin(&home(), &address(number), 1, &serial(1));
        }
        let before = record.parts.clone();
        for number in 0..500 {
            record.made(&home(), &address(number), 1, &serial(1), &format!("sg-{number}"));
        }
        let parts = record.written();
        assert!(parts.len() > 1 && parts.len() < 12, "{}", parts.len());
        assert!(parts.values().all(|part| part.len() <= PART && part.is_ascii()));
        for (before, after) in before.iter().zip(&record.parts) {
            assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
        }
        assert_eq!(reread(&record), record);
    }

    #[test]
    fn places_are_known_by_what_is_there_and_forgotten_with_it() {
        let role = |name: &str| format!("arn:aws:iam::222222222222:role/{name}");
        let roles = |name: &str| Roles::from([("222222222222".to_owned(), role(name))]);
        let there: Place = "222222222222/eu-central-1".parse().unwrap();
        let mut record = Record::new(None);
        record.made(&home(), &vpc(), 1, &serial(1), "vpc-1");
        record.made(&there, &vpc(), 2, &serial(2), "vpc-1");
        record.keep_roles(&roles("old")).unwrap();
        record.keep_roles(&roles("new")).unwrap();
        assert_eq!(reread(&record), record);
        assert_eq!(record.roles, roles("new"));
        assert_eq!(record.whose(&there, "vpc", "vpc-1").unwrap().1, 2);
        assert_eq!(record.open(&there, &vpc(), 1), None);
        record.gone(&there, &vpc(), "vpc-1");
        assert!(record.places().contains(&there), "there was something");
        record.forget_places();
        record.keep_roles(&Roles::new()).unwrap();
        assert_eq!(record.places(), BTreeSet::from([&home()]));
        assert!(record.roles.is_empty());
        let many = (0..12).map(|n| (format!("{n:012}"), role(&"x".repeat(100))));
        let many: Roles = many.collect();
        for account in many.keys() {
            let place = Place { account: Some(account.clone()), region: None };
            record.made(&place, &vpc(), 1, &serial(3), "vpc-1");
        }
        assert_eq!(record.keep_roles(&many), Err(TooManyRoles));
    }

    #[test]
    fn a_create_that_was_begun_elsewhere_is_another() {
        let there: Place = "eu-central-1".parse().unwrap();
        let mut record = Record::new(None);
        record.begin(&home(), &vpc(), 1, &serial(1));
        assert_eq!(record.open(&there, &vpc(), 1), None);
        record.begin(&there, &vpc(), 1, &serial(2));
        record.made(&there, &vpc(), 1, &serial(2), "vpc-2");
        assert_eq!(record.open(&home(), &vpc(), 1), Some(&serial(1)));
        assert_eq!(record.whose(&there, "vpc", "vpc-2"), Some((&vpc(), 1, &serial(2))));
    }

    #[test]
    fn a_lost_part_is_noticed_and_the_rest_still_counts() {
        let mut record = Record::new(None);
        for number in 0..300 {
            let address = Address::new("security-group", format!("some-service-{number}"));
            record.made(&home(), &address, 1, &serial(1), &format!("sg-{number}"));
        }
        let whole = record.written();
        for lost in whole.keys() {
            let mut parts = whole.clone();
            parts.remove(lost);
            let rest = Record::read(&parts).unwrap();
            assert!(!rest.is_whole(), "without part {lost}");
            let mut again = Record::read(&rest.written()).unwrap();
            assert!(!again.is_whole(), "nor once somebody has written it again");
            again.confirm();
            assert!(Record::read(&again.written()).unwrap().is_whole());
            let known = (0..300).filter(|number| {
                rest.whose(&home(), "security-group", &format!("sg-{number}")).is_some()
            });
            assert!(known.count() > 100);
        }
        assert!(!Record::read(&BTreeMap::new()).unwrap().is_whole());
        let scribbled = BTreeMap::from([(1, "no record".to_owned())]);
        assert!(!Record::read(&scribbled).unwrap().is_whole());
    }

    #[test]
    fn a_newer_record_is_not_taken_for_a_lost_one() {
        let newer = BTreeMap::from([(1, r#"{"version":3,"else":[]}"#.to_owned())]);
        assert_eq!(Record::read(&newer), Err(Unreadable(3)));
    }

    #[test]
    fn of_creates_that_nobody_knows_the_end_of_the_last_few_are_kept() {
        let mut record = Record::new(None);
        for number in 0..20 {
            record.begin(&home(), &vpc(), 1, &serial(number));
        }
        assert_eq!(record.of(&vpc()).count(), OPEN);
        assert_eq!(record.open(&home(), &vpc(), 1), Some(&serial(19)));
        assert_eq!(record.open(&home(), &vpc(), 2), None);
    }
}

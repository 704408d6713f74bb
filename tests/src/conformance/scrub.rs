//! Takes out of a recording what is nobody's business: secrets, account numbers, and whatever else
//! the account has.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::{Map, Value};

/// Stands for what is not recorded.
const WITHHELD: &str = "(withheld)";

/// The number of every account.
const ACCOUNT: &str = "000000000000";

/// The fields whose values are secrets, in lower case; a field of the query protocols may have a
/// path before it.
const SECRET: &[&str] = &[
    "authorizationtoken",
    "accesskeyid",
    "masteruserpassword",
    "password",
    "secretaccesskey",
    "secretbinary",
    "secretstring",
    "sessiontoken",
];

/// The fields that say who is asking.
const CALLER: &[&str] = &["arn", "userid", "assumedroleid"];

/// The fields that say who has made something.
const MAKER: &[&str] = &["createdby", "registeredby"];

/// A secret that is shorter is not looked for elsewhere: it would be found in what is none.
const LONG: usize = 8;

macro_rules! pattern {
    ($pattern:literal) => {
        LazyLock::new(|| Regex::new($pattern).expect("it is a pattern"))
    };
}

static PEOPLE: LazyLock<Regex> =
    pattern!(r":(assumed-role|federated-user|user)/[A-Za-z0-9+=,.@_/-]+");
static NUMBERS: LazyLock<Regex> = pattern!(r"%[0-9A-Fa-f]{2}|[0-9]+");
static IDS: LazyLock<Regex> = pattern!(
    r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b|\b[a-z]+(?:-[a-z]+)*-(?:[0-9a-f]{17}|[0-9a-f]{8})\b|\b[0-9a-f]{32}\b|\b[0-9a-f]{16}\b|\b(?:AIDA|AKIA|ANPA|AROA|ASIA)[A-Z0-9]{12,}\b"
);
static SUFFIXES: LazyLock<Regex> = pattern!(r"(:secret:[A-Za-z0-9/_+=.@!-]+)-[A-Za-z0-9]{6}\b");
static HOSTS: LazyLock<Regex> = pattern!(r"\.[a-z0-9]{8,14}(\.[a-z0-9-]+\.rds\.amazonaws\.)");
static ADDRESSES: LazyLock<Regex> = pattern!(r"\b(?:[0-9]{1,3}\.){3}[0-9]{1,3}\b");
static TIMES: LazyLock<Regex> =
    pattern!(r"\b20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:\.[0-9]+)?(?:Z|[+-][0-9:]{4,6})");

/// Remembers what it has seen, so that one thing has one name throughout a recording.
#[derive(Debug)]
pub(super) struct Scrubber {
    /// How the names of our stacks begin.
    ours: String,
    /// What belongs to them, as AWS calls it.
    belonging: BTreeSet<String>,
    names: BTreeMap<String, String>,
    counts: BTreeMap<String, usize>,
    secrets: BTreeSet<String>,
}

impl Scrubber {
    pub(super) fn new(ours: &str) -> Self {
        Self {
            ours: ours.to_owned(),
            belonging: BTreeSet::new(),
            names: BTreeMap::new(),
            counts: BTreeMap::new(),
            secrets: BTreeSet::new(),
        }
    }

    /// A request and its answer, as they may be shown.
    pub(super) fn exchange(
        &mut self,
        operation: &str,
        mut asked: Value,
        mut answer: Value,
    ) -> (Value, Value) {
        let is_list = ["Describe", "List", "Get"].iter().any(|verb| operation.starts_with(verb));
        if is_list && asks_for_nothing_of_ours(&asked, &self.belonging, &self.ours) {
            self.leave_out_others(&mut answer);
        } else {
            self.learn(&answer);
        }
        let is_of_caller = operation == "GetCallerIdentity" || operation == "AssumeRole";
        for value in [&mut asked, &mut answer] {
            self.withhold(value, is_of_caller);
        }
        for value in [&mut asked, &mut answer] {
            self.rename(value);
        }
        (asked, answer)
    }

    /// Leaves in lists what is ours or belongs to it.
    fn leave_out_others(&mut self, answer: &mut Value) {
        match answer {
            Value::Array(elements) => {
                elements.retain(|element| !element.is_object() || self.is_ours(element));
                for element in elements.iter().filter(|element| element.is_object()) {
                    self.learn(element);
                }
            }
            Value::Object(fields) => {
                fields.values_mut().for_each(|value| self.leave_out_others(value));
            }
            _ => {}
        }
    }

    fn is_ours(&self, element: &Value) -> bool {
        let text = element.to_string();
        text.contains(&self.ours) || self.belonging.iter().any(|id| text.contains(id))
    }

    /// Takes every identifier in what is ours for one of ours. Not those of keys, which others have
    /// as well.
    fn learn(&mut self, value: &Value) {
        for found in IDS.find_iter(&value.to_string()) {
            let id = found.as_str();
            if !is_uuid(id) {
                self.belonging.insert(id.to_owned());
            }
        }
    }

    fn withhold(&mut self, value: &mut Value, is_of_caller: bool) {
        match value {
            Value::Array(elements) => {
                for element in elements {
                    self.withhold(element, is_of_caller);
                }
            }
            Value::Object(fields) => {
                // A parameter of Systems Manager, or one to be written.
                let is_encrypted = fields.get("Type").is_some_and(|it| it == "SecureString");
                // A lock says who holds it.
                let is_lock = fields.get("Name").is_some_and(is_lock);
                for (name, value) in fields {
                    let name = name.rsplit('.').next().unwrap_or(name).to_ascii_lowercase();
                    let is_secret = SECRET.contains(&&*name) || (is_encrypted && name == "value");
                    match value {
                        Value::String(text) if is_secret => {
                            self.keep_secret(text);
                            WITHHELD.clone_into(text);
                        }
                        Value::String(text)
                            if MAKER.contains(&&*name) || is_lock && name == "value" =>
                        {
                            WITHHELD.clone_into(text);
                        }
                        Value::String(text) if is_of_caller && CALLER.contains(&&*name) => {
                            WITHHELD.clone_into(text);
                        }
                        value => self.withhold(value, is_of_caller),
                    }
                }
            }
            Value::String(text) => {
                for secret in &self.secrets {
                    if text.contains(secret.as_str()) {
                        *text = text.replace(secret.as_str(), WITHHELD);
                    }
                }
            }
            _ => {}
        }
    }

    /// Looks for a secret, and for each part of one that is JSON, from now on wherever it stands.
    fn keep_secret(&mut self, secret: &str) {
        let parts = serde_json::from_str::<Map<String, Value>>(secret).unwrap_or_default();
        for (name, part) in &parts {
            let is_plain = ["dbname", "engine", "host", "username"].contains(&name.as_str());
            if let Some(part) = part.as_str().filter(|_| !is_plain) {
                self.keep_secret(part);
            }
        }
        if parts.is_empty() && secret.len() >= LONG && secret != WITHHELD {
            self.secrets.insert(secret.to_owned());
        }
    }

    fn rename(&mut self, value: &mut Value) {
        match value {
            Value::Array(elements) => elements.iter_mut().for_each(|element| self.rename(element)),
            Value::Object(fields) => {
                let renamed = std::mem::take(fields).into_iter().map(|(name, mut value)| {
                    self.rename(&mut value);
                    let is_time = ["At", "Time", "Date"].iter().any(|end| name.ends_with(end));
                    if is_time && value.is_number() {
                        value = 0.into();
                    }
                    (self.text(&name), value)
                });
                *fields = renamed.collect();
            }
            Value::String(text) => *text = self.text(text),
            _ => {}
        }
    }

    /// A text in which nothing says whose account it is of.
    pub(super) fn text(&mut self, text: &str) -> String {
        let text = SUFFIXES.replace_all(text, "$1-XXXXXX");
        let text = PEOPLE.replace_all(&text, ":$1/(withheld)");
        let text = HOSTS.replace_all(&text, ".account$1");
        let text = TIMES.replace_all(&text, "(time)");
        let text = IDS.replace_all(&text, |found: &Captures<'_>| self.name(&found[0]));
        let text = NUMBERS.replace_all(&text, |found: &Captures<'_>| account(&found[0]));
        let text = ADDRESSES.replace_all(&text, |found: &Captures<'_>| address(&found[0]));
        text.into_owned()
    }

    /// The name by which an identifier goes in the recording: `vpc-1`.
    fn name(&mut self, id: &str) -> String {
        if let Some(name) = self.names.get(id) {
            return name.clone();
        }
        let is_key = id.starts_with('A');
        let prefix = match id.rsplit_once('-') {
            _ if is_key => &id[..4],
            Some(_) if is_uuid(id) => "uuid",
            Some((prefix, _)) => prefix,
            None => "id",
        };
        let count = self.counts.entry(prefix.to_owned()).or_default();
        *count += 1;
        let name = format!("{prefix}-{count}");
        self.names.insert(id.to_owned(), name.clone());
        name
    }
}

/// Whether a name is of a parameter that an environment's lock is kept in.
fn is_lock(name: &Value) -> bool {
    name.as_str().is_some_and(|name| name.contains("/lock"))
}

/// Whether an identifier says nothing of what it is of.
fn is_uuid(id: &str) -> bool {
    id.len() == 36 && id.as_bytes()[8] == b'-'
}

/// Whether a request is for whatever there is: what is asked for by a name or an identifier of ours
/// is ours.
fn asks_for_nothing_of_ours(asked: &Value, belonging: &BTreeSet<String>, ours: &str) -> bool {
    let text = asked.to_string();
    !text.contains(ours) && !belonging.iter().any(|id| text.contains(id))
}

/// A number of twelve digits is taken for an account's, whatever stands beside it: a policy is
/// recorded as it is sent, `%22111122223333%22`, where the first of those digits are a quote's.
fn account(number: &str) -> String {
    if number.len() == ACCOUNT.len() { ACCOUNT.to_owned() } else { number.to_owned() }
}

/// A public address stands for itself nowhere; ranges of networks and addresses within them stay.
fn address(text: &str) -> String {
    let is_public = text.parse::<Ipv4Addr>().is_ok_and(|address| {
        !address.is_private() && !address.is_loopback() && !address.is_unspecified()
    });
    if is_public { "192.0.2.1".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn scrubbed(operation: &str, asked: Value, answer: Value) -> (Value, Value) {
        Scrubber::new("contract-").exchange(operation, asked, answer)
    }

    #[test]
    fn no_secret_is_left_wherever_it_stands() {
        let mut scrubber = Scrubber::new("contract-");
        let secret = r#"{"password": "hunter2hunter2", "username": "deployer"}"#;
        let (asked, _) = scrubber.exchange(
            "CreateSecret",
            json!({ "Name": "contract-x", "SecretString": secret }),
            json!({}),
        );
        assert_eq!(asked["SecretString"], WITHHELD);
        let form = json!({ "MasterUserPassword": "hunter2hunter2", "Note": "hunter2hunter2!" });
        let (asked, answer) =
            scrubber.exchange("CreateDBInstance", form, json!({ "Echo": "it is hunter2hunter2" }));
        assert!(!format!("{asked}{answer}").contains("hunter2"), "{asked} {answer}");
    }

    #[test]
    fn a_parameter_that_is_encrypted_is_a_secret() {
        let parameter = |kind: &str| json!({ "Type": kind, "Value": "the private half" });
        let answer = json!({ "Parameters": [parameter("SecureString"), parameter("String")] });
        let (asked, answer) = scrubbed("PutParameter", parameter("SecureString"), answer);
        assert!(!format!("{asked}{answer}").contains("private"), "{asked} {answer}");
    }

    #[test]
    fn no_account_and_no_caller_is_left() {
        let arn = "arn:aws:iam::111122223333:user/jane";
        let caller =
            json!({ "Account": "111122223333", "Arn": arn, "UserId": "AIDAABCDEFGHIJKLMN" });
        let policy = json!("arn%3Aaws%3Alogs%3A%22111122223333%22%3A111122223333%3Alog-group");
        let (_, shown) = scrubbed("GetRole", json!({ "RoleName": "contract-x" }), policy);
        let expected = "arn%3Aaws%3Alogs%3A%22000000000000%22%3A000000000000%3Alog-group";
        assert_eq!(shown, json!(expected));
        let (_, answer) = scrubbed("GetCallerIdentity", json!({}), caller);
        assert_eq!(answer, json!({ "Account": ACCOUNT, "Arn": WITHHELD, "UserId": WITHHELD }));
    }

    #[test]
    fn nobody_who_made_something_or_holds_a_lock_is_left() {
        let arn = "arn:aws:sts::111122223333:assumed-role/Admin/jane@example.com";
        let lock = json!({ "Name": "/deployer/x/conformance/lock/1", "Value": "jane@laptop" });
        let answer =
            json!({ "registeredBy": arn, "why": format!("User: {arn} is not authorized") });
        let (asked, answer) = scrubbed("CreateX", lock, answer);
        assert!(!format!("{asked}{answer}").contains("jane"), "{asked} {answer}");
    }

    #[test]
    fn what_has_the_same_key_as_ours_is_not_ours() {
        let key = "arn:aws:kms:eu-west-1:111122223333:key/01234567-89ab-cdef-0123-456789abcdef";
        let mut scrubber = Scrubber::new("contract-");
        let made = json!({ "Name": "contract-x", "KmsKeyId": key });
        scrubber.exchange("CreateDBInstance", json!({}), made.clone());
        let listed = json!({ "DBInstances": [made, { "Name": "payroll", "KmsKeyId": key }] });
        let (_, answer) = scrubber.exchange("DescribeDBInstances", json!({}), listed);
        assert!(!answer.to_string().contains("payroll"), "{answer}");
    }

    #[test]
    fn what_others_have_is_left_out_of_lists() {
        let listed =
            json!({ "Roles": [{ "RoleName": "contract-x-web" }, { "RoleName": "payroll" }] });
        let (_, answer) = scrubbed("ListRoles", json!({}), listed);
        assert_eq!(answer, json!({ "Roles": [{ "RoleName": "contract-x-web" }] }));
    }

    #[test]
    fn what_belongs_to_ours_stays_and_has_one_name_throughout() {
        let mut scrubber = Scrubber::new("contract-");
        let id = "vpc-0123456789abcdef0";
        scrubber.exchange("CreateVpc", json!({}), json!({ "vpcId": id }));
        let others = json!({ "groups": [{ "vpcId": id }, { "vpcId": "vpc-0ffffffffffffffff" }] });
        let (_, answer) = scrubber.exchange("DescribeSecurityGroups", json!({}), others);
        assert_eq!(answer, json!({ "groups": [{ "vpcId": "vpc-1" }] }));
    }

    #[test]
    fn addresses_hosts_and_times_are_not_those_of_the_account() {
        let answer = json!({
            "PublicIp": "3.248.10.11",
            "Cidr": "10.0.0.0/16",
            "Everywhere": "0.0.0.0/0",
            "Host": "main.c9akciq32abc.eu-west-1.rds.amazonaws.com",
            "At": "2026-11-29T10:00:00.123Z",
            "createdAt": 1_795_000_000.5,
        });
        let (_, answer) = scrubbed("CreateX", json!({}), answer);
        let expected = json!({
            "PublicIp": "192.0.2.1",
            "Cidr": "10.0.0.0/16",
            "Everywhere": "0.0.0.0/0",
            "Host": "main.account.eu-west-1.rds.amazonaws.com",
            "At": "(time)",
            "createdAt": 0,
        });
        assert_eq!(answer, expected);
    }
}

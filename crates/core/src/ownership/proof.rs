//! Signatures over what was made: anybody can check one, only a deployer can make one.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

use crate::{Address, Scope};

/// What the text of a proof begins with. Another version signs something else.
const VERSION: &str = "1";

/// Names one create of one resource. No two creates share one, so of all that carry it at most
/// one thing is ours.
///
/// Its text has no more than 32 characters, all of them letters, digits, `-`, `_` or `.`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Serial(String);

impl Serial {
    /// The serial of these random bytes; as many creates share a run, so many share the bytes.
    pub fn of(run: &[u8; 9]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(run))
    }

    /// The serial of the next create of the same resource by the same run.
    #[must_use]
    pub fn next(&self) -> Self {
        let (run, count) = match self.0.split_once('.') {
            Some((run, count)) => (run, count.parse().unwrap_or(1)),
            None => (self.0.as_str(), 1_u32),
        };
        Self(format!("{run}.{}", count.saturating_add(1)))
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Serial> for String {
    fn from(serial: Serial) -> Self {
        serial.0
    }
}

impl TryFrom<String> for Serial {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_one = (1..=32).contains(&text.len())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        if is_one { Ok(Self(text)) } else { Err("it is not a serial") }
    }
}

/// What a proof says: that somebody with the environment's private key made or adopted this.
#[derive(Clone, Debug)]
pub struct Statement<'a> {
    /// The account, twelve digits.
    pub account: &'a str,
    /// The region.
    pub region: &'a str,
    /// Stack and environment; where the stack is kept is not signed, since stacks move.
    pub scope: &'a Scope,
    /// The resource.
    pub address: &'a Address,
    /// Its generation.
    pub generation: u32,
    /// The create that made it.
    pub serial: &'a Serial,
    /// The mark of the spec it was last given; empty where there is none.
    pub mark: &'a str,
}

impl Statement<'_> {
    /// The text that is signed: a JSON list, so that no two statements share one.
    fn text(&self) -> String {
        let Scope { stack, environment, .. } = self.scope;
        serde_json::json!([
            "deployer",
            VERSION,
            self.account,
            self.region,
            stack,
            environment,
            self.address,
            self.generation,
            self.serial,
            self.mark,
        ])
        .to_string()
    }
}

/// The tag that proves a statement: the serial it is about, and a signature.
///
/// Its text, `1:SERIAL:SIGNATURE`, has at most 122 characters and none that a tag of some service
/// could not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The create that it is about.
    pub serial: Serial,
    signature: Vec<u8>,
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let signature = URL_SAFE_NO_PAD.encode(&self.signature);
        write!(f, "{VERSION}:{}:{signature}", self.serial)
    }
}

impl FromStr for Proof {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.splitn(3, ':');
        let (Some(VERSION), Some(serial), Some(signature)) =
            (parts.next(), parts.next(), parts.next())
        else {
            return Err("it is not a proof of this version");
        };
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| "it is not a signature")?;
        Ok(Self { serial: serial.to_owned().try_into()?, signature })
    }
}

/// Makes proofs. Does not show its key.
pub struct Signer(Ed25519KeyPair);

impl Signer {
    /// The text of a private key, which is any 32 random bytes.
    pub fn write(seed: &[u8; 32]) -> String {
        URL_SAFE_NO_PAD.encode(seed)
    }

    /// The signer of a private key; none where the text is not one.
    pub fn read(text: &str) -> Option<Self> {
        let seed = URL_SAFE_NO_PAD.decode(text.trim()).ok()?;
        Ed25519KeyPair::from_seed_unchecked(&seed).ok().map(Self)
    }

    /// The key that its proofs are checked with.
    ///
    /// # Panics
    /// Never: an Ed25519 public key has 32 bytes.
    pub fn public(&self) -> PublicKey {
        let key = self.0.public_key().as_ref().try_into();
        PublicKey(key.expect("an Ed25519 public key has 32 bytes"))
    }

    /// The proof of a statement.
    pub fn sign(&self, statement: &Statement<'_>) -> Proof {
        let signature = self.0.sign(statement.text().as_bytes()).as_ref().to_vec();
        Proof { serial: statement.serial.clone(), signature }
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.public())
    }
}

/// A public key, written as 43 characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl FromStr for PublicKey {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = URL_SAFE_NO_PAD.decode(text.trim()).map_err(|_| "it is not a public key")?;
        bytes.try_into().map(Self).map_err(|_| "it is not a public key")
    }
}

/// The public keys whose proofs count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys(Vec<PublicKey>);

impl Keys {
    /// Reads keys, one a line; what is none is left out.
    pub fn read(text: &str) -> Self {
        Self(text.lines().filter_map(|line| line.parse().ok()).collect())
    }

    /// The keys as they are read, one a line.
    pub fn written(&self) -> String {
        self.0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this is one of them.
    pub fn contains(&self, key: &PublicKey) -> bool {
        self.0.contains(key)
    }

    /// Adds a key, unless it is one of them.
    pub fn add(&mut self, key: PublicKey) {
        if !self.contains(&key) {
            self.0.push(key);
        }
    }

    /// Whether a proof proves a statement.
    pub fn hold(&self, statement: &Statement<'_>, proof: &Proof) -> bool {
        let text = statement.text();
        *statement.serial == proof.serial
            && self.0.iter().any(|key| {
                UnparsedPublicKey::new(&ED25519, key.0)
                    .verify(text.as_bytes(), &proof.signature)
                    .is_ok()
            })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn scope() -> Scope {
        Scope {
            stack: "notes".into(),
            environment: "dev".into(),
            origin: None,
            tags: BTreeMap::new(),
        }
    }

    fn serial() -> Serial {
        Serial::of(&[7; 9])
    }

    fn signer_of(of: u8) -> Signer {
        Signer::read(&Signer::write(&[of; 32])).unwrap()
    }

    #[test]
    fn a_proof_reads_back_and_holds_for_its_statement_alone() {
        let (scope, serial, address) = (scope(), serial(), Address::new("vpc", "main"));
        let statement = Statement {
            account: "123456789012",
            region: "eu-west-1",
            scope: &scope,
            address: &address,
            generation: 1,
            serial: &serial,
            mark: "1:abc",
        };
        let signer = signer_of(1);
        let proof: Proof = signer.sign(&statement).to_string().parse().unwrap();
        let keys = Keys::read(&format!("{}\n", signer.public()));
        assert!(keys.hold(&statement, &proof));

        let (prod, other, next) = (
            Scope { environment: "prod".into(), ..scope.clone() },
            Address::new("vpc", "other"),
            serial.next(),
        );
        let theirs = Scope { stack: "theirs".into(), ..scope.clone() };
        for forged in [
            Statement { account: "210987654321", ..statement.clone() },
            Statement { region: "eu-west-2", ..statement.clone() },
            Statement { scope: &prod, ..statement.clone() },
            Statement { scope: &theirs, ..statement.clone() },
            Statement { address: &other, ..statement.clone() },
            Statement { generation: 2, ..statement.clone() },
            Statement { serial: &next, ..statement.clone() },
            Statement { mark: "1:abd", ..statement.clone() },
        ] {
            assert!(!keys.hold(&forged, &proof), "{forged:?}");
        }
        let stranger = signer_of(2);
        assert!(!keys.hold(&statement, &stranger.sign(&statement)));
        assert!(!Keys::default().hold(&statement, &proof));
    }

    #[test]
    fn a_proof_fits_into_the_tags_of_every_service() {
        let mut serial = serial();
        for _ in 0..9 {
            serial = serial.next();
        }
        let signer = signer_of(1);
        let (scope, address) = (scope(), Address::new("vpc", "main"));
        let (account, region) = ("123456789012", "eu-west-1");
        let statement = Statement {
            account,
            region,
            scope: &scope,
            address: &address,
            generation: 1,
            serial: &serial,
            mark: "",
        };
        let text = signer.sign(&statement).to_string();
        assert!(text.len() <= 122, "{text}");
        assert!(text.chars().all(Scope::may_be_in_tag), "{text}");
    }

    #[test]
    fn what_is_no_proof_is_none() {
        for text in ["", "1", "1:a", "1:a b:AAAA", "2:a:AAAA", "1:a:*", "1::AAAA"] {
            assert!(text.parse::<Proof>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_signer_does_not_show_its_key() {
        let signer = signer_of(1);
        assert_eq!(format!("{signer:?}"), format!("Signer({})", signer.public()));
        assert!(Signer::read("short").is_none());
    }

    #[test]
    fn the_serials_of_one_run_differ() {
        let first = serial();
        let (second, third) = (first.next(), first.next().next());
        assert_eq!(second.to_string(), format!("{first}.2"));
        assert_eq!(third.to_string(), format!("{first}.3"));
    }
}

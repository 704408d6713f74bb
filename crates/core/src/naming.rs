//! The names that resources get in AWS, made in one place.

use std::fmt::Write;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Address, Scope};

/// Which characters a service allows in a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Alphabet {
    /// Joined by hyphens: `notes-dev-web`.
    Hyphens,
    /// Joined by slashes under a leading slash: `/notes/dev/web`.
    Path,
    /// Joined by slashes: `notes/dev/web`.
    Slashes,
}

/// How AWS wants the names of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Naming {
    /// The most characters AWS takes.
    pub longest: usize,
    /// How the pieces are joined.
    pub alphabet: Alphabet,
    /// What no name may begin with. A name begins with the stack's, whichever environment,
    /// resource and generation it is of.
    pub refused: &'static [&'static str],
    /// What names end in, before the generation: it keeps apart two kinds that share one set of
    /// names.
    pub ending: &'static str,
    /// The kind among whose names these are, where AWS has one set of names for both.
    pub among: Option<&'static str>,
}

impl Naming {
    /// Hyphenated names of at most `longest` characters.
    pub const fn hyphens(longest: usize) -> Self {
        Self { longest, alphabet: Alphabet::Hyphens, refused: &[], ending: "", among: None }
    }

    /// The same, where AWS keeps names that begin so to itself.
    #[must_use]
    pub const fn refusing(self, refused: &'static [&'static str]) -> Self {
        Self { refused, ..self }
    }

    /// The same, ending in a word: `-composite`.
    #[must_use]
    pub const fn ending(self, ending: &'static str) -> Self {
        Self { ending, ..self }
    }

    /// The same, where AWS has one set of names for these and for those of another kind.
    #[must_use]
    pub const fn among(self, kind: &'static str) -> Self {
        Self { among: Some(kind), ..self }
    }

    /// What a name begins with and may not, if it does.
    pub fn refusal(&self, name: &str) -> Option<&'static str> {
        self.refused.iter().copied().find(|refused| name.starts_with(refused))
    }

    /// The name in AWS of the `generation`-th resource at `address`.
    ///
    /// It is the stack, the environment, the resource's name, what the kind's names end in and, from
    /// the second generation on, the generation: `notes-dev-web-2`. A name over the limit keeps its beginning and ends in a
    /// hash of the whole, so it stays the same from run to run.
    pub fn name(&self, scope: &Scope, address: &Address, generation: u32) -> String {
        let separator = match self.alphabet {
            Alphabet::Hyphens => "-",
            Alphabet::Path | Alphabet::Slashes => "/",
        };
        let mut whole =
            [&scope.stack, &scope.environment, &address.name].map(String::as_str).join(separator);
        if self.alphabet == Alphabet::Path {
            whole.insert(0, '/');
        }
        let generation = if generation > 1 { format!("-{generation}") } else { String::new() };
        let suffix = format!("{}{generation}", self.ending);
        if whole.len() + suffix.len() <= self.longest {
            return whole + &suffix;
        }
        let hash = hex(&Sha256::digest(whole.as_bytes())[..4]);
        let kept = self.longest - suffix.len() - hash.len() - 1;
        let start = whole[..whole.floor_char_boundary(kept)].trim_end_matches(['-', '/']);
        format!("{start}-{hash}{suffix}")
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
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

    #[test]
    fn a_short_name_is_kept_whole() {
        let web = Address::new("target-group", "web");
        assert_eq!(Naming::hyphens(32).name(&scope(), &web, 1), "notes-dev-web");
        assert_eq!(Naming::hyphens(32).name(&scope(), &web, 2), "notes-dev-web-2");
    }

    #[test]
    fn a_long_name_fits_and_stays_apart_from_its_neighbour() {
        let names: Vec<String> = ["administration-backend-a", "administration-backend-b"]
            .map(|name| Naming::hyphens(32).name(&scope(), &Address::new("target-group", name), 12))
            .into();
        assert!(names.iter().all(|name| name.len() <= 32 && name.ends_with("-12")), "{names:?}");
        assert_ne!(names[0], names[1]);
    }

    #[test]
    fn names_of_two_kinds_that_share_them_end_differently() {
        let naming = Naming::hyphens(32).ending("-composite");
        let name = |name: &str, generation| {
            naming.name(&scope(), &Address::new("composite-alarm", name), generation)
        };
        assert_eq!(name("site", 1), "notes-dev-site-composite");
        assert_eq!(name("site", 2), "notes-dev-site-composite-2");
        let long = name("administration-backend", 1);
        assert!(long.len() <= 32 && long.ends_with("-composite"), "{long}");
    }

    #[test]
    fn a_name_is_cut_between_letters_whatever_they_are() {
        let scope = Scope {
            stack: "é".repeat(30),
            environment: "dev".into(),
            origin: None,
            tags: BTreeMap::new(),
        };
        let name = Naming::hyphens(32).name(&scope, &Address::new("target-group", "web"), 1);
        assert!(name.starts_with("éééé") && name.len() <= 32, "{name}");
    }
}

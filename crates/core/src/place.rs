//! Where a resource is.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a place is called that is not elsewhere.
const HOME: &str = "home";

/// The roles to assume, an ARN each, by the account they lead to.
pub type Roles = BTreeMap<String, String>;

/// The account that a stack is for and the way there, as far as it says: otherwise its home is the
/// account of the credentials, whichever that is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Home {
    /// The account, twelve digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The ARN of the role that leads there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

impl Home {
    /// Whether it says nothing.
    pub fn is_anywhere(&self) -> bool {
        *self == Self::default()
    }
}

/// Where a resource is, as far as that is elsewhere than the stack: *home* is the account of the
/// credentials and the region of the stack.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Another account, twelve digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Another region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
}

impl Place {
    /// Whether it is the stack's own account and region.
    pub fn is_home(&self) -> bool {
        self.account.is_none() && self.region.is_none()
    }

    /// The account and the region it is in, by those that are home.
    pub fn within<'a>(&'a self, (account, region): (&'a str, &'a str)) -> (&'a str, &'a str) {
        (self.account.as_deref().unwrap_or(account), self.region.as_deref().unwrap_or(region))
    }

    /// The account that the ARN of a role leads to; none where it is no such ARN.
    pub fn account_of_role(role: &str) -> Option<&str> {
        let mut pieces = role.splitn(6, ':');
        let mut is = |wanted: &dyn Fn(&str) -> bool| pieces.next().filter(|it| wanted(it));
        is(&|it| it == "arn")?;
        is(&|it| it.starts_with("aws"))?;
        is(&|it| it == "iam")?;
        is(&str::is_empty)?;
        let account = is(&is_account)?;
        is(&|it| it.strip_prefix("role/").is_some_and(|name| !name.is_empty()))?;
        Some(account)
    }
}

/// Whether a text is the number of an account: twelve digits, of which the first may be zero.
pub fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `222222222222`, `eu-central-1`, `222222222222/eu-central-1` or `home`; reads back.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.account, &self.region) {
            (None, None) => f.write_str(HOME),
            (Some(account), None) => f.write_str(account),
            (None, Some(region)) => f.write_str(region),
            (Some(account), Some(region)) => write!(f, "{account}/{region}"),
        }
    }
}

/// A text is not a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a valid place; expected an account, a region or `ACCOUNT/REGION`")]
pub struct NoPlace;

impl FromStr for Place {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let region = |text: &str| (!text.is_empty()).then(|| text.to_owned()).ok_or(NoPlace);
        match text.split_once('/') {
            _ if text == HOME => Ok(Self::default()),
            Some((account, rest)) if is_account(account) => {
                Ok(Self { account: Some(account.to_owned()), region: Some(region(rest)?) })
            }
            Some(_) => Err(NoPlace),
            None if is_account(text) => Ok(Self { account: Some(text.to_owned()), region: None }),
            None => Ok(Self { account: None, region: Some(region(text)?) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_back_as_it_is_written() {
        let some = |text: &str| Some(text.to_owned());
        for account in [None, some("222222222222")] {
            for region in [None, some("eu-central-1")] {
                let place = Place { account: account.clone(), region };
                assert_eq!(place.to_string().parse(), Ok(place.clone()));
                assert_eq!(place.is_home(), place.to_string() == "home");
            }
        }
        for text in ["", "22/eu-west-1", "222222222222/"] {
            assert_eq!(text.parse::<Place>(), Err(NoPlace), "{text}");
        }
    }

    #[test]
    fn what_a_place_does_not_say_is_as_at_home() {
        let region = Place { region: Some("eu-central-1".into()), ..Place::default() };
        assert_eq!(region.within(("1", "eu-west-1")), ("1", "eu-central-1"));
        assert_eq!(Place::default().within(("1", "eu-west-1")), ("1", "eu-west-1"));
    }

    #[test]
    fn a_role_says_which_account_it_leads_to() {
        let account = Place::account_of_role;
        assert_eq!(account("arn:aws:iam::222222222222:role/team/dns"), Some("222222222222"));
        assert_eq!(account("arn:aws-cn:iam::222222222222:role/dns"), Some("222222222222"));
        for no_role in [
            "arn:aws:iam::222222222222:user/dns",
            "arn:aws:iam::222222222222:role/",
            "arn:aws:iam::2222:role/dns",
            "arn:aws:sts::222222222222:role/dns",
            "deploy",
        ] {
            assert_eq!(account(no_role), None, "{no_role}");
        }
    }
}

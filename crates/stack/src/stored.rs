//! Secret values that are kept outside of the stack: in a secret of Secrets Manager, in one key of
//! its JSON, or in a parameter of Systems Manager.

use deployer_core::{Arn, Partition, Text};

/// The longest name of a parameter (`PutParameter` in the Systems Manager API reference).
const LONGEST: usize = 1011;

/// Where a value is kept, as ECS takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    /// What the container definition has as `valueFrom` (ECS developer guide, "Pass sensitive data
    /// to an Amazon ECS container").
    pub(crate) from: String,
    /// What must be readable for it: the ARN of the secret or of the parameter, or the parameter's
    /// name.
    whole: String,
}

/// Something whose value is read when a task starts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Readable {
    /// The ARN of a secret or of a parameter, or the name of a parameter in the stack's region.
    pub(crate) what: Text,
    /// The ARN of the key of KMS that it is encrypted with, where that is not AWS's own.
    pub(crate) key: Option<String>,
}

impl Readable {
    /// Whether it is a parameter of Systems Manager; what a stack makes is a secret.
    pub(crate) fn is_parameter(&self) -> bool {
        let is_arn = |text: &str| Arn::read(text).is_some_and(|arn| arn.service == "ssm");
        self.what.literal().is_some_and(|text| text.starts_with('/') || is_arn(text))
    }
}

impl From<Text> for Readable {
    fn from(what: Text) -> Self {
        Self { what, key: None }
    }
}

/// Why a text is none: what stands beside it, and advice.
pub(crate) type Wrong = (String, String);

impl Stored {
    /// Whether a text means a value outside of the stack at all: an ARN, or the name of a parameter.
    pub(crate) fn is_meant(text: &str) -> bool {
        ["arn:", "/", "ssm:"].iter().any(|begin| text.starts_with(begin))
    }

    /// Reads what is meant to be one.
    pub(crate) fn read(text: &str, region: &str) -> Result<Self, Wrong> {
        match text.strip_prefix("ssm:").filter(|rest| rest.starts_with('/')) {
            Some(name) => Err(("not a form of ECS".to_owned(), format!("write `{name}`"))),
            None if text.starts_with('/') => Self::parameter(text),
            None => Self::of_arn(text, region),
        }
    }

    /// By its name, which is enough where it is in the region of the task (ECS developer guide,
    /// "Pass Systems Manager parameters through Amazon ECS environment variables").
    fn parameter(name: &str) -> Result<Self, Wrong> {
        if Self::is_parameter(name) {
            return Ok(Self { from: name.to_owned(), whole: name.to_owned() });
        }
        let help = match name.strip_suffix("/*") {
            Some(path) if Self::is_parameter(path) => {
                format!(
                    "for all that are right below it write `secrets-from: {name}` of the service"
                )
            }
            _ => "write its whole name, such as `/app/prod/token`".to_owned(),
        };
        Err(("not the name of a parameter".to_owned(), help))
    }

    /// Whether a text is the whole name of a parameter, or what such names begin with.
    pub(crate) fn is_parameter(text: &str) -> bool {
        let is_part = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        let is_level = |level: &str| !level.is_empty() && level.chars().all(is_part);
        let levels = text.strip_prefix('/').filter(|_| text.len() <= LONGEST);
        levels.is_some_and(|levels| levels.split('/').all(is_level))
    }

    fn of_arn(text: &str, region: &str) -> Result<Self, Wrong> {
        let (arn, key) = match text.split_once('#') {
            Some((arn, key)) => (arn, Some(key)),
            None => (text, None),
        };
        let Some(whole) = whole(arn) else {
            let label = match Arn::read(arn) {
                Some(arn) if !["secretsmanager", "ssm"].contains(&arn.service) => {
                    format!("ECS reads no secret from `{}`", arn.service)
                }
                _ => "not the ARN of a secret or of a parameter".to_owned(),
            };
            let partition = Partition::of(region).name();
            let help = format!(
                "write the ARN of a secret, `arn:{partition}:secretsmanager:…:secret:…`, or of a \
                 parameter, `arn:{partition}:ssm:…:parameter/…`"
            );
            return Err((label, help));
        };
        let stored = Self { from: arn.to_owned(), whole: whole.to_owned() };
        match key {
            None => Ok(stored),
            Some(key) => stored.key(key).ok_or_else(|| {
                let label = "only a secret of Secrets Manager has keys, and none is empty";
                (label.to_owned(), format!("write `{whole}`, or one key of a secret, `…#password`"))
            }),
        }
    }

    /// One key of a secret that holds JSON; nothing where it holds none, or is one key already.
    pub(crate) fn key(&self, key: &str) -> Option<Self> {
        let is_key = !key.is_empty() && !key.contains([':', '#']);
        let from = format!("{}:{key}::", self.secret()?);
        is_key.then(|| Self { from, whole: self.whole.clone() })
    }

    /// The ARN of the secret, where it is one of Secrets Manager and meant as a whole.
    pub(crate) fn secret(&self) -> Option<&str> {
        let is_secret = self.from == self.whole && self.service() == "secretsmanager";
        is_secret.then_some(&self.whole)
    }

    /// What must be readable, with the key of KMS that must be used for it.
    pub(crate) fn readable(&self, key: Option<&str>) -> Readable {
        Readable { what: Text::from(self.whole.as_str()), key: key.map(str::to_owned) }
    }

    fn service(&self) -> &str {
        Arn::read(&self.whole).map_or("ssm", |arn| arn.service)
    }
}

/// The ARN of the secret or the parameter itself.
fn whole(source: &str) -> Option<&str> {
    let arn = Arn::read(source)?;
    let begins = source.len() - arn.resource.len();
    let ends = match arn.service {
        // A key of a JSON secret, a stage and a version may follow.
        "secretsmanager" => {
            let name = arn.resource.strip_prefix("secret:").filter(|name| !name.is_empty())?;
            begins + "secret:".len() + name.find(':').unwrap_or(name.len())
        }
        // A version or a label may follow.
        "ssm" => {
            arn.resource.strip_prefix("parameter/").filter(|name| !name.is_empty())?;
            begins + arn.resource.find(':').unwrap_or(arn.resource.len())
        }
        _ => return None,
    };
    source.get(..ends)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop-a1b2c3";

    #[test]
    fn one_key_of_a_secret_is_written_as_ecs_takes_it() {
        let read = |text: &str| Stored::read(text, "eu-west-1").map(|it| (it.from, it.whole));
        let of_key = (format!("{SECRET}:user::"), SECRET.to_owned());
        assert_eq!(read(&format!("{SECRET}#user")), Ok(of_key.clone()));
        assert_eq!(read(&of_key.0), Ok(of_key));
        for wrong in ["#", "#a:b", "#a#b", ":user::#user"] {
            assert!(read(&format!("{SECRET}{wrong}")).is_err(), "{wrong}");
        }
        let parameter = "arn:aws:ssm:eu-west-1:123456789012:parameter/shop/token";
        assert!(read(parameter).is_ok());
        assert!(read(&format!("{parameter}#user")).is_err());
    }

    #[test]
    fn a_parameter_is_named_in_whole() {
        for (name, is_one) in [
            ("/shop/token", true),
            ("/token", true),
            ("/", false),
            ("/shop/", false),
            ("/a b", false),
        ] {
            assert_eq!(Stored::read(name, "eu-west-1").is_ok(), is_one, "{name}");
        }
    }
}

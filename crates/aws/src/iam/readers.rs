//! Which other environments read a secret: a role of theirs may.

use deployer_core::Scope;
use deployer_engine::Result;

use crate::Aws;
use crate::iam::role::details;
use crate::iam::{policy, tags};
use crate::ownership::named_owner;

/// The roles that other environments have made.
pub(crate) struct Readers(Vec<Reader>);

struct Reader {
    /// The environment, as `stack/environment`.
    owner: String,
    name: String,
    /// Its own policies.
    policies: Vec<String>,
}

impl Readers {
    /// Looks at all roles of the account.
    pub(crate) async fn of(aws: &Aws, scope: &Scope) -> Result<Self> {
        let own = format!("{}/{}", scope.stack, scope.environment);
        let roles = details(aws, |_| false).await?.into_iter();
        let readers = roles.filter_map(|role| {
            let owner = named_owner(&tags(role.tags())).filter(|owner| *owner != own)?;
            let policies = role.role_policy_list().iter();
            let policies = policies.filter_map(|it| Some(policy::decoded(it.policy_document()?)));
            let policies = policies.collect();
            Some(Reader { owner, name: role.role_name?, policies })
        });
        Ok(Self(readers.collect()))
    }

    /// Who may read a secret.
    pub(crate) fn reading<'r>(&'r self, secret: &'r str) -> impl Iterator<Item = String> + 'r {
        let quoted = format!("\"{secret}\"");
        let reads = move |reader: &&Reader| reader.policies.iter().any(|it| it.contains(&quoted));
        let said = |Reader { owner, name, .. }: &Reader| {
            format!("the value that {owner} reads by the role {name}")
        };
        self.0.iter().filter(reads).map(said)
    }
}

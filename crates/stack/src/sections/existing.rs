//! What exists already and is named by its tags, or by who made it.

use deployer_core::{Address, Code, Diagnostic, Kind};
use deployer_kinds::Vpc;

use crate::draft::{Draft, owned};
use crate::found::{Sought, Tagged};
use crate::mistakes::listed;

/// What is known of which thing is meant.
pub(crate) enum Named {
    /// Its identifier.
    Known(String),
    /// It is one that nobody has looked for yet.
    Unknown,
    /// There is a mistake in it.
    Wrong,
}

/// The only thing that carries some tags; reports that there is none, or that there are several.
/// `what` is what it is called, and `path` is where the tags are written.
pub(crate) fn only(draft: &mut Draft, tagged: Tagged, what: &str, path: &[&str]) -> Named {
    let Some(ids) = draft.found.carrying(&tagged) else {
        draft.sought.insert(Sought::Tagged(tagged));
        return Named::Unknown;
    };
    let ids: Vec<String> = ids.iter().cloned().collect();
    let (title, label) = match ids.as_slice() {
        [only] => return Named::Known(only.clone()),
        [] => (format!("no {what} has these tags"), "not in this account and region".to_owned()),
        ids => {
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            (format!("{} {what}s have these tags", ids.len()), format!("they are {}", listed(&ids)))
        }
    };
    let help = match (ids.is_empty(), tagged.kind == Vpc::NAME) {
        (false, true) => "write more of its tags, or which one it is: `vpc: vpc-…`",
        (false, false) => "write more of its tags, or which one it is: `arn: arn:…`",
        (true, true) => "`aws ec2 describe-vpcs` shows those that there are, with their tags",
        (true, false) => {
            "`aws resourcegroupstaggingapi get-resources --resource-type-filters \
             elasticloadbalancing:loadbalancer` shows those that there are, with their tags"
        }
    };
    draft.error(Code::UnknownReference, title, path, label, help);
    Named::Wrong
}

/// Who made something; what is left out is as here.
#[derive(Clone, Copy)]
pub(crate) struct Maker<'s> {
    pub(crate) stack: Option<&'s String>,
    pub(crate) environment: Option<&'s String>,
}

/// What an environment has made; reports that there is none that is proven to be its own. `what`
/// says what it is called and which key has its identifier instead, and `at` is where it is named.
pub(crate) fn made_by(
    draft: &mut Draft,
    maker: Maker<'_>,
    address: &Address,
    (what, key): (&str, &str),
    at: &[&str],
) -> Named {
    let maker = (maker.stack, maker.environment);
    let Some((stack, environment)) = draft.host(maker, at, &format!("the {what}")) else {
        return Named::Wrong;
    };
    let (host, there) = (format!("{stack}/{environment}"), &address.name);
    let Some(found) = draft.found.made_by(&stack, &environment) else {
        draft.sought.insert(Sought::Environment { stack, environment });
        return Named::Unknown;
    };
    if let Some(id) = found.made.get(address).and_then(|output| output["id"].as_str()) {
        return Named::Known(id.to_owned());
    }
    let others = found.made.keys().filter(|other| other.kind == address.kind);
    let others: Vec<&str> = others.map(|other| other.name.as_str()).collect();
    let span = draft.key_place(&owned(at));
    let mistake = if let Some(because) = found.doubted.get(address) {
        let title = format!("`{there}` of {host} may be somebody else's");
        let help = format!("`deployer adopt --all` with the file of {host} settles whose it is");
        Diagnostic::error(Code::Disputed, title).at(span, because).help(help)
    } else {
        let title = format!("{host} has no {what} `{there}` in {}", draft.region);
        let help = match others.as_slice() {
            [] => format!("deploy {host} first, or name it by its ARN: `{key}: arn:…`"),
            others => format!("it has {}: write `name:`", listed(others)),
        };
        let label = "looked for in this account and region";
        Diagnostic::error(Code::UnknownReference, title).at(span, label).help(help)
    };
    draft.report(at, mistake);
    Named::Wrong
}

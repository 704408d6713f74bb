//! What exists already and is named by its tags.

use deployer_core::{Code, Kind};
use deployer_kinds::Vpc;

use crate::draft::Draft;
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

//! What `outputs` prints of the sections by itself.

use deployer_core::{Address, Part, Text};

use super::load_balancer;
use crate::draft::Draft;
use crate::sections::Sections;

pub(super) fn expand(draft: &mut Draft, sections: &Sections) {
    let outputs = &mut draft.outputs;
    for (name, body) in &sections.load_balancers {
        let scheme = if load_balancer::ports(body).contains(&443) { "https://" } else { "http://" };
        let url = Text::from_parts([
            Part::Literal(scheme.to_owned()),
            Part::Output { address: Address::new("load-balancer", name), field: "dns".to_owned() },
        ]);
        outputs.insert(format!("{name}-url"), url);
    }
    for name in sections.repositories.keys() {
        let uri = Text::output(Address::new("repository", name), "uri");
        outputs.insert(format!("{name}-repository"), uri);
    }
    for name in sections.databases.keys() {
        let host = Text::output(Address::new("db-instance", name), "host");
        outputs.insert(format!("{name}-host"), host);
    }
}

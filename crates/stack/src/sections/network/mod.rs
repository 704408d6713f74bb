//! The `network` section.

mod acls;
mod body;
mod existing;
mod expand;
mod flow_logs;
mod layout;
mod private_access;
mod ranges;

pub(super) use self::body::Network;
pub(super) use self::ranges::{everything, inside};
use crate::draft::Draft;
use crate::section::{Section, Sections};

impl Section for Network {
    const KEY: &'static str = "network";
    const ABOUT: &'static str = "The network.";
    const IS_NAMED: bool = false;

    fn expand(&self, _name: &str, all: &Sections, draft: &mut Draft) {
        expand::expand(draft, self, all);
    }
}

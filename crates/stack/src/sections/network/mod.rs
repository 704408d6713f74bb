//! The `network` section.

mod body;
mod expand;

pub(super) use self::body::Network;
pub(super) use self::expand::{everything, inside};
use crate::draft::Draft;
use crate::section::{Section, Sections};

impl Section for Network {
    const KEY: &'static str = "network";
    const ABOUT: &'static str = "The network.";
    const IS_NAMED: bool = false;

    fn expand(&self, _name: &str, _all: &Sections, draft: &mut Draft) {
        expand::expand(draft, self);
    }
}

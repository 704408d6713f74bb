//! The `monitoring` section.

mod alarms;
mod body;
mod dashboard;
mod metrics;

use deployer_kinds::{Topic, TopicSpec};

pub(super) use body::Monitoring;

use crate::draft::{Draft, Origin};
use crate::section::{Section, Sections};

impl Section for Monitoring {
    const KEY: &'static str = "monitoring";
    const ABOUT: &'static str = "Alarms, a dashboard, and who hears of them.";
    const IS_NAMED: bool = false;

    fn expand(&self, _name: &str, all: &Sections, draft: &mut Draft) {
        if !self.notify.is_empty() {
            let (urls, emails) = self.notify.iter().cloned().partition(|it| it.contains("://"));
            let fields = &[("emails", "notify"), ("urls", "notify"), ("", "notify")];
            let origin = Origin::new(&[Self::KEY], fields);
            draft.make::<Topic>(alarms::TOPIC, &TopicSpec { emails, urls }, origin);
        }
        let alarms = alarms::expand(self, all, draft);
        if self.dashboard {
            dashboard::expand(&alarms, all, draft);
        }
    }
}

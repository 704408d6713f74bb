//! What can only be seen with all resources together: one question a file.

mod alarms;
mod cycles;
mod guests;
mod names;
mod places;
mod problems;
mod queues;
mod ranges;
mod references;
mod replicas;
mod room;
mod zones;

use deployer_core::Kinds;

use crate::draft::Draft;

/// Checks all resources together.
pub(crate) fn check(draft: &mut Draft, kinds: &Kinds) {
    problems::problems(draft, kinds);
    references::named_in_resources(draft, kinds);
    references::asked_outputs(draft, kinds);
    ranges::subnet_ranges(draft);
    zones::zones(draft);
    guests::guests(draft);
    room::room(draft);
    alarms::alarms(draft);
    cycles::cycles(draft);
    names::names(draft, kinds);
    places::places(draft, kinds);
    replicas::replicas(draft);
    queues::queues(draft);
}

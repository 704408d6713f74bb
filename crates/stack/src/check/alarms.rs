//! Whether the alarms that take rollouts back are there, and can be there before their services.

use deployer_core::{Code, Diagnostic, Kind, references};
use deployer_kinds::{Alarm, Service};

use crate::draft::Draft;
use crate::mistakes::suggestion;

/// Reports alarms that there are none of, and those that measure what their service reports: ECS wants
/// an alarm before the service, which CloudWatch knows by the service's name.
pub(super) fn alarms(draft: &mut Draft) {
    let mut wrong = Vec::new();
    for (address, made) in draft.made.iter().filter(|(it, _)| it.kind == Service::NAME) {
        for alarm in references(&made.spec["alarms"]) {
            let path = made.origin.path("alarms");
            let Some(of) = draft.made.get(&alarm) else {
                if !draft.may_be_unread(&alarm) {
                    let names = draft.made.keys().filter(|it| it.kind == Alarm::NAME);
                    let names = names.map(|it| it.name.as_str()).collect::<Vec<_>>();
                    let help = match names.as_slice() {
                        [] => "add `monitoring: {}`, which has alarms of every service".to_owned(),
                        names => suggestion(&alarm.name, names.iter().copied()),
                    };
                    let title = format!("there is no alarm `{}`", alarm.name);
                    wrong.push((path, title, "names nothing", help));
                }
                continue;
            };
            if references(&of.spec).contains(address) {
                let title = format!("`{}` measures the service that it is to guard", alarm.name);
                let help = "name an alarm on its requests, such as `5xx` or `latency`";
                wrong.push((path, title, "there only after the service", help.to_owned()));
            }
        }
    }
    for (path, title, label, help) in wrong {
        let span = draft.place(&path);
        let mistake = Diagnostic::error(Code::UnknownReference, title);
        draft.mistakes.push(mistake.at(span, label).help(help));
    }
}

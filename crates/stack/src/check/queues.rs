//! Whether dead-letter queues take what queues are to put there.

use deployer_core::{Code, Diagnostic, references};

use crate::draft::Draft;

/// Dead letters of a FIFO queue go to one, and those of others to none ("Amazon SQS dead-letter
/// queues" in the SQS developer guide); and to none that says it takes none.
pub(super) fn queues(draft: &mut Draft) {
    let queues = draft.made.iter().filter(|(address, _)| address.kind == "queue");
    let mut mistakes = Vec::new();
    for (address, made) in queues {
        let dead = made.spec.get("dead-letters").map(references).unwrap_or_default();
        let dead = dead.into_iter().find_map(|dead| Some((draft.made.get(&dead)?, dead)));
        let Some((taker, dead)) = dead else { continue };
        let is_fifo = made.spec["fifo"] == true;
        let (title, help) = if is_fifo != (taker.spec["fifo"] == true) {
            let (one, other) = if is_fifo { ("a FIFO", "is none") } else { ("no FIFO", "is one") };
            let title =
                format!("{address} is {one} queue, and its dead-letter queue {dead} {other}");
            (title, "make both of one type: `fifo: true` for both or for none")
        } else if taker.spec["redrive-allow"] == "none" {
            let title = format!("{dead} takes no dead letters, and {address} would put some there");
            (title, "write `redrive-allow: all` there")
        } else {
            continue;
        };
        let place = draft.place(&made.origin.path("dead-letters"));
        let mistake = Diagnostic::error(Code::BadValue, title);
        mistakes.push(mistake.at(place, format!("of {address}")).help(help));
    }
    for mistake in mistakes {
        draft.mistakes.push(mistake);
    }
}

//! What is in a queue, and in its dead-letter queue.

use aws_sdk_sqs::types::QueueAttributeName as Name;
use deployer_engine::{Checks, Finding, Found, Result, Stage, Unit, Vital, Vitals};
use deployer_kinds::Queue;
use jiff::Timestamp;

use crate::Aws;
use crate::send::unless_gone;
use crate::sqs::{self, Attributes, attributes, named};

impl Vitals<Aws> for Queue {
    /// How many messages wait, which SQS knows to within a minute (`GetQueueAttributes` in its API
    /// reference).
    async fn vitals(aws: &Aws, live: &Found<Self>, _now: &Timestamp) -> Result<Vec<Vital>> {
        let attributes = attributes(aws, &live.output.url).await?;
        let vital =
            |name: &Name, what| Some(Vital::new(what, count(&attributes, name)?, Unit::Count));
        let waiting = vital(&Name::ApproximateNumberOfMessages, "messages waiting");
        let taken = vital(&Name::ApproximateNumberOfMessagesNotVisible, "being worked on");
        let dead = dead_letters(aws, live)
            .await?
            .map(|dead| Vital::new("dead letters", dead, Unit::Count).bad_if(dead > 0.0));
        Ok(waiting.into_iter().chain(taken).chain(dead).collect())
    }
}

impl Checks<Aws> for Queue {
    async fn findings(aws: &Aws, live: &Found<Self>) -> Result<Vec<Finding>> {
        let dead = dead_letters(aws, live).await?.filter(|dead| *dead > 0.0);
        let queue = live.spec.dead_letters.as_ref().and_then(|it| it.queue.known());
        let Some((dead, queue)) = dead.zip(queue) else { return Ok(Vec::new()) };
        let name = &live.badge.name;
        let problem = match dead {
            1.0 => format!("nobody could handle a message of the queue `{name}`"),
            _ => format!("nobody could handle {dead} messages of the queue `{name}`"),
        };
        let help = format!(
            "the logs of who receives them may say why; once that is mended, `aws sqs \
             start-message-move-task --source-arn {queue}` puts them back"
        );
        let details = format!("they are in {}", named(queue));
        Ok(vec![Finding::new(Stage::Data, problem, help).because([details])])
    }
}

/// How many messages are in the dead-letter queue; none where there is no such queue.
async fn dead_letters(aws: &Aws, live: &Found<Queue>) -> Result<Option<f64>> {
    let Some(dead) = live.spec.dead_letters.as_ref().and_then(|it| it.queue.known()) else {
        return Ok(None);
    };
    let Some(url) = sqs::url(aws, named(dead)).await? else { return Ok(None) };
    let attributes = unless_gone(attributes(aws, &url).await)?;
    Ok(attributes.and_then(|it| count(&it, &Name::ApproximateNumberOfMessages)))
}

fn count(attributes: &Attributes, name: &Name) -> Option<f64> {
    attributes.get(name)?.parse().ok()
}

//! `deployer doctor`: what is wrong, in the order of the way of a request.

use std::sync::Arc;

use deployer_core::{Failure, Live, Plan, Snapshot};
use deployer_engine::{Diagnosis, Finding, Look, Places, Stage, diagnose};
use schemars::JsonSchema;
use serde::Serialize;

use crate::answer::{Answer, Form, Page, document};
use crate::args::{StackArgs, TargetArgs};
use crate::command::Command;
use crate::exit::{Error, Exit};
use crate::masking::said;
use crate::render::{self, Drift};
use crate::session::Session;
use crate::wire::document::Position;
use crate::wire::error::Failure as Unread;
use crate::world::Connect;

/// How many resources are named of those that are not as the stack has them.
const NAMED: usize = 5;

/// What `doctor` takes.
#[derive(Debug, clap::Args)]
#[command(
    about = "Say what is wrong, and what to type",
    long_about = "Say what is wrong, and what to type.\n\n\
        It goes the way of a request: what is there at all, names and certificates, load balancers, \
        targets and their checks, tasks and why they stopped with the end of their log, rollouts, \
        databases, alarms. What comes first is often why the rest is. Nothing is changed. Exits with \
        3 when something is wrong, and with 1 when some of it could not be looked at and nothing \
        else is.",
    after_long_help = "\
Examples:
  deployer doctor --env prod
  deployer doctor --env prod --json"
)]
pub(crate) struct Args {
    #[command(flatten)]
    stack: StackArgs,
}

impl Command for Args {
    const FORM: Form = Form::Document(document::<Report>);

    /// Looks at what is there, and asks each part what is wrong with it.
    async fn run<W: Connect>(self, session: &mut Session<'_, W>) -> Result<Exit, Error> {
        let (connected, snapshot, mut wrong) = self.seen(session).await?;
        let registry = session.world.registry();
        let asking = diagnose(&registry, &connected, &snapshot.lives, &snapshot.roles);
        let diagnoses = session.unless_cancelled(asking).await?;
        let mut unread: Vec<(&Live, Failure)> = Vec::new();
        for Diagnosis { live, findings } in diagnoses {
            match findings {
                Ok(findings) => {
                    let of = Some(Position::of(&live.address, &live.place));
                    wrong.extend(findings.into_iter().map(|it| Wrong::new(of.clone(), it)));
                }
                Err(failure) => unread.push((live, failure)),
            }
        }
        wrong.sort_by_key(|it| it.stage);
        let report = Report {
            scope: snapshot.scope.to_string(),
            account: snapshot.account.clone(),
            region: snapshot.region.clone(),
            findings: wrong,
            unread: unread.iter().map(|(_, failure)| failure.into()).collect(),
        };
        session.answer(&report);
        for (live, failure) in &unread {
            let about = render::located(&live.address, &live.place);
            session.note(&render::without(failure, &about, &session.err, session.margin()));
        }
        session.note(&render::unseen(&snapshot.unseen, &session.err, session.margin()));
        Ok(match (report.findings.is_empty(), unread.is_empty() && snapshot.unseen.is_empty()) {
            (false, _) => Exit::Pending,
            (true, false) => Exit::Wrong,
            (true, true) => Exit::Done,
        })
    }
}

/// An environment as it was seen, and what is wrong with that alone.
type Seen<C> = (Arc<Places<C>>, Snapshot, Vec<Wrong>);

impl Args {
    /// What is there, beside what the stack wants where that is right: a stack with mistakes keeps
    /// nobody from looking.
    async fn seen<W: Connect>(&self, session: &Session<'_, W>) -> Result<Seen<W::Cloud>, Error> {
        let environment = session.locate(&self.stack)?;
        if environment.project.is_none() {
            let known = session.seen(&environment).await?;
            let problem = "the stack has mistakes: it is not compared with what is there";
            let finding = Finding::new(Stage::Stack, problem, "`deployer plan` shows them");
            let wrong = vec![Wrong::new(None, finding)];
            return Ok((known.connected, known.snapshot, wrong));
        }
        let (project, connected, snapshot) = session.look(&self.stack, Some(Look::Quick)).await?;
        // What is not done needs no permission.
        let unprotect = snapshot.lives.iter().map(|live| live.address.clone()).collect();
        let targets = TargetArgs { unprotect, ..TargetArgs::default() };
        let plan = session.plan(Some(&project), &project.stack, &snapshot, &targets);
        // What cannot be planned is said by `plan`.
        let wrong = plan.map(|plan| differing(&plan, &snapshot)).unwrap_or_default();
        let wrong = wrong.into_iter().map(|finding| Wrong::new(None, finding)).collect();
        Ok((connected, snapshot, wrong))
    }
}

/// What is not there, and what somebody has changed: often why something else does not work.
fn differing(plan: &Plan, snapshot: &Snapshot) -> Vec<Finding> {
    if snapshot.lives.is_empty() {
        let problem = format!("nothing of {} is there", snapshot.scope);
        return vec![Finding::new(Stage::Stack, problem, "`deployer apply` makes it")];
    }
    let Drift { missing, changed, .. } = Drift::of(plan, snapshot);
    let mut findings = Vec::new();
    if !missing.is_empty() {
        let (problem, help) = match missing.len() {
            1 => ("a resource of the stack is not there".to_owned(), "`deployer apply` makes it"),
            count => (
                format!("{count} resources of the stack are not there"),
                "`deployer apply` makes them",
            ),
        };
        let names = missing.iter().map(|address| vec![address.to_string()]);
        findings.push(Finding::new(Stage::Stack, problem, help).because(listed(names)));
    }
    if !changed.is_empty() {
        let problem = "somebody has changed something outside";
        let help = "`deployer apply` puts it back as it was given: before the arrow";
        let fields = changed.iter().map(|(address, fields)| render::drifted(address, fields));
        findings.push(Finding::new(Stage::Stack, problem, help).because(listed(fields)));
    }
    findings
}

/// The lines of the first few of all that there are, and how many more there are.
fn listed(all: impl ExactSizeIterator<Item = Vec<String>>) -> Vec<String> {
    let more = all.len().saturating_sub(NAMED);
    let more = (more > 0).then(|| format!("and {more} more"));
    all.take(NAMED).flatten().chain(more).collect()
}

/// What is wrong in an environment.
#[derive(Clone, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
struct Report {
    /// The stack and the environment.
    scope: String,
    /// The account, twelve digits.
    account: String,
    /// The region.
    region: String,
    /// What is wrong, in the order of the way of a request.
    findings: Vec<Wrong>,
    /// Why some of it could not be looked at.
    unread: Vec<Unread>,
}

/// Something that is wrong.
#[derive(Clone, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
struct Wrong {
    /// Whose it is; none for what is about several.
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<Position>,
    /// Where it is on the way of a request.
    stage: Stage,
    /// What is wrong, in a line.
    problem: String,
    /// What is known of it.
    details: Vec<String>,
    /// What to do, or to type.
    help: String,
}

impl Wrong {
    /// One as it is shown: without what is plainly secret in the end of a log.
    fn new(resource: Option<Position>, finding: Finding) -> Self {
        let Finding { stage, problem, details, help } = finding;
        let details = details.iter().map(|line| said(line)).collect();
        Self { resource, stage, problem: said(&problem), details, help }
    }
}

impl Answer for Report {
    type Wire = Self;

    fn wire(&self) -> Self {
        self.clone()
    }

    fn text(&self, page: &Page) -> String {
        let theme = &page.theme;
        let title = theme.strong.style(format!("{} in {}", self.scope, self.region));
        if self.findings.is_empty() {
            let few = if self.unread.is_empty() { "nothing is wrong" } else { "nothing was found" };
            return format!("{title}: {}\n", theme.good.style(few));
        }
        let count = match self.findings.len() {
            1 => "one thing is wrong".to_owned(),
            count => format!("{count} things are wrong, the first perhaps why"),
        };
        let mut text = format!("{title}: {}\n", theme.bad.style(count));
        for wrong in &self.findings {
            text.push('\n');
            text.push_str(&render::finding(&wrong.problem, &wrong.details, &wrong.help, page));
        }
        text
    }
}

//! Running a plan with somebody watching, and asking beforehand.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::{self, BufRead};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use deployer_core::{Action, Plan, Snapshot};
use deployer_engine::{Journal, Outcome as Ended, Places, execute};
use serde_json::Value;
use tokio::time::Instant;

use crate::exit::{Error, Exit, Refusal};
use crate::masking::masked_event;
use crate::provenance;
use crate::render::{self, Detail};
use crate::report::{Human, Json, Plain, Reporter};
use crate::session::Session;
use crate::wire::run::{Outcome, RunLine};
use crate::world::Connect;

/// How often the board moves on though nothing happened.
const TICK: Duration = Duration::from_millis(100);

impl<W: Connect> Session<'_, W> {
    /// Shows a plan to the person who confirms it.
    pub(crate) fn show(&self, plan: &Plan, detail: Detail) {
        self.note(&render::plan(plan, detail, &self.err, self.margin()));
    }

    /// Asks, and gives what was typed; refuses when nobody is there to answer.
    pub(crate) async fn ask(
        &mut self,
        question: &str,
        unattended: &'static str,
    ) -> Result<String, Error> {
        if !self.is_attended() {
            Err(Refusal::Unattended { help: unattended })?;
        }
        let cancel = self.cancel.clone();
        let answer = tokio::select! {
            biased;
            () = cancel.cancelled() => None,
            answer = self.typed(question) => Some(answer),
        };
        answer.ok_or_else(|| {
            self.note("\n");
            Error::Interrupted
        })
    }

    /// Whether somebody is there to answer a question.
    pub(crate) fn is_attended(&self) -> bool {
        self.terminal.is_interactive && !self.is_json
    }

    /// Asks, and gives what was typed, nothing at the end of the input. A signal does not end it:
    /// that is for who asks, and a second one ends the process.
    pub(crate) async fn typed(&mut self, question: &str) -> String {
        self.note(&format!("\n{} ", self.err.strong.style(question)));
        let input = std::mem::replace(&mut self.terminal.input, Box::new(io::empty()));
        let (sender, receiver) = tokio::sync::oneshot::channel();
        // A thread of its own: a line that is never typed must not hold up the end of the process.
        thread::spawn(move || sender.send(read_line(input)));
        let typed = receiver.await;
        let (line, input) = typed.unwrap_or_else(|_| (String::new(), Box::new(io::empty())));
        self.terminal.input = input;
        line.trim().to_owned()
    }

    /// Asks for a yes.
    pub(crate) async fn confirm(
        &mut self,
        question: &str,
        unattended: &'static str,
    ) -> Result<(), Error> {
        let answer = self.ask(&format!("{question} [y/N]"), unattended).await?;
        match answer.to_lowercase().as_str() {
            "y" | "yes" => Ok(()),
            _ => Err(Refusal::Declined.into()),
        }
    }

    /// Asks whether what carries our signature is ours after all, where the record that says so is
    /// lost. Somebody has to look: nobody's `--yes` was given for this.
    pub(crate) async fn confirm_ours(
        &mut self,
        snapshot: &Snapshot,
        is_unattended: bool,
    ) -> Result<(), Error> {
        let ours: Vec<String> = snapshot
            .unconfirmed()
            .map(|live| format!("  {}  {}\n", live.address, live.id()))
            .collect();
        if ours.is_empty() {
            return Ok(());
        }
        let refusal = || Refusal::Unconfirmed { scope: snapshot.scope.clone(), count: ours.len() };
        if is_unattended || !self.is_attended() {
            return Err(refusal().into());
        }
        self.note(&format!(
            "The record of what {} has made is lost. These carry its signature:\n\n{}",
            snapshot.scope,
            ours.concat()
        ));
        self.confirm("Are all of them this environment's?", "run it where somebody can answer")
            .await
    }

    /// Runs a plan and shows what happens. What an interrupted run leaves under way is noted, to be
    /// asked about once the lock is released.
    ///
    /// # Errors
    /// When what is about to be made cannot be written down; nothing was begun then.
    pub(crate) async fn perform(
        &mut self,
        connected: &Arc<Places<W::Cloud>>,
        journal: &Arc<Journal<W::Cloud>>,
        plan: &Plan,
    ) -> Result<Ended, Error> {
        let registry = Arc::new(self.world.registry());
        self.sign(connected, journal, plan).await?;
        let beginning = journal.begin(plan, &registry);
        self.unless_cancelled(beginning).await?.map_err(|failure| Error::Cloud(vec![failure]))?;
        self.note("\n");
        let reporter = RefCell::new(self.reporter(plan));
        let began = Instant::now();
        let mut report = |event: &_| reporter.borrow_mut().event(&masked_event(event));
        let (places, journal) = (Arc::clone(connected), Arc::clone(journal));
        let outcome = {
            let cancel = self.cancel.clone();
            let running = execute(registry, places, journal, plan, cancel, &mut report);
            tokio::select! {
                biased;
                outcome = running => outcome,
                never = tick(&reporter, began) => match never {},
            }
        };
        reporter.into_inner().finish();
        let end = render::outcome(plan, &outcome, &self.err, self.margin());
        self.note(&format!("\n{end}"));
        self.leave(plan, &outcome);
        Ok(outcome)
    }

    /// Takes down who makes the releases of a plan. Where nobody says, nothing is worse.
    async fn sign(
        &self,
        connected: &Places<W::Cloud>,
        journal: &Journal<W::Cloud>,
        plan: &Plan,
    ) -> Result<(), Error> {
        let registry = self.world.registry();
        let mut creates = plan.steps.iter().filter(|step| step.action == Action::Create);
        if creates.any(|step| registry.versions(&step.address.kind).is_some()) {
            let caller = self.world.caller(connected.cloud());
            if let Ok(caller) = self.unless_cancelled(caller).await? {
                journal.made_by(caller);
            }
        }
        Ok(())
    }

    /// Takes down where the releases of a run come from that are made of what is in a folder.
    pub(crate) fn trace(&self, journal: &Journal<W::Cloud>, folder: &Path) {
        journal.comes_from(provenance::of(folder, &self.terminal.environment));
    }

    /// The same of a run that makes releases of earlier ones.
    pub(crate) fn trace_run(&self, journal: &Journal<W::Cloud>) {
        journal.comes_from(provenance::of_run(&self.terminal.environment));
    }

    /// Prints the result of a run for machines.
    pub(crate) fn conclude(
        &self,
        plan: &Plan,
        outcome: &Ended,
        outputs: &BTreeMap<String, Value>,
    ) -> Exit {
        let exit = exit_of(plan, outcome);
        self.line(RunLine::Result(Box::new(Outcome::of(plan, outcome, exit.code(), outputs))));
        exit
    }

    fn reporter<'p>(&self, plan: &'p Plan) -> Box<dyn Reporter + 'p> {
        let terminal = &self.terminal;
        let stderr = terminal.stderr.clone();
        if self.is_json {
            Box::new(Json::new(plan, terminal.stdout.clone()))
        } else if stderr.is_terminal && !self.is_verbose && terminal.takes_a_board() {
            Box::new(Human::new(plan, self.err, stderr, terminal.width, terminal.height))
        } else {
            Box::new(Plain::new(plan, self.err, stderr))
        }
    }
}

/// The exit code that the end of a run leads to.
pub(crate) fn exit_of(plan: &Plan, outcome: &Ended) -> Exit {
    if outcome.is_success() {
        whole(plan)
    } else if outcome.interrupted {
        Exit::Interrupted
    } else {
        Exit::Failed
    }
}

/// The exit code of a plan of which all was done that can be.
pub(crate) fn whole(plan: &Plan) -> Exit {
    if plan.is_whole() { Exit::Done } else { Exit::Refused }
}

/// Moves the board on for as long as the run lasts.
async fn tick(reporter: &RefCell<Box<dyn Reporter + '_>>, began: Instant) -> Infallible {
    let mut ticks = tokio::time::interval_at(began + TICK, TICK);
    loop {
        ticks.tick().await;
        reporter.borrow_mut().tick(began.elapsed());
    }
}

type Input = Box<dyn BufRead + Send>;

fn read_line(mut input: Input) -> (String, Input) {
    let mut line = String::new();
    // Input that cannot be read is no confirmation.
    if input.read_line(&mut line).is_err() {
        line.clear();
    }
    (line, input)
}

//! Kills the binary at every call it makes, and looks whether the next run puts everything right.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::{Lab, Ran, after_script, deployer, finish, signal, wait_until};

/// What the stacks have their domains in.
const ZONE: &str = "example.com";

/// When the process is killed, as seen from one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The call has been sent and takes no effect.
    Before,
    /// It has taken effect, and there is no reply.
    After,
    /// The reply has been sent.
    Replied,
}

impl Moment {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Before, Self::After, Self::Replied];

    fn word(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
            Self::Replied => "replied",
        }
    }
}

/// What the process is doing when it is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scenario {
    /// Bringing the stack up from nothing.
    Apply,
    /// The same, and taking down what there is instead of going on.
    Abandon,
    /// Changing something of every section in place.
    Update,
    /// Making things anew.
    Replace,
    /// Publishing another image.
    Publish,
    /// Taking the stack down.
    Destroy,
    /// Bringing back the release before.
    Rollback,
    /// Replacing the tasks of a service.
    Restart,
    /// Running a command of a service.
    Run,
}

impl Scenario {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Apply,
        Self::Abandon,
        Self::Update,
        Self::Replace,
        Self::Publish,
        Self::Destroy,
        Self::Rollback,
        Self::Restart,
        Self::Run,
    ];
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Apply => "apply",
            Self::Abandon => "abandon",
            Self::Update => "update",
            Self::Replace => "replace",
            Self::Publish => "publish",
            Self::Destroy => "destroy",
            Self::Rollback => "rollback",
            Self::Restart => "restart",
            Self::Run => "run",
        })
    }
}

/// The stack in each of the states that a scenario leads to.
#[derive(Clone, Debug)]
pub struct Stacks {
    /// The stack.
    pub base: PathBuf,
    /// The same for each scenario that leads elsewhere, or goes back from there; one that is missing
    /// cannot be played.
    pub changed: BTreeMap<Scenario, PathBuf>,
    /// The environment.
    pub environment: String,
    /// A stack that the others are guests of; it is there before them and outlives them.
    pub host: Option<PathBuf>,
    /// The service that is gone back with, restarted and run by hand.
    pub service: Option<String>,
}

impl Stacks {
    /// A stack whose domains, network and alarms are all that it has.
    pub fn public() -> Self {
        let base = "tests/stacks/public.yaml".into();
        let changed = (Scenario::Update, PathBuf::from("tests/stacks/crash/public.yaml"));
        Self {
            base,
            changed: [changed].into(),
            environment: "default".to_owned(),
            host: None,
            service: None,
        }
    }

    /// A stack with jobs and sidecars, in the network and behind the load balancer of another one.
    pub fn guest() -> Self {
        let changed = (Scenario::Update, PathBuf::from("tests/stacks/crash/guest.yaml"));
        Self {
            base: "tests/stacks/guest.yaml".into(),
            changed: [changed].into(),
            environment: "default".to_owned(),
            host: Some("tests/stacks/crash/host.yaml".into()),
            service: None,
        }
    }

    /// A stack with a database that is read elsewhere as well.
    pub fn replica() -> Self {
        let changed = (Scenario::Update, PathBuf::from("tests/stacks/crash/replica.yaml"));
        Self {
            base: "tests/stacks/replica.yaml".into(),
            changed: [changed].into(),
            environment: "default".to_owned(),
            host: None,
            service: None,
        }
    }

    /// A service that is gone back with, restarted and run by hand.
    pub fn operated() -> Self {
        let changed = (Scenario::Rollback, PathBuf::from("tests/stacks/crash/released.yaml"));
        Self {
            base: "tests/stacks/web.yaml".into(),
            changed: [changed].into(),
            environment: "default".to_owned(),
            host: None,
            service: Some("web".to_owned()),
        }
    }

    /// The sample stack.
    pub fn sample() -> Self {
        let changed = |name: &str| PathBuf::from(format!("tests/stacks/crash/{name}.yaml"));
        Self {
            base: "stacks/notes.yaml".into(),
            changed: BTreeMap::from([
                (Scenario::Update, changed("updated")),
                (Scenario::Replace, changed("replaced")),
                (Scenario::Publish, changed("published")),
            ]),
            environment: "dev".to_owned(),
            host: None,
            service: None,
        }
    }
}

/// What came of one kill.
#[derive(Clone, Debug, Default)]
pub struct Point {
    /// Whether the process had ended before it made that call.
    pub is_beyond: bool,
    /// What was not as it should be; nothing when it converged.
    pub wrong: Vec<String>,
    /// How many changing calls were made beyond those of an undisturbed run.
    pub extra: i64,
}

/// One lab in which one scenario is played again and again.
pub struct Stage {
    lab: Lab,
    stacks: Stacks,
    scenario: Scenario,
    /// The calls of an undisturbed run.
    pub calls: usize,
    changing: i64,
    /// What is there beside the stack, and stays.
    beside: BTreeSet<String>,
    /// Whether the stack is in the state that the scenario leads to rather than in the base.
    is_changed: bool,
}

impl Stage {
    /// Plays the scenario undisturbed, to learn how many calls it makes.
    ///
    /// # Panics
    /// When it does not succeed.
    pub fn set(scenario: Scenario, stacks: Stacks) -> Self {
        let mut stage = Self {
            lab: Lab::start_hollow(),
            stacks,
            scenario,
            calls: 0,
            changing: 0,
            beside: BTreeSet::new(),
            is_changed: false,
        };
        stage.furnish();
        // The first run in an account makes what every later one finds, such as linked roles.
        for _ in 0..2 {
            stage.rewind();
            stage.lab.reset_calls();
            let arguments = stage.command();
            stage.run(&arguments).expect(0);
            stage.calls = count(&stage.lab.calls()["total"]);
            if scenario == Scenario::Abandon {
                stage.run(&stage.following()).expect(0);
            }
            stage.changing = stage.changing_calls();
            stage.is_changed = true;
            if scenario == Scenario::Apply {
                stage.end();
            }
        }
        stage
    }

    /// Makes what is there before the stack.
    fn furnish(&mut self) {
        self.lab.hosted_zone(ZONE);
        if let Some(host) = &self.stacks.host {
            self.run(&self.arguments("apply", host, &["--yes"])).expect(0);
        }
        self.beside = self.lab.everything().into_iter().collect();
    }

    /// What is there beyond what was there before the stack, and what of that is gone.
    fn strays(&self) -> Vec<String> {
        let there: BTreeSet<String> = self.lab.everything().into_iter().collect();
        let orphans = there.difference(&self.beside).map(|it| format!("orphan: {it}"));
        orphans.chain(self.losses(&there)).collect()
    }

    /// What was there before the stack and is gone.
    fn losses<'a>(&'a self, there: &'a BTreeSet<String>) -> impl Iterator<Item = String> + 'a {
        self.beside.difference(there).map(|it| format!("gone: {it}"))
    }

    /// Kills the process at the n-th call, counted from 1, runs what follows, and looks.
    pub fn play(&mut self, nth: usize, moment: Moment) -> Point {
        self.rewind();
        self.lab.reset_calls();
        let is_beyond = !self.kill_at(nth, moment);
        let again = self.run(&self.following());
        let extra = self.changing_calls() - self.changing;
        self.is_changed = true;
        let mut wrong = self.faults_of(&again);
        if self.scenario == Scenario::Apply || !wrong.is_empty() {
            wrong.extend(self.end());
        }
        Point { is_beyond, wrong, extra }
    }

    /// Destroys what is there; gives what is left.
    pub fn end(&mut self) -> Vec<String> {
        let base = self.stacks.base.clone();
        if self.is_changed && !self.ends_with_nothing() {
            // The base keeps nothing on purpose; if it does not come about, the destroy shows it.
            self.run(&self.arguments("apply", &base, &["--yes"]));
        }
        let ended = self.run(&self.arguments("destroy", &base, &["--yes"]));
        self.is_changed = false;
        let mut wrong = Vec::new();
        if ended.code != Some(0) {
            wrong.push(format!("destroy ended with {:?}: {}", ended.code, ended.stderr));
        }
        wrong.extend(self.strays());
        if !wrong.is_empty() {
            self.lab.reset();
            self.furnish();
        }
        wrong
    }

    /// Brings the stack into the state that the scenario begins with.
    fn rewind(&mut self) {
        let base = self.stacks.base.clone();
        match self.scenario {
            Scenario::Apply | Scenario::Abandon => {}
            Scenario::Rollback => {
                self.run(&self.arguments("apply", &base, &["--yes"])).expect(0);
                let released = self.stacks.changed.get(&self.scenario).expect("another release");
                self.run(&self.arguments("publish", released, &["--yes"])).expect(0);
            }
            Scenario::Publish if self.is_changed => {
                self.run(&self.arguments("publish", &base, &["--yes"])).expect(0);
            }
            _ => {
                self.run(&self.arguments("apply", &base, &["--yes"])).expect(0);
            }
        }
        self.is_changed = false;
    }

    /// What the process that is killed does.
    fn command(&self) -> Vec<String> {
        let verb = match self.scenario {
            Scenario::Apply | Scenario::Abandon | Scenario::Update | Scenario::Replace => "apply",
            Scenario::Publish => "publish",
            Scenario::Destroy => "destroy",
            Scenario::Rollback => return self.operation("rollback", &["--yes"]),
            Scenario::Restart => return self.operation("restart", &[]),
            Scenario::Run => return self.operation("run", &["--", "true"]),
        };
        self.arguments(verb, self.goal(), &["--yes"])
    }

    /// What is done after that.
    fn following(&self) -> Vec<String> {
        match self.scenario {
            Scenario::Abandon => self.arguments("destroy", &self.stacks.base, &["--yes"]),
            _ => self.command(),
        }
    }

    /// Whether nothing is to be there afterwards.
    fn ends_with_nothing(&self) -> bool {
        matches!(self.scenario, Scenario::Abandon | Scenario::Destroy)
    }

    /// A command for the service.
    fn operation(&self, verb: &str, more: &[&str]) -> Vec<String> {
        let service = self.stacks.service.as_deref().expect("a service");
        self.arguments(verb, &self.stacks.base, &[&[service], more].concat())
    }

    /// The stack whose plan is empty afterwards.
    fn goal(&self) -> &Path {
        if self.scenario == Scenario::Rollback {
            return &self.stacks.base;
        }
        self.stacks.changed.get(&self.scenario).unwrap_or(&self.stacks.base)
    }

    fn arguments(&self, verb: &str, stack: &Path, more: &[&str]) -> Vec<String> {
        let stack = stack.display().to_string();
        let place = [verb, "--file", &stack, "--env", &self.stacks.environment];
        place.iter().chain(more).map(ToString::to_string).collect()
    }

    fn run(&self, arguments: &[String]) -> Ran {
        finish(&mut self.deployer(arguments))
    }

    fn deployer(&self, arguments: &[String]) -> Command {
        deployer(&self.lab, &arguments.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Runs the command and has the lab kill it. Gives whether it was killed.
    fn kill_at(&self, nth: usize, moment: Moment) -> bool {
        let arguments = self.command();
        let mut child = begin_stopped(&self.deployer(&arguments));
        let kill = json!({
            "kind": "kill", "match": "*", "nth": nth, "when": moment.word(), "pid": child.id(),
        });
        self.lab.fault(&kill);
        signal("-CONT", &child);
        let status = child.wait().expect("it is our child");
        self.lab.clear_faults();
        status.code().is_none()
    }

    /// What is not as it should be after the run that followed the kill.
    fn faults_of(&self, again: &Ran) -> Vec<String> {
        let mut wrong = Vec::new();
        if again.code != Some(0) {
            wrong.push(format!("the next run ended with {:?}: {}", again.code, again.stderr));
        }
        if self.ends_with_nothing() {
            wrong.extend(self.strays());
            return wrong;
        }
        let plan = self.run(&self.arguments("plan", self.goal(), &["--check"]));
        if plan.code != Some(0) {
            wrong.push(format!("the plan is not empty: {}{}", plan.stdout, plan.stderr));
        }
        wrong.extend(self.lab.twins().into_iter().map(|twin| format!("duplicate: {twin}")));
        wrong.extend(self.losses(&self.lab.everything().into_iter().collect()));
        wrong
    }

    fn changing_calls(&self) -> i64 {
        self.lab.changes().values().sum()
    }
}

fn count(value: &serde_json::Value) -> usize {
    value.as_u64().and_then(|count| usize::try_from(count).ok()).expect("the lab counts calls")
}

/// Starts a command that stops before its first instruction, so that its process is known before
/// it does anything.
fn begin_stopped(command: &Command) -> Child {
    let mut stopped = after_script("kill -STOP $$", command);
    let child = stopped
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("there is a shell");
    wait_until("the shell stops", || is_stopped(&child));
    child
}

fn is_stopped(child: &Child) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap_or_default();
    status.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
}

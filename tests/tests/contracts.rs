//! What every kind promises, run over the list of kinds against the lab.
//!
//! `contracts/<kind>.yaml` has the resource `subject` and one environment for each field of its
//! spec, which changes that field alone. For each kind: after a create the plan is empty; each
//! field gives the verb of its change rule, and then an empty plan; removed from the file it is
//! deleted; and in the end nothing that carries our tags is left. All that twice: with an AWS that
//! does everything at once, and with one that tells late, throttles, has quotas and small pages.
//! A few kinds keep them in another account and region as well.
#![expect(clippy::print_stderr, reason = "the harness is its own")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex};

use deployer_aws::{Aws, Connection, connect, registry};
use deployer_core::{
    Action, Address, Change, Diagnostic, Half, Home, KindInfo, Kinds, Plan, Reason, Removal,
    Replacement, Roles, Scope, Snapshot, Stack, Step, plan, resolve,
};
use deployer_engine::{
    Adoption, Book, Journal, Look, Places, Registry, Scan, execute, observe, read_book, seek,
};
use deployer_stack::{Options, load, outline};
use deployer_tests::{Lab, root};
use libtest_mimic::{Arguments, Failed, Trial};
use tokio_util::sync::CancellationToken;

/// The certificates that the contract of listeners names.
const CERTIFICATES: &[&str] = &[
    "arn:aws:acm:eu-west-1:123456789012:certificate/11111111-1111-1111-1111-111111111111",
    "arn:aws:acm:eu-west-1:123456789012:certificate/22222222-2222-2222-2222-222222222222",
];

/// The kinds that keep their promises in a second place too: of each way of being found, by tags in
/// the service's own list, by the tagging index, by name and by path, and one without regions.
const ELSEWHERE: &[&str] =
    &["log-group", "repository", "role", "secret", "security-group", "target-group", "vpc"];

/// The second place.
const ACCOUNT: &str = "222222222222";
const REGION: &str = "eu-central-1";

/// How many labs there are, and contracts under way: with bad manners most of the time is waiting.
const LABS: usize = 4;

/// The SDK takes the lab's address from the environment, and no process may change its own: so
/// the test starts itself again for each contract, inside a lab's.
fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("--in-lab") {
        let kind = arguments.next().expect("the kind");
        return in_lab(&kind, arguments.next());
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(LABS);
    let labs = Arc::new(Labs::default());
    let kinds: Vec<&'static str> = deployer_kinds::all().iter().map(|kind| kind.name).collect();
    let trial = |kind: &'static str, manners: Manners| {
        let labs = Arc::clone(&labs);
        Trial::test(kind, move || labs.try_contract(kind, manners)).with_kind(manners.name())
    };
    let strict = kinds.iter().map(|kind| trial(kind, Manners::Strict));
    let instant = kinds.iter().map(|kind| trial(kind, Manners::Instant));
    let elsewhere = ELSEWHERE.iter().map(|kind| trial(kind, Manners::Elsewhere));
    let trials = strict.chain(instant).chain(elsewhere).collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    let requests: u64 =
        labs.idle.lock().expect("nobody panics with it").drain(..).map(Lab::finish).sum();
    if requests > 0 {
        eprintln!("model check: {requests} requests, 0 refused\n");
    }
    conclusion.exit_code()
}

/// How AWS behaves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manners {
    /// It does everything at once and knows it at once.
    Instant,
    /// It tells late, throttles, has quotas, and pages everything.
    Strict,
    /// As `Strict`, in another account and region than the stack's.
    Elsewhere,
}

impl Manners {
    fn name(self) -> &'static str {
        match self {
            Self::Instant => "instant",
            Self::Strict => "strict",
            Self::Elsewhere => "elsewhere",
        }
    }
}

/// The labs that wait for a contract. Each has one at a time, as quotas are an account's.
#[derive(Default)]
struct Labs {
    idle: Mutex<Vec<Lab>>,
}

impl Labs {
    fn try_contract(&self, kind: &str, manners: Manners) -> Result<(), Failed> {
        let idle = self.idle.lock().expect("nobody panics with it").pop();
        let lab = idle.unwrap_or_else(|| {
            let lab = Lab::start(0.0);
            for arn in CERTIFICATES {
                lab.issue(arn);
            }
            lab
        });
        lab.set_strict(manners != Manners::Instant);
        let role = (manners == Manners::Elsewhere).then(|| lab.role(ACCOUNT, "deploy"));
        let output = Command::new(std::env::current_exe().expect("a test knows where it is"))
            .args(["--in-lab", kind])
            .args(role)
            .env("AWS_CONFIG_FILE", "/nonexistent")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
            .envs(lab.environment())
            .output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        assert_eq!(lab.owned(), Vec::<String>::new(), "left in the lab");
        self.idle.lock().expect("nobody panics with it").push(lab);
        Ok(())
    }
}

fn in_lab(kind: &str, role: Option<String>) -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    match runtime.block_on(keeps_its_promises(kind, role)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

async fn keeps_its_promises(kind: &str, role: Option<String>) -> Result<(), String> {
    let contract = Contract::read(kind, role)?;
    let outside = match contract.outside()? {
        Some(stack) => Some(Account::with(&contract.folder, &stack).await?),
        None => None,
    };
    let base = contract.stack("base")?;
    let cloud = Account::reach(&contract.folder, &base).await?;
    cloud.apply(&base, &cloud.observe().await?, "base").await?;
    let mut snapshot = cloud.expect_nothing_to_do(&base, "after the create").await?;
    for field in contract.fields() {
        let changed = contract.stack(field)?;
        if contract.changes(&cloud, &changed, &snapshot, field)? {
            cloud.apply(&changed, &snapshot, field).await?;
            let when = format!("after `{field}` changed");
            snapshot = cloud.expect_nothing_to_do(&changed, &when).await?;
            snapshot = cloud.restore(&base, snapshot).await?;
        }
    }
    contract.is_deleted_when_removed(&cloud, base, &snapshot).await?;
    cloud.destroy().await?;
    match outside {
        Some(outside) => outside.destroy().await,
        None => Ok(()),
    }
}

/// The file of one kind.
struct Contract {
    kinds: Kinds,
    subject: Address,
    scope: Scope,
    text: String,
    folder: PathBuf,
    /// What leads to the second place, if it is to be kept there.
    role: Option<String>,
}

impl Contract {
    fn read(kind: &str, role: Option<String>) -> Result<Self, String> {
        let folder = root().join("tests/contracts");
        let path = folder.join(format!("{kind}.yaml"));
        let text = std::fs::read_to_string(&path)
            .map_err(|error| format!("every kind has a contract: {}: {error}", path.display()))?;
        let kinds = registry().kinds();
        if kinds.find(kind).is_none() {
            return Err(format!("{kind} is not in the registry of AWS"));
        }
        let contract = Self {
            kinds,
            subject: Address::new(kind, subject(kind)),
            scope: Scope {
                stack: format!("contract-{kind}"),
                environment: "test".into(),
                origin: None,
                tags: BTreeMap::new(),
            },
            text,
            folder,
            role,
        };
        contract.covers_every_field()?;
        Ok(contract)
    }

    /// What is in the account and not in the stack, for kinds that refer to such things: another
    /// stack, in `contracts/outside/<kind>.yaml`.
    fn outside(&self) -> Result<Option<Stack>, String> {
        let path = self.folder.join(format!("outside/{}.yaml", self.subject.kind));
        let Ok(text) = std::fs::read_to_string(path) else { return Ok(None) };
        let loaded = load(&text, &Options::default(), &self.kinds).map_err(told)?;
        Ok(Some(loaded.stack))
    }

    fn covers_every_field(&self) -> Result<(), String> {
        let outline = outline(&self.text).map_err(told)?;
        let environments: BTreeSet<&str> = outline
            .environments
            .iter()
            .map(String::as_str)
            .filter(|name| *name != "base")
            .collect();
        let fields: BTreeSet<&str> = self.fields().collect();
        if environments == fields {
            Ok(())
        } else {
            Err(format!("environments {environments:?} are not the fields {fields:?}"))
        }
    }

    fn kind(&self) -> &KindInfo {
        self.kinds.find(&self.subject.kind).expect("looked up when the file was read")
    }

    fn fields(&self) -> impl Iterator<Item = &'static str> {
        self.kind().fields()
    }

    /// The stack with one field changed, or as it is for `base`.
    fn stack(&self, environment: &str) -> Result<Stack, String> {
        let options = Options { environment: Some(environment.to_owned()), ..Options::default() };
        let loaded = load(&self.text, &options, &self.kinds).map_err(told)?;
        let stack = Stack { scope: self.scope.clone(), ..loaded.stack };
        Ok(match &self.role {
            Some(role) => self.elsewhere(stack, role),
            None => stack,
        })
    }

    /// The stack with everything in the second place.
    fn elsewhere(&self, mut stack: Stack, role: &str) -> Stack {
        stack.roles.insert(ACCOUNT.to_owned(), role.to_owned());
        for (address, desired) in &mut stack.resources {
            let is_global = self.kinds.find(&address.kind).is_some_and(|kind| kind.global);
            let region = (!is_global).then(|| REGION.to_owned());
            desired.place = deployer_core::Place { account: Some(ACCOUNT.to_owned()), region };
        }
        stack
    }

    /// Whether the field's change is one that is applied; checks that it is planned by its rule.
    fn changes(
        &self,
        cloud: &Account,
        changed: &Stack,
        snapshot: &Snapshot,
        field: &str,
    ) -> Result<bool, String> {
        let live = snapshot.current(&self.subject).ok_or("the subject is gone")?;
        let planned = cloud.plan(changed, snapshot);
        let known = snapshot.lives.iter().map(|live| (live.address.clone(), live.output.clone()));
        let wanted = resolve(&changed.resources[&self.subject].spec, &known.collect());
        let rule = self.kind().change(&[field.to_owned()], &live.spec, &wanted);
        let planned = planned.map_err(told)?;
        if let Change::Never(_) = rule {
            let is_refused = planned.asked_in_vain().any(|refused| {
                refused.address == self.subject && refused.difference.field() == field
            });
            let is_spared = planned.steps.iter().all(|step| step.address != self.subject);
            let is_as_ruled = is_refused && is_spared;
            return if is_as_ruled { Ok(false) } else { Err(format!("`{field}` is not refused")) };
        }
        let steps = planned.steps.iter().filter(|step| step.address == self.subject);
        let halves: Vec<Option<Half>> = steps.clone().map(|step| step.half).collect();
        let steps: Vec<(Action, Reason)> = steps.map(|step| (step.action, step.reason)).collect();
        let is_as_ruled = match rule {
            Change::Delegated | Change::Never(_) => steps.is_empty(),
            Change::InPlace(_) => {
                [&[None][..], &[Some(Half::First), Some(Half::Second)]].contains(&&halves[..])
                    && steps.iter().all(|step| *step == (Action::Update, Reason::Differs))
            }
            Change::Replace(_) => replaces(&steps),
        };
        if is_as_ruled {
            Ok(!steps.is_empty())
        } else {
            Err(format!("`{field}` is ruled {rule:?} and planned {steps:?}"))
        }
    }

    async fn is_deleted_when_removed(
        &self,
        cloud: &Account,
        mut base: Stack,
        snapshot: &Snapshot,
    ) -> Result<(), String> {
        base.resources.remove(&self.subject);
        let planned = cloud.plan(&base, snapshot).map_err(told)?;
        let deleted: Vec<&Step> =
            planned.steps.iter().filter(|step| step.address == self.subject).collect();
        let expected = match self.kind().removal {
            Removal::Delete => {
                matches!(deleted.as_slice(), [step] if step.action == Action::Delete)
            }
            Removal::WithParent => deleted.is_empty(),
        };
        if !expected {
            return Err(format!("removed from the file, it is planned {deleted:?}"));
        }
        cloud.apply(&base, snapshot, "without the subject").await
    }
}

/// The scan of clusters knows the one of a stack by its name, so that is the one to look at.
fn subject(kind: &str) -> &'static str {
    if kind == "cluster" { "main" } else { "subject" }
}

fn replaces(steps: &[(Action, Reason)]) -> bool {
    match steps {
        [(Action::Create, Reason::Replaced(Replacement::Supersede))] => true,
        [one, other] => {
            let actions = BTreeSet::from([one.0, other.0]);
            actions == BTreeSet::from([Action::Create, Action::Delete])
                && matches!((one.1, other.1), (Reason::Replaced(_), Reason::Replaced(_)))
        }
        _ => false,
    }
}

/// The lab, for the scope of one contract.
struct Account {
    registry: Arc<Registry<Aws>>,
    places: Arc<Places<Aws>>,
    scope: Scope,
}

impl Account {
    /// Reaches the account for a scope in which a stack is there already.
    async fn with(folder: &Path, stack: &Stack) -> Result<Self, String> {
        let account = Self::reach(folder, stack).await?;
        account.apply(stack, &account.observe().await?, "what is outside").await?;
        Ok(account)
    }

    async fn reach(folder: &Path, stack: &Stack) -> Result<Self, String> {
        let Connection { aws, region } =
            connect(None, None, folder).await.map_err(|failure| failure.to_string())?;
        let account = aws.account().await.map_err(|failure| failure.to_string())?;
        Ok(Self {
            registry: Arc::new(registry()),
            places: Arc::new(Places::new(Arc::new(aws), account, region).of(stack)),
            scope: stack.scope.clone(),
        })
    }

    async fn observe(&self) -> Result<Snapshot, String> {
        self.scan(Scan::All(Look::Quick)).await
    }

    async fn scan(&self, scan: Scan<'_>) -> Result<Snapshot, String> {
        let deeds = self.book().await?.deeds;
        let observing = observe(&self.registry, &self.places, &self.scope, scan, &deeds);
        observing.await.map_err(|failures| {
            failures.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        })
    }

    async fn journal(&self) -> Result<Journal<Aws>, String> {
        let (home, book) = (Arc::clone(self.places.cloud()), self.book().await?);
        Ok(Journal::new(home, &self.scope, self.places.home(), None, book))
    }

    async fn book(&self) -> Result<Book, String> {
        read_book(&**self.places.cloud(), &self.scope).await.map_err(|failure| failure.to_string())
    }

    /// Plans without regard to protection: the contract is about to take it off.
    fn plan(&self, stack: &Stack, snapshot: &Snapshot) -> Result<Plan, Vec<Diagnostic>> {
        let unprotected = snapshot.lives.iter().map(|live| live.address.clone()).collect();
        plan(stack, snapshot, &self.registry.kinds(), &unprotected)
    }

    async fn apply(&self, stack: &Stack, snapshot: &Snapshot, what: &str) -> Result<(), String> {
        let planned = self.plan(stack, snapshot).map_err(told)?;
        let journal = self.journal().await?;
        let begun = journal.begin(&planned, &self.registry).await;
        begun.map_err(|failure| format!("{what}: {failure}"))?;
        let outcome = execute(
            Arc::clone(&self.registry),
            Arc::clone(&self.places),
            Arc::new(journal),
            &planned,
            CancellationToken::new(),
            &mut |_| {},
        )
        .await;
        if outcome.is_success() {
            return Ok(());
        }
        let failures = outcome
            .failed
            .iter()
            .map(|(step, failure)| format!("{what}: {}: {failure}", planned.steps[*step].address));
        Err(failures.collect::<Vec<_>>().join("\n"))
    }

    /// What is there, if that is what the stack says.
    async fn expect_nothing_to_do(&self, stack: &Stack, when: &str) -> Result<Snapshot, String> {
        let snapshot = self.observe().await?;
        let planned = self.plan(stack, &snapshot).map_err(told)?;
        let steps = planned.steps.iter().map(|step| {
            format!("{when}: {} is planned {:?}: {:?}", step.address, step.action, step.differences)
        });
        let steps: Vec<String> = steps.collect();
        if !steps.is_empty() {
            return Err(steps.join("\n"));
        }
        self.expect_seen_alike(&snapshot, when).await?;
        Ok(snapshot)
    }

    /// What is there looks the same whether all there is is looked at, only what the record has, or
    /// one thing by its identifier.
    async fn expect_seen_alike(&self, snapshot: &Snapshot, when: &str) -> Result<(), String> {
        let known = self.scan(Scan::Known).await?;
        if known.lives != snapshot.lives {
            let (all, known) = (&snapshot.lives, &known.lives);
            return Err(format!("{when}: by the record there is {known:#?}\nand of all {all:#?}"));
        }
        for live in &snapshot.lives {
            let (address, place, id) =
                (live.address.clone(), live.place.clone(), live.id().to_owned());
            let adoption = Adoption { address, place, id };
            let read = seek(&self.registry, &self.places, &self.scope, &adoption).await;
            let read = read.map_err(|failure| format!("{when}: {failure}"))?;
            // Of what is to be taken over no part is ours yet, such as a security group's rule.
            let is_same = read.as_ref().is_some_and(|read| {
                (read.generation, &read.output, read.phase)
                    == (live.generation, &live.output, live.phase)
                    && (read.spec == live.spec || read.foreign != live.foreign)
            });
            if !is_same {
                return Err(format!("{when}: read by itself, {live:#?}\nis {read:#?}"));
            }
        }
        Ok(())
    }

    /// Goes back to the base; by way of nothing where the change has no way back.
    async fn restore(&self, base: &Stack, mut snapshot: Snapshot) -> Result<Snapshot, String> {
        // A database goes to no earlier version.
        let goes_back = self.plan(base, &snapshot).is_ok_and(|plan| plan.refused.is_empty());
        if !goes_back {
            self.destroy().await?;
            snapshot = self.observe().await?;
        }
        self.apply(base, &snapshot, "back to the base").await?;
        self.expect_nothing_to_do(base, "back at the base").await
    }

    /// Deletes everything, and looks that nothing with our tags is left.
    async fn destroy(&self) -> Result<(), String> {
        let nothing = Stack {
            scope: self.scope.clone(),
            region: self.places.home().1.to_owned(),
            home: Home::default(),
            roles: Roles::new(),
            resources: BTreeMap::new(),
            outputs: BTreeMap::new(),
        };
        self.apply(&nothing, &self.observe().await?, "the end").await?;
        let left: Vec<String> =
            self.observe().await?.lives.iter().map(|live| live.address.to_string()).collect();
        if !left.is_empty() {
            return Err(format!("left after the end: {left:?}"));
        }
        let journal = self.journal().await?;
        journal.close().await.map(drop).map_err(|failure| failure.to_string())
    }
}

fn told(mistakes: Vec<Diagnostic>) -> String {
    let lines: Vec<String> = mistakes
        .into_iter()
        .map(|mistake| format!("{} {}", mistake.title, mistake.help.unwrap_or_default()))
        .collect();
    lines.join("\n")
}

//! What every kind promises, played through the engine against an account.
//!
//! `contracts/<kind>.yaml` has the resource `subject` and one environment for each field of its
//! spec, which changes that field alone; fields that no one resource can have together are in several
//! such files, `contracts/<kind>.<which>.yaml`. After a create the plan is empty; each field gives the verb
//! of its change rule, and then an empty plan; removed from the file the subject is deleted; and in
//! the end nothing that carries our tags is left.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use deployer_aws::{Aws, Connection, Witness, connect, connect_seen, registry};
use deployer_core::{
    Action, Address, Change, Diagnostic, Half, Home, KindInfo, Kinds, Place, Plan, Reason, Removal,
    Replacement, Roles, Scope, Snapshot, Stack, Step, plan, references, resolve,
};
use deployer_engine::{
    Adoption, Book, Journal, Look, Places, Registry, Scan, execute, observe, read_book, seek,
};
use deployer_stack::{Options, load, outline};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::{hostile_seed, root};

/// What the contracts are written for, and another account or region stands in its place.
const WRITTEN_FOR: (&str, &str) = ("123456789012", "eu-west-1");

/// The stack of what a contract refers to and does not make, whose names contracts have in them.
const OUTSIDE: &str = "outside";

/// How often things are looked at again where answers may be older than those before them.
const LOOKS: u32 = 5;

/// The certificates that the contracts name, which an account may not have.
const CERTIFICATES: [&str; 2] =
    ["11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"];

/// The web ACL that the contracts name, which an account may not have.
const WEB_ACL: &str = "arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/contract/33333333-3333-3333-3333-333333333333";

/// The hosted zone that the contracts name, which an account may not have.
const ZONE: &str = "contracts.example.com";

/// Where a contract is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Terms {
    /// The environment that all of it belongs to.
    pub environment: String,
    /// The account, twelve digits.
    pub account: String,
    /// The region.
    pub region: String,
    /// Two certificates of the account, in place of those that the contracts name; without them
    /// what needs one is spared.
    pub certificates: Option<[String; 2]>,
    /// A hosted zone of the account, in place of the one that the contracts name, with another one
    /// beneath it whose name begins with `sub.`; without it what needs one is spared.
    pub zone: Option<String>,
    /// A web ACL of the account and region, in place of the one that the contracts name; without it
    /// the field that takes one is spared.
    #[serde(default)]
    pub web_acl: Option<String>,
    /// A second place, for all that the contract makes.
    pub elsewhere: Option<Elsewhere>,
}

impl Terms {
    /// As the contracts are written, in an environment called `test`.
    pub fn as_written() -> Self {
        Self {
            environment: "test".to_owned(),
            account: WRITTEN_FOR.0.to_owned(),
            region: WRITTEN_FOR.1.to_owned(),
            certificates: Some(CERTIFICATES.map(certificate)),
            zone: Some(ZONE.to_owned()),
            web_acl: Some(WEB_ACL.to_owned()),
            elsewhere: None,
        }
    }

    /// The text of a contract, as it reads on these terms.
    fn read(&self, text: &str) -> String {
        let mut read = text.to_owned();
        for (written, given) in CERTIFICATES.iter().zip(self.certificates.iter().flatten()) {
            read = read.replace(&certificate(written), given);
        }
        if let Some(given) = &self.web_acl {
            read = read.replace(WEB_ACL, given);
        }
        let outside = format!("{OUTSIDE}-{}-", self.environment);
        let zone = self.zone.as_deref().unwrap_or(ZONE);
        read.replace(ZONE, zone)
            .replace(WRITTEN_FOR.0, &self.account)
            .replace(WRITTEN_FOR.1, &self.region)
            .replace(&format!("{OUTSIDE}-default-"), &outside)
    }
}

/// The ARN of a certificate, as contracts name it.
fn certificate(name: &str) -> String {
    let (account, region) = WRITTEN_FOR;
    format!("arn:aws:acm:{region}:{account}:certificate/{name}")
}

/// A second account and region.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Elsewhere {
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// The role that leads there.
    pub role: String,
}

/// What was done, and how long it took.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Lasted {
    /// What was applied: `base`, the name of a field …
    pub what: String,
    /// From the first call to the last wait.
    pub seconds: f64,
}

/// What came of a contract so far.
#[derive(Clone, Debug, Default)]
pub struct Diary(Arc<Mutex<Vec<Lasted>>>);

impl Diary {
    /// What was applied, in turn.
    pub fn pages(&self) -> Vec<Lasted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Adds what was done.
    pub(crate) fn add(&self, lasted: Lasted) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(lasted);
    }
}

/// The names of the contracts of a kind: `load-balancer`, `load-balancer.network`.
pub fn contracts_of(kind: &str) -> Vec<String> {
    let folder = root().join("tests/contracts");
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = files.filter_map(|file| file.file_name().into_string().ok());
    let names = names.filter_map(|name| name.strip_suffix(".yaml").map(str::to_owned));
    let of_kind = names.filter(|name| name.split('.').next() == Some(kind));
    of_kind.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Plays a contract.
///
/// # Errors
/// The promise that was not kept. What was made is there still: see [`sweep_contract`].
pub async fn keep_contract(
    kind: &str,
    terms: &Terms,
    witness: Option<Arc<dyn Witness>>,
    diary: &Diary,
) -> Result<(), String> {
    let contract = Contract::read(kind, terms)?;
    let reach = Reach { folder: &contract.folder, witness, diary };
    let outside = match contract.outside()? {
        Some(stack) => Some(reach.with(&stack).await?),
        None => None,
    };
    let base = contract.stack("base")?;
    let cloud = reach.account(&base).await?;
    cloud.apply(&base, &cloud.observe().await?, "base").await?;
    let mut snapshot = cloud.expect_nothing_to_do(&base, "after the create").await?;
    for field in contract.played() {
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

/// Deletes all that a contract has made, however it ended.
///
/// # Errors
/// What could not be deleted, and why.
pub(crate) async fn sweep_contract(kind: &str, terms: &Terms) -> Result<(), String> {
    let contract = Contract::read(kind, terms)?;
    let reach = Reach { folder: &contract.folder, witness: None, diary: &Diary::default() };
    reach.account(&contract.stack("base")?).await?.destroy().await?;
    match contract.outside()? {
        Some(stack) => reach.account(&stack).await?.destroy().await,
        None => Ok(()),
    }
}

/// What the contract of a kind has in it, without a look at any account: how often each of its
/// resources is created, and for how many seconds all of it goes on.
#[derive(Clone, Debug)]
pub(crate) struct Extent {
    /// The resources, each as its kind, its spec and how often it is created.
    pub resources: Vec<(String, serde_json::Value, u32)>,
    /// Of all steps, one after another, as long as AWS typically takes for each.
    pub seconds: u32,
}

/// Why the contract of a kind cannot be kept on these terms; none where it can.
pub(crate) fn spared_contract(kind: &str, terms: &Terms) -> Option<&'static str> {
    match kind {
        "listener" | "listener.network" if terms.certificates.is_none() => {
            Some("it needs two certificates of the account")
        }
        "record" | "validation-record" if terms.zone.is_none() => {
            Some("it needs a hosted zone of the account")
        }
        _ => None,
    }
}

/// How far the contract of a kind goes.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn extent_of_contract(kind: &str, terms: &Terms) -> Result<Extent, String> {
    Contract::read(kind, terms)?.extent()
}

/// The file of one kind.
struct Contract {
    kinds: Kinds,
    subject: Address,
    scope: Scope,
    text: String,
    folder: PathBuf,
    terms: Terms,
}

impl Contract {
    fn read(name: &str, terms: &Terms) -> Result<Self, String> {
        let folder = root().join("tests/contracts");
        let kind = name.split('.').next().unwrap_or(name);
        let path = folder.join(format!("{name}.yaml"));
        let text = std::fs::read_to_string(&path)
            .map(|text| terms.read(&text))
            .map_err(|error| format!("every kind has a contract: {}: {error}", path.display()))?;
        let kinds = registry().kinds();
        if kinds.find(kind).is_none() {
            return Err(format!("{kind} is not in the registry of AWS"));
        }
        let contract = Self {
            kinds,
            subject: Address::new(kind, subject(kind)),
            scope: Scope {
                stack: format!("contract-{}", name.replace('.', "-")),
                environment: terms.environment.clone(),
                origin: None,
                tags: BTreeMap::new(),
            },
            text,
            folder,
            terms: terms.clone(),
        };
        contract.covers_every_field()?;
        Ok(contract)
    }

    /// What is in the account and not in the stack, for kinds that refer to such things: another
    /// stack, in `contracts/outside/<kind>.yaml`.
    fn outside(&self) -> Result<Option<Stack>, String> {
        let path = self.folder.join(format!("outside/{}.yaml", self.subject.kind));
        let Ok(text) = std::fs::read_to_string(path) else { return Ok(None) };
        let text = self.terms.read(&text);
        let mut stack = load(&text, &Options::default(), &self.kinds).map_err(told)?.stack;
        stack.scope.environment.clone_from(&self.terms.environment);
        Ok(Some(stack))
    }

    /// The environments of a contract but the base.
    fn environments(text: &str) -> Result<BTreeSet<String>, String> {
        let environments = outline(text).map_err(told)?.environments.into_iter();
        Ok(environments.filter(|name| name != "base").collect())
    }

    fn covers_every_field(&self) -> Result<(), String> {
        let mut environments = BTreeSet::new();
        for name in contracts_of(&self.subject.kind) {
            let path = self.folder.join(format!("{name}.yaml"));
            let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
            environments.extend(Self::environments(&self.terms.read(&text))?);
        }
        let fields: BTreeSet<String> = self.kind().fields().map(str::to_owned).collect();
        if environments == fields {
            Ok(())
        } else {
            Err(format!("environments {environments:?} are not the fields {fields:?}"))
        }
    }

    fn kind(&self) -> &KindInfo {
        self.kinds.find(&self.subject.kind).expect("looked up when the file was read")
    }

    /// The fields that it has environments for.
    fn fields(&self) -> impl Iterator<Item = &'static str> {
        let environments = Self::environments(&self.text).unwrap_or_default();
        self.kind().fields().filter(move |field| environments.contains(*field))
    }

    /// The fields that can be changed on these terms.
    fn played(&self) -> impl Iterator<Item = &'static str> {
        let has_web_acl = self.terms.web_acl.is_some();
        self.fields().filter(move |field| has_web_acl || *field != "web-acl")
    }

    /// The stack with one field changed, or as it is for `base`.
    fn stack(&self, environment: &str) -> Result<Stack, String> {
        let options = Options { environment: Some(environment.to_owned()), ..Options::default() };
        let loaded = load(&self.text, &options, &self.kinds).map_err(told)?;
        let stack = Stack { scope: self.scope.clone(), ..loaded.stack };
        Ok(match &self.terms.elsewhere {
            Some(place) => self.elsewhere(stack, place),
            None => stack,
        })
    }

    /// The stack with everything in the second place.
    fn elsewhere(
        &self,
        mut stack: Stack,
        Elsewhere { account, region, role }: &Elsewhere,
    ) -> Stack {
        stack.roles.insert(account.clone(), role.clone());
        for (address, desired) in &mut stack.resources {
            let is_global = self.kinds.find(&address.kind).is_some_and(|kind| kind.global);
            let region = (!is_global).then(|| region.clone());
            desired.place = Place { account: Some(account.clone()), region };
        }
        stack
    }

    fn extent(&self) -> Result<Extent, String> {
        let base = self.stack("base")?;
        let nothing = BTreeMap::new();
        let spec = |stack: &Stack, address: &Address| {
            stack.resources.get(address).map(|desired| resolve(&desired.spec, &nothing))
        };
        let mut seconds = 0;
        let mut resources = Vec::new();
        for address in base.resources.keys() {
            let (Some(kind), Some(wanted)) = (self.kinds.find(&address.kind), spec(&base, address))
            else {
                continue;
            };
            seconds += kind.time(Action::Create, None, Some(&wanted)).typical;
            seconds += kind.time(Action::Delete, Some(&wanted), None).typical;
            let mut times = 1;
            if *address == self.subject {
                for field in self.played() {
                    let Some(changed) = spec(&self.stack(field)?, address) else { continue };
                    let there = kind.change(&[field.to_owned()], &wanted, &changed);
                    let time = |action| kind.time(action, Some(&wanted), Some(&changed)).typical;
                    // There and back.
                    seconds += 2 * match there {
                        Change::InPlace(_) => time(Action::Update),
                        Change::Replace(_) => time(Action::Create) + time(Action::Delete),
                        Change::Delegated | Change::Never(_) => 0,
                    };
                    times += if matches!(there, Change::Replace(_)) { 2 } else { 0 };
                }
            }
            resources.push((address.kind.clone(), wanted, times));
        }
        Ok(Extent { resources, seconds })
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
        // What refers to it goes along.
        base.resources.retain(|address, desired| {
            *address != self.subject && !references(&desired.spec).contains(&self.subject)
        });
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

/// How an account is reached.
struct Reach<'a> {
    folder: &'a Path,
    witness: Option<Arc<dyn Witness>>,
    diary: &'a Diary,
}

impl Reach<'_> {
    /// An account for a scope in which a stack is there already.
    async fn with(&self, stack: &Stack) -> Result<Account, String> {
        let account = self.account(stack).await?;
        account.apply(stack, &account.observe().await?, "what is outside").await?;
        Ok(account)
    }

    async fn account(&self, stack: &Stack) -> Result<Account, String> {
        let reached = match &self.witness {
            Some(witness) => {
                connect_seen(None, Some(&stack.region), self.folder, Arc::clone(witness)).await
            }
            None => connect(None, Some(&stack.region), self.folder).await,
        };
        let Connection { aws, region } = reached.map_err(|failure| failure.to_string())?;
        let account = aws.account().await.map_err(|failure| failure.to_string())?;
        Ok(Account {
            registry: Arc::new(registry()),
            places: Arc::new(Places::new(Arc::new(aws), account, region).of(stack)),
            scope: stack.scope.clone(),
            diary: self.diary.clone(),
        })
    }
}

/// An account, for the scope of one contract.
struct Account {
    registry: Arc<Registry<Aws>>,
    places: Arc<Places<Aws>>,
    scope: Scope,
    diary: Diary,
}

impl Account {
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
        let begun_at = Instant::now();
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
        let seconds = begun_at.elapsed().as_secs_f64();
        self.diary.add(Lasted { what: what.to_owned(), seconds });
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
        let mut snapshot = self.observe().await?;
        let mut planned = self.plan(stack, &snapshot).map_err(told)?;
        // An answer may be older than the one before it, and say that all is done already: what
        // there is to wait for is waited for.
        let waits = |plan: &Plan| plan.steps.iter().all(|step| step.action == Action::Await);
        if hostile_seed().is_some() && !planned.is_empty() && waits(&planned) {
            self.apply(stack, &snapshot, when).await?;
            snapshot = self.observe().await?;
            planned = self.plan(stack, &snapshot).map_err(told)?;
        }
        let steps = planned.steps.iter().map(|step| {
            format!(
                "{when}: {} is planned {:?} ({:?}): {:?}",
                step.address, step.action, step.reason, step.differences
            )
        });
        let steps: Vec<String> = steps.collect();
        if !steps.is_empty() {
            return Err(steps.join("\n"));
        }
        // Of two answers one may be the older; and a state, such as that of an alarm, moves by itself
        // from one look to the next.
        let mut looks = if hostile_seed().is_some() { LOOKS } else { 1 };
        while let Err(difference) = self.expect_seen_alike(&snapshot, when).await {
            if looks == 0 {
                return Err(difference);
            }
            looks -= 1;
            snapshot = self.observe().await?;
        }
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
        let after = self.observe().await?;
        let lives = after.lives.iter().map(|live| live.address.to_string());
        let strays = after.strays.iter().map(|stray| stray.id.clone());
        let unseen = after.unseen.iter().map(|unseen| unseen.failure.to_string());
        let left: Vec<String> = lives.chain(strays).chain(unseen).collect();
        // What is left is found by the record, which goes with the end.
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

//! What the commands share: reading a stack, looking at the cloud, planning.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use deployer_core::{
    Address, Code, Deeds, Diagnostic, Failure, Home, Live, Phase, Plan, Published, Scope, Severity,
    Snapshot, Span, Stack, Unseen,
};
use deployer_engine::{
    Cloud, Concern, Look, Parameters, Places, Scan, Verified, Voice, attended, observe, prepare,
    preview, read_book, taken, verify,
};
use deployer_stack::{Found, LENT, Loaded, Options, Sought, Tagged, Whose, Written, Zones};
use tokio_util::sync::CancellationToken;

use crate::answer::{Answer, Form, Page, as_json};
use crate::args::{StackArgs, TargetArgs};
use crate::exit::{Error, Mistakes, RequestError};
use crate::masking::said;
use crate::render::{self, Theme};
use crate::source::{self, Source};
use crate::wire::run::RunLine;
use crate::world::{Connect, Reached, Terminal};

/// What the names of environment variables begin with that are variables of the stack.
const VARIABLE: &str = "DEPLOYER_VAR_";

/// One command under way.
pub(crate) struct Session<'a, W: Connect> {
    /// The way to the cloud.
    pub(crate) world: &'a W,
    /// Where input comes from and output goes.
    pub(crate) terminal: &'a mut Terminal,
    /// Whether to stop.
    pub(crate) cancel: CancellationToken,
    /// The colours of stdout.
    pub(crate) out: Theme,
    /// The colours of stderr.
    pub(crate) err: Theme,
    /// Whether results are for machines.
    pub(crate) is_json: bool,
    /// Whether stderr shows what goes on inside, which leaves no room for a moving board.
    pub(crate) is_verbose: bool,
    /// The command line that there is.
    pub(crate) cli: clap::Command,
    /// What each command prints with `--json`.
    pub(crate) forms: &'static [(&'static str, Form)],
    /// What may still be rolled out of an interrupted run, and nobody was asked about yet.
    pub(crate) left: Vec<Live>,
}

/// A stack that has been read and checked.
#[derive(Clone)]
pub(crate) struct Project {
    /// The file.
    pub(crate) source: Source,
    /// The stack.
    pub(crate) stack: Stack,
    /// The images that are built here, by the service that runs them.
    pub(crate) images: BTreeMap<String, BTreeSet<Address>>,
    /// What each entry of each section became, by `section/name`.
    entries: BTreeMap<String, BTreeSet<Address>>,
    /// The zones that stand for as many of those that the account has, since nobody has looked.
    pub(crate) assumed_zones: Vec<String>,
    /// Whether it names something that others made and whose identifiers nobody has looked for yet.
    pub(crate) lacks_ids: bool,
    /// How it was read.
    options: Options,
    /// Where in the file its resources come from.
    written: Written,
    /// Where the account is written that it is for.
    account_at: Option<Span>,
}

impl Project {
    fn new(source: Source, options: Options, loaded: Loaded) -> Self {
        let Loaded { stack, images, entries, assumed_zones, written, account_at, .. } = loaded;
        let lacks_ids = loaded.sought.iter().any(|it| !matches!(it, Sought::Network { .. }));
        Self {
            source,
            stack,
            images,
            entries,
            assumed_zones,
            lacks_ids,
            options,
            written,
            account_at,
        }
    }

    /// The way to where it is at home.
    fn way(&self) -> Way {
        Way {
            region: Some(self.stack.region.clone()),
            folder: self.source.folder.clone(),
            home: self.stack.home.clone(),
            said: self.account_at.map(|span| (self.source.clone(), span)),
        }
    }

    /// The resources that are meant: an entry of a section stands for all it became.
    pub(crate) fn meant(&self, named: &TargetArgs) -> TargetArgs {
        let meant = |all: &[Address]| -> Vec<Address> {
            let each = all.iter().flat_map(|one| match self.entries.get(&one.to_string()) {
                Some(became) => became.iter().cloned().collect(),
                None => vec![one.clone()],
            });
            each.collect()
        };
        TargetArgs { targets: meant(&named.targets), unprotect: meant(&named.unprotect) }
    }
}

/// An environment of a stack, known even when the stack has mistakes.
pub(crate) struct Environment {
    /// Stack and environment.
    pub(crate) scope: Scope,
    /// The way to where it is at home.
    pub(crate) way: Way,
    /// The stack itself, where there is one and it is right.
    pub(crate) project: Option<Project>,
}

impl Environment {
    /// The cloud at the places of the stack, which need not be right: then the record alone says
    /// which there are beside home.
    pub(crate) fn places<C: Cloud>(&self, connected: Places<C>) -> Arc<Places<C>> {
        Arc::new(match &self.project {
            Some(project) => connected.of(&project.stack),
            None => connected,
        })
    }
}

/// What is there of an environment by its record.
pub(crate) struct Known<C: Cloud> {
    /// The cloud at its places.
    pub(crate) connected: Arc<Places<C>>,
    /// What is there.
    pub(crate) snapshot: Snapshot,
    /// What shows whose it is.
    pub(crate) deeds: Deeds,
}

/// The way to where a stack is at home.
pub(crate) struct Way {
    /// The region, where one is named.
    pub(crate) region: Option<String>,
    /// The folder that paths are relative to.
    pub(crate) folder: PathBuf,
    /// The account that it has to be, and the role that leads there.
    pub(crate) home: Home,
    /// The file that says the account, and where it does.
    pub(crate) said: Option<(Source, Span)>,
}

impl<W: Connect> Session<'_, W> {
    /// Prints a result, for whoever asked.
    pub(crate) fn answer<A: Answer>(&self, answer: &A) {
        if !self.is_json {
            return self.print(&answer.text(&self.page()));
        }
        let wire = answer.wire();
        let json = if A::IS_VERSIONED { as_json(wire) } else { serde_json::json!(wire) };
        self.terminal.stdout.write_json(&format!("{json:#}"));
    }

    /// Prints a line about the run, for machines only.
    pub(crate) fn line(&self, line: RunLine) {
        if self.is_json {
            self.terminal.stdout.write_json(&as_json(line).to_string());
        }
    }

    /// Prints a text.
    pub(crate) fn print(&self, text: &str) {
        self.terminal.stdout.write(text);
    }

    /// Notes something for a person, beside the result.
    pub(crate) fn note(&self, text: &str) {
        if !self.is_json {
            self.warn(text);
        }
    }

    /// Shows something that nobody should miss, whoever asked.
    pub(crate) fn warn(&self, text: &str) {
        self.terminal.stderr.write(text);
    }

    /// What results are printed on.
    pub(crate) fn page(&self) -> Page {
        Page { theme: self.out, width: self.terminal.columns(&self.terminal.stdout) }
    }

    /// How wide what is shown on stderr may be.
    pub(crate) fn margin(&self) -> usize {
        self.terminal.columns(&self.terminal.stderr)
    }

    /// Reads and checks the stack; shows its warnings.
    pub(crate) fn load(&self, args: &StackArgs) -> Result<Project, Error> {
        let source = source::read(&self.terminal.folder, args.file.as_deref())?;
        let mut options = self.options(args, &source)?;
        let loaded = self.expand(&source, &mut options)?;
        self.warn_of(&loaded.warnings, &source);
        Ok(Project::new(source, options, loaded))
    }

    /// The same stack in zones that there are, and with what it names and did not make. A network that only says how many it takes keeps
    /// those that it is in, and has the first of the others; nobody asks for them while it is in as
    /// many as that. One that a subnet is to be in and that is not there is a mistake.
    pub(crate) async fn settle(
        &self,
        project: Project,
        connected: &Places<W::Cloud>,
        snapshot: &Snapshot,
    ) -> Result<Project, Error> {
        let Project { source, mut options, .. } = project;
        let mut zones = Zones::of(snapshot);
        options.zones = Some(zones.clone());
        options.found = Found::beside(snapshot);
        let mut loaded = self.expand(&source, &mut options)?;
        let unknown = zones.unknown(&loaded.stack);
        if !unknown.is_empty() {
            for place in unknown {
                let looking = async { connected.at(&place, &snapshot.roles).await?.zones().await };
                let there = self.unless_cancelled(looking).await?;
                zones = zones.and(place, there.map_err(|failure| Error::Cloud(vec![failure]))?);
            }
            options.zones = Some(zones);
            loaded = self.expand(&source, &mut options)?;
        }
        self.found(source, options, loaded, connected).await
    }

    /// The same stack with what it names and did not make, whatever exists of it itself.
    pub(crate) async fn as_guest(&self, project: Project) -> Result<Project, Error> {
        if !project.lacks_ids {
            return Ok(project);
        }
        let connected = self.connect_for(&project).await?;
        let Project { source, mut options, .. } = project;
        let loaded = self.expand(&source, &mut options)?;
        self.found(source, options, loaded, &connected).await
    }

    /// Looks for what a stack names and did not make, and reads the stack once more with it.
    async fn found(
        &self,
        source: Source,
        mut options: Options,
        mut loaded: Loaded,
        connected: &Places<W::Cloud>,
    ) -> Result<Project, Error> {
        let known = loaded.warnings.clone();
        // What is found of one thing may lead to another.
        while !loaded.sought.is_empty() {
            for sought in loaded.sought {
                self.find(sought, connected, &mut options.found).await?;
            }
            loaded = self.expand(&source, &mut options)?;
        }
        let new = loaded.warnings.iter().filter(|warning| !known.contains(warning));
        self.warn_of(&new.cloned().collect::<Vec<_>>(), &source);
        Ok(Project::new(source, options, loaded))
    }

    /// Shows what is worth knowing of a stack.
    fn warn_of(&self, warnings: &[Diagnostic], source: &Source) {
        let width = self.margin();
        self.warn(&render::diagnostics(warnings, &source.name, &source.text, &self.err, width));
    }

    /// Looks for something that a stack names and did not make, at home.
    async fn find(
        &self,
        sought: Sought,
        connected: &Places<W::Cloud>,
        found: &mut Found,
    ) -> Result<(), Error> {
        let failed = |failure| Error::Cloud(vec![failure]);
        let cloud = connected.cloud();
        match sought {
            Sought::Network { vpc, subnets } => {
                let network = self.unless_cancelled(cloud.network(&vpc, &subnets)).await?;
                found.network(vpc, network.map_err(failed)?);
            }
            Sought::Balancer { arn } => {
                let balancer = self.unless_cancelled(cloud.balancer(&arn)).await?;
                found.balancer(arn, balancer.map_err(failed)?);
            }
            Sought::Tagged(tagged) => {
                let Tagged { kind, tags, vpc } = &tagged;
                let ids = cloud.tagged(kind, tags, vpc.as_deref());
                let ids = self.unless_cancelled(ids).await?.map_err(failed)?;
                found.tagged(tagged, ids);
            }
            Sought::Parameters { path } => {
                let names = self.unless_cancelled(cloud.names_below(&path)).await?;
                found.parameters(path, names.map_err(failed)?);
            }
            Sought::Environment { stack, environment } => {
                let scope = Scope { stack, environment, origin: None, tags: BTreeMap::new() };
                let book = self.unless_cancelled(read_book(&**cloud, &scope)).await?;
                let deeds = book.map_err(failed)?.deeds;
                let (account, region) = connected.home();
                let home = Places::new(Arc::clone(cloud), account.to_owned(), region.to_owned());
                let kinds = LENT.into();
                let scan = Scan::Only(&kinds);
                found.environment(&self.observe(&Arc::new(home), &scope, scan, &deeds).await?);
            }
        }
        Ok(())
    }

    /// Reads a stack, and the files that it names.
    fn expand(&self, source: &Source, options: &mut Options) -> Result<Loaded, Error> {
        let kinds = self.world.registry().kinds();
        loop {
            let loaded = deployer_stack::load(&source.text, options, &kinds)
                .map_err(|diagnostics| Error::Stack(mistakes(source, diagnostics)))?;
            if loaded.unread.is_empty() {
                return Ok(loaded);
            }
            for named in loaded.unread {
                let read = source::beside(&source.folder, Path::new(&named));
                options.files.insert(named, read.map_err(|error| error.to_string()));
            }
        }
    }

    /// What the command line says of a stack, and the surroundings. Of several values of a variable
    /// the one that was typed wins, then that of the last file.
    fn options(&self, args: &StackArgs, source: &Source) -> Result<Options, Error> {
        let mut variables = BTreeMap::new();
        for file in &args.variable_files {
            let text = source::beside(&self.terminal.folder, file)?;
            let name = file.display().to_string();
            let values = deployer_stack::values(&text)
                .map_err(|diagnostics| Error::Stack(Mistakes { name, text, diagnostics }))?;
            variables.extend(values);
        }
        variables.extend(args.variables.iter().cloned());
        let surroundings = self.terminal.environment.iter().filter_map(|(name, value)| {
            let name = name.strip_prefix(VARIABLE)?;
            Some((name.to_ascii_uppercase(), value.clone()))
        });
        Ok(Options {
            environment: args.env.clone(),
            region: args.region.clone(),
            origin: source.origin.clone(),
            variables,
            surroundings: surroundings.collect(),
            zones: None,
            found: Found::default(),
            files: BTreeMap::new(),
        })
    }

    /// The stack if it is right, without a word if not.
    fn load_if_right(&self, args: &StackArgs, source: &Source) -> Option<Project> {
        let mut options = self.options(args, source).ok()?;
        let loaded = self.expand(source, &mut options).ok()?;
        Some(Project::new(source.clone(), options, loaded))
    }

    /// Finds out which environment of which stack is meant, even if the stack has mistakes.
    pub(crate) fn locate(&self, args: &StackArgs) -> Result<Environment, Error> {
        let source = source::read(&self.terminal.folder, args.file.as_deref())?;
        let outline = deployer_stack::outline(&source.text)
            .map_err(|diagnostics| Error::Stack(mistakes(&source, diagnostics)))?;
        let environment = outline
            .environment(args.env.as_deref())
            .map_err(|diagnostic| Error::Stack(mistakes(&source, vec![diagnostic])))?;
        let named = outline.region_of(&environment).map(str::to_owned);
        let Whose { home, account_at, .. } = outline
            .home_of(&environment)
            .map_err(|diagnostics| Error::Stack(mistakes(&source, diagnostics)))?;
        let way = Way {
            region: args.region.clone().or(named),
            folder: source.folder.clone(),
            home,
            said: account_at.map(|span| (source.clone(), span)),
        };
        let project = self.load_if_right(args, &source);
        // Those of a stack that has mistakes are not known.
        let tags = project.as_ref().map(|it| it.stack.scope.tags.clone()).unwrap_or_default();
        let origin = outline.origin.or(source.origin);
        let scope = Scope { stack: outline.name, environment, origin, tags };
        Ok(Environment { scope, way, project })
    }

    /// Finds out what is there of an environment by its record, whether its stack is right or not.
    pub(crate) async fn known(&self, args: &StackArgs) -> Result<Known<W::Cloud>, Error> {
        self.seen(&self.locate(args)?).await
    }

    /// What is there of an environment now.
    pub(crate) async fn seen(&self, environment: &Environment) -> Result<Known<W::Cloud>, Error> {
        let (connected, deeds) = self.arrive(&environment.way, &environment.scope).await?;
        let connected = environment.places(connected);
        let snapshot = self.observe(&connected, &environment.scope, Scan::Known, &deeds).await?;
        Ok(Known { connected, snapshot, deeds })
    }

    /// The cloud where something of an environment is.
    pub(crate) async fn reach(
        &self,
        known: &Known<W::Cloud>,
        live: &Live,
    ) -> Result<Arc<W::Cloud>, Error> {
        let reaching = known.connected.at(&live.place, &known.deeds.record.roles);
        let cloud = self.unless_cancelled(reaching).await?;
        cloud.map_err(|failure| Error::Cloud(vec![failure]))
    }

    /// Reads the stack, and finds out what is there of it: of the kinds that it may have, or of
    /// all, however closely.
    pub(crate) async fn look(
        &self,
        args: &StackArgs,
        all: Option<Look>,
    ) -> Result<(Project, Arc<Places<W::Cloud>>, Snapshot), Error> {
        let project = self.load(args)?;
        let stack = &project.stack;
        let (connected, deeds) = self.arrive(&project.way(), &stack.scope).await?;
        let connected = Arc::new(connected.of(stack));
        let scan = all.map_or(Scan::For(stack), Scan::All);
        let snapshot = self.observe(&connected, &stack.scope, scan, &deeds).await?;
        let project = self.settle(project, &connected, &snapshot).await?;
        Ok((project, connected, snapshot))
    }

    /// Plans a whole stack, with all that is reported beside its steps: what creates would lack is a
    /// mistake.
    pub(crate) async fn plan_whole(
        &self,
        project: &Project,
        connected: &Arc<Places<W::Cloud>>,
        snapshot: &Snapshot,
        targets: &TargetArgs,
    ) -> Result<Plan, Error> {
        let targets = project.meant(targets);
        let mut plan = self.plan(Some(project), &project.stack, snapshot, &targets)?;
        self.preview(project, &plan, connected, snapshot).await?;
        plan.images = self.published(project, connected, snapshot).await?;
        self.find_left_behind(&mut plan, connected, &project.source, snapshot).await;
        Ok(plan)
    }

    /// The images that are built here and published already, each with whether what it is built
    /// from has changed. Only archives are compared: whether code makes another image, only a
    /// build says. One that cannot be read is not compared: nothing of the plan needs it.
    async fn published(
        &self,
        project: &Project,
        connected: &Arc<Places<W::Cloud>>,
        snapshot: &Snapshot,
    ) -> Result<Vec<Published>, Error> {
        let registry = self.world.registry();
        let mut published: Vec<Published> = Vec::new();
        let images = project.images.iter();
        let images = images.flat_map(|(service, all)| all.iter().map(move |it| (service, it)));
        for (service, address) in images {
            let current = snapshot.current(address).filter(|live| live.phase != Phase::Failed);
            let Some(current) = current else { continue };
            if published.iter().any(|image| image.address == *address) {
                continue;
            }
            let spec = project.stack.resources.get(address).map(|desired| &desired.spec);
            let is_archive = spec.is_some_and(|spec| !spec["build"]["archive"].is_null());
            let changed = if is_archive {
                let only = BTreeSet::from([address.clone()]);
                let cloud = connected.cloud();
                let reading = prepare(&registry, &**cloud, &project.stack, &only, &|_, _| ());
                let read = self.unless_cancelled(reading).await?.ok();
                let digest = read.map(|it| it.resources[address].spec["digest"].clone());
                digest.map(|digest| digest != current.id())
            } else {
                None
            };
            published.push(Published {
                address: address.clone(),
                service: service.clone(),
                release: current.release(),
                changed,
            });
        }
        Ok(published)
    }

    /// Adds to a plan the environments that still exist and that the stack no longer names. They
    /// are looked for when nothing of this one exists yet, since this one may replace another. To
    /// somebody who may not look, the plan says so.
    async fn find_left_behind(
        &self,
        plan: &mut Plan,
        connected: &Places<W::Cloud>,
        source: &Source,
        snapshot: &Snapshot,
    ) {
        let (true, Ok(outline)) =
            (snapshot.lives.is_empty(), deployer_stack::outline(&source.text))
        else {
            return;
        };
        let cloud = connected.cloud();
        let looking = async {
            let mut left_behind = Vec::new();
            for environment in cloud.environments(&snapshot.scope.stack).await? {
                if outline.environment(Some(&environment)).is_ok() {
                    continue;
                }
                let scope = Scope { environment, ..snapshot.scope.clone() };
                let record = read_book(&**cloud, &scope).await?.deeds.record;
                // A stack of the same name that is kept elsewhere is somebody else's.
                let is_same = match (&record.origin, &scope.origin) {
                    (Some(origin), Some(ours)) => origin == ours,
                    _ => true,
                };
                if is_same && !record.places().is_empty() {
                    left_behind.push(scope.environment);
                }
            }
            Ok::<_, Failure>(left_behind)
        };
        match self.unless_cancelled(looking).await {
            Ok(Ok(left_behind)) => plan.left_behind = left_behind,
            Ok(Err(failure)) => {
                plan.unseen
                    .push(Unseen { what: BTreeSet::from(["environment".to_owned()]), failure });
            }
            Err(_) => {}
        }
    }

    /// Finds the cloud at the places of a stack.
    pub(crate) async fn connect_for(
        &self,
        project: &Project,
    ) -> Result<Arc<Places<W::Cloud>>, Error> {
        let connected = self.connect(&project.way()).await?;
        Ok(Arc::new(connected.of(&project.stack)))
    }

    /// Finds the cloud at home, and whose it is.
    pub(crate) async fn connect(&self, way: &Way) -> Result<Places<W::Cloud>, Error> {
        let Reached { cloud, region } = self.enter(way).await?;
        let account = self.whose(way, &cloud).await?;
        Ok(Places::new(cloud, account, region))
    }

    /// The same, and reads what shows whose something is, which mostly says the account as well.
    /// Where the stack says which account it has to be, nothing is read of another one.
    pub(crate) async fn arrive(
        &self,
        way: &Way,
        scope: &Scope,
    ) -> Result<(Places<W::Cloud>, Deeds), Error> {
        let Reached { cloud, region } = self.enter(way).await?;
        let is_said = way.home.account.is_some();
        let said = if is_said { Some(self.whose(way, &cloud).await?) } else { None };
        let book = self.unless_cancelled(read_book(&*cloud, scope)).await?;
        // Who cannot say whose account it is need not hear what else could not be read.
        let account = match said {
            Some(account) => account,
            None => self.whose(way, &cloud).await?,
        };
        let book = book.map_err(|failure| Error::Cloud(vec![failure]))?;
        Ok((Places::new(cloud, account, region), book.deeds))
    }

    /// Whose account it is, if it is the one that it has to be.
    async fn whose(&self, way: &Way, cloud: &W::Cloud) -> Result<String, Error> {
        let account = self.unless_cancelled(self.world.account(cloud)).await?;
        right_account(way, account)
    }

    async fn enter(&self, way: &Way) -> Result<Reached<W::Cloud>, Error> {
        let entering =
            self.world.connect(way.home.role.as_deref(), way.region.as_deref(), &way.folder);
        self.unless_cancelled(entering).await?.map_err(|failure| Error::Cloud(vec![failure]))
    }

    /// Finds out what is there and ours.
    pub(crate) async fn observe(
        &self,
        connected: &Arc<Places<W::Cloud>>,
        scope: &Scope,
        scan: Scan<'_>,
        deeds: &Deeds,
    ) -> Result<Snapshot, Error> {
        let registry = self.world.registry();
        let observing = observe(&registry, connected, scope, scan, deeds);
        self.unless_cancelled(observing).await?.map_err(Error::Cloud)
    }

    /// Plans how to make the account match the stack.
    pub(crate) fn plan(
        &self,
        project: Option<&Project>,
        stack: &Stack,
        snapshot: &Snapshot,
        targets: &TargetArgs,
    ) -> Result<Plan, Error> {
        for target in targets.targets.iter().chain(&targets.unprotect) {
            if !stack.resources.contains_key(target) && snapshot.current(target).is_none() {
                let lives = snapshot.lives.iter().map(|live| &live.address);
                let namesakes: BTreeSet<_> =
                    lives.filter(|it| it.name == target.name).cloned().collect();
                let namesakes = namesakes.into_iter().collect();
                Err(RequestError::NoTarget { asked: target.clone(), namesakes })?;
            }
        }
        let unprotected: BTreeSet<Address> = targets.unprotect.iter().cloned().collect();
        let kinds = self.world.registry().kinds();
        let plan = deployer_core::plan(stack, snapshot, &kinds, &unprotected)
            .map_err(|diagnostics| unplannable(project, stack, diagnostics))?;
        let wanted: BTreeSet<Address> = targets.targets.iter().cloned().collect();
        Ok(if wanted.is_empty() { plan } else { plan.only(&wanted) })
    }

    /// Shows what a plan leaves as it is because AWS cannot change it, where the file asks for it.
    pub(crate) fn show_refused(&self, plan: &Plan, project: Option<&Project>) {
        let diagnostics: Vec<Diagnostic> = plan
            .refused
            .iter()
            .map(|refused| {
                let (address, difference) = (&refused.address, &refused.difference);
                let place =
                    project.and_then(|project| project.written.place(address, &difference.path));
                let text = format!("AWS has {}", difference.before);
                match place {
                    Some(place) => refused.diagnostic().at(place, text),
                    None => refused.diagnostic(),
                }
            })
            .collect();
        let (name, text) = project
            .map(|Project { source, .. }| (source.name.as_str(), source.text.as_str()))
            .unwrap_or_default();
        self.warn(&render::diagnostics(&diagnostics, name, text, &self.err, self.margin()));
    }

    /// Looks for what would keep the creates of a plan from succeeding, such as an archive that is
    /// not there or a name that is taken: all of it is a mistake before anything is begun.
    async fn preview(
        &self,
        project: &Project,
        plan: &Plan,
        connected: &Places<W::Cloud>,
        snapshot: &Snapshot,
    ) -> Result<(), Error> {
        let registry = self.world.registry();
        let looking = async {
            let lacking = preview(&registry, &**connected.cloud(), plan).await;
            let scope = &project.stack.scope;
            (lacking, taken(&registry, connected, scope, snapshot, plan).await)
        };
        let (lacking, taken) = self.unless_cancelled(looking).await?;
        if lacking.is_empty() && taken.is_empty() {
            return Ok(());
        }
        let mistake = |code: Code, failure: Failure, (address, place): (&Address, Option<Span>)| {
            let title = format!("could not {}: {}", failure.attempted, said(&failure.message));
            let mut mistake = Diagnostic::error(code, title);
            mistake.help = failure.help;
            match place {
                Some(place) => mistake.at(place, format!("of {address}")),
                None => mistake,
            }
        };
        let written = &project.written;
        let lacking = lacking.into_iter().map(|(address, failure)| {
            mistake(Code::ImageSource, failure, (&address, written.place(&address, "build")))
        });
        let taken = taken.into_iter().map(|(address, failure)| {
            mistake(Code::InTheWay, failure, (&address, written.entry(&address)))
        });
        let diagnostics = lacking.chain(taken).collect();
        Err(Error::Stack(mistakes(&project.source, diagnostics)))
    }

    /// Looks whether that is there and fit for use which the stack names and does not make, and
    /// whether the plan may be done and has room. What will fail is an error, what may fail a
    /// warning, each at its place.
    pub(crate) async fn verify(
        &self,
        project: &Project,
        connected: &Places<W::Cloud>,
        snapshot: &Snapshot,
        plan: &Plan,
    ) -> Result<Vec<Diagnostic>, Error> {
        let registry = self.world.registry();
        let looking = verify(&registry, connected, snapshot, &project.stack, plan);
        let verified = self.unless_cancelled(looking).await?;
        let mut found = Vec::new();
        for Verified { address, place, concerns } in verified {
            let concerns = concerns.unwrap_or_else(|failure| {
                let title = format!("could not {}: {}", failure.attempted, said(&failure.message));
                let help = failure.help.unwrap_or_else(|| "nothing was looked at".to_owned());
                vec![Concern::maybe("", title, help)]
            });
            for Concern { path, title, help, is_sure } in concerns {
                let severity = if is_sure { Diagnostic::error } else { Diagnostic::warning };
                let diagnostic = severity(Code::NotFit, said(&title)).help(said(&help));
                let Some(address) = &address else {
                    found.push(diagnostic);
                    continue;
                };
                let about = format!("of {}", render::located(address, &place));
                found.push(match project.written.place(address, &path) {
                    Some(span) => diagnostic.at(span, about),
                    None => diagnostic,
                });
            }
        }
        found.sort_by_key(|it| it.severity != Severity::Error);
        Ok(found)
    }

    /// The same, where what will fail keeps everything from being begun.
    pub(crate) async fn must_verify(
        &self,
        project: &Project,
        connected: &Places<W::Cloud>,
        snapshot: &Snapshot,
        plan: &Plan,
    ) -> Result<(), Error> {
        let found = self.verify(project, connected, snapshot, plan).await?;
        if found.iter().any(|it| it.severity == Severity::Error) {
            return Err(Error::Stack(mistakes(&project.source, found)));
        }
        self.warn_of(&found, &project.source);
        Ok(())
    }

    /// Awaits something that makes calls, and shows a person what they wait for.
    pub(crate) async fn attended<T>(&self, future: impl Future<Output = T>) -> T {
        let stderr = self.terminal.stderr.clone();
        attended(Voice::new(move |line| stderr.write(&format!("{line}\n"))), future).await
    }

    /// Waits for something that changes nothing, unless somebody asks to stop.
    pub(crate) async fn unless_cancelled<T>(
        &self,
        future: impl Future<Output = T>,
    ) -> Result<T, Error> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Error::Interrupted),
            result = self.attended(future) => Ok(result),
        }
    }
}

/// The account, if it is the one that it has to be.
fn right_account(way: &Way, account: Result<String, Failure>) -> Result<String, Error> {
    let account = account.map_err(|failure| Error::Cloud(vec![failure]))?;
    let (Some(expected), Some((source, span))) = (&way.home.account, &way.said) else {
        return Ok(account);
    };
    if *expected == account {
        return Ok(account);
    }
    let title = format!("these are credentials of the account {account}");
    let diagnostic = Diagnostic::error(Code::WrongAccount, title)
        .at(*span, "the stack is for this one")
        .help(format!(
            "use credentials of {expected}, such as those of another AWS_PROFILE, or name a role \
             with `role:` that leads there"
        ));
    Err(Error::Account(mistakes(source, vec![diagnostic])))
}

fn mistakes(source: &Source, mut diagnostics: Vec<Diagnostic>) -> Mistakes {
    // What is wrong comes last, where the eye is.
    diagnostics.sort_by_key(|diagnostic| diagnostic.severity == Severity::Error);
    Mistakes { name: source.name.clone(), text: source.text.clone(), diagnostics }
}

/// What would harm what is there is a refusal; everything else is a mistake in the stack.
pub(crate) fn unplannable(
    project: Option<&Project>,
    stack: &Stack,
    diagnostics: Vec<Diagnostic>,
) -> Error {
    let is_refusal = diagnostics.iter().all(|diagnostic| diagnostic.code.is_refusal());
    let located = |project: &Project, diagnostic: Diagnostic| {
        let about = diagnostic.about.clone().filter(|_| diagnostic.labels.is_empty());
        let place = about.and_then(|address| project.written.place(&address, ""));
        match place {
            Some(place) => diagnostic.at(place, ""),
            None => diagnostic,
        }
    };
    let mistakes = match project {
        Some(project) => {
            let all = diagnostics.into_iter().map(|diagnostic| located(project, diagnostic));
            mistakes(&project.source, all.collect())
        }
        None => Mistakes { name: stack.scope.to_string(), text: String::new(), diagnostics },
    };
    if is_refusal { Error::Protected(mistakes) } else { Error::Stack(mistakes) }
}

//! What the commands share: reading a stack, looking at the cloud, planning.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;

use deployer_core::{Address, Deeds, Diagnostic, Failure, Plan, Scope, Severity, Snapshot, Stack};
use deployer_engine::{Cloud, Look, Parameters, Places, Scan, Voice, attended, observe, read_book};
use deployer_stack::{Loaded, Options, Zones};
use tokio_util::sync::CancellationToken;

use crate::answer::{Answer, Form, Page, as_json};
use crate::args::{StackArgs, TargetArgs};
use crate::exit::{Error, Mistakes, RequestError};
use crate::render::{self, Theme};
use crate::source::{self, Source};
use crate::wire::run::RunLine;
use crate::world::{Connect, Terminal};

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
}

/// A stack that has been read and checked.
#[derive(Clone)]
pub(crate) struct Project {
    /// The file.
    pub(crate) source: Source,
    /// The stack.
    pub(crate) stack: Stack,
    /// The images that are built here, by the service that runs them.
    pub(crate) images: BTreeMap<String, Address>,
    /// What each entry of each section became, by `section/name`.
    entries: BTreeMap<String, BTreeSet<Address>>,
    /// The zones that stand for as many of those that the account has, since nobody has looked.
    pub(crate) assumed_zones: Vec<String>,
    /// How it was read.
    options: Options,
}

impl Project {
    fn new(source: Source, options: Options, loaded: Loaded) -> Self {
        let Loaded { stack, images, entries, assumed_zones, .. } = loaded;
        Self { source, stack, images, entries, assumed_zones, options }
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
    /// The region, where one is named.
    pub(crate) region: Option<String>,
    /// The folder that paths are relative to.
    pub(crate) folder: std::path::PathBuf,
}

impl<W: Connect> Session<'_, W> {
    /// Prints a result, for whoever asked.
    pub(crate) fn answer<A: Answer>(&self, answer: &A) {
        self.print(&match self.is_json {
            true if A::IS_VERSIONED => format!("{:#}\n", as_json(answer.wire())),
            true => format!("{:#}\n", serde_json::json!(answer.wire())),
            false => answer.text(&self.page()),
        });
    }

    /// Prints a line about the run, for machines only.
    pub(crate) fn line(&self, line: RunLine) {
        if self.is_json {
            self.print(&format!("{}\n", as_json(line)));
        }
    }

    /// Prints a text as it is.
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
        let options = options(args, &source);
        let loaded = self.expand(&source, &options)?;
        let (width, warnings) = (self.margin(), &loaded.warnings);
        self.warn(&render::diagnostics(warnings, &source.name, &source.text, &self.err, width));
        Ok(Project::new(source, options, loaded))
    }

    /// The same stack in zones that there are. A network that only says how many it takes keeps
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
        let mut loaded = self.expand(&source, &options)?;
        let unknown = zones.unknown(&loaded.stack);
        if !unknown.is_empty() {
            for place in unknown {
                let looking = async { connected.at(&place, &snapshot.roles).await?.zones().await };
                let there = self.unless_cancelled(looking).await?;
                zones = zones.and(place, there.map_err(|failure| Error::Cloud(vec![failure]))?);
            }
            options.zones = Some(zones);
            loaded = self.expand(&source, &options)?;
        }
        Ok(Project::new(source, options, loaded))
    }

    fn expand(&self, source: &Source, options: &Options) -> Result<Loaded, Error> {
        let kinds = self.world.registry().kinds();
        deployer_stack::load(&source.text, options, &kinds)
            .map_err(|diagnostics| Error::Stack(mistakes(source, diagnostics)))
    }

    /// The stack if it is right, without a word if not.
    pub(crate) fn load_if_right(&self, args: &StackArgs) -> Option<Project> {
        let source = source::read(&self.terminal.folder, args.file.as_deref()).ok()?;
        let options = options(args, &source);
        let loaded = self.expand(&source, &options).ok()?;
        Some(Project::new(source, options, loaded))
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
        Ok(Environment {
            scope: Scope {
                stack: outline.name,
                environment,
                origin: outline.origin.or_else(|| source.origin.clone()),
                // Those of a stack that has mistakes are not known.
                tags: self.load_if_right(args).map(|it| it.stack.scope.tags).unwrap_or_default(),
            },
            region: args.region.clone().or(named),
            folder: source.folder,
        })
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
        let connected = self.connect_for(&project).await?;
        let deeds = self.deeds(&connected, &stack.scope).await?;
        let scan = all.map_or(Scan::For(stack), Scan::All);
        let snapshot = self.observe(&connected, &stack.scope, scan, &deeds).await?;
        let project = self.settle(project, &connected, &snapshot).await?;
        Ok((project, connected, snapshot))
    }

    /// The environments that still exist and that the stack no longer names. They are looked for
    /// when nothing of this one exists yet, since this one may replace another. None are found by
    /// somebody who may not look.
    pub(crate) async fn left_behind(
        &self,
        connected: &Places<W::Cloud>,
        source: &Source,
        snapshot: &Snapshot,
    ) -> Vec<String> {
        let (true, Ok(outline)) =
            (snapshot.lives.is_empty(), deployer_stack::outline(&source.text))
        else {
            return Vec::new();
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
            Ok(Ok(left_behind)) => left_behind,
            Ok(Err(failure)) => {
                tracing::debug!(%failure, "goes on without other environments");
                Vec::new()
            }
            Err(_) => Vec::new(),
        }
    }

    /// Reads what shows whose something is.
    pub(crate) async fn deeds(
        &self,
        connected: &Arc<Places<W::Cloud>>,
        scope: &Scope,
    ) -> Result<Deeds, Error> {
        let reading = read_book(&**connected.cloud(), scope);
        let book = self.unless_cancelled(reading).await?;
        book.map(|book| book.deeds).map_err(|failure| Error::Cloud(vec![failure]))
    }

    /// Finds the cloud at the places of a stack.
    pub(crate) async fn connect_for(
        &self,
        project: &Project,
    ) -> Result<Arc<Places<W::Cloud>>, Error> {
        let Project { source, stack, .. } = project;
        let connected = self.connect(Some(&stack.region), &source.folder).await?;
        Ok(Arc::new(connected.of(stack)))
    }

    /// Finds the cloud at the places of a stack that need not be right: then the record alone says
    /// which there are beside home. Whether it was right comes with it.
    pub(crate) async fn connect_anyway(
        &self,
        args: &StackArgs,
        environment: &Environment,
    ) -> Result<(Arc<Places<W::Cloud>>, bool), Error> {
        let connected = self.connect(environment.region.as_deref(), &environment.folder).await?;
        Ok(match self.load_if_right(args).map(|project| project.stack) {
            Some(stack) => (Arc::new(connected.of(&stack)), true),
            None => (Arc::new(connected), false),
        })
    }

    /// Finds the cloud at home.
    pub(crate) async fn connect(
        &self,
        region: Option<&str>,
        folder: &std::path::Path,
    ) -> Result<Places<W::Cloud>, Error> {
        let connecting = self.world.connect(region, folder);
        self.unless_cancelled(connecting).await?.map_err(|failure| Error::Cloud(vec![failure]))
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
        source: Option<&Source>,
        stack: &Stack,
        snapshot: &Snapshot,
        targets: &TargetArgs,
    ) -> Result<Plan, Error> {
        for target in targets.targets.iter().chain(&targets.unprotect) {
            if !stack.resources.contains_key(target) && snapshot.current(target).is_none() {
                Err(RequestError::NoTarget(target.clone()))?;
            }
        }
        let unprotected: BTreeSet<Address> = targets.unprotect.iter().cloned().collect();
        let kinds = self.world.registry().kinds();
        let plan = deployer_core::plan(stack, snapshot, &kinds, &unprotected)
            .map_err(|diagnostics| unplannable(source, stack, diagnostics))?;
        let wanted: BTreeSet<Address> = targets.targets.iter().cloned().collect();
        Ok(if wanted.is_empty() { plan } else { plan.only(&wanted) })
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

/// What the command line says of a stack.
fn options(args: &StackArgs, source: &Source) -> Options {
    Options {
        environment: args.env.clone(),
        region: args.region.clone(),
        origin: source.origin.clone(),
        variables: args.variables.iter().cloned().collect(),
        zones: None,
    }
}

fn mistakes(source: &Source, mut diagnostics: Vec<Diagnostic>) -> Mistakes {
    // What is wrong comes last, where the eye is.
    diagnostics.sort_by_key(|diagnostic| diagnostic.severity == Severity::Error);
    Mistakes { name: source.name.clone(), text: source.text.clone(), diagnostics }
}

/// What would harm what is there is a refusal; everything else is a mistake in the stack.
pub(crate) fn unplannable(
    source: Option<&Source>,
    stack: &Stack,
    diagnostics: Vec<Diagnostic>,
) -> Error {
    let is_refusal = diagnostics.iter().all(|diagnostic| diagnostic.code.is_refusal());
    let mistakes = match source {
        Some(source) => mistakes(source, diagnostics),
        None => Mistakes { name: stack.scope.to_string(), text: String::new(), diagnostics },
    };
    if is_refusal { Error::Protected(mistakes) } else { Error::Stack(mistakes) }
}

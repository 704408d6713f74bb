//! `deployer history`: the releases of services.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::Live;
use deployer_engine::{Rollout, RolloutState, Serving, Version};
use deployer_kinds::release_changes;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::answer::{Answer, Form, Page, document};
use crate::args::StackArgs;
use crate::command::Command;
use crate::exit::{Error, Exit};
use crate::masking::said;
use crate::render;
use crate::services::chosen;
use crate::session::Session;
use crate::wire::document::Position;
use crate::world::Connect;

/// What `history` takes.
#[derive(Debug, clap::Args)]
#[command(
    about = "Show the releases of services",
    long_about = "Show the releases of services, the newest first.\n\n\
        A release is what a service was set to run: an image and its settings. Each has its number, \
        when it was first rolled out, what became of it, who made it, of which commit and in which \
        run of a CI system, its image, and what differs from the release before, by name. Values \
        are not shown. ECS remembers the last rollouts for 90 days; of releases that somebody made \
        by other means nobody knows who.",
    after_long_help = "\
Examples:
  deployer history --env prod
  deployer history web --json
  deployer rollback web --to 7      back to one of them"
)]
pub(crate) struct Args {
    /// The services; all of them when none is named
    #[arg(value_name = "SERVICE", id = "running")]
    services: Vec<String>,
    #[command(flatten)]
    stack: StackArgs,
}

impl Command for Args {
    const FORM: Form = Form::Document(document::<History>);

    /// Looks at rollouts and at what they rolled out.
    async fn run<W: Connect>(self, session: &mut Session<'_, W>) -> Result<Exit, Error> {
        let known = session.known(&self.stack).await?;
        let services = chosen(&self.services, &known.snapshot)?;
        let looked = session.serving(&known.connected, &services, &known.snapshot).await?;
        session.answer(&History { services: looked.iter().map(Past::of).collect() });
        Ok(Exit::Done)
    }
}

/// The releases of services.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct History {
    /// Each service with its releases.
    services: Vec<Past>,
}

/// The releases of one service.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct Past {
    #[serde(flatten)]
    service: Position,
    /// The newest first.
    releases: Vec<Release>,
    #[serde(skip)]
    name: String,
}

/// A release.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
struct Release {
    /// Its number.
    number: u32,
    /// What became of it.
    state: State,
    /// What AWS says about that, such as why it failed.
    reason: Option<String>,
    /// When it was first rolled out; null where that is forgotten.
    created: Option<String>,
    /// Who made it, by AWS's identifier; null where nobody knows.
    by: Option<String>,
    /// The commit that it was made of, with `-dirty` behind it where files differed from it.
    commit: Option<String>,
    /// Where the run that made it can be looked at.
    run: Option<String>,
    /// The release that it is again, where somebody went back.
    again: Option<u32>,
    /// The digest of each container's image, as far as its image is named by one.
    digests: BTreeMap<String, String>,
    /// What differs from the release before, by name; null for the first that is known.
    changed: Option<BTreeSet<String>>,
}

/// What became of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum State {
    /// It serves.
    Serving,
    /// It is being rolled out.
    RollingOut,
    /// It served before.
    Former,
    /// It was taken back while it was rolled out, by ECS or by somebody.
    RolledBack,
    /// Its rollout was stopped.
    Stopped,
    /// It did not come up.
    Failed,
    /// AWS has a word that this version does not know.
    Unknown,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Serving => "serving",
            Self::RollingOut => "rolling out",
            Self::Former => "former",
            Self::RolledBack => "rolled back",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

impl Past {
    fn of(serving: &Serving<'_>) -> Self {
        let Live { address, place, .. } = serving.live;
        let before = serving.versions.iter().skip(1).map(Some).chain([None]);
        let versions = serving.versions.iter().zip(before);
        Self {
            name: render::located(address, place),
            service: Position::of(address, place),
            releases: versions.map(|(it, before)| Release::of(it, before, serving)).collect(),
        }
    }
}

impl Release {
    fn of(version: &Version, before: Option<&Version>, serving: &Serving<'_>) -> Self {
        let is_of = |rollout: &&Rollout| {
            rollout.to.as_ref().is_some_and(|to| to.runs.as_deref() == Some(&version.id))
        };
        let rollouts: Vec<&Rollout> = serving.rollouts.iter().filter(is_of).collect();
        let provenance = &version.provenance;
        // Whatever was checked out then is not in one that is an earlier one again.
        let again = serving.versions.iter().find(|it| Some(it.number) == provenance.again);
        let commit = provenance.commit.as_ref();
        let commit = commit.or_else(|| again.and_then(|it| it.provenance.commit.as_ref()));
        let newest = rollouts.first();
        let state = newest.map_or(State::Former, |newest| state(newest, serving));
        let reason = newest.and_then(|newest| newest.reason.as_deref());
        Self {
            number: version.number,
            state,
            reason: reason.filter(|_| state != State::Serving && state != State::Former).map(said),
            created: rollouts.last().and_then(|it| it.created).map(|at| at.to_string()),
            by: provenance.by.as_deref().map(said),
            commit: commit.map(|it| said(it)),
            run: provenance.run.as_deref().map(said),
            again: provenance.again,
            digests: digests(&version.spec),
            changed: before.map(|before| {
                let changes = release_changes(&before.spec, &version.spec).into_iter();
                changes.map(|it| it.name).collect()
            }),
        }
    }

    fn row(&self) -> Vec<String> {
        let digests: BTreeSet<&String> = self.digests.values().collect();
        let digests: Vec<&str> = digests.into_iter().map(|it| render::brief(it)).collect();
        let dirty = |it: &String| if it.ends_with("-dirty") { " (dirty)" } else { "" };
        let commit = self.commit.as_ref().map(|it| format!("{}{}", render::brief(it), dirty(it)));
        let changed: Vec<String> = self.changed.iter().flatten().cloned().collect();
        let changed = match (self.again, self.changed.as_ref()) {
            (Some(again), _) => format!("release {again} again"),
            (None, Some(it)) if it.is_empty() => "nothing".to_owned(),
            (None, _) => changed.join(", "),
        };
        let when = self.created.as_deref().and_then(|at| at.parse::<jiff::Timestamp>().ok());
        let when = when.map(|at| at.strftime("%Y-%m-%d %H:%M").to_string());
        let by = self.by.as_deref().map(|by| render::short(by).to_owned());
        vec![
            self.number.to_string(),
            when.unwrap_or_default(),
            self.state.word().to_owned(),
            by.unwrap_or_default(),
            commit.unwrap_or_default(),
            digests.join(", "),
            changed,
        ]
    }
}

/// What became of a release by its newest rollout.
fn state(newest: &Rollout, serving: &Serving<'_>) -> State {
    let mut succeeded = serving.rollouts.iter().filter(|it| it.state == RolloutState::Succeeded);
    match newest.state {
        RolloutState::Succeeded if succeeded.next().is_some_and(|it| it.id == newest.id) => {
            State::Serving
        }
        RolloutState::Succeeded => State::Former,
        RolloutState::Pending | RolloutState::UnderWay => State::RollingOut,
        RolloutState::GoingBack | RolloutState::RolledBack => State::RolledBack,
        RolloutState::Stopped => State::Stopped,
        RolloutState::Failed => State::Failed,
        RolloutState::Unknown => State::Unknown,
    }
}

/// The digests of the images that a release runs, by container.
fn digests(spec: &Value) -> BTreeMap<String, String> {
    let containers = spec["containers"].as_object().into_iter().flatten();
    let digests = containers.filter_map(|(name, container)| {
        let (_, digest) = container["image"].as_str()?.split_once('@')?;
        Some((name.clone(), digest.to_owned()))
    });
    digests.collect()
}

impl Answer for History {
    type Wire = Self;

    fn wire(&self) -> Self {
        self.clone()
    }

    fn text(&self, page: &Page) -> String {
        let headings = ["RELEASE", "WHEN", "STATE", "BY", "COMMIT", "IMAGE", "CHANGED"];
        let tables = self.services.iter().map(|service| {
            let title = page.theme.strong.style(&service.name);
            if service.releases.is_empty() {
                return format!("{title}\nECS remembers no rollout of it.\n");
            }
            let rows: Vec<_> = service.releases.iter().map(Release::row).collect();
            format!("{title}\n{}", render::table(&headings, &rows, &page.theme, page.width))
        });
        tables.collect::<Vec<_>>().join("\n")
    }
}

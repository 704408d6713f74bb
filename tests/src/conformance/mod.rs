//! Keeps the contracts and brings a stack up in a real account, and sets what AWS answers beside what
//! the lab answers.
//!
//! Whatever is made belongs to the environment `conformance` of stacks called `contract-…`,
//! `outside` and `conformance`, so that it can be found and deleted by another run. Each part runs
//! in a process of its own, since the SDK takes an address from the environment.

mod compare;
mod journey;
mod price;
mod record;
mod report;
mod scrub;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::process::Command;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

pub use journey::STACK;
pub use price::Estimate;
pub use record::{Exchange, Recorder};
pub use report::{Part, Report, Step};
use scrub::Scrubber;

use crate::contract::{
    Diary, Lasted, Terms, extent_of_contract, keep_contract, spared_contract, sweep_contract,
};
use crate::{Lab, root};

/// The environment that all of it belongs to.
pub const ENVIRONMENT: &str = "conformance";

/// How often everything is swept up: what AWS has been asked for and does not show yet is not seen
/// the first time.
const SWEEPS: usize = 2;

/// How long after something was asked for it may not be shown, at most. An assumption.
const LAG: Duration = Duration::from_mins(1);

/// What in a user's surroundings would lead calls that are for the lab elsewhere.
const OF_THE_USER: [&str; 4] =
    ["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_PROFILE", "AWS_ROLE_ARN", "AWS_SESSION_TOKEN"];

/// A run to come.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// Where.
    pub terms: Terms,
    /// The kinds whose contracts are kept, and [`STACK`].
    pub parts: Vec<String>,
    /// How many parts are under way at once. An account has five VPCs in a region, unless it has
    /// asked for more.
    pub at_once: usize,
    /// What ends the run.
    pub limit: Estimate,
    /// How much of AWS's real time the lab beside it takes.
    pub lab_speed: f64,
    /// Where recordings and the report go.
    pub folder: PathBuf,
}

/// What came of a part, as its process leaves it for the one that started it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Outcome {
    /// Why it was not kept.
    why: Option<String>,
    /// What was applied, in turn.
    lasted: Vec<Lasted>,
}

impl Campaign {
    /// All that there is to keep.
    pub fn all() -> Vec<String> {
        let kinds = deployer_kinds::all();
        kinds.iter().map(|kind| kind.name).chain([STACK]).map(str::to_owned).collect()
    }

    /// What each part may take and cost at most.
    ///
    /// # Errors
    /// When a contract cannot be read.
    pub fn estimates(&self) -> Result<BTreeMap<&str, Estimate>, String> {
        let each = self.parts.iter().map(|part| {
            let estimate = if part == STACK {
                journey::estimate()
            } else {
                price::estimate(&extent_of_contract(part, &self.terms)?)
            };
            Ok((part.as_str(), estimate))
        });
        each.collect()
    }

    /// Runs all of it: in the lab, in the account, and whatever came of that, sweeps up.
    ///
    /// # Errors
    /// When the recordings cannot be written.
    pub async fn run(&self, against: &str, tell: &mut impl FnMut(&str)) -> Result<Report, String> {
        let begun = Instant::now();
        let (there, here) = (self.folder.join("lab"), self.folder.join("answers"));
        for folder in [&there, &here] {
            drop(std::fs::remove_dir_all(folder));
            std::fs::create_dir_all(folder)
                .map_err(|error| format!("could not make {}: {error}", folder.display()))?;
        }
        tell("in the lab, to have something to set the answers beside");
        let lab = Lab::start(self.lab_speed);
        lab.set_strict(true);
        let written = Terms::as_written();
        let terms = Terms {
            environment: self.terms.environment.clone(),
            region: self.terms.region.clone(),
            certificates: self.terms.certificates.as_ref().and(written.certificates),
            web_acl: self.terms.web_acl.as_ref().and(written.web_acl),
            ..Terms::as_written()
        };
        for certificate in terms.certificates.iter().flatten() {
            lab.issue(certificate);
        }
        if let Some(web_acl) = &terms.web_acl {
            lab.web_acl(web_acl);
        }
        self.keep_all(&terms, &there, lab.environment().into(), &mut |_| {}).await;
        lab.finish();

        tell("in the account");
        let limit = Duration::from_secs_f64(self.limit.minutes * 60.0);
        let keeping = self.keep_all(&self.terms, &here, Vec::new(), tell);
        let ended = tokio::select! {
            ended = tokio::time::timeout(limit, keeping) => {
                ended.map_err(|_| format!("{:.0} minutes are over", self.limit.minutes))
            }
            _ = tokio::signal::ctrl_c() => Err("interrupted".to_owned()),
        };
        if let Err(why) = ended {
            tell(&format!("{why}: what is under way is ended, and shows within a minute"));
            // Nothing ever comes of it.
            let _ = tokio::time::timeout(LAG, std::future::pending::<()>()).await;
        }
        tell("sweeping up");
        let left = sweep(&self.terms, &self.parts, self.at_once).await;

        let parts = self.parts.iter().map(|part| {
            let spared = spared_contract(part, &self.terms).map(str::to_owned);
            Part { spared, ..part_of(part, &here, &there) }
        });
        let parts = parts.collect();
        let (answers, beside) = (recordings(&here)?, recordings(&there)?);
        let report = Report {
            version: 1,
            against: against.to_owned(),
            region: self.terms.region.clone(),
            lab_speed: self.lab_speed,
            minutes: begun.elapsed().as_secs_f64() / 60.0,
            parts,
            operations: compare::compare(&answers.concat(), &beside.concat()),
            lags: compare::lags(&answers),
            left: left.iter().map(|left| plain(left)).collect(),
        };
        report.write(&self.folder)?;
        Ok(report)
    }

    /// Keeps every part, each in a process of its own that ends with this future.
    async fn keep_all(
        &self,
        terms: &Terms,
        folder: &Path,
        environment: Vec<(&'static str, &str)>,
        tell: &mut impl FnMut(&str),
    ) {
        let turn = Arc::new(Semaphore::new(self.at_once));
        let mut under_way = JoinSet::new();
        let tried = self.parts.iter().filter(|part| spared_contract(part, terms).is_none());
        for part in tried {
            let mut command = itself("keep", part, terms);
            command.arg(folder);
            if !environment.is_empty() {
                beside_the_user(&mut command);
            }
            command.envs(environment.iter().copied());
            let (turn, part) = (Arc::clone(&turn), part.clone());
            under_way.spawn(async move {
                let _turn = turn.acquire().await;
                let begun = Instant::now();
                let is_kept = command.status().await.is_ok_and(|status| status.success());
                (part, is_kept, begun.elapsed())
            });
        }
        while let Some(ended) = under_way.join_next().await {
            let Ok((part, is_kept, lasted)) = ended else { continue };
            let word = if is_kept { "kept" } else { "NOT KEPT" };
            tell(&format!("  {part:<20} {word:<9} {:>5.0} s", lasted.as_secs_f64()));
        }
    }
}

/// Deletes whatever runs have left in the account; gives what could not be deleted.
pub async fn sweep(terms: &Terms, parts: &[String], at_once: usize) -> Vec<String> {
    let mut left = BTreeMap::new();
    for _ in 0..SWEEPS {
        let turn = Arc::new(Semaphore::new(at_once));
        let mut under_way = JoinSet::new();
        for part in parts {
            let mut command = itself("sweep-part", part, terms);
            let (turn, part) = (Arc::clone(&turn), part.clone());
            under_way.spawn(async move {
                let _turn = turn.acquire().await;
                let output = command.stderr(Stdio::piped()).output().await;
                let why = match output {
                    Ok(output) if output.status.success() => None,
                    Ok(output) => Some(String::from_utf8_lossy(&output.stderr).into_owned()),
                    Err(error) => Some(error.to_string()),
                };
                (part, why)
            });
        }
        left = under_way
            .join_all()
            .await
            .into_iter()
            .filter_map(|(part, why)| Some((part, why?)))
            .collect();
    }
    left.into_iter().map(|(part, why)| format!("{part}: {}", why.trim())).collect()
}

/// What a process does that was started for one part, and what it leaves in the folder: the answers
/// and what came of it.
///
/// # Errors
/// The promise that was not kept.
pub async fn keep_part(part: &str, terms: &Terms, folder: &Path) -> Result<(), String> {
    let diary = Diary::default();
    let kept = if part == STACK {
        journey::take(terms, folder, &diary).await
    } else {
        let recorder = Recorder::begin(&folder.join(format!("{part}.jsonl")), ENVIRONMENT)?;
        keep_contract(part, terms, Some(Arc::new(recorder)), &diary).await
    };
    let why = kept.clone().err().map(|why| plain(&why));
    let outcome = Outcome { why, lasted: diary.pages() };
    let text = serde_json::to_string_pretty(&outcome).map_err(|error| error.to_string())?;
    let path = folder.join(format!("{part}.json"));
    std::fs::write(&path, text)
        .map_err(|error| format!("could not write {}: {error}", path.display()))?;
    kept
}

/// Deletes all that a part has made.
///
/// # Errors
/// What could not be deleted.
pub async fn sweep_part(part: &str, terms: &Terms) -> Result<(), String> {
    if part == STACK { journey::sweep(terms).await } else { sweep_contract(part, terms).await }
}

/// A text as it may be shown to anybody.
fn plain(text: &str) -> String {
    Scrubber::new(ENVIRONMENT).text(text)
}

/// Takes from a command what the user has said of AWS.
fn beside_the_user(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if OF_THE_USER.contains(&name.as_str()) || name.starts_with("AWS_ENDPOINT_URL_") {
            command.env_remove(name);
        }
    }
    command.env("AWS_CONFIG_FILE", "/nonexistent");
    command.env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent");
}

/// This program, for one part.
fn itself(verb: &str, part: &str, terms: &Terms) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a process knows what it is"));
    let terms = serde_json::to_string(terms).expect("they can be JSON");
    command
        .args([verb, part, &terms])
        .current_dir(root())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    command
}

fn part_of(part: &str, here: &Path, there: &Path) -> Part {
    let read = |folder: &Path| -> Option<Outcome> {
        let text = std::fs::read_to_string(folder.join(format!("{part}.json"))).ok()?;
        serde_json::from_str(&text).ok()
    };
    let (outcome, beside) = (read(here), read(there).unwrap_or_default());
    // What was ended in the midst of it has recorded something and says nothing of itself.
    let first = if part == STACK { format!("{part}-apply.jsonl") } else { format!("{part}.jsonl") };
    let is_begun = here.join(first).exists();
    let is_kept = match &outcome {
        Some(outcome) => Some(outcome.why.is_none()),
        None => is_begun.then_some(false),
    };
    let ended = (outcome.is_none() && is_begun).then(|| "it was ended in the midst of it".into());
    let Outcome { why, lasted } = outcome.unwrap_or_default();
    let mut beside = beside.lasted.into_iter();
    let steps = lasted.into_iter().map(|step| {
        // Both do the same in turn.
        let lab = beside.next().filter(|lab| lab.what == step.what).map(|lab| lab.seconds);
        Step { what: step.what, here: step.seconds, lab }
    });
    Part {
        name: part.to_owned(),
        is_kept,
        why: why.or(ended),
        steps: steps.collect(),
        spared: None,
    }
}

fn recordings(folder: &Path) -> Result<Vec<Vec<Exchange>>, String> {
    let unreadable = |error| format!("could not read {}: {error}", folder.display());
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .map_err(unreadable)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    paths.sort();
    paths.iter().map(|path| Exchange::read_all(path)).collect()
}

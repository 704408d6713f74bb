//! How a command ends: every exit code, and every error with its code and advice.

use std::collections::BTreeSet;
use std::process::ExitCode;

use deployer_core::{Address, Diagnostic, Failure, Impact, Scope, Severity};
use deployer_engine::{Claim, Holder};

use crate::plan_file::PlanFileError;
use crate::render::words;
use crate::source::SourceError;

/// How a command ended. The numbers are a promise to scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// The stack or the request is wrong, or the cloud cannot be reached; nothing was begun.
    Wrong,
    /// The command line is wrong.
    Usage,
    /// There are changes to make, there is drift, or something is wrong with what is there.
    Pending,
    /// The run failed part-way; the same command continues it.
    Failed,
    /// Refused: protection, another stack, a lock, a moved world, no confirmation; nothing was
    /// begun. Or some of the changes, which AWS cannot make; all the others were made.
    Refused,
    /// Interrupted; the same command continues.
    Interrupted,
    /// What was run by hand ended with this code.
    Ran(u8),
}

impl Exit {
    /// All of them that are the tool's own.
    pub const ALL: [Self; 7] = [
        Self::Done,
        Self::Wrong,
        Self::Usage,
        Self::Pending,
        Self::Failed,
        Self::Refused,
        Self::Interrupted,
    ];

    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Wrong => 1,
            Self::Usage => 2,
            Self::Pending => 3,
            Self::Failed => 4,
            Self::Refused => 5,
            Self::Interrupted => 130,
            Self::Ran(code) => code,
        }
    }

    /// What it means, in a line.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Wrong => "the stack or the request is wrong, or AWS cannot be reached",
            Self::Usage => "the command line is wrong",
            Self::Pending => {
                "there are changes to make (`plan --check`), there is drift, or something is wrong (`doctor`)"
            }
            Self::Failed => "the run failed part-way; the same command continues it",
            Self::Refused => {
                "refused: protection, another account or stack of the name, a lock, a moved world, no \
                 confirmation; or a change that AWS cannot make, and the rest was done"
            }
            Self::Interrupted => "interrupted; the same command continues",
            Self::Ran(_) => "what was run ended so",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command did not do what was asked. Its message fits after "error: ".
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The stack file cannot be found or read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The stack has mistakes, or cannot be planned.
    #[error("{0}")]
    Stack(Mistakes),
    /// What would be deleted is protected, or of another stack.
    #[error("refused: it would harm what exists; nothing was begun")]
    Protected(Mistakes),
    /// The credentials are of another account than the stack is for.
    #[error("refused: the stack is for another account; nothing was read or begun")]
    Account(Mistakes),
    /// The account could not be read, before anything began.
    #[error("could not read the account")]
    Cloud(Vec<Failure>),
    /// The saved plan cannot be read or written.
    #[error(transparent)]
    PlanFile(#[from] PlanFileError),
    /// What was asked for is not there.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// It would not be right to go on.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// What was begun to be taken down could not be looked at again.
    #[error("some of it may be left: the last sweep did not happen; run the same command again")]
    Unswept(Box<Error>),
    /// Somebody has taken the lock over in the midst of it.
    #[error("the lock was taken over by {0} while this run gave no sign of life; it stopped")]
    LockLost(Holder),
    /// What was to be printed could not be.
    #[error("could not write the output: {0}")]
    Output(String),
    /// Somebody asked to stop, before anything began.
    #[error("interrupted; nothing was begun")]
    Interrupted,
}

impl Error {
    /// The exit code it leads to.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Refused(_) | Self::Protected(_) | Self::Account(_) => Exit::Refused,
            Self::Interrupted => Exit::Interrupted,
            Self::Unswept(why) if why.exit() == Exit::Interrupted => Exit::Interrupted,
            Self::Unswept(_) | Self::LockLost(_) => Exit::Failed,
            Self::Source(_)
            | Self::Stack(_)
            | Self::Cloud(_)
            | Self::PlanFile(_)
            | Self::Request(_)
            | Self::Output(_) => Exit::Wrong,
        }
    }

    /// What to do about it.
    pub(crate) fn help(&self) -> Option<String> {
        match self {
            Self::Source(error) => error.help(),
            Self::PlanFile(error) => error.help(),
            Self::Request(error) => error.help(),
            Self::Refused(refusal) => refusal.help(),
            Self::LockLost(_) => {
                Some("run the same command again when the other run has ended".to_owned())
            }
            _ => None,
        }
    }
}

/// Mistakes in a stack, with the text they are in.
#[derive(Debug)]
pub(crate) struct Mistakes {
    /// What the text was read from.
    pub(crate) name: String,
    /// The text.
    pub(crate) text: String,
    /// The mistakes.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl std::fmt::Display for Mistakes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let errors = |it: &&Diagnostic| it.severity == Severity::Error;
        match self.diagnostics.iter().filter(errors).count() {
            1 => write!(f, "{} has a mistake; nothing was begun", self.name),
            count => write!(f, "{} has {count} mistakes; nothing was begun", self.name),
        }
    }
}

/// What was asked for is not there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    /// There is no such output.
    #[error("there is no output `{asked}`")]
    NoOutput {
        /// What was asked for.
        asked: String,
        /// What there is.
        known: Vec<String>,
    },
    /// The output's resource does not exist yet.
    #[error("the output `{0}` is not known yet")]
    OutputNotKnown(String),
    /// There is no such service, or its image is not built here.
    #[error("there is no service `{asked}` whose image is built here")]
    NoImage {
        /// What was asked for.
        asked: String,
        /// The services whose images are.
        known: Vec<String>,
    },
    /// Nothing of that name is in AWS that runs as tasks.
    #[error("there is no service or job `{asked}` in AWS")]
    NoWorkload {
        /// What was asked for.
        asked: String,
        /// What there is.
        known: Vec<String>,
    },
    /// A name means several things.
    #[error("`{asked}` may be {}", .meanings.join(" or "))]
    Ambiguous {
        /// What was asked for.
        asked: String,
        /// What it may mean, each as it is named in full.
        meanings: Vec<String>,
    },
    /// No task of a service can be got into.
    #[error("{service} has no task that runs{}", .asked.as_ref().map(|it| format!(" and begins with `{it}`")).unwrap_or_default())]
    NoTask {
        /// The service.
        service: String,
        /// What its identifier was to begin with.
        asked: Option<String>,
        /// The tasks that run.
        known: Vec<String>,
    },
    /// A service has no end of its own.
    #[error("{0} is a service, and runs until it is stopped")]
    NoCommand(String),
    /// There is no such service in AWS.
    #[error("there is no service `{asked}` in AWS")]
    NoService {
        /// What was asked for.
        asked: String,
        /// The services that there are.
        known: Vec<String>,
    },
    /// There is no service in AWS.
    #[error("there is no service in AWS")]
    NoServices,
    /// One release is asked for of several services.
    #[error("each service has releases of its own, and `--to` names one")]
    ToOfSeveral,
    /// Nothing ran before what runs.
    #[error("{0} has nothing to go back to: no other release of it has come up before")]
    NothingBefore(Address),
    /// The same of all services.
    #[error("no service has anything to go back to: no other release has come up before")]
    NothingBeforeAny,
    /// There is no such release.
    #[error("{address} has no release {asked} that ECS remembers")]
    NoRelease {
        /// The service.
        address: Address,
        /// What was asked for.
        asked: u32,
        /// Those that have run.
        known: BTreeSet<u32>,
    },
    /// A release has never run.
    #[error("release {number} of {address} never came up")]
    NeverRan {
        /// The service.
        address: Address,
        /// What was asked for.
        number: u32,
    },
    /// A rollout waits for nobody.
    #[error("no rollout of {address} waits for an answer; the newest: {is}")]
    NotHeld {
        /// The service.
        address: Address,
        /// How far the newest is.
        is: String,
    },
    /// No service has an image that is built here.
    #[error("no service of the stack has an image that is built here")]
    NothingToPublish,
    /// There is no such resource.
    #[error("there is no resource `{asked}`, neither in the stack nor in AWS")]
    NoTarget {
        /// What was asked for.
        asked: Address,
        /// Those in AWS of the same name, such as what an entry of a section became that is gone.
        namesakes: Vec<Address>,
    },
    /// Nothing of it is a secret of the stack's.
    #[error("`{0}` has no secret that the stack keeps")]
    NoSecret(Address),
    /// It does not exist yet.
    #[error("{0} does not exist yet")]
    NotThereYet(Address),
    /// The resource exists already.
    #[error("{address} exists already: {id}")]
    AlreadyThere {
        /// The resource.
        address: Address,
        /// What it is.
        id: String,
    },
    /// There is no such thing to take over.
    #[error("there is no `{id}` that could become {address}")]
    NothingToAdopt {
        /// The resource.
        address: Address,
        /// What was asked for.
        id: String,
    },
    /// An image could not be built.
    #[error("{address}: {failure}")]
    Build {
        /// The image.
        address: Address,
        /// Why.
        failure: Failure,
    },
}

impl RequestError {
    fn help(&self) -> Option<String> {
        match self {
            Self::NoOutput { asked, known } | Self::NoImage { asked, known } => {
                suggest(asked, known)
            }
            Self::NoService { asked, known } | Self::NoWorkload { asked, known } => {
                suggest(asked, known).or_else(|| Some("run `deployer apply` first".to_owned()))
            }
            Self::Ambiguous { meanings, .. } => {
                let names = meanings.iter().map(|name| format!("`{name}`"));
                Some(format!("write {}", names.collect::<Vec<_>>().join(" or ")))
            }
            Self::NoTask { known, .. } if known.is_empty() => {
                Some("`deployer status` shows what there is, and `deployer doctor` why".to_owned())
            }
            Self::NoTask { known, .. } => Some(format!("those that run: {}", known.join(", "))),
            Self::NoCommand(name) => Some(format!(
                "say what its container is to run instead: `deployer run {name} -- COMMAND`"
            )),
            Self::NoSecret(_) => Some(
                "name an entry of `secrets`, or a database with `password: kept`; RDS rotates \
                 the passwords that it manages"
                    .to_owned(),
            ),
            Self::OutputNotKnown(_) | Self::NotThereYet(_) | Self::NoServices => {
                Some("run `deployer apply` first".to_owned())
            }
            Self::ToOfSeveral => Some("name one: `deployer rollback web --to 7`".to_owned()),
            Self::NoRelease { known, .. } if !known.is_empty() => {
                Some(format!("expected {}", listed(known.iter().map(u32::to_string))))
            }
            Self::NothingBefore(_)
            | Self::NothingBeforeAny
            | Self::NoRelease { .. }
            | Self::NeverRan { .. } => {
                Some("`deployer history` lists the releases and what became of them".to_owned())
            }
            Self::NotHeld { .. } => Some("`deployer status` shows how far rollouts are".to_owned()),
            Self::NothingToPublish => Some(
                "give one an image with `repository:` and `build:`; `deployer apply` rolls out \
                 an image from elsewhere"
                    .to_owned(),
            ),
            Self::NoTarget { namesakes, .. } if !namesakes.is_empty() => {
                Some(format!("AWS has {}", listed(namesakes.iter().map(Address::to_string))))
            }
            Self::NoTarget { .. } => {
                Some("`deployer expand` lists the addresses of the stack's resources".to_owned())
            }
            Self::AlreadyThere { address, .. } => Some(format!(
                "to have another one in its place, remove {address} from the stack and apply first"
            )),
            Self::NothingToAdopt { .. } => Some(
                "`deployer help adopt` says which identifier each kind has and what can be taken \
                 over"
                    .to_owned(),
            ),
            Self::Build { failure, .. } => failure.help.clone(),
        }
    }
}

/// The known word that was most likely meant, or all of them.
fn suggest(asked: &str, known: &[String]) -> Option<String> {
    let names = known.iter().map(String::as_str);
    match (deployer_core::closest(asked, names), known) {
        (Some(name), _) => Some(format!("did you mean `{name}`?")),
        (None, []) => None,
        (None, [only]) => Some(format!("expected {only}")),
        (None, several) => Some(format!("expected one of {}", several.join(", "))),
    }
}

/// It would not be right to go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// A question needs an answer and nobody is there to give one.
    #[error("refused: nobody can confirm it here; nothing was begun")]
    Unattended {
        /// What to type.
        help: &'static str,
    },
    /// The answer was no.
    #[error("not confirmed; nothing was begun")]
    Declined,
    /// The account is not what a saved plan was made for.
    #[error("refused: {what} has changed since the plan was made; nothing was begun")]
    Moved {
        /// What differs: `the region (eu-west-1, now us-east-1)`.
        what: String,
    },
    /// A saved plan is not what its own stack gives.
    #[error(
        "refused: the saved plan is not the one that its stack gives: it has been edited, or \
         another version of deployer made it; nothing was begun"
    )]
    Edited,
    /// Another run has the lock.
    #[error("refused: another run is at work, that of {}; nothing was begun", .0.holder)]
    Locked(Box<Claim>),
    /// The record is lost, and nobody has confirmed what is ours.
    #[error(
        "refused: the record of what {scope} has made is lost, and {count} of its resources are \
         known by their signatures alone; nothing was begun"
    )]
    Unconfirmed {
        /// Whose record it was.
        scope: Scope,
        /// How many they are.
        count: usize,
    },
    /// People would notice more than they may.
    #[error(
        "refused: more would be noticed than `{}`: {}; nothing was begun",
        words::impact(*most),
        listed(worse.iter().map(|(address, impact)| format!("{address} ({})", words::impact(*impact))))
    )]
    Noticed {
        /// The most that may be.
        most: Impact,
        /// What would be noticed more, and how.
        worse: Vec<(Address, Impact)>,
    },
    /// A rollout is under way that nobody wanted to stop.
    #[error("refused: a rollout of {0} is under way; nothing was begun")]
    RollsOut(Address),
    /// The image of a release has been deleted.
    #[error(
        "refused: the image of release {number} of {address} is no longer in its repository \
         ({digest}); nothing was begun"
    )]
    ImageGone {
        /// The service.
        address: Address,
        /// The release.
        number: u32,
        /// The image.
        digest: String,
    },
    /// Services that run one image would go back to different ones.
    #[error(
        "refused: services that run {0} would go back to different releases of it; nothing was begun"
    )]
    Apart(Address),
    /// Publishing would change more than images and the services that run them.
    #[error(
        "refused: publishing would also change {}; nothing was begun",
        listed(.0.iter().map(Address::to_string))
    )]
    Beyond(Vec<Address>),
}

impl Refusal {
    fn help(&self) -> Option<String> {
        match self {
            Self::Unattended { help } => Some((*help).to_owned()),
            Self::Declined => None,
            Self::Moved { .. } | Self::Edited => {
                Some("make the plan again: `deployer plan --out …`".to_owned())
            }
            Self::Locked(_) => Some(
                "wait longer for it to end, such as with `--lock-timeout 15m`; a run that was \
                 killed elsewhere loses its lock a minute and a half after its last sign of life"
                    .to_owned(),
            ),
            Self::Unconfirmed { .. } => Some(
                "look at them with `deployer status`; then run the command in a terminal without \
                 `--yes` and confirm them, or `deployer adopt --all`"
                    .to_owned(),
            ),
            Self::RollsOut(address) => Some(format!(
                "wait for its end (`deployer status`), or stop it: `deployer rollback {}`",
                address.name
            )),
            Self::ImageGone { .. } => Some(
                "go further back or forth with `--to` (`deployer history`), or publish from its \
                 commit; `keep:` of the repository says how many stay"
                    .to_owned(),
            ),
            Self::Apart(_) => Some(
                "name one service; what it goes back to is what the next apply brings the others \
                 to as well"
                    .to_owned(),
            ),
            Self::Noticed { .. } => Some(
                "look at it with `deployer plan`; where that may be, leave `--up-to` out"
                    .to_owned(),
            ),
            Self::Beyond(_) => Some(
                "look at it with `deployer plan` and do it with `deployer apply`, or add `--yes` \
                 to do it along the way"
                    .to_owned(),
            ),
        }
    }
}

/// The first few of them, and how many more there are.
fn listed(names: impl ExactSizeIterator<Item = String>) -> String {
    const LISTED: usize = 5;
    let more = names.len().saturating_sub(LISTED);
    let more = (more > 0).then(|| format!("{more} more"));
    names.take(LISTED).chain(more).collect::<Vec<_>>().join(", ")
}

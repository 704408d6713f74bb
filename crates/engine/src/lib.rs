//! Scans, locks, runs plans, makes calls, waits, retries and reports.
//!
//! Knows tokio and no cloud: everything is generic over the cloud `C`. What a kind does in that
//! cloud is written once, typed, as a [`Resource`]; [`Registry`] holds the kinds with their types
//! erased, and with what people do after a deploy: a [`Capability`] each.

mod access;
mod adopt;
mod answer;
mod bucket;
mod caller;
mod calls;
mod capability;
mod cloud;
mod concern;
mod diagnose;
mod driver;
mod execute;
mod going_back;
mod jitter;
mod lock;
mod observe;
mod operation;
mod ownership;
mod parameters;
mod perform;
mod places;
mod prepare;
mod provenance;
mod random;
mod registry;
mod releases;
mod resource;
mod retry;
mod running;
mod serving;
mod speak;
mod turns;
mod verify;
mod voice;
mod wait;
mod work;

pub use access::Access;
pub use adopt::{Adoption, adopt, seek};
pub use answer::{Badge, Found, Progress, Result, Rival};
pub use calls::{Calls, Pauses, unless_gone_for_good};
pub use capability::{
    AnyChecks, AnyLogs, AnyMetrics, AnyReleases, AnyRollouts, AnyRuns, AnyShell, AnyTasks,
    AnyVersions, AnyVitals, AnyWorkloads, Checks, Command, Container, Cursor, Ends, Finding,
    Health, Heard, Hold, Line, LogFollower, LogPage, LogQuery, LogSource, Logged, Logs, Metrics,
    Order, Point, Release, Releases, Remark, Revision, Rollout, RolloutState, Rollouts, Run,
    RunOrder, Runs, Series, Session, Shell, Stage, Steering, Stop, StopCause, Tail, Task,
    TaskState, Tasks, Token, Typed, Unit, Version, Versions, Vital, Vitals, Which, Window,
    Workloads, begin, follow, follow_rollout, read_logs, remarks, restart, scale, steer, tasks_of,
};
pub use cloud::{Cloud, Context, Identity, Look, Survey};
pub use concern::{Concern, Foreseen};
pub use diagnose::{Diagnosis, diagnose};
pub use execute::{Outcome, execute};
pub use going_back::{Back, back};
pub use lock::{Claim, Holder, LEASE, Lease, Lock, Notice, Request, Unlocked, lock};
pub use observe::{Scan, observe};
pub use operation::{Code, Operation, Reach, Service};
pub use ownership::{Book, Journal, read_book};
pub use parameters::{Parameter, Parameters, Secrecy};
pub use places::Places;
pub use prepare::{prepare, preview, taken};
pub use provenance::Provenance;
pub use registry::{Capability, Registry};
pub use releases::tidy;
pub use resource::Resource;
pub use running::{Measured, Running, measured, running};
pub use serving::{Serving, serving};
pub use verify::{Verified, verify};
pub use voice::Voice;
pub use wait::pause;
pub use work::attended;

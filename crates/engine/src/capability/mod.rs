//! What people do with a resource after a deploy: read its logs, look at its tasks, follow and steer
//! its rollouts, open a shell, read its metrics, ask how it does and what is wrong with it, run it by
//! hand, restart and scale it, look up what it was before, delete old releases.
//!
//! Each of these is a trait that a kind implements beside its [`Resource`](crate::Resource), with
//! real types. Whoever asks has the kind erased: [`Registry`](crate::Registry) hands it out by the
//! kind's name, and it takes the [`Live`](deployer_core::Live) of a snapshot, so nothing is scanned
//! for it once more. What is answered knows no cloud, and has the cloud's own words beside ours.

mod checks;
mod declare;
mod logs;
mod metrics;
mod reader;
mod releases;
mod rollouts;
mod runs;
mod session;
mod shell;
mod steering;
mod tail;
mod tasks;
mod versions;
mod vitals;
mod workloads;

pub use checks::{AnyChecks, Checks, Finding, Stage};
use declare::capability;
pub use logs::{AnyLogs, Cursor, Line, LogPage, LogQuery, Logs, Order};
pub use metrics::{AnyMetrics, Metrics, Point, Series, Unit, Window};
pub use reader::{LogFollower, LogSource, Logged, read_logs};
pub use releases::{AnyReleases, Release, Releases};
pub use rollouts::{AnyRollouts, Hold, Revision, Rollout, RolloutState, Rollouts, Steering};
pub use runs::{AnyRuns, Heard, Run, RunOrder, Runs, begin, follow};
pub use session::{Ends, Session, Token, Typed};
pub use shell::{AnyShell, Command, Shell};
pub use steering::{follow_rollout, steer};
pub use tail::Tail;
pub use tasks::{
    AnyTasks, Container, Health, Stop, StopCause, Task, TaskState, Tasks, Which, tasks_of,
};
pub use versions::{AnyVersions, Version, Versions};
pub use vitals::{AnyVitals, Vital, Vitals};
pub use workloads::{AnyWorkloads, Remark, Workloads, remarks, restart, scale};

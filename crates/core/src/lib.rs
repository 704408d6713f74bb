//! Resources, references, change rules, plans and events as plain values.
//!
//! Nothing here does I/O, waits, reads a clock or knows YAML or AWS: the same stack and the same
//! snapshot always give the same plan, byte for byte.

mod address;
mod change;
mod code;
mod diagnostic;
mod diff;
mod event;
mod existing;
mod fact;
mod failure;
pub mod glob;
mod graph;
mod kind;
mod live;
mod mark;
mod naming;
mod opaque;
mod ownership;
mod partition;
mod place;
mod plan;
mod planner;
mod reference;
mod resolve;
mod rules;
mod scope;
mod secretive;
mod snapshot;
mod stack;

pub use address::{Address, InvalidAddress};
pub use change::{Action, Change, Impact, Removal, Replacement};
pub use code::Code;
pub use diagnostic::{Diagnostic, Label, Severity, Span, closest};
pub use diff::Difference;
pub use event::{Event, What};
pub use existing::{ExistingBalancer, ExistingListener, ExistingNetwork, ExistingSubnet, WayOut};
pub use fact::{
    Admission, Bounds, Destination, Fact, Join, Lead, Notice, Pace, Peer, Routes, Run, Stand,
    Thing, Way,
};
pub use failure::{Cause, Failure, one_line};
pub use graph::{Cycle, Graph, ReadyQueue};
pub use kind::{After, Grant, Kind, KindInfo, Kinds, Problem, Time, Typical};
pub use live::{Dispute, Fallen, Live, Phase, Standing, Stray, Unrecorded};
pub use mark::code as tag_code;
pub use naming::{Alphabet, Naming};
pub use opaque::{Opaque, is_unread, unread};
pub use ownership::{
    Deeds, HIGHEST_EPOCH, Keys, Proof, PublicKey, Record, Seen, Serial, Signer, Statement,
    TooManyRoles, Unreadable,
};
pub use partition::{Arn, Partition, principal, repository_of};
pub use place::{Home, NoPlace, Place, Roles, is_account};
pub use plan::{Half, Plan, Published, Reason, Refused, Stays, Step, StepId, Summary};
pub use planner::plan;
pub use reference::{Part, Ref, Target, Text};
pub use resolve::{Outputs, references, resolve, resolve_partly};
pub use scope::Scope;
pub use secretive::{ISSUED, is_plainly_secret, is_secretive};
pub use snapshot::{Snapshot, Unseen};
pub use stack::{Desired, Stack};

//! What people do with a resource after a deploy: read its logs, look at its tasks, follow and steer
//! its rollouts, open a shell, read its metrics.
//!
//! Each of these is a trait that a kind implements beside its [`Resource`](crate::Resource), with
//! real types. Whoever asks has the kind erased: [`Registry`] hands it out by the kind's name, and
//! it takes the [`Live`] of a snapshot, so nothing is scanned for it once more. What is answered
//! knows no cloud, and has the cloud's own words beside ours.

mod logs;
mod metrics;
mod rollouts;
mod shell;
mod tail;
mod tasks;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{Cloud, Registry};

pub use logs::{AnyLogs, Cursor, Line, LogPage, LogQuery, Logs, Order};
pub use metrics::{AnyMetrics, Metrics, Point, Series, Unit, Window};
pub use rollouts::{AnyRollouts, Hold, Revision, Rollout, RolloutState, Rollouts, Steering};
pub use shell::{AnyShell, Command, Session, Shell, Token};
pub use tail::Tail;
pub use tasks::{AnyTasks, Container, Health, Stop, StopCause, Task, TaskState, Tasks, Which};

/// Declares a capability, which is three things in parallel: the trait that a kind implements, the
/// same with the kind erased, and how [`Registry`] takes and gives it. Arguments are references.
macro_rules! capability {
    (
        $(#[$note:meta])*
        $typed:ident, $erased:ident, $with:ident, $find:ident {
            $($(#[$says:meta])* fn $name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)+
        }
    ) => {
        $(#[$note])*
        ///
        /// Each method is one look, or one try, and may be called again: none of them waits.
        pub trait $typed<C: $crate::Cloud>: $crate::Resource<C> {
            $(
                $(#[$says])*
                fn $name(
                    cloud: &C,
                    live: &$crate::Found<Self>,
                    $($argument: &$type,)*
                ) -> impl Future<Output = $crate::Result<$answer>> + Send
                where
                    Self: Sized;
            )+
        }

        #[doc = concat!("[`", stringify!($typed), "`] of a kind that is erased.")]
        pub trait $erased<C: $crate::Cloud>: Send + Sync {
            $(
                #[doc = concat!(
                    "See [`", stringify!($typed), "::", stringify!($name), "`]. `live` is of the \
                     kind that this was asked for."
                )]
                fn $name<'a>(
                    &'a self,
                    cloud: &'a C,
                    live: &'a deployer_core::Live,
                    $($argument: &'a $type,)*
                ) -> $crate::driver::Boxed<'a, $answer>;
            )+
        }

        impl<C: $crate::Cloud, K: $typed<C>> $erased<C> for $crate::driver::Typed<K> {
            $(
                fn $name<'a>(
                    &'a self,
                    cloud: &'a C,
                    live: &'a deployer_core::Live,
                    $($argument: &'a $type,)*
                ) -> $crate::driver::Boxed<'a, $answer> {
                    Box::pin(async move {
                        let live = $crate::driver::restore::<K>(live)?;
                        K::$name(cloud, &live, $($argument),*).await
                    })
                }
            )+
        }

        impl<C: $crate::Cloud> $crate::Registry<C> {
            #[doc = concat!("The registry with [`", stringify!($typed), "`] of one of its kinds.")]
            #[must_use]
            pub fn $with<K: $typed<C>>(mut self) -> Self {
                let typed = &$crate::driver::Typed::<K>(std::marker::PhantomData);
                self.offers(K::NAME).$find = Some(typed);
                self
            }

            #[doc = concat!("[`", stringify!($typed), "`] of a kind; none for a kind without.")]
            pub fn $find(&self, kind: &str) -> Option<&'static dyn $erased<C>> {
                self.offered(kind)?.$find
            }
        }
    };
}
use capability;

/// What a kind may be asked for after a deploy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// [`Logs`].
    Logs,
    /// [`Tasks`].
    Tasks,
    /// [`Rollouts`].
    Rollouts,
    /// [`Shell`].
    Shell,
    /// [`Metrics`].
    Metrics,
}

/// What one kind may be asked for.
pub(crate) struct Offers<C: Cloud> {
    logs: Option<&'static dyn AnyLogs<C>>,
    tasks: Option<&'static dyn AnyTasks<C>>,
    rollouts: Option<&'static dyn AnyRollouts<C>>,
    shell: Option<&'static dyn AnyShell<C>>,
    metrics: Option<&'static dyn AnyMetrics<C>>,
}

impl<C: Cloud> Default for Offers<C> {
    fn default() -> Self {
        Self { logs: None, tasks: None, rollouts: None, shell: None, metrics: None }
    }
}

impl<C: Cloud> Offers<C> {
    fn all(&self) -> BTreeSet<Capability> {
        let each = [
            (Capability::Logs, self.logs.is_some()),
            (Capability::Tasks, self.tasks.is_some()),
            (Capability::Rollouts, self.rollouts.is_some()),
            (Capability::Shell, self.shell.is_some()),
            (Capability::Metrics, self.metrics.is_some()),
        ];
        each.into_iter().filter(|(_, is_there)| *is_there).map(|(what, _)| what).collect()
    }
}

impl<C: Cloud> Registry<C> {
    /// What each kind may be asked for, by its name. Kinds that offer nothing are left out.
    pub fn capabilities(&self) -> BTreeMap<&'static str, BTreeSet<Capability>> {
        self.all_offers().map(|(kind, offers)| (kind, offers.all())).collect()
    }
}

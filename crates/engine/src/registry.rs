//! The kinds that a cloud knows, and what each may be asked for after a deploy.

use std::collections::{BTreeMap, BTreeSet};
use std::marker::PhantomData;
use std::sync::Arc;

use deployer_core::{Cause, Failure, Kinds};
use serde::{Deserialize, Serialize};

use crate::driver::{Driver, Typed};
use crate::{
    AnyChecks, AnyLogs, AnyMetrics, AnyReleases, AnyRollouts, AnyRuns, AnyShell, AnyTasks,
    AnyVersions, AnyVitals, AnyWorkloads, Checks, Cloud, Logs, Metrics, Releases, Resource, Result,
    Rollouts, Runs, Shell, Tasks, Versions, Vitals, Workloads,
};

/// The kinds of a cloud, each with how it is scanned, created, changed and deleted, and with what it
/// may be asked for after a deploy.
pub struct Registry<C: Cloud> {
    drivers: BTreeMap<&'static str, Arc<dyn Driver<C>>>,
    offers: BTreeMap<&'static str, Offers<C>>,
}

impl<C: Cloud> Default for Registry<C> {
    fn default() -> Self {
        Self { drivers: BTreeMap::new(), offers: BTreeMap::new() }
    }
}

impl<C: Cloud> Registry<C> {
    /// The registry with one more kind.
    #[must_use]
    pub fn with<K: Resource<C>>(mut self) -> Self {
        self.drivers.insert(K::NAME, Arc::new(Typed::<K>(PhantomData)));
        self
    }

    /// The kinds, without the cloud.
    pub fn kinds(&self) -> Kinds {
        Kinds::new(self.drivers.values().map(|driver| driver.info()))
    }

    /// How a kind is handled.
    ///
    /// # Errors
    /// When this cloud has no such kind.
    pub(crate) fn driver(&self, kind: &str) -> Result<Arc<dyn Driver<C>>> {
        self.drivers.get(kind).cloned().ok_or_else(|| {
            let message = format!("there is no kind `{kind}`");
            Failure::new(Cause::Refused, "find out how to handle it", message)
        })
    }

    pub(crate) fn drivers(&self) -> impl Iterator<Item = &Arc<dyn Driver<C>>> {
        self.drivers.values()
    }

    /// What each kind may be asked for, by its name. Kinds that offer nothing are left out.
    pub fn capabilities(&self) -> BTreeMap<&'static str, BTreeSet<Capability>> {
        self.offers.iter().map(|(kind, offers)| (*kind, offers.all())).collect()
    }
}

/// Declares what there is to ask for, and how [`Registry`] takes and gives each.
macro_rules! offers {
    ($($typed:ident, $erased:ident, $with:ident, $find:ident;)+) => {
        /// What a kind may be asked for after a deploy.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Capability {
            $(
                #[doc = concat!("[`", stringify!($typed), "`].")]
                $typed,
            )+
        }

        /// What one kind may be asked for.
        struct Offers<C: Cloud> {
            $($find: Option<&'static dyn $erased<C>>,)+
        }

        impl<C: Cloud> Default for Offers<C> {
            fn default() -> Self {
                Self { $($find: None,)+ }
            }
        }

        impl<C: Cloud> Offers<C> {
            fn all(&self) -> BTreeSet<Capability> {
                let each = [$((Capability::$typed, self.$find.is_some()),)+];
                each.into_iter().filter(|(_, is_there)| *is_there).map(|(what, _)| what).collect()
            }
        }

        impl<C: Cloud> Registry<C> {
            $(
                #[doc = concat!("The registry with [`", stringify!($typed), "`] of one of its kinds.")]
                #[must_use]
                pub fn $with<K: $typed<C>>(mut self) -> Self {
                    self.offers.entry(K::NAME).or_default().$find = Some(&Typed::<K>(PhantomData));
                    self
                }

                #[doc = concat!("[`", stringify!($typed), "`] of a kind; none for a kind without.")]
                pub fn $find(&self, kind: &str) -> Option<&'static dyn $erased<C>> {
                    self.offers.get(kind)?.$find
                }
            )+
        }
    };
}

offers! {
    Logs, AnyLogs, with_logs, logs;
    Tasks, AnyTasks, with_tasks, tasks;
    Rollouts, AnyRollouts, with_rollouts, rollouts;
    Shell, AnyShell, with_shell, shell;
    Metrics, AnyMetrics, with_metrics, metrics;
    Releases, AnyReleases, with_releases, releases;
    Runs, AnyRuns, with_runs, runs;
    Vitals, AnyVitals, with_vitals, vitals;
    Checks, AnyChecks, with_checks, checks;
    Versions, AnyVersions, with_versions, versions;
    Workloads, AnyWorkloads, with_workloads, workloads;
}

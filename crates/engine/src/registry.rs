//! The kinds that a cloud knows.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;

use deployer_core::Kinds;

use crate::driver::{Driver, Typed};
use crate::{Cloud, Resource};

/// The kinds of a cloud, each with how it is scanned, created, changed and deleted.
pub struct Registry<C: Cloud> {
    drivers: BTreeMap<&'static str, Arc<dyn Driver<C>>>,
}

impl<C: Cloud> Default for Registry<C> {
    fn default() -> Self {
        Self { drivers: BTreeMap::new() }
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

    pub(crate) fn find(&self, kind: &str) -> Option<Arc<dyn Driver<C>>> {
        self.drivers.get(kind).cloned()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &Arc<dyn Driver<C>>)> {
        self.drivers.iter().map(|(name, driver)| (*name, driver))
    }
}

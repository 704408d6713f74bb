//! The kinds that a cloud knows.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;

use deployer_core::{Cause, Failure, Kinds};

use crate::capability::Offers;
use crate::driver::{Driver, Typed};
use crate::{Cloud, Resource, Result};

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

    /// What a kind may be asked for, to add to it.
    pub(crate) fn offers(&mut self, kind: &'static str) -> &mut Offers<C> {
        self.offers.entry(kind).or_default()
    }

    pub(crate) fn offered(&self, kind: &str) -> Option<&Offers<C>> {
        self.offers.get(kind)
    }

    pub(crate) fn all_offers(&self) -> impl Iterator<Item = (&'static str, &Offers<C>)> {
        self.offers.iter().map(|(kind, offers)| (*kind, offers))
    }
}

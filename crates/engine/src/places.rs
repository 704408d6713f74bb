//! The cloud at the places that a stack's resources are in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use deployer_core::{Cause, Failure, Place, Roles, Stack};
use tokio::sync::OnceCell;

use crate::{Cloud, Result};

/// A cloud at home, and the way to it elsewhere.
///
/// What an environment keeps is at home, whatever place it speaks of.
pub struct Places<C: Cloud> {
    cloud: Arc<C>,
    account: String,
    region: String,
    declared: BTreeSet<Place>,
    roles: Roles,
    /// Each place once, and none waits for another.
    reached: Mutex<BTreeMap<Place, Arc<OnceCell<Arc<C>>>>>,
}

impl<C: Cloud> Places<C> {
    /// The cloud at home: in this account, twelve digits, and region.
    pub fn new(cloud: Arc<C>, account: String, region: String) -> Self {
        let (declared, roles) = (BTreeSet::from([Place::default()]), Roles::new());
        Self { cloud, account, region, declared, roles, reached: Mutex::default() }
    }

    /// The same, and where a stack's resources are to be.
    #[must_use]
    pub fn of(self, stack: &Stack) -> Self {
        self.and(stack.places(), &stack.roles)
    }

    /// The same, and these places, with the roles that lead to them.
    #[must_use]
    pub fn and(mut self, places: impl IntoIterator<Item = Place>, roles: &Roles) -> Self {
        self.declared.extend(places);
        self.roles.extend(roles.clone());
        self
    }

    /// The cloud at home.
    pub fn cloud(&self) -> &Arc<C> {
        &self.cloud
    }

    /// The account and the region that are home.
    pub fn home(&self) -> (&str, &str) {
        (&self.account, &self.region)
    }

    /// The places that are known of without the record.
    pub(crate) fn declared(&self) -> impl Iterator<Item = &Place> {
        self.declared.iter()
    }

    /// The cloud at a place. `known` has the roles of accounts that nothing else says one for.
    ///
    /// # Errors
    /// When no role leads there, or it cannot be assumed.
    pub async fn at(&self, place: &Place, known: &Roles) -> Result<Arc<C>> {
        if place.is_home() {
            return Ok(Arc::clone(&self.cloud));
        }
        let cell = {
            let mut reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(reached.entry(place.clone()).or_default())
        };
        let reach = async || {
            let role = self.role(place, known)?;
            // Whoever asks for a place holds this future, and what a cloud needs to get there is large.
            let reaching = Box::pin(self.cloud.at(role, place.region.as_deref()));
            Ok(Arc::new(reaching.await?))
        };
        cell.get_or_try_init(reach).await.cloned()
    }

    /// The roles that lead to other accounts, as far as a stack or a plan says.
    pub fn roles(&self) -> &Roles {
        &self.roles
    }

    fn role<'a>(&'a self, place: &Place, known: &'a Roles) -> Result<Option<&'a str>> {
        let refused = |message: String, help: &str| {
            Failure::new(Cause::Refused, format!("reach {place}"), message).help(help)
        };
        let Some(account) = &place.account else { return Ok(None) };
        if *account == self.account {
            let message = format!("a role leads to {account}, and that is the account it is in");
            return Err(refused(message, "take `role:` out of its `at:`"));
        }
        let role = self.roles.get(account).or_else(|| known.get(account));
        let role = role.ok_or_else(|| {
            let message = format!("no role leads to the account {account}");
            refused(message, "write `at: { role: … }` at a resource that is there")
        });
        role.map(|role| Some(role.as_str()))
    }
}

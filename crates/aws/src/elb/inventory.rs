//! One inventory of load balancers and their parts for the scans of an observation.
//!
//! ELB has no filters and keeps tags apart. So load balancers are asked for by the names that the
//! record and the tagging index have, or else all of the account are, and the tags say what is ours.
//! Those that are not are asked no further: their listeners are looked at only where the index says
//! that one of ours is among them.

use std::collections::BTreeSet;

use aws_sdk_elasticloadbalancingv2::types::{
    Listener, LoadBalancer, LoadBalancerTypeEnum as Type, Rule,
};
use deployer_core::Kind;
use deployer_engine::{Result, Survey};
use futures_util::future::try_join_all;
use tokio::sync::OnceCell;

use crate::Aws;
use crate::elb;
use crate::index::{TagIndex, by_name, id};
use crate::missing::Required;
use crate::ownership::{Owned, Tags};
use crate::send::unless_gone;

/// Something with its ARN and its tags.
pub(crate) struct Tagged<T> {
    pub(crate) arn: String,
    pub(crate) thing: T,
    pub(crate) tags: Tags,
}

/// What the scans of one observation look at together, so that each call is made once.
#[derive(Default)]
pub(crate) struct Inventory {
    balancers: OnceCell<Vec<Tagged<LoadBalancer>>>,
    listeners: OnceCell<Vec<Tagged<Listener>>>,
    rules: OnceCell<Vec<Tagged<Rule>>>,
}

impl Inventory {
    /// The load balancers of the account, or at least those that are ours or that something of ours
    /// is on.
    pub(crate) async fn balancers(
        &self,
        survey: &Survey<'_, Aws>,
    ) -> Result<&[Tagged<LoadBalancer>]> {
        let balancers = self.balancers.get_or_try_init(|| async {
            let index = survey.shared.get::<TagIndex>();
            let names = index.names::<deployer_kinds::LoadBalancer>(survey, balancer_name).await;
            let describe = |names| balancers(survey.cloud, names);
            let (name, id) = (LoadBalancer::load_balancer_name, LoadBalancer::load_balancer_arn);
            let all =
                by_name::<deployer_kinds::LoadBalancer, _, _>(survey, names, name, id, describe)
                    .await?;
            with_tags(survey, all, |balancer| balancer.load_balancer_arn.clone()).await
        });
        balancers.await.map(Vec::as_slice)
    }

    /// The listeners of our load balancers, ours or not, and those of others where one is ours.
    pub(crate) async fn listeners(&self, survey: &Survey<'_, Aws>) -> Result<&[Tagged<Listener>]> {
        let listeners = self.listeners.get_or_try_init(|| async {
            let nominated =
                parents::<deployer_kinds::Listener>(survey, "listener", "loadbalancer").await;
            let balancers = self.balancers(survey).await?.iter().filter(|balancer| {
                is_ours::<deployer_kinds::LoadBalancer>(survey, balancer)
                    || nominated.contains(&balancer.arn)
            });
            let found =
                try_join_all(balancers.map(|balancer| listeners(survey.cloud, &balancer.arn)));
            let all = found.await?.into_iter().flatten().collect();
            with_tags(survey, all, |listener| listener.listener_arn.clone()).await
        });
        listeners.await.map(Vec::as_slice)
    }

    /// The rules of our listeners, ours or not, and those of others where one is ours; without the
    /// listeners' default rules.
    pub(crate) async fn rules(&self, survey: &Survey<'_, Aws>) -> Result<&[Tagged<Rule>]> {
        let rules = self.rules.get_or_try_init(|| async {
            let mut arns =
                parents::<deployer_kinds::ListenerRule>(survey, "listener-rule", "listener").await;
            let ours = self
                .listeners(survey)
                .await?
                .iter()
                .filter(|listener| is_ours::<deployer_kinds::Listener>(survey, listener));
            arns.extend(ours.map(|listener| listener.arn.clone()));
            let found = try_join_all(arns.iter().map(|listener| rules(survey.cloud, listener)));
            let all = found.await?.into_iter().flatten().collect();
            with_tags(survey, all, |rule| rule.rule_arn.clone()).await
        });
        rules.await.map(Vec::as_slice)
    }
}

/// Whether something is a `K` of the survey's scope: by its tags, or by the record whatever they
/// say.
pub(crate) fn is_ours<K: Kind>(survey: &Survey<'_, Aws>, it: &Tagged<impl Sized>) -> bool {
    Owned::tagged::<K>(survey.scope, &it.tags).is_some() || survey.is_recorded::<K>(&it.arn)
}

/// Adds their tags to what was found: from the tagging index, or from ELB where it knows none.
/// What was deleted between the two calls is left out.
pub(crate) async fn with_tags<T>(
    survey: &Survey<'_, Aws>,
    things: Vec<T>,
    arn: impl Fn(&T) -> Option<String>,
) -> Result<Vec<Tagged<T>>> {
    let arns: Vec<String> = things.iter().filter_map(&arn).collect();
    let ask = |unknown: Vec<String>| async move { elb::tags(survey.cloud, &unknown).await };
    let mut tags = survey.shared.get::<TagIndex>().of(survey, arns, ask).await?;
    let mut tagged = Vec::new();
    for thing in things {
        let arn = arn(&thing).required("the ARN of a load balancer or a part of one")?;
        // ELB has an entry for all that exists, with tags or without.
        tagged.extend(tags.remove(&arn).map(|tags| Tagged { arn, thing, tags }));
    }
    Ok(tagged)
}

/// The load balancers of these names, or all of the account.
pub(crate) async fn balancers(aws: &Aws, names: Option<Vec<String>>) -> Result<Vec<LoadBalancer>> {
    let request = aws.elb.describe_load_balancers().set_names(names);
    let pages = aws
        .pages(
            &elb::DESCRIBE_LOAD_BALANCERS,
            "find the load balancers",
            |token| request.clone().set_marker(token).send(),
            |page| page.next_marker(),
        )
        .await?;
    Ok(pages.into_iter().flat_map(|page| page.load_balancers.unwrap_or_default()).collect())
}

/// How many load balancers the account has in the region, of those for networks or of the others.
pub(crate) async fn count(aws: &Aws, is_network: bool) -> Result<usize> {
    let all = balancers(aws, None).await?;
    let is_one = |it: &&LoadBalancer| {
        it.r#type() == Some(&if is_network { Type::Network } else { Type::Application })
    };
    Ok(all.iter().filter(is_one).count())
}

/// The listeners of a load balancer, each with its tags.
pub(crate) async fn tagged_listeners(
    survey: &Survey<'_, Aws>,
    balancer: &str,
) -> Result<Vec<Tagged<Listener>>> {
    let found = listeners(survey.cloud, balancer).await?;
    with_tags(survey, found, |listener| listener.listener_arn.clone()).await
}

/// The rules of a listener but the default one, each with its tags.
pub(crate) async fn tagged_rules(
    survey: &Survey<'_, Aws>,
    listener: &str,
) -> Result<Vec<Tagged<Rule>>> {
    let found = rules(survey.cloud, listener).await?;
    with_tags(survey, found, |rule| rule.rule_arn.clone()).await
}

/// All listeners of a load balancer; none where it is gone, or where only the tagging index still
/// knows it.
pub(crate) async fn listeners(aws: &Aws, balancer: &str) -> Result<Vec<Listener>> {
    let request = aws.elb.describe_listeners().load_balancer_arn(balancer);
    let found = aws.pages(
        &elb::DESCRIBE_LISTENERS,
        "find the listeners",
        |token| request.clone().set_marker(token).send(),
        |page| page.next_marker(),
    );
    let pages = unless_gone(found.await)?.unwrap_or_default();
    Ok(pages.into_iter().flat_map(|page| page.listeners.unwrap_or_default()).collect())
}

/// The ARNs of all listeners of the account: rules of ours may be at load balancers of others, whose
/// names say nothing.
pub(crate) async fn all_listeners(survey: &Survey<'_, Aws>) -> Result<Vec<String>> {
    let all = balancers(survey.cloud, None).await?;
    let arns: Vec<String> = all.into_iter().filter_map(|it| it.load_balancer_arn).collect();
    let found = arns.iter().map(|balancer| listeners(survey.cloud, balancer));
    let found = try_join_all(found).await?.into_iter().flatten();
    Ok(found.filter_map(|listener| listener.listener_arn).collect())
}

/// All rules of a listener but the default one, which is the listener's own default action; none
/// where it is gone, nor where it is of a network load balancer, which knows no other ("Listeners
/// for your Network Load Balancers" in the ELB user guide).
pub(crate) async fn rules(aws: &Aws, listener: &str) -> Result<Vec<Rule>> {
    if listener.contains(":listener/net/") {
        return Ok(Vec::new());
    }
    let request = aws.elb.describe_rules().listener_arn(listener);
    let found = aws.pages(
        &elb::DESCRIBE_RULES,
        "find the rules",
        |token| request.clone().set_marker(token).send(),
        |page| page.next_marker(),
    );
    let pages = unless_gone(found.await)?.unwrap_or_default();
    let rules = pages.into_iter().flat_map(|page| page.rules.unwrap_or_default());
    Ok(rules.filter(|rule| rule.is_default != Some(true)).collect())
}

/// The ARNs of the parents of everything of one type that the tagging index has for the scope.
async fn parents<K: Kind>(survey: &Survey<'_, Aws>, of: &str, parent: &str) -> BTreeSet<String> {
    let shared = survey.shared.get::<TagIndex>();
    let arns = shared.nominated::<K>(survey, "elasticloadbalancing").await;
    arns.iter().filter_map(|arn| parent_arn(arn, of, parent)).collect()
}

/// The name of the load balancer in its ARN, or in that of something on it:
/// `…:listener/app/NAME/ID/ID`.
fn balancer_name(arn: &str) -> Option<&str> {
    let types = ["loadbalancer/", "listener/", "listener-rule/"];
    let path = types.iter().find_map(|it| id(arn, ("elasticloadbalancing", it)))?;
    path.split('/').nth(1)
}

/// The ARN of a part ends in its own identifier; without it, it is its parent's.
pub(crate) fn parent_arn(arn: &str, of: &str, parent: &str) -> Option<String> {
    let (before, path) = arn.split_once(&format!(":{of}/"))?;
    let (path, _) = path.rsplit_once('/')?;
    Some(format!("{before}:{parent}/{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arn_of_a_part_tells_its_parent() {
        let before = "arn:aws:elasticloadbalancing:eu-west-1:123456789012";
        let rule = format!("{before}:listener-rule/app/edge/50dc/f2f7/9683");
        let listener = format!("{before}:listener/app/edge/50dc/f2f7");
        let balancer = format!("{before}:loadbalancer/app/edge/50dc");
        assert_eq!(parent_arn(&rule, "listener-rule", "listener"), Some(listener.clone()));
        assert_eq!(parent_arn(&listener, "listener", "loadbalancer"), Some(balancer));
        assert_eq!(parent_arn(&rule, "listener", "loadbalancer"), None);
        let group = format!("{before}:targetgroup/web/50dc");
        assert_eq!(
            [&rule, &listener, &group].map(|arn| balancer_name(arn)),
            [Some("edge"), Some("edge"), None]
        );
    }
}

//! Rules of listeners on ELB: CreateRule, ModifyRule, SetRulePriorities, DescribeRules, DeleteRule.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_elasticloadbalancingv2::operation::create_rule::builders::CreateRuleFluentBuilder;
use aws_sdk_elasticloadbalancingv2::types::{
    HostHeaderConditionConfig, HttpHeaderConditionConfig, HttpRequestMethodConditionConfig,
    PathPatternConditionConfig, QueryStringConditionConfig, QueryStringKeyValuePair,
    Rule as Described, RuleCondition, RulePriorityPair, SourceIpConditionConfig,
};
use deployer_core::{Cause, Failure, Phase, Ref};
use deployer_engine::{Context, Found, Progress, Resource, Result, Rival, Survey};
use deployer_kinds::{IpRange, ListenerRule, ListenerRuleOutput, ListenerRuleSpec, Patterns};

use futures_util::future::try_join_all;

use crate::Aws;
use crate::elb::inventory::{self, Inventory};
use crate::elb::{self, action, tagged};
use crate::missing::Required;
use crate::ownership::{self, Owned, Tags, readable};
use crate::send::unless_gone;

impl Resource<Aws> for ListenerRule {
    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let rules = survey.shared.get::<Inventory>().rules(survey).await?;
        rules
            .iter()
            .filter_map(|rule| {
                let owned = Owned::tagged::<Self>(survey.scope, &rule.tags)?;
                let read = found(&owned, &rule.arn, &rule.thing);
                readable(survey, &owned, Some(&rule.arn), read)
            })
            .collect()
    }

    async fn read(survey: &Survey<'_, Aws>, id: &str) -> Result<Option<Found<Self>>> {
        let request = survey.cloud.elb.describe_rules().rule_arns(id);
        let answer = survey
            .cloud
            .send(&elb::DESCRIBE_RULES, "look at the rule", || request.clone().send())
            .await;
        let rule = unless_gone(answer)?.and_then(|answer| answer.rules.unwrap_or_default().pop());
        // The default one is the listener's own.
        let Some(rule) = rule.filter(|rule| rule.is_default() != Some(true)) else {
            return Ok(None);
        };
        let tags = elb::tags_of(survey.cloud, id).await?;
        let read = |tags| found(&Owned::read::<Self>(survey.scope, None, &tags), id, &rule);
        tags.map(read).transpose()
    }

    async fn ids(survey: &Survey<'_, Aws>) -> Result<Vec<String>> {
        let listeners = inventory::all_listeners(survey).await?;
        let rules = listeners.iter().map(|listener| inventory::rules(survey.cloud, listener));
        let rules = try_join_all(rules).await?.into_iter().flatten();
        Ok(rules.filter_map(|rule| rule.rule_arn).collect())
    }

    async fn rival(
        survey: &Survey<'_, Aws>,
        _name: &str,
        spec: &ListenerRuleSpec,
    ) -> Result<Option<Rival<Self>>> {
        // What takes no request yet takes any turn.
        let Some(listener) = spec.listener.known().filter(|_| !spec.is_reserved()) else {
            return Ok(None);
        };
        let rules = inventory::rules(survey.cloud, listener).await?;
        let holder = rules.iter().find(|rule| position(rule) == Some(spec.priority));
        let Some(id) = holder.and_then(|rule| rule.rule_arn()) else { return Ok(None) };
        let found = Self::read(survey, id).await?;
        let what = priority(spec);
        let taken: BTreeSet<u32> = rules.iter().filter_map(position).collect();
        let free = free_near(spec.priority, &taken);
        let otherwise = format!("{OTHERWISE}, such as {}", free.join(" or "));
        Ok(found.map(|found| Rival { found, what, otherwise }))
    }

    async fn create(cx: &Context<'_, Aws>, spec: &ListenerRuleSpec) -> Result<ListenerRuleOutput> {
        let action = spec.action.wanted()?;
        let action = action::wanted(cx.cloud, None, action, spec.reserves.as_ref()).await?;
        let request = cx
            .cloud
            .elb
            .create_rule()
            .listener_arn(spec.listener.id())
            .priority(as_number(spec.priority))
            .set_conditions(Some(conditions(spec)))
            .actions(action)
            .set_tags(Some(tagged(cx.identity)));
        let failure = match make(cx.cloud, request.clone()).await {
            Err(failure) if is_taken(&failure) => failure,
            result => return result,
        };
        let rules = inventory::rules(cx.cloud, spec.listener.id()).await?;
        let taken: BTreeSet<u32> = rules.iter().filter_map(position).collect();
        let holder = holder_among(cx.cloud, rules, spec).await?;
        // A call whose reply was lost made it: on a listener that is not ours a scan depends on
        // the tagging index, which lags behind.
        if let Some(this) = &holder
            && ownership::is_this::<Self>(cx, &this.id, None, Some(&this.tags))
        {
            modify(cx.cloud, &this.id, None, spec).await?;
            return Ok(ListenerRuleOutput { id: this.id.clone() });
        }
        // Any turn will do for what takes no request; the nearest one lets it change places with
        // who has its turn, and nobody's order with others changes.
        let near = (1..=ListenerRuleSpec::LAST).filter(|turn| !taken.contains(turn));
        let spare = near.min_by_key(|turn| turn.abs_diff(spec.priority));
        if let Some(spare) = spare.filter(|_| spec.is_reserved()) {
            let made = make(cx.cloud, request.priority(as_number(spare))).await;
            // Somebody took it meanwhile: another one is looked for.
            return made.map_err(|failure| match failure.cause {
                Cause::Taken => Failure { cause: Cause::Busy, ..failure },
                _ => failure,
            });
        }
        Err(held(cx, failure, holder.as_ref(), spec))
    }

    async fn update(
        cx: &Context<'_, Aws>,
        live: &Found<Self>,
        spec: &ListenerRuleSpec,
    ) -> Result<ListenerRuleOutput> {
        let id = &live.output.id;
        // What took no request until now first learns which, so that it takes them with its turn.
        if live.spec.is_reserved() {
            modify(cx.cloud, id, Some(&live.spec), spec).await?;
        }
        if live.spec.priority != spec.priority {
            move_to(cx, id, spec).await?;
        }
        if !live.spec.is_reserved() {
            modify(cx.cloud, id, Some(&live.spec), spec).await?;
        }
        Ok(live.output.clone())
    }

    async fn remember(cx: &Context<'_, Aws>, output: &ListenerRuleOutput) -> Result<()> {
        elb::remember(cx, &output.id).await
    }

    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        let request = cx.cloud.elb.delete_rule().rule_arn(&live.output.id);
        cx.cloud.send(&elb::DELETE_RULE, "delete the rule", || request.clone().send()).await?;
        Ok(Vec::new())
    }

    /// A new one is not found at once: Terraform's AWS provider asks again for minutes
    /// (`internal/service/elbv2`).
    async fn ready(
        cx: &Context<'_, Aws>,
        output: ListenerRuleOutput,
    ) -> Result<Progress<ListenerRuleOutput>> {
        let request = cx.cloud.elb.describe_rules().rule_arns(&output.id);
        cx.cloud.send(&elb::DESCRIBE_RULES, "look at the rule", || request.clone().send()).await?;
        Ok(Progress::Done(output))
    }
}

fn found(owned: &Owned, arn: &str, rule: &Described) -> Result<Found<ListenerRule>> {
    let listener = inventory::parent_arn(arn, "listener-rule", "listener");
    let action::Read { action, reserves, mut foreign } = action::read(rule.actions())?;
    let mut spec = ListenerRuleSpec {
        listener: Ref::physical(listener.required("the listener of a rule")?),
        priority: position(rule).required("the priority of a rule")?,
        paths: BTreeSet::new(),
        hosts: BTreeSet::new(),
        methods: BTreeSet::new(),
        headers: BTreeMap::new(),
        query: BTreeMap::new(),
        sources: BTreeSet::new(),
        action,
        reserves,
    };
    for condition in rule.conditions() {
        read_condition(condition, &mut spec, &mut foreign)?;
    }
    foreign.extend(rule.transforms().first().map(|_| "a transform of the request".to_owned()));
    Ok(Found {
        badge: owned.badge(),
        spec,
        output: ListenerRuleOutput { id: arn.to_owned() },
        phase: Phase::Ready,
        state: String::new(),
        foreign,
    })
}

fn read_condition(
    condition: &RuleCondition,
    spec: &mut ListenerRuleSpec,
    foreign: &mut Vec<String>,
) -> Result<()> {
    let field = condition.field().required("the field of a condition")?;
    if let Some(is_told) = read_named(field, condition, spec)? {
        foreign.extend((!is_told).then(|| format!("a condition on {field} that no stack can say")));
        return Ok(());
    }
    let (into, values) = match field {
        "path-pattern" => {
            (&mut spec.paths, condition.path_pattern_config().map(|config| config.values()))
        }
        "host-header" => {
            (&mut spec.hosts, condition.host_header_config().map(|config| config.values()))
        }
        "http-request-method" => (
            &mut spec.methods,
            condition.http_request_method_config().map(|config| config.values()),
        ),
        other => {
            foreign.push(format!("a condition on {other}"));
            return Ok(());
        }
    };
    // The older form of a condition has its values beside the field (ELB API reference).
    let values = values.unwrap_or_else(|| condition.values());
    if values.is_empty() {
        foreign.push(format!("a condition on {field} by regular expression"));
    }
    into.extend(values.iter().cloned());
    Ok(())
}

/// Reads a condition that is no list of texts, and says whether a spec can tell it; none where it
/// is one of another sort.
fn read_named(
    field: &str,
    condition: &RuleCondition,
    spec: &mut ListenerRuleSpec,
) -> Result<Option<bool>> {
    let mut keep = |into: fn(&mut ListenerRuleSpec) -> &mut Patterns, name: &str, values| {
        // Another one of the same name would have to be met as well.
        let is_new = into(spec).keys().all(|known| !known.eq_ignore_ascii_case(name));
        if is_new {
            into(spec).insert(name.to_owned(), values);
        }
        is_new
    };
    Ok(Some(match field {
        "http-header" => {
            let config = condition.http_header_config().required("the header of a condition")?;
            let values: BTreeSet<String> = config.values().iter().cloned().collect();
            let name = config.http_header_name().filter(|_| !values.is_empty());
            name.is_some_and(|name| keep(|spec| &mut spec.headers, name, values))
        }
        "query-string" => {
            let pairs = condition.query_string_config().map(|config| config.values());
            let pairs = pairs.unwrap_or_default();
            let name = pairs.first().and_then(|pair| pair.key());
            let is_one = pairs.iter().all(|pair| pair.key() == name);
            let values = pairs.iter().filter_map(|pair| pair.value()).map(ToOwned::to_owned);
            let values: BTreeSet<String> = values.collect();
            name.is_some_and(|name| is_one && keep(|spec| &mut spec.query, name, values))
        }
        "source-ip" => {
            let ranges = condition.source_ip_config().map(|config| config.values());
            let read: Vec<IpRange> =
                ranges.unwrap_or_default().iter().filter_map(|range| range.parse().ok()).collect();
            let is_told = !read.is_empty() && read.len() == ranges.unwrap_or_default().len();
            spec.sources.extend(read);
            is_told
        }
        _ => return Ok(None),
    }))
}

fn conditions(spec: &ListenerRuleSpec) -> Vec<RuleCondition> {
    let values = |values: &BTreeSet<String>| {
        (!values.is_empty()).then(|| values.iter().cloned().collect::<Vec<_>>())
    };
    let condition = |field: &str| RuleCondition::builder().field(field);
    let paths = values(&spec.paths).map(|values| {
        let config = PathPatternConditionConfig::builder().set_values(Some(values));
        condition("path-pattern").path_pattern_config(config.build()).build()
    });
    let hosts = values(&spec.hosts).map(|values| {
        let config = HostHeaderConditionConfig::builder().set_values(Some(values));
        condition("host-header").host_header_config(config.build()).build()
    });
    let methods = values(&spec.methods).map(|values| {
        let config = HttpRequestMethodConditionConfig::builder().set_values(Some(values));
        condition("http-request-method").http_request_method_config(config.build()).build()
    });
    let headers = spec.headers.iter().map(|(name, values)| {
        let config = HttpHeaderConditionConfig::builder().http_header_name(name);
        let config = config.set_values(Some(values.iter().cloned().collect()));
        condition("http-header").http_header_config(config.build()).build()
    });
    let queries = spec.query.iter().map(|(name, values)| {
        let pair =
            |value: &String| QueryStringKeyValuePair::builder().key(name).value(value).build();
        let config = QueryStringConditionConfig::builder();
        let config = config.set_values(Some(values.iter().map(pair).collect()));
        condition("query-string").query_string_config(config.build()).build()
    });
    let sources = (!spec.sources.is_empty()).then(|| {
        let ranges = spec.sources.iter().map(ToString::to_string).collect();
        let config = SourceIpConditionConfig::builder().set_values(Some(ranges));
        condition("source-ip").source_ip_config(config.build()).build()
    });
    let texts = [paths, hosts, methods, sources].into_iter().flatten();
    texts.chain(headers).chain(queries).collect()
}

async fn make(aws: &Aws, request: CreateRuleFluentBuilder) -> Result<ListenerRuleOutput> {
    let made = aws.send(&elb::CREATE_RULE, "create the rule", || request.clone().send()).await?;
    let rule = made.rules.unwrap_or_default().pop();
    let id = rule.and_then(|rule| rule.rule_arn).required("the ARN of the rule")?;
    Ok(ListenerRuleOutput { id })
}

/// Priorities are checked to be at most 50000 when the stack is loaded.
fn as_number(priority: u32) -> i32 {
    i32::try_from(priority).unwrap_or(i32::MAX)
}

fn position(rule: &Described) -> Option<u32> {
    rule.priority().and_then(|priority| priority.parse().ok())
}

/// Sends only what differs: what is left out stays as it is (ELB API reference, ModifyRule), and so
/// does a condition or an action that no spec can say.
async fn modify(
    aws: &Aws,
    id: &str,
    live: Option<&ListenerRuleSpec>,
    spec: &ListenerRuleSpec,
) -> Result<()> {
    let wanted = conditions(spec);
    let is_other_condition = live.is_none_or(|live| conditions(live) != wanted);
    let action = spec.action.wanted()?;
    let is_other_action = live
        .is_none_or(|live| live.action.known().is_some_and(|live| live != action))
        || spec.reserves.is_some() && live.is_some_and(|live| live.reserves != spec.reserves);
    if !is_other_condition && !is_other_action {
        return Ok(());
    }
    let actions = if is_other_action {
        let live = live.and_then(|live| live.action.known());
        Some(vec![action::wanted(aws, live, action, spec.reserves.as_ref()).await?])
    } else {
        None
    };
    let request = aws
        .elb
        .modify_rule()
        .rule_arn(id)
        .set_conditions(is_other_condition.then_some(wanted))
        .set_actions(actions);
    aws.send(&elb::MODIFY_RULE, "change the rule", || request.clone().send()).await?;
    Ok(())
}

/// Gives a rule its priority. Where another rule of ours has it the two change places: that one
/// has a step of its own, which moves it on.
async fn move_to(cx: &Context<'_, Aws>, id: &str, spec: &ListenerRuleSpec) -> Result<()> {
    let wanted = (id.to_owned(), as_number(spec.priority));
    let failure = match set_priorities(cx.cloud, std::slice::from_ref(&wanted)).await {
        Err(failure) if is_taken(&failure) => failure,
        result => return result,
    };
    let rules = inventory::rules(cx.cloud, spec.listener.id()).await?;
    let this = rules.iter().find(|rule| rule.rule_arn() == Some(id)).and_then(position);
    let this = this.and_then(|position| i32::try_from(position).ok());
    let holder = holder_among(cx.cloud, rules, spec).await?;
    match (this, holder) {
        (_, Some(holder)) if holder.id == id => Ok(()),
        // It has gone elsewhere meanwhile.
        (_, None) => set_priorities(cx.cloud, &[wanted]).await,
        (Some(this), Some(holder)) if is_of_stack(cx, &holder) => {
            set_priorities(cx.cloud, &[wanted, (holder.id, this)]).await
        }
        // The rule is there already, so no other can be taken over in its place.
        (_, holder) => Err(held(cx, failure, holder.as_ref(), spec).help(OTHERWISE)),
    }
}

async fn set_priorities(aws: &Aws, priorities: &[(String, i32)]) -> Result<()> {
    let pairs = priorities.iter().map(|(rule, priority)| {
        RulePriorityPair::builder().rule_arn(rule).priority(*priority).build()
    });
    let request = aws.elb.set_rule_priorities().set_rule_priorities(Some(pairs.collect()));
    aws.send(&elb::SET_RULE_PRIORITIES, "move the rule", || request.clone().send()).await?;
    Ok(())
}

/// The rule that has a priority.
struct Holder {
    id: String,
    tags: Tags,
}

async fn holder_among(
    aws: &Aws,
    rules: Vec<Described>,
    spec: &ListenerRuleSpec,
) -> Result<Option<Holder>> {
    let rule = rules.into_iter().find(|rule| position(rule) == Some(spec.priority));
    let Some(id) = rule.and_then(|rule| rule.rule_arn) else { return Ok(None) };
    let mut tags = elb::tags(aws, std::slice::from_ref(&id)).await?;
    // One without an entry went away since.
    Ok(tags.remove(&id).map(|tags| Holder { id, tags }))
}

fn is_taken(failure: &Failure) -> bool {
    failure.cause == Cause::Taken
}

fn is_of_stack(cx: &Context<'_, Aws>, holder: &Holder) -> bool {
    ownership::owns::<ListenerRule>(cx, &holder.id, None, &holder.tags)
}

/// What helps where a priority is taken.
const OTHERWISE: &str = "give the rule another priority";

/// The nearest turns that nobody has, on either side of one that somebody has.
fn free_near(turn: u32, taken: &BTreeSet<u32>) -> Vec<String> {
    let is_free = |turn: &u32| !taken.contains(turn);
    let before = (1..turn).rev().find(is_free);
    let after = (turn + 1..=ListenerRuleSpec::LAST).find(is_free);
    before.into_iter().chain(after).map(|turn| turn.to_string()).collect()
}

/// Says who has the priority. A rule of ours is on its way elsewhere, or out.
fn held(
    cx: &Context<'_, Aws>,
    mut failure: Failure,
    holder: Option<&Holder>,
    spec: &ListenerRuleSpec,
) -> Failure {
    let Some(holder) = holder else {
        failure.cause = Cause::Busy;
        return failure;
    };
    let owned = Owned::tagged::<ListenerRule>(&cx.identity.scope, &holder.tags);
    if let Some(owned) = owned.filter(|_| is_of_stack(cx, holder)) {
        failure.cause = Cause::Busy;
        failure.message = format!("listener-rule/{} has {}", owned.name(), priority(spec));
        return failure.help("give each rule of a listener a priority of its own");
    }
    cx.in_the_way(failure.attempted, &holder.id, &priority(spec), OTHERWISE)
}

fn priority(spec: &ListenerRuleSpec) -> String {
    format!("the priority {}", spec.priority)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn spec(fields: &serde_json::Value) -> ListenerRuleSpec {
        let mut spec = json!({
            "listener": { "id": "arn" },
            "priority": 10,
            "action": { "forward": { "id": "arn" } },
        });
        spec.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        serde_json::from_value(spec).unwrap()
    }

    #[test]
    fn the_conditions_written_are_the_conditions_read() {
        let wanted = spec(&json!({
            "paths": ["/a", "/b*"],
            "hosts": ["x.test"],
            "methods": ["GET"],
            "headers": { "x-beta": ["yes", "on"], "accept-language": ["de*"] },
            "query": { "version": ["2"], "tab": ["*"] },
            "sources": ["10.0.0.0/8", "2001:db8::/32"],
        }));
        let (mut read, mut foreign) = (spec(&json!({})), Vec::new());
        for condition in conditions(&wanted) {
            read_condition(&condition, &mut read, &mut foreign).unwrap();
        }
        assert_eq!((read, foreign), (wanted, Vec::new()));
    }

    #[test]
    fn a_condition_that_no_stack_can_say_is_told() {
        let of = |field: &str| RuleCondition::builder().field(field);
        let pair = |key: Option<&str>, value: &str| {
            let pair = QueryStringKeyValuePair::builder().set_key(key.map(ToOwned::to_owned));
            pair.value(value).build()
        };
        let query = |pairs: Vec<QueryStringKeyValuePair>| {
            let config = QueryStringConditionConfig::builder().set_values(Some(pairs));
            of("query-string").query_string_config(config.build()).build()
        };
        let regex = HttpHeaderConditionConfig::builder().http_header_name("x").regex_values("^a");
        for (condition, what) in [
            (of("weather").build(), "a condition on weather"),
            (of("source-ip").build(), "a condition on source-ip that no stack can say"),
            (
                of("http-header").http_header_config(regex.build()).build(),
                "a condition on http-header that no stack can say",
            ),
            (query(vec![pair(None, "a")]), "a condition on query-string that no stack can say"),
            (
                query(vec![pair(Some("a"), "1"), pair(Some("b"), "1")]),
                "a condition on query-string that no stack can say",
            ),
        ] {
            let (mut read, mut foreign) = (spec(&json!({})), Vec::new());
            read_condition(&condition, &mut read, &mut foreign).unwrap();
            assert_eq!(foreign, [what]);
        }
        let header = |value: &str| {
            let config = HttpHeaderConditionConfig::builder().http_header_name("x").values(value);
            of("http-header").http_header_config(config.build()).build()
        };
        let (mut read, mut foreign) = (spec(&json!({})), Vec::new());
        for value in ["a", "b"] {
            read_condition(&header(value), &mut read, &mut foreign).unwrap();
        }
        assert_eq!(read.headers, Patterns::from([("x".to_owned(), ["a".to_owned()].into())]));
        assert_eq!(foreign.len(), 1, "both would have to be met: {foreign:?}");
    }
}

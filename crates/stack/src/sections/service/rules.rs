//! Rules of listeners: what is asked of a request, and what becomes of it.

use std::collections::BTreeSet;

use deployer_core::{Code, Ref, glob};
use deployer_kinds::{Action, ListenerRule, ListenerRuleSpec, Redirect, Reserves};

use super::turns::{Asked, turns};
use crate::draft::{Draft, Origin};
use crate::sections::load_balancer::{self, Domain, Http, LoadBalancer};

/// A rule that is made at each listener of a load balancer.
pub(super) struct Rule<'s> {
    /// What it is called at the listener of HTTP.
    pub(super) name: String,
    pub(super) asked: Asked<'s>,
    pub(super) action: Action,
    /// The target groups that are bound to it all the same.
    pub(super) reserves: Option<Reserves>,
    /// Where the action is written; what is asked stands beside it.
    pub(super) origin: Origin,
}

/// A listener that gets the rules.
pub(super) struct Door {
    listener: String,
    /// Behind the names of its rules. Each has one name whatever else there is, so that it stays
    /// when the other comes or goes.
    suffix: &'static str,
    /// Whether it speaks TLS, where somebody has looked.
    pub(super) is_secure: Option<bool>,
    /// Its port, where it is known.
    port: Option<u16>,
}

impl Door {
    /// The listener of a load balancer that leads to a new version for tests.
    pub(super) fn of_tests(name: &str, body: &LoadBalancer, port: u16) -> Self {
        Self {
            listener: load_balancer::test_listener(name, port),
            suffix: "-test",
            is_secure: Some(body.is_secure()),
            port: Some(port),
        }
    }

    /// What the rule of this listener is called.
    pub(super) fn rule(&self, name: &str) -> String {
        format!("{name}{}", self.suffix)
    }
}

/// The listeners of a load balancer that get its rules.
pub(super) fn doors(draft: &Draft, name: &str, body: &LoadBalancer) -> Vec<Door> {
    if let Some(existing) = &body.existing {
        let is_secure = draft.balancers.get(name).and_then(|it| it.is_secure);
        let usual = is_secure.map(|is_secure| if is_secure { 443 } else { 80 });
        let port = existing.port.or(usual);
        return vec![Door { listener: name.to_owned(), suffix: "", is_secure, port }];
    }
    let door = |of: &str, suffix, is_secure, port| Door {
        listener: format!("{name}-{of}"),
        suffix,
        is_secure: Some(is_secure),
        port: Some(port),
    };
    let https = body.is_secure().then(|| door("https", "-secure", true, 443));
    let http = (body.http() == Http::Forward).then(|| door("http", "", false, 80));
    https.into_iter().chain(http).collect()
}

/// Makes rules at these listeners, each with its turn.
pub(super) fn make(draft: &mut Draft, rules: &[Rule<'_>], doors: &[Door], domains: &[Domain]) {
    let asked: Vec<&Asked<'_>> = rules.iter().map(|rule| &rule.asked).collect();
    for (rule, priority) in rules.iter().zip(turns(&asked)) {
        let (shut, open): (Vec<_>, Vec<_>) =
            doors.iter().partition(|door| rule.leads_back(door, domains));
        if open.is_empty() && !shut.is_empty() {
            let path: Vec<&str> = rule.origin.body.iter().map(String::as_str).collect();
            draft.error(
                Code::BadValue,
                "this redirect leads to where the client is",
                &[&path[..], &["redirect"]].concat(),
                "it would be asked for again and again",
                "lead to another protocol, host, port or path, or ask for less",
            );
        }
        for door in open {
            let spec = rule.at(door, priority);
            draft.make::<ListenerRule>(&door.rule(&rule.name), &spec, rule.origin.clone());
        }
    }
}

impl Rule<'_> {
    fn at(&self, door: &Door, priority: u32) -> ListenerRuleSpec {
        let asked = &self.asked;
        ListenerRuleSpec {
            listener: Ref::named(&door.listener),
            priority,
            paths: asked.paths(),
            hosts: asked.host.iter().cloned().collect(),
            methods: asked.method.iter().cloned().collect(),
            headers: asked.headers(),
            query: asked.queries(),
            sources: BTreeSet::new(),
            action: self.action.clone().into(),
            reserves: self.reserves.clone(),
        }
    }

    /// Whether a client that it redirects comes back to it by the same listener: to such a one it
    /// says nothing, as to whoever has come by HTTPS already.
    fn leads_back(&self, door: &Door, domains: &[Domain]) -> bool {
        let Action::Redirect(to) = &self.action else { return false };
        let (Some(is_secure), Some(port)) = (door.is_secure, door.port) else { return false };
        let protocol = if is_secure { "HTTPS" } else { "HTTP" };
        ["#{protocol}", protocol].contains(&to.protocol.as_str())
            && (to.port == "#{port}" || to.port == port.to_string())
            && self.takes_host(to, domains)
            && self.takes_path(to)
            && (self.asked.query.is_empty() || to.query.contains("#{query}"))
            // What has another method is asked for with GET afterwards.
            && (self.asked.method.is_empty() || self.asked.method.iter().any(|it| it == "GET"))
    }

    fn takes_host(&self, to: &Redirect, domains: &[Domain]) -> bool {
        let target = |asked: &str| to.host.to_lowercase().replace("#{host}", asked);
        let hosts: Vec<String> = self.asked.host.iter().map(|host| host.to_lowercase()).collect();
        if hosts.is_empty() {
            let is_here = |domain: &Domain| glob::matches(&domain.name, &target(""));
            return to.host.contains("#{host}") || domains.iter().any(is_here);
        }
        hosts.iter().any(|asked| hosts.iter().any(|host| glob::matches(host, &target(asked))))
    }

    fn takes_path(&self, to: &Redirect) -> bool {
        let mut paths = self.asked.paths();
        if paths.is_empty() {
            paths.insert("/*".to_owned());
        }
        let target = |asked: &str| to.path.replace("#{path}", asked.trim_start_matches('/'));
        paths.iter().any(|asked| paths.iter().any(|path| glob::matches(path, &target(asked))))
    }
}

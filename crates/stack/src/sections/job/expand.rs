//! A job becomes itself, its task definition, image, roles, log group and security group.

use std::collections::BTreeSet;

use deployer_core::{Code, Ref};
use deployer_kinds::{Job as Kind, JobSpec, TaskDefinition};

use super::body::Job;
use super::schedule;
use crate::draft::{Draft, owned};
use crate::mistakes::suggestion;
use crate::section::{Section, Sections};
use crate::sections::service::{self, Owner, Place, Service};

/// How long a run may take where nothing is said, in seconds.
const DAY: u32 = 24 * 60 * 60;

pub(super) fn expand(draft: &mut Draft, all: &Sections, name: &str, job: &Job) {
    let (owner, body) = (Owner::job(name), job.tasks());
    let before = before(draft, name, job);
    if service::tasks(draft, all, owner, &body).is_none() {
        return;
    }
    let place = service::place(draft, owner, &body);
    let spec = JobSpec {
        cluster: Ref::named("main"),
        task_definition: Ref::named(owner.resource()),
        container: name.to_owned(),
        subnets: draft.subnets(if place == Place::Public { "public" } else { "private" }),
        security_groups: [owner.group()].into(),
        public_address: place == Place::Public,
        before: before.into(),
        timeout: Some(job.timeout.map_or(DAY, |timeout| timeout.0)),
        retries: job.retries,
    };
    let fields = [("before", "before"), ("timeout", "timeout"), ("retries", "retries")];
    draft.make::<Kind>(name, &spec, owner.origin(&fields));
    schedule::expand(draft, name, job, &spec);
}

/// What the services run that it comes before.
fn before(draft: &mut Draft, name: &str, job: &Job) -> BTreeSet<Ref<TaskDefinition>> {
    let mut before = BTreeSet::new();
    for (index, target) in job.before.iter().enumerate() {
        let place = index.to_string();
        let path = [Job::KEY, name, "before", &place];
        // One alone is written without a list.
        let is_listed = draft.root.follow(&owned(&path)).is_some();
        let path = if is_listed { &path[..] } else { &path[..3] };
        if let Some((Service::KEY, service)) = target.split_once('/') {
            if draft.must_have(Service::KEY, service, path) {
                before.insert(Ref::named(service));
            }
            continue;
        }
        let services = draft.declared.get(Service::KEY).cloned().unwrap_or_default();
        let help = if services.contains(target) {
            format!("write `{}/{target}`", Service::KEY)
        } else {
            let known = services.iter().map(|it| format!("{}/{it}", Service::KEY));
            let known: Vec<String> = known.collect();
            suggestion(target, known.iter().map(String::as_str))
        };
        let title = format!("a job comes before services, and `{target}` is none");
        draft.error(Code::BadUse, title, path, "expected `services/name`", help);
    }
    before
}

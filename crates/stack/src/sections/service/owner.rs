//! Whose tasks something is for.

use deployer_core::Ref;
use deployer_kinds::SecurityGroup;

use crate::draft::Origin;

/// Whose tasks these are: an entry of `services`, or of `jobs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner<'a> {
    /// The section.
    pub(crate) section: &'static str,
    /// The name there.
    pub(crate) name: &'a str,
}

impl<'a> Owner<'a> {
    pub(crate) fn service(name: &'a str) -> Self {
        Self { section: "services", name }
    }

    pub(crate) fn job(name: &'a str) -> Self {
        Self { section: "jobs", name }
    }

    /// What its resources are called: a job's have names that no service's have.
    pub(crate) fn resource(self) -> String {
        match self.section {
            "jobs" => format!("job-{}", self.name),
            _ => self.name.to_owned(),
        }
    }

    /// The name of the security group that its tasks are in.
    pub(crate) fn group_name(self) -> String {
        match self.section {
            "jobs" => self.resource(),
            _ => format!("service-{}", self.name),
        }
    }

    /// The security group that its tasks are in.
    pub(crate) fn group(self) -> Ref<SecurityGroup> {
        Ref::named(self.group_name())
    }

    /// A path in the text below it.
    pub(crate) fn path<'p>(self, below: &[&'p str]) -> Vec<&'p str>
    where
        'a: 'p,
    {
        [self.section, self.name].into_iter().chain(below.iter().copied()).collect()
    }

    /// Where a resource comes from that it makes.
    pub(crate) fn origin(self, fields: &[(&str, &str)]) -> Origin {
        Origin::new(&self.path(&[]), fields)
    }
}

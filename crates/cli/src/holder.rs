//! Who runs this process, for whoever finds the lock taken; and whether such a process still runs.

use std::collections::BTreeMap;
use std::fs;

use deployer_engine::{Holder, LEASE};

/// Sets for how many seconds a sign of life counts, for tests of the lock.
const LEASE_VARIABLE: &str = "DEPLOYER_LOCK_LEASE";

/// Where CI systems say at what address their run can be looked at, as their documentation has it:
/// GitLab, Buildkite, `CircleCI`, Jenkins; of `CodeBuild` it is an ARN.
const RUNS: [&str; 5] =
    ["CI_JOB_URL", "BUILDKITE_BUILD_URL", "CIRCLE_BUILD_URL", "BUILD_URL", "CODEBUILD_BUILD_ARN"];

/// This run.
pub(crate) fn this_run(command: &str, environment: &BTreeMap<String, String>) -> Holder {
    let variable = |name: &str| environment.get(name).filter(|value| !value.is_empty());
    let person = ["GITHUB_ACTOR", "GITLAB_USER_LOGIN", "USER", "LOGNAME"]
        .into_iter()
        .find_map(variable)
        .map_or("somebody", String::as_str);
    let machine = rustix::system::uname();
    let lease = variable(LEASE_VARIABLE).and_then(|seconds| seconds.parse().ok());
    Holder {
        token: token(),
        name: format!("{person}@{}", machine.nodename().to_string_lossy()),
        command: command.to_owned(),
        run: run(environment),
        since: jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        process: process(std::process::id()).map(|(process, _)| process),
        lease: lease.unwrap_or(LEASE),
    }
}

/// Where this run can be looked at, such as the page of a CI job.
pub(crate) fn run(environment: &BTreeMap<String, String>) -> Option<String> {
    let known = |name| environment.get(name).filter(|value| !value.is_empty()).cloned();
    github(environment).or_else(|| RUNS.into_iter().find_map(known))
}

/// Whether a holder ran on this machine and does not any more. One that ran elsewhere, or on a
/// system that does not say, may still run.
pub(crate) fn is_gone(holder: &Holder) -> bool {
    let Some(theirs) = &holder.process else { return false };
    let Some((place, rest)) = theirs.split_once('#') else { return false };
    if system().as_deref() != Some(place) {
        return false;
    }
    let Some(number) = rest.split('.').next().and_then(|number| number.parse().ok()) else {
        return false;
    };
    // The number may have gone to another process, which began at another time. One that has
    // ended and not been waited for is a zombie, `Z`.
    process(number).is_none_or(|(now, state)| now != *theirs || matches!(state, 'Z' | 'X'))
}

fn github(environment: &BTreeMap<String, String>) -> Option<String> {
    let server = environment.get("GITHUB_SERVER_URL")?;
    let repository = environment.get("GITHUB_REPOSITORY")?;
    let run = environment.get("GITHUB_RUN_ID")?;
    Some(format!("{server}/{repository}/actions/runs/{run}"))
}

/// What no other run has in common with this one.
fn token() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    format!("{:032x}", u128::from_ne_bytes(bytes))
}

/// A process among all that ever ran, and its state: where it runs, its number there, and when it
/// began in ticks since the start of the machine. Only Linux gives these (proc(5)).
fn process(number: u32) -> Option<(String, char)> {
    let status = fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
    // The name is in parentheses and may hold anything; the state comes right after it, and the
    // time of the start is the twentieth field from there.
    let fields: Vec<&str> = status.rsplit_once(')')?.1.split_whitespace().collect();
    let state = fields.first()?.chars().next()?;
    Some((format!("{}#{number}.{}", system()?, fields.get(19)?), state))
}

/// The machine since it was started, and the space of process numbers in it: containers have
/// their own.
fn system() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let space = fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{}/{}", boot.trim(), space.display()))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn holder(number: u32) -> Holder {
        let process = process(number).map(|(process, _)| process);
        Holder { process, ..Holder::default() }
    }

    #[test]
    fn a_process_is_gone_when_it_has_ended_and_not_before() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let theirs = holder(child.id());
        assert!(theirs.process.is_some() && !is_gone(&theirs));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(is_gone(&theirs));
        assert!(!is_gone(&this_run("apply", &BTreeMap::new())));
    }

    #[test]
    fn a_process_of_another_machine_or_of_nobody_may_run_still() {
        let mut theirs = holder(std::process::id());
        theirs.process = theirs.process.map(|process| format!("0{process}"));
        assert!(!is_gone(&theirs));
        assert!(!is_gone(&Holder::default()));
        assert!(!is_gone(&Holder { process: Some("nonsense".to_owned()), ..Holder::default() }));
    }

    #[test]
    fn a_number_that_went_to_another_process_is_not_the_same_process() {
        let mut theirs = holder(std::process::id());
        theirs.process = theirs.process.map(|process| format!("{process}1"));
        assert!(is_gone(&theirs));
    }

    #[test]
    fn a_run_of_a_ci_system_gives_its_address() {
        let variables = [
            ("GITHUB_ACTOR", "alice"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "acme/notes"),
            ("GITHUB_RUN_ID", "7"),
        ];
        let environment = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let holder = this_run("apply", &environment);
        assert!(holder.name.starts_with("alice@"), "{holder}");
        assert_eq!(holder.run.as_deref(), Some("https://github.com/acme/notes/actions/runs/7"));
        assert!(holder.to_string().contains("`deployer apply` since"), "{holder}");
    }
}

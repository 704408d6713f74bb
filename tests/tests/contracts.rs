//! What every kind promises, run over the list of kinds against the lab: twice, with an AWS that does
//! everything at once, and with one that tells late, throttles, has quotas and small pages. A few
//! kinds keep their promises in another account and region as well.
//!
//! With `HOSTILE_SEED=7` once instead, with calls that fail as the seed draws it.
#![expect(clippy::print_stderr, reason = "the harness is its own")]

use std::cmp::Reverse;
use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex};

use deployer_tests::{
    Diary, Elsewhere, Lab, Terms, contracts_of, hostile_seed, keep_contract, root,
};
use libtest_mimic::{Arguments, Failed, Trial};

/// The kinds that keep their promises in a second place too: of each way of being found, by tags in
/// the service's own list, by the tagging index, by name and by path, and one without regions.
const ELSEWHERE: &[&str] =
    &["log-group", "repository", "role", "secret", "security-group", "target-group", "vpc"];

/// The second place.
const ACCOUNT: &str = "222222222222";
const REGION: &str = "eu-central-1";

/// How many labs there are, and contracts under way: with bad manners most of the time is waiting.
const LABS: usize = 6;

/// The SDK takes the lab's address from the environment, and no process may change its own: so
/// the test starts itself again for each contract, inside a lab's.
fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("--in-lab") {
        let kind = arguments.next().expect("the kind");
        return in_lab(&kind, arguments.next());
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(LABS);
    let labs = Arc::new(Labs::default());
    let all = deployer_kinds::all();
    let mut names: Vec<String> = all.iter().flat_map(|kind| contracts_of(kind.name)).collect();
    // The longest take most time, and none is to be left alone in the end.
    names.sort_by_cached_key(|name| Reverse(length(name)));
    let trial = |name: String, manners: Manners| {
        let labs = Arc::clone(&labs);
        Trial::test(name.clone(), move || labs.try_contract(&name, manners))
            .with_kind(manners.name())
    };
    let each = |manners: Manners| names.iter().map(move |name| (name.clone(), manners));
    let all: Vec<(String, Manners)> = match hostile_seed() {
        Some(seed) => each(Manners::Hostile(seed)).collect(),
        None => each(Manners::Strict)
            .chain(each(Manners::Instant))
            .chain(ELSEWHERE.iter().map(|kind| ((*kind).to_owned(), Manners::Elsewhere)))
            .collect(),
    };
    let trials = all.into_iter().map(|(name, manners)| trial(name, manners)).collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    let requests: u64 =
        labs.idle.lock().expect("nobody panics with it").drain(..).map(Lab::finish).sum();
    if requests > 0 {
        eprintln!("model check: {requests} requests, 0 refused\n");
    }
    conclusion.exit_code()
}

/// How long the text of a contract is, in bytes.
fn length(name: &str) -> u64 {
    let path = root().join(format!("tests/contracts/{name}.yaml"));
    std::fs::metadata(path).map_or(0, |file| file.len())
}

/// How AWS behaves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manners {
    /// It does everything at once and knows it at once.
    Instant,
    /// It tells late, throttles, has quotas, and pages everything.
    Strict,
    /// As `Strict`, in another account and region than the stack's.
    Elsewhere,
    /// As `Strict`, and calls fail, take effect and fail, or are never answered.
    Hostile(u64),
}

impl Manners {
    fn name(self) -> &'static str {
        match self {
            Self::Instant => "instant",
            Self::Strict => "strict",
            Self::Elsewhere => "elsewhere",
            Self::Hostile(_) => "hostile",
        }
    }
}

/// The labs that wait for a contract. Each has one at a time, as quotas are an account's.
#[derive(Default)]
struct Labs {
    idle: Mutex<Vec<Lab>>,
}

impl Labs {
    fn try_contract(&self, kind: &str, manners: Manners) -> Result<(), Failed> {
        let idle = self.idle.lock().expect("nobody panics with it").pop();
        let lab = idle.unwrap_or_else(|| {
            let lab = Lab::start(0.0);
            for arn in Terms::as_written().certificates.iter().flatten() {
                lab.issue(arn);
            }
            if let Some(arn) = Terms::as_written().web_acl {
                lab.web_acl(&arn);
            }
            if let Some(zone) = Terms::as_written().zone {
                lab.hosted_zone(&zone);
                lab.hosted_zone(&format!("sub.{zone}"));
            }
            lab
        });
        match manners {
            Manners::Hostile(seed) => {
                lab.clear_faults();
                lab.set_hostile(seed);
            }
            _ => lab.set_strict(manners != Manners::Instant),
        }
        let role = (manners == Manners::Elsewhere).then(|| lab.role(ACCOUNT, "deploy"));
        let output = Command::new(std::env::current_exe().expect("a test knows where it is"))
            .args(["--in-lab", kind])
            .args(role)
            .env("AWS_CONFIG_FILE", "/nonexistent")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
            .envs(lab.environment())
            .output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        assert_eq!(lab.owned(), Vec::<String>::new(), "left in the lab");
        self.idle.lock().expect("nobody panics with it").push(lab);
        Ok(())
    }
}

fn in_lab(kind: &str, role: Option<String>) -> ExitCode {
    let place = |role| Elsewhere { account: ACCOUNT.to_owned(), region: REGION.to_owned(), role };
    let terms = Terms { elsewhere: role.map(place), ..Terms::as_written() };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    match runtime.block_on(keep_contract(kind, &terms, None, &Diary::default())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

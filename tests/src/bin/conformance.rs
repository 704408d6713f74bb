//! Keeps the contracts and brings a stack up in an account of AWS, and sets what is answered beside
//! what the lab answers. `docs/real-aws.md` says what it makes, costs and writes.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it is run to be read")]
#![expect(clippy::disallowed_methods, reason = "a program may read its own environment")]

use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};
use deployer_aws::{Aws, Connection, connect, connect_seen};
use deployer_cli::{
    Access, Connect, Exit, Failure, Reached, Registry, Stack, Terminal, cancelled_by_signals, run,
};
use deployer_tests::conformance::{
    Campaign, ENVIRONMENT, Estimate, Recorder, keep_part, sweep, sweep_part,
};
use deployer_tests::{Terms, root};
use serde_json::Value;

#[derive(Parser)]
#[command(about = "Keeps the contracts of all kinds in an account of AWS", max_term_width = 100)]
struct Command {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Keep the contracts, bring a stack up and down, and write a report
    Run(RunArguments),
    /// Delete whatever a run has left
    Sweep(Where),
    /// One part of a run, in a process of its own
    #[command(hide = true)]
    Keep { part: String, terms: String, folder: PathBuf },
    /// What one part has left
    #[command(hide = true, name = "sweep-part")]
    SweepPart { part: String, terms: String },
    /// The command line, with a recording of what is answered
    #[command(hide = true, disable_help_flag = true)]
    Deployer {
        #[arg(long)]
        recording: Option<PathBuf>,
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

#[derive(Args)]
struct Where {
    /// The account, twelve digits: the credentials must be of this one
    #[arg(long)]
    account: String,
    /// The region
    #[arg(long, default_value = "eu-west-1")]
    region: String,
    /// Only these parts: kinds, and `stack`
    #[arg(long, value_name = "PART", value_delimiter = ',')]
    only: Vec<String>,
    /// How many parts are under way at once
    #[arg(long, default_value_t = 2)]
    at_once: usize,
}

#[derive(Args)]
struct RunArguments {
    #[command(flatten)]
    place: Where,
    /// Two issued certificates of the account; without them what needs one is not tried
    #[arg(long, num_args = 2, value_names = ["ARN", "ARN"])]
    certificates: Option<Vec<String>>,
    /// A public hosted zone of the account, with one beneath it whose name begins with `sub.`
    #[arg(long, value_name = "NAME")]
    zone: Option<String>,
    /// What it may cost at most, in US dollars
    #[arg(long, default_value_t = 10.0)]
    dollars: f64,
    /// How long it may take at most
    #[arg(long, default_value_t = 600.0)]
    minutes: f64,
    /// How much of AWS's real time the lab beside it takes
    #[arg(long, default_value_t = 0.05)]
    lab_speed: f64,
    /// Where recordings and the report go
    #[arg(long, default_value = "conformance")]
    out: PathBuf,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let verb = Command::parse().verb;
    if !matches!(verb, Verb::Run(_) | Verb::Sweep(_)) {
        end_with_parent();
    }
    let ended = match verb {
        Verb::Run(arguments) => Box::pin(campaign(arguments)).await,
        Verb::Sweep(place) => Box::pin(sweep_up(place)).await,
        Verb::Keep { part, terms, folder } => match read(&terms) {
            Ok(terms) => Box::pin(keep_part(&part, &terms, &folder)).await.map(|()| true),
            Err(why) => Err(why),
        },
        Verb::SweepPart { part, terms } => match read(&terms) {
            Ok(terms) => Box::pin(sweep_part(&part, &terms)).await.map(|()| true),
            Err(why) => Err(why),
        },
        Verb::Deployer { recording, arguments } => {
            return Box::pin(deployer(recording, arguments)).await;
        }
    };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::from(2)
        }
    }
}

/// A part goes on by itself no longer than the run it is of, however that ends: a sweep would meet it.
fn end_with_parent() {
    #[cfg(target_os = "linux")]
    // Where there is no such thing, a part ends with its contract.
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
}

fn read(terms: &str) -> Result<Terms, String> {
    serde_json::from_str(terms).map_err(|error| format!("the terms cannot be read: {error}"))
}

/// The terms, once the account is the one that was named.
async fn agreed(place: &Where) -> Result<Terms, String> {
    let is_number = place.account.len() == 12 && place.account.bytes().all(|b| b.is_ascii_digit());
    if !is_number {
        return Err(format!("an account has twelve digits: `{}` has not", place.account));
    }
    for part in &place.only {
        if !Campaign::all().contains(part) {
            return Err(format!("`{part}` is none of: {}", Campaign::all().join(", ")));
        }
    }
    let told = |failure: Failure| failure.to_string();
    let Connection { aws, .. } = connect(None, Some(&place.region), &root()).await.map_err(told)?;
    let account = aws.account().await.map_err(told)?;
    if account != place.account {
        return Err(format!(
            "these credentials are of the account {account}, and {} was named: nothing was done",
            place.account
        ));
    }
    Ok(Terms {
        environment: ENVIRONMENT.to_owned(),
        account,
        region: place.region.clone(),
        certificates: None,
        zone: None,
        web_acl: None,
        elsewhere: None,
    })
}

fn parts(place: &Where) -> Vec<String> {
    if place.only.is_empty() { Campaign::all() } else { place.only.clone() }
}

/// What answers: AWS, unless the environment says otherwise.
fn against() -> String {
    std::env::var("AWS_ENDPOINT_URL").unwrap_or_else(|_| "AWS".to_owned())
}

async fn campaign(arguments: RunArguments) -> Result<bool, String> {
    let terms = agreed(&arguments.place).await?;
    let folder = folder_for(&arguments.out)?;
    let certificates = arguments.certificates.and_then(|both| both.try_into().ok());
    let campaign = Campaign {
        terms: Terms { certificates, zone: arguments.zone, ..terms },
        parts: parts(&arguments.place),
        at_once: arguments.place.at_once.max(1),
        limit: Estimate { minutes: arguments.minutes, dollars: arguments.dollars },
        lab_speed: arguments.lab_speed,
        folder,
    };
    let estimates = campaign.estimates()?;
    for (part, estimate) in &estimates {
        println!("  {part:<20} {:>4.0} min  ${:.2}", estimate.minutes.ceil(), estimate.dollars);
    }
    let each: Vec<Estimate> = estimates.into_values().collect();
    let sum = Estimate::sum(&each, campaign.at_once);
    let (account, region) = (&campaign.terms.account, &campaign.terms.region);
    println!(
        "\nThis makes and deletes things in the account {account} in {region}: for at most {:.0} \
         minutes, {} at a time, and ${:.2}.\nAll of it carries the tag deployer:environment = \
         {ENVIRONMENT}.",
        sum.minutes.ceil(),
        campaign.at_once,
        sum.dollars
    );
    if sum.dollars > arguments.dollars || sum.minutes > arguments.minutes {
        return Err(format!(
            "that is beyond ${:.2} or {:.0} minutes: raise --dollars or --minutes, or try fewer \
             parts with --only",
            arguments.dollars, arguments.minutes
        ));
    }
    if !arguments.yes && !is_agreed_to(account)? {
        return Err("nothing was done".to_owned());
    }
    let report = campaign.run(&against(), &mut |line| println!("{line}")).await?;
    print!("\n{}", report.summary());
    println!("{}", campaign.folder.join("report.html").display());
    Ok(report.is_good())
}

/// What a run leaves in its folder.
const LEFT_BEHIND: [&str; 4] = ["answers", "lab", "report.html", "report.json"];

/// A folder of its own: what an earlier run has left in it is replaced, and nobody else's is.
fn folder_for(out: &Path) -> Result<PathBuf, String> {
    let folder = std::path::absolute(out).map_err(|error| format!("{}: {error}", out.display()))?;
    let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name();
        if !LEFT_BEHIND.iter().any(|left| name == *left) {
            return Err(format!(
                "{} has more in it than a run leaves, such as {}: name another with --out",
                folder.display(),
                name.display()
            ));
        }
    }
    Ok(folder)
}

fn is_agreed_to(account: &str) -> Result<bool, String> {
    if !std::io::stdin().is_terminal() {
        return Err("nobody is there to ask: say --yes".to_owned());
    }
    print!("Type the account's number to go on: ");
    let mut typed = String::new();
    std::io::stdout().flush().map_err(|error| error.to_string())?;
    std::io::stdin().lock().read_line(&mut typed).map_err(|error| error.to_string())?;
    Ok(typed.trim() == account)
}

async fn sweep_up(place: Where) -> Result<bool, String> {
    let terms = agreed(&place).await?;
    let left = sweep(&terms, &parts(&place), place.at_once.max(1)).await;
    for left in &left {
        eprintln!("left: {left}");
    }
    if left.is_empty() {
        println!("nothing is left");
    }
    Ok(left.is_empty())
}

/// AWS, with a recording.
struct Recorded(Option<Arc<Recorder>>);

impl Connect for Recorded {
    type Cloud = Aws;

    fn registry(&self) -> Registry<Aws> {
        deployer_aws::registry()
    }

    async fn connect(
        &self,
        role: Option<&str>,
        region: Option<&str>,
        folder: &Path,
    ) -> Result<Reached<Aws>, Failure> {
        let Connection { aws, region } = match &self.0 {
            Some(recorder) => connect_seen(role, region, folder, Arc::clone(recorder) as _).await?,
            None => connect(role, region, folder).await?,
        };
        Ok(Reached { cloud: Arc::new(aws), region })
    }

    fn policy(&self, access: Access, stack: &Stack) -> Value {
        deployer_aws::policy(access, stack)
    }

    fn managed_policies(&self, access: Access, stack: &Stack) -> Vec<Value> {
        deployer_aws::managed_policies(access, stack)
    }

    fn longest_policy(&self) -> usize {
        deployer_aws::LONGEST_INLINE
    }

    async fn account(&self, aws: &Aws) -> Result<String, Failure> {
        aws.account().await
    }

    async fn caller(&self, aws: &Aws) -> Result<String, Failure> {
        aws.caller().await
    }
}

async fn deployer(recording: Option<PathBuf>, arguments: Vec<String>) -> ExitCode {
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let recorder = recording.map(|path| Recorder::begin(&path, ENVIRONMENT)).transpose();
    let (Ok(terminal), Ok(cancel), Ok(recorder)) =
        (Terminal::of_process(environment), cancelled_by_signals(), recorder)
    else {
        return Exit::Wrong.into();
    };
    let arguments = std::iter::once("deployer".into()).chain(arguments.into_iter().map(Into::into));
    let world = Recorded(recorder.map(Arc::new));
    Box::pin(run(arguments, world, terminal, cancel)).await.into()
}

//! People who ask a stack for something all the time, and what they are answered.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

/// Who has had no answer by then gives up.
const PATIENCE: Duration = Duration::from_secs(10);

/// One sort of request, made again and again.
#[derive(Clone, Copy, Debug)]
pub struct Flow {
    /// The path that is asked for.
    pub path: &'static str,
    /// How often, a second.
    pub rate: u32,
}

/// What one sort of request was answered.
#[derive(Clone, Debug)]
pub struct Seen {
    /// What was asked for.
    pub url: String,
    /// The answer before there was any load.
    pub before: String,
    /// The answer once it was over.
    pub after: String,
    /// Each answer in between, with how often it was given.
    pub answers: BTreeMap<String, usize>,
}

impl Seen {
    /// Answers that are neither what was answered before nor what is answered after. Where nobody
    /// answered before, it is not strange that nobody does yet; where nobody answers after it
    /// either, there is nothing to lose in between.
    pub fn strange(&self) -> usize {
        if !self.was_answered() && is_failure(&self.after) {
            return 0;
        }
        let known = [&self.before, &self.after];
        let is_strange = |answer: &String| {
            !known.contains(&answer) && (self.was_answered() || !is_failure(answer))
        };
        let strange = self.answers.iter().filter(|(answer, _)| is_strange(answer));
        strange.map(|(_, times)| times).sum()
    }

    /// Whether somebody answered before, whatever they said.
    pub fn was_answered(&self) -> bool {
        !is_failure(&self.before)
    }

    /// How many answers there were.
    pub fn total(&self) -> usize {
        self.answers.values().sum()
    }
}

/// Whether an answer says that nobody answered: a load balancer's own, or none.
fn is_failure(answer: &str) -> bool {
    !answer.starts_with(['2', '3', '4'])
}

/// A load that goes on until it is ended.
pub struct Load(Vec<Asking>);

/// One sort of request that is being made.
struct Asking {
    url: String,
    before: String,
    /// It goes on for as long as this is kept.
    goes_on: Sender<()>,
    thread: JoinHandle<BTreeMap<String, usize>>,
}

impl Load {
    /// Begins to ask whoever is at these URLs.
    pub fn begin(hosts: &[String], flows: &[Flow]) -> Self {
        let agent = agent();
        let running = hosts.iter().flat_map(|host| flows.iter().map(move |flow| (host, *flow)));
        let running = running.map(|(host, Flow { path, rate })| {
            let (url, agent) = (format!("{host}{path}"), agent.clone());
            let before = answer(&agent, &url);
            let (goes_on, end) = channel();
            let asked = url.clone();
            let thread = spawn(move || ask(&agent, &asked, rate, &end));
            Asking { url, before, goes_on, thread }
        });
        Self(running.collect())
    }

    /// Ends it after so long, and tells what was seen.
    ///
    /// # Panics
    /// When a thread of it did.
    pub fn end_after(self, duration: Duration) -> Vec<Seen> {
        let (_kept, never) = channel::<()>();
        // Nothing is ever sent.
        let _ = never.recv_timeout(duration);
        let ended = self.0.into_iter().map(|Asking { url, before, goes_on, thread }| {
            drop(goes_on);
            let answers = thread.join().expect("asking goes well, whatever is answered");
            let after = answer(&agent(), &url);
            Seen { url, before, after, answers }
        });
        ended.collect()
    }
}

/// Asks at a steady rate, however long an answer takes.
fn ask(agent: &ureq::Agent, url: &str, rate: u32, end: &Receiver<()>) -> BTreeMap<String, usize> {
    let answers = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        let pause = Duration::from_secs(1) / rate;
        while end.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
            scope.spawn(|| {
                let answer = answer(agent, url);
                let mut answers = answers.lock().expect("no thread panics with it");
                *answers.entry(answer).or_default() += 1;
            });
        }
    });
    answers.into_inner().expect("no thread panics with it")
}

/// Nobody follows a redirect, and every request has a connection of its own. Whose a certificate is
/// does not matter: the lab's own authority signs them all.
fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_idle_connections(0)
        .tls_config(ureq::tls::TlsConfig::builder().disable_verification(true).build());
    config.build().into()
}

/// What is answered, with who answers: `200 web`, `503`, `no answer`.
fn answer(agent: &ureq::Agent, url: &str) -> String {
    let Ok(mut answer) = agent.get(url).call() else { return "no answer".to_owned() };
    let status = answer.status().as_u16();
    let text = answer.body_mut().read_to_string();
    match text {
        Ok(name) if status == 200 => format!("{status} {name}"),
        Ok(_) => status.to_string(),
        Err(_) => "no answer".to_owned(),
    }
}

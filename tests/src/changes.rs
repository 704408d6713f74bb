//! Changes that people make to a stack under load: what the plan says of each, what the load sees,
//! whether one apply is enough.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use crate::load::{Flow, Load, Seen};
use crate::{Lab, Ran, root, run};

/// AWS's durations in the lab: what takes 20 s takes one.
const SCALE: f64 = 0.05;

/// What people ask for: each service 20 times a second, and what needs the database.
const FLOWS: [Flow; 6] = [
    Flow { path: "/", rate: 20 },
    Flow { path: "/data", rate: 5 },
    Flow { path: "/api/x", rate: 20 },
    Flow { path: "/api/data", rate: 5 },
    Flow { path: "/v2/x", rate: 5 },
    Flow { path: "/shop/x", rate: 5 },
];

/// How long the load goes on after an apply: what AWS does late is seen too.
const AFTERMATH: Duration = Duration::from_secs(2);

/// A change to the stack of `tests/stacks/shop.yaml`, made and taken back.
#[derive(Clone, Debug)]
pub struct Change {
    /// What it is, in words.
    pub name: String,
    /// What it begins with, where that is not the stack as it stands in the file.
    pub first: Vec<(&'static str, &'static str)>,
    /// What stands in the stack once, and what it becomes.
    pub edits: Vec<(&'static str, &'static str)>,
    /// Whether the apply fails, and people are to see nothing of it.
    pub fails: bool,
    /// What people see in the lab where that is not what the plan says, there and back, and why.
    pub sights: Option<([Sight; 2], &'static str)>,
}

/// What people saw, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sight {
    /// What they saw before.
    Nothing,
    /// Somebody else answered.
    Elsewhere,
    /// For a while, answers that neither the stack before nor the stack after gives.
    Errors,
    /// To the end, no good answer where there was one before.
    Outage,
}

/// One way of a change: there, or back.
#[derive(Clone, Debug)]
pub struct Way {
    /// What the plan says of requests, without what it says of data.
    pub word: String,
    /// What people saw.
    pub sight: Sight,
    /// How many requests were made, and how many had an answer of neither stack.
    pub requests: usize,
    /// See [`Way::requests`].
    pub strange: usize,
    /// What was not as it should be; nothing when all was.
    pub wrong: Vec<String>,
}

impl fmt::Display for Sight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Nothing => "nothing",
            Self::Elsewhere => "elsewhere",
            Self::Errors => "errors",
            Self::Outage => "outage",
        })
    }
}

impl Change {
    fn of(name: &str, edits: &[(&'static str, &'static str)]) -> Self {
        let (name, edits) = (name.to_owned(), edits.to_vec());
        Self { name, first: Vec::new(), edits, fails: false, sights: None }
    }

    fn after(self, first: &[(&'static str, &'static str)]) -> Self {
        Self { first: first.to_vec(), ..self }
    }

    fn that_fails(self) -> Self {
        Self { fails: true, ..self }
    }

    fn seen(self, sights: [Sight; 2], why: &'static str) -> Self {
        Self { sights: Some((sights, why)), ..self }
    }

    /// Whether it goes well, and people see what the plan says.
    fn is_plain(&self) -> bool {
        !self.fails && self.sights.is_none() && self.first.is_empty()
    }

    /// Both at once; none when they are about the same lines.
    pub fn with(&self, other: &Self) -> Option<Self> {
        let both = Self {
            name: format!("{}; {}", self.name, other.name),
            first: Vec::new(),
            edits: self.edits.iter().chain(&other.edits).copied().collect(),
            fails: self.fails || other.fails,
            sights: None,
        };
        both.stacks().is_some().then_some(both)
    }

    /// The stack before and after it; none when what it changes does not stand there once.
    fn stacks(&self) -> Option<[String; 2]> {
        let edited = |stack: &str, edits: &[(&str, &str)]| {
            edits.iter().try_fold(stack.to_owned(), |stack, (from, to)| {
                (stack.matches(from).count() == 1).then(|| stack.replace(from, to))
            })
        };
        let before = edited(&stack(), &self.first)?;
        let after = edited(&before, &self.edits)?;
        Some([before, after])
    }
}

/// A lab with the stack in it, which changes are made to.
pub struct Shop {
    lab: Lab,
    folder: tempfile::TempDir,
}

impl Shop {
    /// Brings the stack up.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn open() -> Self {
        let shop = Self { lab: Lab::start(SCALE), folder: tempfile::tempdir().expect("a folder") };
        shop.lab.issue(CERTIFICATE);
        shop.make(&stack());
        for seen in Load::begin(&shop.hosts(), &FLOWS).end_after(AFTERMATH) {
            assert!(is_well(&seen.before) && is_well(&seen.after), "{seen:?}");
        }
        shop
    }

    /// Whether a change makes a stack that can be read.
    ///
    /// # Panics
    /// When it is none of this stack.
    pub fn takes(&self, change: &Change) -> bool {
        let [_, changed] = change.stacks().expect("a change of the stack");
        self.write(&changed);
        let is_taken = self.run("expand", &[]).code == Some(0);
        self.write(&stack());
        is_taken
    }

    /// Makes a change under load and takes it back.
    ///
    /// # Panics
    /// When it is none of this stack.
    pub fn play(&self, change: &Change) -> [Way; 2] {
        let [before, after] = change.stacks().expect("a change of the stack");
        let seen = change.sights.map(|(sights, _)| sights);
        let is_elsewhere = !change.first.is_empty();
        if is_elsewhere {
            self.make(&before);
        }
        let there = self.go(&after, change.fails, seen.map(|[there, _]| there));
        let back = self.go(&before, false, seen.map(|[_, back]| back));
        if is_elsewhere {
            self.make(&stack());
        }
        [there, back]
    }

    /// Takes the stack down; gives what is left.
    pub fn close(self) -> Vec<String> {
        self.run("destroy", &["--yes"]).expect(0);
        // The certificate is no part of the stack.
        let left = self.lab.everything().into_iter();
        left.filter(|left| !left.ends_with(CERTIFICATE)).collect()
    }

    /// Makes a stack of it that nobody asks for anything meanwhile.
    fn make(&self, stack: &str) {
        self.write(stack);
        self.run("apply", &["--yes"]).expect(0);
    }

    fn go(&self, stack: &str, fails: bool, seen: Option<Sight>) -> Way {
        let hosts = self.hosts();
        self.write(stack);
        let planned = self.run("plan", &["--json"]).expect(0);
        let plan: Value = serde_json::from_str(&planned.stdout).expect("JSON");
        let load = Load::begin(&hosts, &FLOWS);
        let applied = self.run("apply", &["--yes"]);
        let answers = load.end_after(AFTERMATH);

        let word = word_of(&plan);
        let sight = answers.iter().map(sight_of).max().unwrap_or(Sight::Nothing);
        let mut wrong = Vec::new();
        let code = if fails { 4 } else { 0 };
        if applied.code != Some(code) {
            wrong.push(format!("the apply ended with {:?}:\n{}", applied.code, applied.stderr));
        }
        if !fails {
            let rest = self.run("plan", &["--check"]);
            if rest.code != Some(0) {
                wrong.push(format!("one apply was not enough:\n{}", rest.stdout));
            }
        }
        let is_told = match seen {
            _ if fails => sight == Sight::Nothing,
            Some(seen) => sight == seen,
            // Those whom nobody answered have nothing to lose.
            None if !answers.iter().any(Seen::was_answered) => sight == Sight::Nothing,
            None => expected(&word).contains(&sight),
        };
        if !is_told {
            let told = answers.iter().filter(|seen| sight_of(seen) > Sight::Nothing);
            let told: Vec<String> = told.map(|seen| format!("{seen:?}")).collect();
            wrong.push(format!("the plan says {word}, people saw {sight}:\n{}", told.join("\n")));
        }
        let requests = answers.iter().map(Seen::total).sum();
        let strange = answers.iter().map(Seen::strange).sum();
        Way { word, sight, requests, strange, wrong }
    }

    /// Where the stack is reached: plainly, and by HTTPS where it listens for it.
    fn hosts(&self) -> Vec<String> {
        let outputs = self.run("outputs", &["--json"]).expect(0).stdout;
        let outputs: Value = serde_json::from_str(&outputs).expect("JSON");
        let outputs = outputs.as_object().cloned().unwrap_or_default();
        let url = outputs.iter().find(|(name, _)| name.ends_with("-url"));
        let url = url.and_then(|(_, url)| url.as_str()).expect("a load balancer");
        let plain = url.replace("https://", "http://");
        if plain == url { vec![plain] } else { vec![plain, url.to_owned()] }
    }

    fn write(&self, stack: &str) {
        let images = root().join("tests/contracts/images").display().to_string();
        let text =
            stack.replace("../contracts/images", &images).replace("CERTIFICATE", CERTIFICATE);
        std::fs::write(self.folder.path().join("stack.yaml"), text).expect("a file");
    }

    fn run(&self, verb: &str, more: &[&str]) -> Ran {
        let file = self.folder.path().join("stack.yaml").display().to_string();
        let mut arguments = vec![verb, "--file", &file, "--env", "dev"];
        arguments.extend(more);
        run(&self.lab, &arguments)
    }
}

/// What a plan says of requests: data that are lost are no matter of theirs.
fn word_of(plan: &Value) -> String {
    const WORDS: [&str; 5] = ["none", "rolling", "elsewhere", "restart", "outage"];
    let steps = plan["plan"]["steps"].as_array().cloned().unwrap_or_default();
    let words = steps.iter().flat_map(|step| {
        let notices = step["notices"].as_array().cloned().unwrap_or_default();
        let notices = notices.into_iter().map(|notice| notice["impact"].clone());
        notices.chain([step["impact"].clone()]).collect::<Vec<_>>()
    });
    let places = words.filter_map(|word| WORDS.iter().position(|known| word == *known));
    WORDS[places.max().unwrap_or_default()].to_owned()
}

/// What people see when a plan says this.
fn expected(word: &str) -> &'static [Sight] {
    match word {
        "none" | "rolling" => &[Sight::Nothing],
        "elsewhere" => &[Sight::Elsewhere],
        "restart" => &[Sight::Errors],
        _ => &[Sight::Errors, Sight::Outage],
    }
}

fn is_well(answer: &str) -> bool {
    answer.starts_with("200") || answer.starts_with("30")
}

fn sight_of(seen: &Seen) -> Sight {
    if is_well(&seen.before) && !is_well(&seen.after) {
        Sight::Outage
    } else if seen.strange() > 0 {
        Sight::Errors
    } else if seen.before != seen.after && is_well(&seen.before) {
        Sight::Elsewhere
    } else {
        Sight::Nothing
    }
}

/// Pairs of changes of different lines, drawn by a seed, without an end.
pub fn pairs(seed: u64) -> impl Iterator<Item = Change> {
    let all: Vec<Change> = changes().into_iter().filter(Change::is_plain).collect();
    let mut state = seed;
    let mut draw = move |below: usize| {
        // Knuth's linear congruential generator (MMIX); its upper bits are the better ones.
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap_or_default() % below
    };
    std::iter::repeat_with(move || {
        let (one, other) = (draw(all.len()), draw(all.len()));
        all[one].with(&all[other]).filter(|_| one != other)
    })
    .flatten()
}

/// The stack that is changed.
fn stack() -> String {
    std::fs::read_to_string(root().join("tests/stacks/shop.yaml")).expect("the stack")
}

/// All changes that are tried one by one, and in pairs.
pub fn changes() -> Vec<Change> {
    vec![
        Change::of("no task is left", &[("scale: { min: 2 } # api", "scale: { min: 0 }")]),
        Change::of(
            "a health check that fails",
            &[(
                "health: { path: /healthz, interval: 5 s, timeout: 2 s, unhealthy: 2 } # web",
                "health: { path: /up, interval: 5 s, timeout: 2 s, unhealthy: 2 }",
            )],
        )
        .that_fails(),
        Change::of(
            "a health check, with the tasks that answer it",
            &[
                (
                    "health: { path: /healthz, interval: 5 s, timeout: 2 s, unhealthy: 2 } # api",
                    "health: { path: /up, interval: 5 s, timeout: 2 s, unhealthy: 2 }",
                ),
                ("RUST_LOG: info # api", "UP: /up"),
            ],
        ),
        Change::of(
            "a port",
            &[("port: 8080 # api", "port: 9090"), ("RUST_LOG: info # api", "PORT: \"9090\"")],
        ),
        Change::of("a route goes elsewhere", &[("path: \"/api*\"", "path: \"/v2*\"")]),
        Change::of(
            "a route is for one host",
            &[("path: \"/api*\"", "host: api.example.org, path: \"/api*\"")],
        ),
        Change::of(
            "two turns are swapped",
            &[("priority: 20", "priority: 5"), ("priority: 10", "priority: 30")],
        ),
        Change::of("a service takes a path that another had", &[("# more", MORE)]),
        Change::of(
            "a database's port",
            &[("engine: postgres", "engine: postgres\n    port: 5433")],
        ),
        Change::of(
            "a database is renamed",
            &[
                ("  main: # database", "  notes:"),
                ("uses: [databases/main] # web", "uses: [databases/notes]"),
                ("uses: [databases/main] # api", "uses: [databases/notes]"),
            ],
        ),
        Change::of(
            "a secret is renamed",
            &[
                (
                    "session: { length: 64, recovery: none }",
                    "token: { length: 64, recovery: none }",
                ),
                ("SESSION_KEY: secrets/session", "SESSION_KEY: secrets/token"),
            ],
        ),
        Change::of(
            "a secret is renamed, and the new tasks do not start",
            &[
                (
                    "session: { length: 64, recovery: none }",
                    "token: { length: 64, recovery: none }",
                ),
                ("SESSION_KEY: secrets/session", "SESSION_KEY: secrets/token"),
                ("RUST_LOG: info # web", "BROKEN: \"1\""),
            ],
        )
        .that_fails(),
        Change::of(
            "a repository is renamed",
            &[
                (
                    "  web: { keep: 20, force-delete: true }",
                    "  site: { keep: 20, force-delete: true }",
                ),
                ("repository: web, build", "repository: site, build"),
            ],
        ),
        Change::of(
            "a load balancer is renamed",
            &[
                ("edge: { http: forward }", "front: { http: forward }"),
                ("load-balancer: edge, path: \"/*\"", "load-balancer: front, path: \"/*\""),
                ("load-balancer: edge, path: \"/api*\"", "load-balancer: front, path: \"/api*\""),
            ],
        ),
        Change::of(
            "a load balancer goes inside",
            &[("http: forward }", "http: forward, internal: true }")],
        ),
        Change::of("a database is used no more", &[("uses: [databases/main] # web", "uses: []")])
            .seen([Sight::Outage, Sight::Nothing], "the app asks for what it was told not to use"),
        Change::of("a zone less", &[("zones: 3", "zones: 2")]),
        Change::of("no NAT gateway", &[("nat: single", "nat: none")]),
        Change::of(
            "a rollout without a minimum",
            &[
                ("RUST_LOG: info # web", "RUST_LOG: debug"),
                ("# rollout", "rollout: { minimum: 0% }"),
            ],
        ),
        Change::of(
            "logs are kept for less long",
            &[("logs: { keep: 30 days } # web", "logs: { keep: 7 days }")],
        ),
        Change::of(
            "no backups are made",
            &[("backup-retention: 7 days", "backup-retention: none")],
        ),
        Change::of(
            "fewer images are kept",
            &[(
                "  web: { keep: 20, force-delete: true }",
                "  web: { keep: 1, force-delete: true }",
            )],
        ),
        // Beyond the table of what once went wrong.
        Change::of("a variable", &[("RUST_LOG: info # api", "RUST_LOG: debug")]),
        Change::of("another task", &[("scale: { min: 2 } # web", "scale: { min: 3 }")]),
        Change::of("one task less", &[("scale: { min: 2 } # api", "scale: { min: 1 }")]),
        Change::of(
            "a bigger task",
            &[("scale: { min: 2 } # api", "scale: { min: 2 }\n    cpu: 512\n    memory: 1 GiB")],
        ),
        Change::of(
            "a service is renamed",
            &[("  api: # service", "  rest:"), ("NAME: api", "NAME: rest")],
        ),
        // Its turn is behind all others, and so must be where its successor waits.
        Change::of(
            "the service of all other paths is renamed",
            &[("services:\n  web:", "services:\n  site:"), ("NAME: web", "NAME: site")],
        )
        .after(&[(", priority: 20", ""), (", priority: 10", "")]),
        Change::of("a service in public subnets", &[("# rollout", "subnets: public")]),
        Change::of(
            "a silent connection is held for longer",
            &[("http: forward }", "http: forward, idle-timeout: 120 s }")],
        ),
        Change::of(
            "HTTPS beside HTTP",
            &[("edge: { http: forward }", "edge: { certificate: CERTIFICATE, http: forward }")],
        ),
        Change::of(
            "HTTPS in the place of HTTP",
            &[("edge: { http: forward }", "edge: { certificate: CERTIFICATE, http: redirect }")],
        ),
        Change::of("plain requests are redirected no more", &[("http: redirect", "http: forward")])
            .after(&[(
                "edge: { http: forward }",
                "edge: { certificate: CERTIFICATE, http: redirect }",
            )]),
        Change::of("a load balancer behind a group that admits nobody", &[("# more", CLOSED_EDGE)]),
        Change::of("a database behind a group that admits nobody", &[("# more", CLOSED_DATABASE)]),
        Change::of("targets leave more slowly", &[("drain: 20 s # web", "drain: 40 s")]),
        Change::of("a gateway in each zone", &[("nat: single", "nat: per-zone")])
            .seen([Sight::Nothing; 2], "no request of the load keeps a connection to the internet"),
        Change::of(
            "a second database",
            &[
                ("  main: # database", SECOND),
                ("uses: [databases/main] # api", "uses: [databases/second]"),
            ],
        ),
    ]
}

/// A certificate that AWS has issued, in the lab.
const CERTIFICATE: &str = "arn:aws:acm:eu-west-1:123456789012:certificate/0f3a";

const MORE: &str = "\
shop:
    image: { repository: api, build: { archive: ../contracts/images/shop.tar } }
    ports:
      http:
        port: 8080
        health: { path: /healthz, interval: 5 s, timeout: 2 s, unhealthy: 2 }
        route: { load-balancer: edge, path: \"/shop*\", priority: 5 }
    environment:
      NAME: shop
    scale: { min: 1 }";

const CLOSED_EDGE: &str = "\
# closed
resources:
  security-group: { empty: { vpc: main, description: empty } }
  load-balancer: { edge: { security-groups: [empty] } }";

const CLOSED_DATABASE: &str = "\
# closed
resources:
  security-group: { empty: { vpc: main, description: empty } }
  db-instance: { main: { security-groups: [empty] } }";

const SECOND: &str = "  second:
    engine: postgres
    version: \"16\"
    storage: 20 GiB
    protect: false
    final-snapshot: false
  main: # database";

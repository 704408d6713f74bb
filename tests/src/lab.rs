//! A lab of one's own: started on a free port, gone with the value.
//!
//! At its end every request that it saw is held against AWS's own service models: one that AWS
//! would refuse is a failure of the test, even when the lab let it pass.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// What the lab's own interface wants of whoever asks: no page in a browser can send it.
const HEADER: (&str, &str) = ("X-Lab", "1");

/// A running lab.
pub struct Lab {
    process: Child,
    address: String,
    is_over: bool,
}

impl Lab {
    /// Starts one in which AWS takes this much of its real time; 0 for none.
    ///
    /// # Panics
    /// When it does not start: no test can go on without it.
    pub fn start(scale: f64) -> Self {
        Self::start_with(&["--scale", &scale.to_string()])
    }

    /// Starts one in which nothing runs: tasks and databases are states alone, and come at once.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_hollow() -> Self {
        Self::start_with(&["--hollow"])
    }

    /// Starts a hollow one whose partition does not have these attributes of load balancers and
    /// target groups.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_without(attributes: &[&str]) -> Self {
        let each = attributes.iter().flat_map(|attribute| ["--without", attribute]);
        Self::start_with(&std::iter::once("--hollow").chain(each).collect::<Vec<_>>())
    }

    fn start_with(options: &[&str]) -> Self {
        let seed = hostile_seed().map(|seed| seed.to_string());
        let mut process = Command::new(root().join("tests/lab/start"))
            .args(["--port", "0"])
            .args(options)
            .args(seed.iter().flat_map(|seed| ["--hostile", seed]))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("tests/lab/start can be run");
        let output = process.stdout.take().expect("the output was asked for");
        let mut lines = BufReader::new(output).lines().map_while(Result::ok);
        let address = lines
            .find_map(|line| line.strip_prefix("lab ready ").map(str::to_owned))
            .expect("the lab says when it is ready");
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, address, is_over: false }
    }

    /// Ends it, and tells how many requests it saw.
    ///
    /// # Panics
    /// When AWS's own service models would refuse one of them.
    pub fn finish(mut self) -> u64 {
        self.end()
    }

    /// Gives AWS its bad manners, all of them or none: replies that lag behind the truth, quotas,
    /// throttling, small pages.
    pub fn set_strict(&self, is_strict: bool) {
        let mut parts = self.get("/_lab/strict");
        for part in parts.as_object_mut().into_iter().flat_map(|parts| parts.values_mut()) {
            *part = is_strict.into();
        }
        self.post("/_lab/strict", &parts);
    }

    /// Gives AWS its bad manners and lets calls fail as a seed draws it.
    pub fn set_hostile(&self, seed: u64) {
        self.post("/_lab/hostile", &serde_json::json!({ "seed": seed }));
    }

    /// Where it listens.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What a program needs in its environment to take the lab for AWS.
    pub fn environment(&self) -> [(&'static str, &str); 6] {
        [
            ("AWS_ENDPOINT_URL", &self.address),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "lab"),
            ("AWS_SECRET_ACCESS_KEY", "lab"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            // Where tests run in CI, a plan would look for more than it does elsewhere.
            ("CI", ""),
        ]
    }

    /// What exists in the lab and carries our tags, as `kind: ARN`.
    pub fn owned(&self) -> Vec<String> {
        self.inventory(|resource| !resource["tags"]["deployer:stack"].is_null())
    }

    /// What exists twice in the lab, as `kind: address`. Revisions of a task definition are left
    /// out: all of them are at one.
    pub fn twins(&self) -> Vec<String> {
        let resources = self.addressed();
        let mut addresses: Vec<String> = resources
            .iter()
            .filter(|resource| resource["kind"] != "ecs:task-definition")
            .map(|resource| {
                let address = text(&resource["tags"]["deployer:address"]);
                format!("{}: {address}", text(&resource["kind"]))
            })
            .collect();
        addresses.sort();
        let twins = addresses.windows(2).filter(|pair| pair[0] == pair[1]);
        twins.map(|pair| pair[0].clone()).collect()
    }

    /// The operations that changed something since the counters were reset, each with how often.
    /// Those of the lock are left out: there is a sign of life each few seconds.
    pub fn changes(&self) -> BTreeMap<String, i64> {
        let calls = self.calls()["operations"].as_object().cloned().unwrap_or_default();
        let calls = calls.into_iter().map(|(name, times)| (name, times.as_i64().unwrap_or(0)));
        calls.filter(|(name, _)| !is_reading(name) && !name.starts_with("ssm:")).collect()
    }

    /// What exists at an address of a stack. Rules of a security group and tasks, which carry the
    /// address of what they belong to, are left out.
    pub(crate) fn addressed(&self) -> Vec<Value> {
        let mut resources = self.resources();
        resources.retain(|resource| {
            !resource["tags"]["deployer:address"].is_null()
                && resource["kind"] != "ec2:security-group-rule"
                && resource["kind"] != "ecs:task"
        });
        resources
    }

    /// All that exists, with its tags.
    ///
    /// # Panics
    /// When the lab does not answer, as everything that asks it.
    pub fn resources(&self) -> Vec<Value> {
        let inventory = self.get("/_lab/inventory");
        inventory["resources"].as_array().cloned().unwrap_or_default()
    }

    /// Whether something of ours has been begun whose kind or ARN contains this.
    pub fn has_begun(&self, part: &str) -> bool {
        self.owned().iter().any(|resource| resource.contains(part))
    }

    /// Everything that exists in the lab, as `kind: ARN`.
    pub fn everything(&self) -> Vec<String> {
        self.inventory(|_| true)
    }

    fn inventory(&self, counts: impl Fn(&Value) -> bool) -> Vec<String> {
        let inventory = self.get("/_lab/inventory");
        let resources = inventory["resources"].as_array().cloned().unwrap_or_default();
        resources
            .iter()
            .filter(|resource| counts(resource))
            .map(|resource| format!("{}: {}", text(&resource["kind"]), text(&resource["arn"])))
            .collect()
    }

    /// Makes so many things of others, by kind, without a call each.
    pub fn populate(&self, wanted: &Value) {
        self.post("/_lab/populate", wanted);
    }

    /// Lets `GuardDuty` put into a VPC what it puts there by itself; gives its endpoint and its
    /// security group.
    ///
    /// # Panics
    /// When the lab does not answer, as everything that asks it.
    pub fn guard_duty(&self, vpc: &str) -> (String, String) {
        let made = self.ask("/_lab/guard-duty", &serde_json::json!({ "vpc": vpc }));
        let id = |what: &str| made[what].as_str().expect("an identifier").to_owned();
        (id("endpoint"), id("group"))
    }

    /// Follows the links in the letters that ask somebody whether to be told.
    pub fn confirm(&self, who: &str) {
        self.post("/_lab/outbox/confirm", &serde_json::json!({ "to": who }));
    }

    /// Puts an issued certificate under this ARN.
    pub fn issue(&self, arn: &str) {
        self.post("/_lab/certificates", &serde_json::json!({ "arn": arn }));
    }

    /// Makes a web ACL of this ARN, as another team does.
    pub fn web_acl(&self, arn: &str) {
        self.post("/_lab/web-acls", &serde_json::json!({ "arn": arn }));
    }

    /// Puts the lab's clock ahead, by which schedules come round.
    pub fn advance(&self, seconds: u32) {
        self.post("/_lab/clock", &serde_json::json!({ "advance": seconds }));
    }

    /// Lets tasks find no place, in the form that the lab's own documentation gives.
    pub fn lack_capacity(&self, wanted: &Value) {
        self.post("/_lab/capacity", wanted);
    }

    /// Puts points of a metric as AWS itself does, in the form that the lab's own documentation
    /// gives.
    pub fn measure(&self, points: &Value) {
        self.post("/_lab/metrics", points);
    }

    /// The values of all secrets, and of the fields of those that are JSON.
    pub fn secrets(&self) -> Vec<String> {
        let secrets = self.get("/_lab/secrets");
        let values = secrets["values"].as_array().cloned().unwrap_or_default();
        values.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// Lets RDS move a database by itself, in the form that the lab's own documentation gives.
    pub fn move_database(&self, wanted: &Value) {
        self.post("/_lab/databases", wanted);
    }

    /// Lets the maintenance windows come.
    pub fn open_windows(&self) {
        self.post("/_lab/maintenance-window", &Value::Null);
    }

    /// Counts calls from now on.
    pub fn reset_calls(&self) {
        self.post("/_lab/reset-calls", &Value::Null);
    }

    /// The calls since [`Lab::reset_calls`], by service and operation.
    pub fn calls(&self) -> Value {
        self.get("/_lab/calls")
    }

    /// Forgets everything that exists, and ends what runs.
    pub fn reset(&self) {
        self.post("/_lab/reset", &Value::Null);
    }

    /// Makes a role in another account that may be assumed, and gives its ARN.
    ///
    /// # Panics
    /// When the lab does not answer, as everything that asks it.
    pub fn role(&self, account: &str, name: &str) -> String {
        let wanted = serde_json::json!({ "account": account, "roles": [name] });
        let roles = self.ask("/_lab/accounts", &wanted)["roles"].clone();
        roles[0].as_str().expect("the ARN of a role").to_owned()
    }

    /// The file with the certificate that signs what the lab shows in TLS.
    ///
    /// # Panics
    /// When the lab does not answer, as everything that asks it.
    pub fn authority(&self) -> String {
        let file = self.get("/_lab")["authority"]["certificate"].clone();
        file.as_str().expect("a path").to_owned()
    }

    /// Attaches a policy to whoever calls, in the form that IAM has; everything else is denied from
    /// now on.
    pub fn permit(&self, policy: &Value) {
        self.post("/_lab/policies", &serde_json::json!({ "documents": [policy] }));
    }

    /// Lets everybody do everything again.
    pub fn permit_everything(&self) {
        self.post("/_lab/policies", &serde_json::json!({ "documents": null }));
    }

    /// Applies a quota to the account, by its codes.
    pub fn apply_quota(&self, service: &str, quota: &str, value: f64) {
        let wanted = serde_json::json!({ "service": service, "quota": quota, "value": value });
        self.post("/_lab/quotas", &wanted);
    }

    /// What was asked for since then: `denied` and `allowed`, in the form that the lab's own
    /// documentation gives.
    pub fn permitted(&self) -> Value {
        self.get("/_lab/policies")
    }

    /// Says how long the sessions of roles last that begin from now on.
    pub fn limit_sessions(&self, seconds: u32) {
        self.post("/_lab/sessions", &serde_json::json!({ "seconds": seconds }));
    }

    /// Opts in to a region.
    pub fn enable(&self, region: &str) {
        self.post("/_lab/regions", &serde_json::json!({ "enable": [region] }));
    }

    /// Adds faults, in the form that the lab's own documentation gives.
    pub fn fault(&self, fault: &Value) {
        self.post("/_lab/faults", fault);
    }

    /// Removes every fault.
    ///
    /// # Panics
    /// When the lab does not answer, as everything that asks it.
    pub fn clear_faults(&self) {
        let request = ureq::delete(format!("{}/_lab/faults", self.address));
        request.header(HEADER.0, HEADER.1).call().expect("an answer");
    }

    /// Asks the lab's own interface.
    ///
    /// # Panics
    /// When the lab does not answer, as everything that asks it.
    pub fn get(&self, path: &str) -> Value {
        let request = ureq::get(format!("{}{path}", self.address)).header(HEADER.0, HEADER.1);
        let mut answer = request.call().expect("an answer");
        answer.body_mut().read_json().expect("JSON")
    }

    fn post(&self, path: &str, body: &Value) {
        self.ask(path, body);
    }

    fn ask(&self, path: &str, body: &Value) -> Value {
        let request = ureq::post(format!("{}{path}", self.address)).header(HEADER.0, HEADER.1);
        let mut answer = request.send_json(body).expect("an answer");
        answer.body_mut().read_json().unwrap_or_default()
    }

    fn end(&mut self) -> u64 {
        let check = self.get("/_lab/model-check");
        self.kill();
        let (checked, skipped) = (&check["checked"], &check["skipped"]);
        let refused = check["refused"].as_array().map(Vec::len);
        record(&format!("{checked} {}", refused.unwrap_or_default()));
        assert_eq!(refused, Some(0), "AWS's models would refuse: {:#}", check["refused"]);
        assert_eq!(*skipped, 0, "requests that no model could be held against");
        checked.as_u64().expect("a number")
    }

    /// It takes its own processes with it, however it ends.
    fn kill(&mut self) {
        self.is_over = true;
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.kill();
        } else if !self.is_over {
            self.end();
        }
    }
}

/// The seed by which every lab is to be hostile, in `HOSTILE_SEED`; none where it is not set.
///
/// # Panics
/// When it is no number.
#[expect(clippy::disallowed_methods, reason = "a test may read its own environment")]
pub fn hostile_seed() -> Option<u64> {
    std::env::var("HOSTILE_SEED").ok().map(|seed| seed.parse().expect("HOSTILE_SEED: a number"))
}

/// Writes a line for `make test`, which sums up what the labs of all tests saw.
fn record(line: &str) {
    let path = built().join("model-check");
    let mut file = OpenOptions::new().create(true).append(true).open(path).expect("a file");
    writeln!(file, "{line}").expect("a line in a file");
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Whether an operation, as `service:Operation`, changes nothing.
fn is_reading(operation: &str) -> bool {
    let name = operation.split_once(':').map_or(operation, |(_, name)| name);
    ["BatchCheck", "BatchGet", "Describe", "Filter", "Get", "List"]
        .iter()
        .any(|verb| name.starts_with(verb))
}

/// The folder of what is built: a test lies one below it.
pub(crate) fn built() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows where it is");
    let folder = test.ancestors().find(|folder| folder.join("deps").is_dir());
    folder.expect("target/debug").to_owned()
}

/// The repository's root: where this was started, or above. It is not what the compiler saw, since
/// checkouts share what is built.
///
/// # Panics
/// When this was started outside the repository.
pub fn root() -> PathBuf {
    let here = std::env::current_dir().expect("a process is somewhere");
    let root = here.ancestors().find(|folder| folder.join("tests/lab/start").exists());
    root.expect("start it in the repository").to_owned()
}

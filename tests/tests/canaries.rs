//! No secret is shown: each is planted once, and whatever any command writes is searched for it.

use std::fs;

use deployer_tests::{Lab, Ran, deployer, finish, root};
use serde_json::{Value, json};
use tempfile::TempDir;

/// What somebody may write where it does not belong, and what is handed to a run from outside.
const WRITTEN: [&str; 12] = [
    "canary-pass",
    "canary-auth",
    "canary-dsn",
    "canary-jdbc",
    "canary-flag",
    "canary-word",
    "canary-json",
    "canary-variable",
    "canary-file",
    "canary-resource",
    "canary-credentials",
    "canary-0123456789-plan-key-0123456789",
];

/// How loud a run can be.
const LOUD: [&[&str]; 5] = [&[], &["-v"], &["-vv"], &["--json"], &["--json", "-vv"]];

/// How loud those are that change something: what is said with `-vv` holds what is said with less.
const WHOLE: [&[&str]; 3] = [&[], &["-vv"], &["--json", "-vv"]];

fn stack() -> String {
    let image = root().join("tests/contracts/images/answers.tar");
    format!(
        "\
stack: canaries
region: eu-west-1
variables: {{ api: none, smtp: none }}
network: {{ cidr: 10.60.0.0/16, zones: 2, nat: none }}
load-balancers: {{ edge: {{ http: forward }} }}
repositories: {{ web: {{ force-delete: true }} }}
databases:
  main: {{ engine: postgres, version: \"16\", class: db.t4g.micro, storage: 20 GiB, protect: false, final-snapshot: false }}
secrets: {{ session: {{ length: 40 }} }}
services:
  web:
    image: {{ repository: web, build: {{ archive: {} }} }}
    command: [serve, --token=canary-flag, --password, canary-word]
    uses: [databases/main]
    ports:
      http: {{ port: 8080, route: {{ load-balancer: edge, path: /* }} }}
    secrets: {{ SESSION_KEY: secrets/session }}
    environment:
      DB_PASS: canary-pass
      SMTP_AUTH: canary-auth
      DATABASE: postgres://web:canary-dsn@db.example/main
      JAVA_OPTS: -Durl=jdbc:postgresql://db.example/main?password=canary-jdbc
      CONFIG: '{{\"password\": \"canary-json\"}}'
      API_KEY: ${{api}}
      SMTP_PASSWORD: ${{smtp}}
resources:
  task-definition:
    web:
      containers: {{ web: {{ environment: {{ MORE_SECRET: canary-resource }} }} }}
",
        image.display()
    )
}

struct World {
    lab: Lab,
    folder: TempDir,
    /// What was written so far: by which command, and what.
    written: Vec<(String, String)>,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("deployer.yaml"), stack()).expect("a file");
        fs::write(folder.path().join("secret.yaml"), "smtp: canary-file\n").expect("a file");
        Self { lab: Lab::start_hollow(), folder, written: Vec::new() }
    }

    fn run(&mut self, line: &str, loud: &[&str]) -> Ran {
        let words: Vec<&str> = line.split(' ').chain(loud.iter().copied()).collect();
        let variables = self.folder.path().join("secret.yaml");
        let mut command = deployer(&self.lab, &words);
        command
            .current_dir(self.folder.path())
            .env("AWS_SECRET_ACCESS_KEY", "canary-credentials")
            .env("DEPLOYER_PLAN_KEY", "canary-0123456789-plan-key-0123456789")
            .env("DEPLOYER_VAR_API", "canary-variable");
        if !["schema", "completions"].iter().any(|name| line.starts_with(name)) {
            command.arg("--var-file").arg(variables);
        }
        let ran = finish(&mut command);
        self.written.push((words.join(" "), format!("{}\n{}", ran.stdout, ran.stderr)));
        ran
    }

    /// Those of what the account keeps: secrets, the private key, a token of the registry.
    fn kept(&self) -> Vec<String> {
        let target = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken";
        let answer = self.lab.by_hand_in_json("ecr", target, &json!({}));
        let token = answer["authorizationData"][0]["authorizationToken"].as_str();
        let token = token.expect("a token").to_owned();
        let secrets = self.lab.secrets().into_iter();
        // The fields of a database's secret that are no secret stand among them.
        secrets
            .filter(|value| value.len() >= 20 && !value.contains(".rds."))
            .chain([token])
            .collect()
    }

    /// The lines of `-v` are those of deployer. What the libraries under it would say of requests and
    /// answers holds whatever is in them.
    fn says_only_its_own(&self) {
        let levels = [" TRACE ", " DEBUG ", " INFO ", " WARN ", " ERROR "];
        let lines = self.written.iter().flat_map(|(_, text)| text.lines());
        let said = lines.filter_map(|line| {
            let (at, rest) = levels.iter().find_map(|level| line.split_once(level))?;
            at.trim_end().ends_with('Z').then_some(rest)
        });
        let mut count = 0;
        for line in said {
            assert!(line.starts_with("deployer"), "{line}");
            count += 1;
        }
        assert!(count > 1000, "{count} lines");
    }

    fn shows_none(&self, canaries: &[String]) {
        for (command, text) in &self.written {
            for canary in canaries {
                assert!(!text.contains(canary.as_str()), "{command} shows {canary}:\n{text}");
            }
        }
    }
}

#[test]
fn no_command_shows_a_secret_however_loud_it_is() {
    let mut world = World::new();
    let mut canaries: Vec<String> = WRITTEN.map(str::to_owned).into();
    for loud in LOUD {
        for look in [
            "plan --full",
            "expand",
            "schema",
            "schema json",
            "completions bash",
            "policy deployer",
        ] {
            world.run(look, loud);
        }
    }
    for loud in WHOLE {
        world.run("apply --yes", loud).expect(0);
        canaries.extend(world.kept());
        world.run("plan --full", loud).expect(0);
        world.run("plan --out kept.plan", loud).expect(0);
        for look in ["status", "drift", "outputs"] {
            world.run(look, loud).expect(0);
        }
        world.run("publish --yes", loud).expect(0);
        world.run("secret rotate databases/main --yes", loud).expect(0);
        canaries.extend(world.kept());
        world.run("adopt --all --yes", loud);
        // One that fails, and what is said of it.
        world.lab.fault(&json!({ "kind": "deny", "match": "ecs:RegisterTaskDefinition" }));
        let more =
            stack().replace("SMTP_AUTH: canary-auth", "SMTP_AUTH: canary-auth\n      MORE: x");
        fs::write(world.folder.path().join("deployer.yaml"), more).expect("a file");
        world.run("plan --full", loud).expect(0);
        assert_ne!(world.run("apply --yes", loud).code, Some(0));
        world.lab.clear_faults();
        world.run("destroy --yes --unprotect secret/session", loud);
        world.run("destroy --yes", loud).expect(0);
        fs::write(world.folder.path().join("deployer.yaml"), stack()).expect("a file");
        fs::remove_file(world.folder.path().join("kept.plan")).expect("a file");
    }
    canaries.sort();
    canaries.dedup();
    assert!(canaries.len() > WRITTEN.len() + 2 * WHOLE.len(), "{}", canaries.len());
    world.shows_none(&canaries);
    world.says_only_its_own();
}

#[test]
fn no_mistake_shows_a_secret_that_stands_beside_it() {
    let mut world = World::new();
    let right = stack();
    let wrong = [
        ("DB_PASS: canary-pass", "DB_PASS: [canary-pass]"),
        ("DB_PASS: canary-pass", "DB_PASS: canary-pass ${nothing}"),
        ("SMTP_AUTH: canary-auth", "SMTP_AUTH: { from: canary-auth }"),
        ("API_KEY: ${api}", "API_KEY: ${apy}"),
        ("--token=canary-flag,", "--token=canary-flag: 1,"),
        ("MORE_SECRET: canary-resource", "MORE_SECRET: [canary-resource]"),
        ("DATABASE: postgres", "DATABASE: !secret postgres"),
        ("DB_PASS: canary-pass", "db-pass: [canary-pass]"),
        ("DB_PASS: canary-pass", "KEY: ${open canary-pass"),
        ("DB_PASS: canary-pass", "KEY: \"one\n        canary-pass\" }"),
        ("DB_PASS: canary-pass", "KEY: |\n        -----BEGIN\n        canary-pass\n      KEY: []"),
        (
            "command: [serve, --token=canary-flag, --password, canary-word]",
            "command:\n      - --password\n      - [canary-word]",
        ),
        ("    environment:\n", "    env:\n"),
        ("    environment:\n", "    environmnt:\n"),
        (
            "resources:\n",
            "  other: { image: \"nginx:1\", environment: [DB_PASSWORD=canary-pass, B=c], \
             command: \"serve --token canary-word\" }\nresources:\n",
        ),
        (
            "resources:\n",
            "  other: { image: \"nginx:1\", environment: [{ name: TOKEN, value: canary-pass }] }\n\
             resources:\n",
        ),
        (
            "resources:\n",
            "  other:\n    image: \"nginx:1\"\n    environment:\n      - DB_PASSWORD=canary-pass\n\
             resources:\n",
        ),
        ("SESSION_KEY: secrets/session", "SESSION_KEY: canary-pass"),
        ("final-snapshot: false }", "final-snapshot: false, password: canary-pass }"),
        ("final-snapshot: false }", "final-snapshot: false, master-password: canary-pass }"),
    ];
    for (is, becomes) in wrong {
        let text = right.replace(is, becomes);
        assert_ne!(text, right, "{is}");
        fs::write(world.folder.path().join("deployer.yaml"), text).expect("a file");
        for loud in LOUD {
            assert_ne!(world.run("expand", loud).code, Some(0), "{becomes}");
        }
    }
    world.shows_none(&WRITTEN.map(str::to_owned));
}

/// What the account keeps for us in the open, and the tags on what we make.
#[test]
fn no_tag_and_no_record_holds_a_secret() {
    let mut world = World::new();
    world.run("apply --yes", &[]).expect(0);
    world.run("secret rotate databases/main --yes", &[]).expect(0);
    let asked = json!({ "Path": "/deployer/", "Recursive": true });
    let mut open: Vec<Value> = Vec::new();
    let mut token = Value::Null;
    loop {
        let mut asked = asked.clone();
        if !token.is_null() {
            asked["NextToken"] = token;
        }
        let page = world.lab.by_hand_in_json("ssm", "AmazonSSM.GetParametersByPath", &asked);
        let all = page["Parameters"].as_array().cloned().unwrap_or_default();
        open.extend(all.into_iter().filter(|it| it["Type"] != "SecureString"));
        token = page["NextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    assert!(open.len() >= 2, "{open:?}");
    open.push(world.lab.get("/_lab/inventory"));
    let open = json!(open).to_string();
    for canary in world.kept().into_iter().chain(WRITTEN.map(str::to_owned)) {
        assert!(!open.contains(&canary), "{canary} is kept in the open");
    }
    world.run("destroy --yes", &[]).expect(0);
}

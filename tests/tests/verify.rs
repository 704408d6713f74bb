//! What a first change would run into is said before it, at its line.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};

use deployer_tests::{Lab, Ran, run};
use serde_json::{Value, json};
use tempfile::TempDir;

struct World {
    lab: Lab,
    folder: TempDir,
}

impl World {
    fn run(&self, stack: &str, words: &[&str]) -> Ran {
        let path = self.folder.path().join("shop.yaml");
        std::fs::write(&path, stack).expect("a file");
        run(&self.lab, &[words, &["--file", path.to_str().expect("a plain path")]].concat())
    }
}

/// A stack of one service, with these secrets.
fn stack(image: &str, secrets: &str) -> String {
    format!(
        "\
stack: shop
region: eu-west-1
network: {{ cidr: 10.70.0.0/16, nat: none }}
services:
  web:
    image: {image}
    subnets: public
{secrets}"
    )
}

/// A parameter that is not there, and a secret.
fn secrets(secret: &str) -> String {
    format!("    secrets:\n      TOKEN: /shop/token\n      KEY: {secret}\n")
}

#[test]
fn what_tasks_need_and_do_not_find_is_said_at_its_line_before_anything_is_made() {
    let world = World { lab: Lab::start_hollow(), folder: tempfile::tempdir().expect("a folder") };
    let body = json!({ "Name": "shop", "SecretString": r#"{"username":"u","secret":"s3cr3t"}"# });
    let made = world.lab.by_hand_in_json("secretsmanager", "secretsmanager.CreateSecret", &body);
    let arn = made["ARN"].as_str().expect("its ARN");
    let ecr = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
    let wrong = stack(&format!("{ecr}/none:1"), &secrets(&format!("{arn}#password")));

    let ran = world.run(&wrong, &["verify"]);
    let ran = ran.expect(1);
    for said in [
        "there is no repository `none`",
        "there is no such parameter",
        "has no key `password`",
        "it has `secret`, `username`",
        ":6:",
        ":9:",
        ":10:",
    ] {
        assert!(ran.stdout.contains(said), "{said}: {}", ran.stdout);
    }
    assert!(!ran.stdout.contains("s3cr3t") && !ran.stderr.contains("s3cr3t"));
    world.run(&wrong, &["apply", "--verify", "--yes"]).expect(1);
    assert!(world.lab.owned().is_empty(), "nothing is made");

    let parameter = json!({ "Name": "/shop/token", "Value": "t", "Type": "SecureString" });
    world.lab.by_hand_in_json("ssm", "AmazonSSM.PutParameter", &parameter);
    let right = stack(&format!("{}/both:1", registry()), &secrets(&format!("{arn}#secret")));
    let ran = world.run(&right, &["verify"]);
    let ran = ran.expect(0);
    assert!(ran.stdout.contains("Nothing was found"), "{}", ran.stdout);
}

/// A registry on this machine: `web` is one image for arm64, `both` an index, and `token` wants a
/// token that it gives itself.
fn registry() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let own = address.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            answer(stream, &own);
        }
    });
    address
}

fn answer(mut stream: TcpStream, own: &str) {
    let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
    let asked = lines.next().unwrap_or_default();
    let headers: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let path = asked.split(' ').nth(1).unwrap_or_default();
    let single = r#"{"config":{"digest":"sha256:c0"},"layers":[]}"#;
    let index = r#"{"manifests":[{"platform":{"architecture":"amd64"}},
        {"platform":{"architecture":"arm64"}}]}"#;
    let has_token = headers.iter().any(|line| line.contains("Bearer t0k"));
    let closed = format!(
        "401 Unauthorized\r\nWWW-Authenticate: Bearer realm=\"http://{own}/give\",scope=\"pull\""
    );
    let moved = format!("307 Temporary Redirect\r\nLocation: http://{own}/config");
    let (status, body) = match path {
        "/give?scope=pull" => ("200 OK", r#"{"token":"t0k"}"#),
        "/config" => ("200 OK", r#"{"architecture":"arm64"}"#),
        "/v2/web/manifests/1" => ("200 OK", single),
        "/v2/web/blobs/sha256:c0" => (moved.as_str(), ""),
        "/v2/both/manifests/1" => ("200 OK", index),
        "/v2/token/manifests/1" if has_token => ("200 OK", index),
        "/v2/token/manifests/1" => (closed.as_str(), ""),
        _ => ("404 Not Found", r#"{"errors":[{"code":"MANIFEST_UNKNOWN"}]}"#),
    };
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close");
    // A client that is gone misses nothing.
    let _ = write!(stream, "{head}\r\n\r\n{body}");
}

#[test]
fn what_the_account_and_the_registry_do_not_let_happen_is_said_before_anything_is_made() {
    let world = World { lab: Lab::start_hollow(), folder: tempfile::tempdir().expect("a folder") };
    let registry = registry();
    // What is said of an image, and whether it keeps the stack from coming up.
    let at = |image: &str| format!("{registry}/{image}");
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a port");
    let closed = format!("{}/web:1", nobody.local_addr().expect("an address"));
    drop(nobody);
    for (image, severity, said) in [
        (at("both:1"), "", ""),
        (at("token:1"), "", ""),
        (at("web:1"), "error", "the image is for arm64, and the tasks are amd64"),
        (at("both:2"), "error", "its registry does not have the image"),
        (closed, "warning", "whether the image is there was not looked at"),
    ] {
        said_of(&world, &stack(&image, ""), severity, said, "");
    }
    let fine = stack(&at("both:1"), "");

    // Quotas, of which the lab's account has some in use.
    world.lab.apply_quota("vpc", "L-F678F1CE", 0.0);
    let more = "aws service-quotas request-service-quota-increase --service-code vpc \
                --quota-code L-F678F1CE --desired-value";
    said_of(&world, &fine, "error", "the quota `VPCs per Region` is 0", more);
    world.lab.apply_quota("vpc", "L-F678F1CE", 50.0);
    world.lab.apply_quota("fargate", "L-3032A538", 0.1);
    let said = "the tasks of this stack alone have 0.25 vCPUs";
    said_of(&world, &fine, "error", said, "--quota-code L-3032A538 --desired-value 1");
    world.lab.apply_quota("fargate", "L-3032A538", 6.0);

    // A name that is free in a week.
    let with_secret = format!("{fine}secrets:\n  session: {{}}\n");
    let body = json!({ "Name": "shop/default/session", "SecretString": "s" });
    world.lab.by_hand_in_json("secretsmanager", "secretsmanager.CreateSecret", &body);
    let body = json!({ "SecretId": "shop/default/session", "RecoveryWindowInDays": 7 });
    world.lab.by_hand_in_json("secretsmanager", "secretsmanager.DeleteSecret", &body);
    let restore = "aws secretsmanager restore-secret --secret-id shop/default/session";
    said_of(&world, &with_secret, "error", "`shop/default/session` is taken until", restore);

    // Permissions.
    let but = |denied: &[&str]| {
        json!({ "Version": "2012-10-17", "Statement": [
            { "Effect": "Allow", "Action": "*", "Resource": "*" },
            { "Effect": "Deny", "Action": denied, "Resource": "*" },
        ] })
    };
    world.lab.permit(&but(&["ecs:CreateService", "ec2:CreateVpc"]));
    said_of(&world, &fine, "error", "user/lab may not `ecs:CreateService`", "a policy denies that");
    said_of(&world, &fine, "error", "user/lab may not `ec2:CreateVpc`", "`Deny`");
    world.lab.permit(&but(&["iam:SimulatePrincipalPolicy", "servicequotas:*"]));
    let all = "do all of it was not looked at";
    said_of(&world, &fine, "warning", all, "`iam:SimulatePrincipalPolicy`");
    said_of(&world, &fine, "warning", "quotas have room", "`servicequotas:GetServiceQuota`");
    world.lab.permit_everything();
    said_of(&world, &fine, "", "", "");
    assert!(world.lab.owned().is_empty(), "nothing is made");
}

/// Runs it, and looks that something is said once with this advice; nothing at all where nothing is
/// to be.
fn said_of(world: &World, stack: &str, severity: &str, said: &str, help: &str) {
    let ran = world.run(stack, &["verify", "--json"]);
    let ran = ran.expect(i32::from(severity == "error"));
    let answer: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let findings = answer["findings"].as_array().expect("findings");
    if said.is_empty() {
        assert!(findings.is_empty(), "{answer:#}");
        return;
    }
    let has = |it: &&Value, field: &str, part: &str| {
        it[field].as_str().is_some_and(|text| text.contains(part))
    };
    let found: Vec<&Value> = findings.iter().filter(|it| has(it, "title", said)).collect();
    let [one] = found[..] else { panic!("{said}: {answer:#}") };
    assert_eq!(one["severity"], severity, "{answer:#}");
    assert!(has(&one, "help", help), "{help}: {answer:#}");
}

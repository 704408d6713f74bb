//! What RDS moves by itself, what it does not do, and a database that somebody else has made.

use std::time::Duration;

use deployer_tests::{Flow, Lab, Load, Ran, begin_until, deployer, end, run};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A lab with one stack in it.
struct World {
    lab: Lab,
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        Self { lab: Lab::start_hollow(), folder: tempfile::tempdir().expect("a folder") }
    }

    /// A stack with a database of which this is said besides.
    fn write(&self, database: &str) {
        self.write_all(&format!(
            "databases:\n  main: {{ engine: postgres, class: db.t4g.micro, protect: false, \
             final-snapshot: false, {database} }}\n"
        ));
    }

    fn write_all(&self, sections: &str) {
        let text = format!("stack: shop\nregion: eu-west-1\nnetwork: {{ nat: none }}\n{sections}");
        std::fs::write(self.folder.path().join("stack.yaml"), text).expect("a file");
    }

    fn run(&self, command: &str) -> Ran {
        let path = self.folder.path().join("stack.yaml").display().to_string();
        let words: Vec<&str> = command.split(' ').chain(["--file", &path]).collect();
        run(&self.lab, &words)
    }

    fn planned(&self) -> Value {
        let plan = self.run("plan --json");
        serde_json::from_str(&plan.stdout).unwrap_or_else(|_| panic!("{}", plan.stderr))
    }

    /// What stands in the secret of the database.
    fn secret(&self) -> Value {
        let listed = json!({ "Filters": [{ "Key": "name", "Values": ["shop"] }] });
        let target = |name: &str| format!("secretsmanager.{name}");
        let all = self.lab.by_hand_in_json("secretsmanager", &target("ListSecrets"), &listed);
        let id = json!({ "SecretId": all["SecretList"][0]["ARN"] });
        let got = self.lab.by_hand_in_json("secretsmanager", &target("GetSecretValue"), &id);
        serde_json::from_str(got["SecretString"].as_str().expect("a text")).expect("JSON")
    }

    /// What a database has under this name in RDS's answer.
    fn shown(&self, field: &str) -> String {
        let answer = self.lab.by_hand("rds", "DescribeDBInstances", &[]);
        let (open, close) = (format!("<{field}>"), format!("</{field}>"));
        let rest = answer.split_once(&open).unwrap_or_else(|| panic!("no {field}: {answer}")).1;
        rest.split_once(&close).expect("it ends").0.to_owned()
    }
}

#[test]
fn storage_that_rds_has_grown_is_no_difference_and_stops_nothing() {
    let world = World::new();
    world.write("version: 16, storage: 20 GiB, max-storage: 100 GiB");
    world.run("apply --yes").expect(0);
    world.lab.move_database(&json!({ "database": "shop-default-main", "storage": 35 }));
    for storage in ["20", "30"] {
        world.write(&format!("version: 16, storage: {storage} GiB, max-storage: 100 GiB"));
        world.run("plan --check").expect(0);
        world.run("drift").expect(0);
    }
    world.lab.move_database(&json!({ "database": "shop-default-main", "storage": 100 }));
    world.run("plan --check").expect(0);

    // Without room to grow, less than there is cannot be; the rest is done all the same.
    world.write("version: 16, storage: 30 GiB, backup-retention: 3 days");
    let refused = world.run("apply --yes").expect(5);
    assert!(refused.stderr.contains("storage cannot change from 100 to 30"), "{}", refused.stderr);
    assert!(refused.stderr.contains("stack.yaml:5"), "{}", refused.stderr);
    assert_eq!(world.shown("BackupRetentionPeriod"), "3");
    assert_eq!(world.shown("AllocatedStorage"), "100");
    world.run("plan --check --target vpc/main").expect(0);
    world.run("destroy --yes").expect(0);
}

#[test]
fn storage_that_somebody_has_added_is_reported_in_the_same_way_every_time() {
    let world = World::new();
    world.write("version: 16, storage: 20 GiB");
    world.run("apply --yes").expect(0);
    world.lab.by_hand(
        "rds",
        "ModifyDBInstance",
        &[
            ("DBInstanceIdentifier", "shop-default-main"),
            ("AllocatedStorage", "35"),
            ("ApplyImmediately", "true"),
        ],
    );
    for command in ["plan --check", "apply --yes", "plan --check"] {
        let reported = world.run(command).expect(0).stderr;
        assert!(reported.contains("storage was changed outside from 20 to 35"), "{reported}");
        assert!(reported.contains("stack.yaml:5"), "{reported}");
    }
    assert_eq!(world.shown("AllocatedStorage"), "35");
}

/// One `DBInstanceNotFound` may be the answer of a server that has not heard of it.
#[test]
fn a_database_is_gone_when_rds_has_said_so_more_than_once() {
    let world = World { lab: Lab::start(0.02), folder: tempfile::tempdir().expect("a folder") };
    world.write("version: 16");
    world.run("apply --yes").expect(0);
    let path = world.folder.path().join("stack.yaml").display().to_string();
    world.write_all("");
    let words = "apply --yes --target db-instance/main --file";
    let words: Vec<&str> = words.split(' ').chain([path.as_str()]).collect();
    let mut apply = deployer(&world.lab, &words);
    let apply =
        begin_until(&mut apply, "it goes", || world.shown("DBInstanceStatus") == "deleting");
    world.lab.fault(&json!({
        "kind": "fail", "match": "rds:DescribeDBInstances", "code": "DBInstanceNotFound",
        "message": "DBInstance shop-default-main not found.", "status": 404, "times": 1,
        "unless_key": "by-hand",
    }));
    end(apply).expect(0);
    assert_eq!(world.lab.get("/_lab/faults")["faults"][0]["hits"], 1);
    let left = world.lab.everything();
    assert!(!left.iter().any(|it| it.contains(":db:")), "{left:?}");
    world.run("destroy --yes").expect(0);
}

/// A database leaves a snapshot, and what has the same name and could not be deleted is no part of
/// that.
#[test]
fn what_has_the_name_of_a_database_that_left_a_snapshot_is_still_there() {
    let world = World::new();
    world.write_all(
        "databases:\n  main: { engine: postgres, version: 16, protect: false, parameters: { \
         log_min_duration_statement: 250 } }\n",
    );
    world.run("apply --yes").expect(0);
    world.lab.fault(&json!({ "kind": "deny", "match": "rds:DeleteDBParameterGroup" }));
    let destroyed = world.run("destroy --yes").expect(4);
    let still = destroyed.stdout.split_once("Still there").expect("something is").1;
    assert!(still.contains("db-parameter-group/main"), "{}", destroyed.stdout);
    assert!(destroyed.stdout.contains("1 resource is still there"), "{}", destroyed.stdout);
    world.lab.clear_faults();
    world.run("destroy --yes").expect(0);
}

#[test]
fn a_minor_version_that_rds_has_upgraded_is_no_difference() {
    let world = World::new();
    world.write("version: 16.9");
    world.run("apply --yes").expect(0);
    world.lab.open_windows();
    assert_eq!(world.shown("EngineVersion"), "16.10");
    world.run("plan --check").expect(0);
    world.run("drift").expect(0);
    world.run("apply --yes").expect(0);
}

#[test]
fn an_upgrade_is_one_that_rds_offers_and_there_is_no_way_back() {
    let world = World::new();
    world.write("version: 15");
    world.run("apply --yes").expect(0);
    world.write("version: 16");
    let plan = world.run("plan --check").expect(3);
    assert!(plan.stdout.contains("outage"), "{}", plan.stdout);
    world.run("apply --yes").expect(0);
    assert_eq!(world.shown("EngineVersion"), "16.10");
    world.run("plan --check").expect(0);

    world.write("version: 15");
    let refused = world.run("plan").expect(5);
    assert!(refused.stderr.contains("RDS goes to no earlier version"), "{}", refused.stderr);
    assert!(refused.stderr.contains("stack.yaml:5"), "{}", refused.stderr);
    assert_eq!(world.planned()["plan"]["refused"][0]["path"], "version");

    world.write("version: 18.0");
    let failed = world.run("apply --yes").expect(4);
    assert!(failed.stderr.contains("RDS does not offer that"), "{}", failed.stderr);
    assert!(failed.stderr.contains("17.6"), "{}", failed.stderr);
}

/// PostgreSQL 14 wants TLS by a group of ours and 16 by itself: with the upgrade it leaves the group.
#[test]
fn a_major_upgrade_takes_the_parameters_of_the_new_version_along() {
    let world = World::new();
    world.write("version: 14");
    world.run("apply --yes").expect(0);
    assert_eq!(world.shown("DBParameterGroupName"), "shop-default-main");
    world.write("version: 16");
    world.run("apply --yes").expect(0);
    assert_eq!(world.shown("DBParameterGroupName"), "default.postgres16");
    world.run("plan --check").expect(0);
    world.write("version: 16, parameters: { work_mem: 65536 }");
    let told = world.run("apply --yes").expect(0).stderr;
    assert!(told.contains("reboot-db-instance"), "{told}");
    world.write("version: 17, parameters: { work_mem: 65536 }");
    world.run("apply --yes").expect(0);
    world.run("plan --check").expect(0);
    world.run("destroy --yes").expect(0);
    assert_eq!(world.lab.everything(), Vec::<String>::new());
}

#[test]
fn a_database_that_is_full_is_given_more_and_is_well_again() {
    let world = World::new();
    world.write("version: 16");
    world.run("apply --yes").expect(0);
    world.lab.move_database(&json!({ "database": "shop-default-main", "status": "storage-full" }));
    world.write("version: 16, storage: 40 GiB");
    world.run("apply --yes").expect(0);
    world.run("plan --check").expect(0);
}

#[test]
fn a_database_that_has_failed_goes_without_a_last_snapshot_and_the_plan_says_so() {
    let world = World::new();
    world.write_all("databases:\n  main: { engine: postgres, version: 16, protect: false }\n");
    world.run("apply --yes").expect(0);
    let line = || {
        let asked = world.run("destroy").expect(5).stderr;
        let line = asked.lines().find(|line| line.contains("db-instance/main"));
        line.unwrap_or_else(|| panic!("{asked}")).to_owned()
    };
    assert!(line().contains("outage"), "{}", line());
    world.lab.move_database(&json!({ "database": "shop-default-main", "status": "failed" }));
    assert!(line().contains("data loss"), "{}", line());
    let destroyed = world.run("destroy --yes").expect(0);
    assert!(!destroyed.stderr.contains("leaves the snapshot"), "{}", destroyed.stderr);
    let left = world.lab.everything();
    assert!(!left.iter().any(|it| it.starts_with("rds:")), "{left:?}");
}

#[test]
fn a_database_that_somebody_else_has_made_is_taken_over_as_it_is() {
    let world = World::new();
    world.write_all(
        "databases:\n  main: { engine: postgres, version: 16, user: shop, protect: false, \
         final-snapshot: false, backup-retention: none }\nresources: { db-instance: { main: { \
         storage-type: gp2, encrypted: false } } }\n",
    );
    let groups = "--target db-subnet-group/main --target security-group/database-main";
    world.run(&format!("apply --yes {groups}")).expect(0);
    let group = world.lab.id_at("security-group/database-main");
    let made = [
        ("DBInstanceIdentifier", "shop-production"),
        ("Engine", "postgres"),
        ("EngineVersion", "16.9"),
        ("DBInstanceClass", "db.t4g.micro"),
        ("AllocatedStorage", "20"),
        ("StorageType", "gp2"),
        ("MasterUsername", "shop"),
        ("MasterUserPassword", "known-to-one-person"),
        ("DBSubnetGroupName", "shop-default-main"),
        ("VpcSecurityGroupIds.VpcSecurityGroupId.1", &group),
        ("BackupRetentionPeriod", "0"),
    ];
    world.lab.by_hand("rds", "CreateDBInstance", &made);
    let adopted = world.run("adopt db-instance/main shop-production --yes").expect(0);
    assert!(!adopted.stderr.contains("data loss"), "{}", adopted.stderr);
    assert!(adopted.stderr.contains("its password changes"), "{}", adopted.stderr);
    world.run("apply --yes").expect(0);
    world.run("plan --check").expect(0);
    world.run("destroy --yes").expect(0);
    assert_eq!(world.lab.everything(), Vec::<String>::new());
}

/// The sample app has a pool of connections, asks the database whenever it is asked whether it is
/// ready, and PostgreSQL closes no connection for another password.
#[test]
fn nobody_loses_a_request_while_a_password_is_rotated() {
    let lab = Lab::start(0.02);
    let sample = |command: &[&str]| {
        let words = command.iter().chain(&["--file", "stacks/notes.yaml", "--env", "dev"]);
        run(&lab, &words.copied().collect::<Vec<_>>())
    };
    sample(&["apply", "--yes"]).expect(0);
    let url = sample(&["outputs", "edge-url"]).expect(0).stdout;
    let flows = [Flow { path: "/api/v1/notebooks/home", rate: 20 }];
    let load = Load::begin(&[url.trim().to_owned()], &flows);
    sample(&["secret", "rotate", "databases/main", "--yes"]).expect(0);
    for seen in load.end_after(Duration::from_secs(2)) {
        assert!(seen.before.starts_with("200"), "{seen:?}");
        assert_eq!(seen.strange(), 0, "{seen:?}");
        assert!(seen.total() > 20, "{seen:?}");
    }
    sample(&["plan", "--check"]).expect(0);
    sample(&["destroy", "--yes"]).expect(0);
}

#[test]
fn a_password_that_rds_manages_becomes_the_stacks_and_back() {
    let world = World::new();
    world.write("version: 16, password: managed");
    world.run("apply --yes").expect(0);
    assert_eq!(world.shown("SecretStatus"), "active");
    world.write("version: 16");
    let plan = world.run("plan --check").expect(3);
    assert!(plan.stdout.contains("restart: its password changes"), "{}", plan.stdout);
    world.run("apply --yes").expect(0);
    world.run("plan --check").expect(0);
    let secret = world.secret();
    assert_eq!(secret["username"], "deployer");
    assert_eq!(secret["dbname"], "main");
    let (host, port) = (&secret["host"], &secret["port"]);
    let password = secret["password"].as_str().expect("a text");
    assert_eq!(password.len(), 40);
    let host = host.as_str().expect("a text");
    assert_eq!(secret["url"], format!("postgres://deployer:{password}@{host}:{port}/main"));

    let rotated = world.run("secret rotate databases/main --yes").expect(0);
    let other = world.secret();
    assert_ne!(other["password"], secret["password"]);
    assert_eq!(other["host"], secret["host"]);
    world.run("plan --check").expect(0);
    world.write("version: 16, password: managed");
    world.run("apply --yes").expect(0);
    world.run("plan --check").expect(0);

    // No value was shown, nor is one kept in a tag or in the record.
    for value in [&secret["password"], &other["password"]] {
        let value = value.as_str().expect("a text");
        assert!(!format!("{}{}", rotated.stdout, rotated.stderr).contains(value));
        assert!(!world.lab.get("/_lab/inventory").to_string().contains(value));
    }
    world.run("destroy --yes").expect(0);
    assert_eq!(world.lab.everything(), Vec::<String>::new());
}

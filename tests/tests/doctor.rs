//! What `doctor` says of environments that are broken, each in a way of its own: the cause stands there.

use std::time::{Duration, Instant};

use deployer_tests::{Lab, Ran, root, run_on};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long AWS may take to show that something is broken.
const PATIENCE: Duration = Duration::from_mins(1);

/// A service behind a load balancer, with a database and a secret, in the lab.
struct World {
    lab: Lab,
    folder: TempDir,
}

/// A way to break it, and what is said of that.
struct Case {
    what: &'static str,
    breaks: fn(&World),
    /// All of this, in some order.
    says: &'static [&'static str],
    /// What `apply` does not put back.
    mends: fn(&World),
}

/// Nothing.
const APPLIED: fn(&World) = |_| ();

impl World {
    fn deployed() -> Self {
        let world = Self { lab: Lab::start(0.0), folder: tempfile::tempdir().expect("a folder") };
        world.write("answers.tar");
        world.run(&["apply", "--yes"]).expect(0);
        let well = world.run(&["doctor"]).expect(0).stdout;
        assert!(well.contains("nothing is wrong"), "{well}");
        world
    }

    fn write(&self, archive: &str) {
        let image = root().join("tests/contracts/images").join(archive).display().to_string();
        let text = format!(
            "\
stack: shop
region: eu-west-1
origin: tests
network: {{ zones: 2, nat: single }}
load-balancers: {{ edge: {{ http: forward }} }}
repositories: {{ web: {{ force-delete: true }} }}
databases:
  main: {{ engine: postgres, version: 16, class: db.t4g.micro, storage: 20 GiB, protect: false, final-snapshot: false }}
secrets: {{ session: {{ recovery: none }} }}
services:
  web:
    image: {{ repository: web, build: {{ archive: {image} }} }}
    health-command: [/answers, healthy]
    uses: [databases/main]
    secrets: {{ SESSION_KEY: secrets/session }}
    ports:
      http:
        port: 8080
        health: {{ path: /, interval: 5 s, timeout: 2 s, unhealthy: 2 }}
        route: {{ load-balancer: edge }}
monitoring: {{ notify: [ops@example.com] }}
"
        );
        std::fs::write(self.file(), text).expect("a file");
    }

    fn file(&self) -> String {
        self.folder.path().join("deployer.yaml").display().to_string()
    }

    fn run(&self, words: &[&str]) -> Ran {
        run_on(&self.lab, &self.file(), words)
    }

    /// What `doctor` says, without line ends.
    fn doctor(&self) -> String {
        self.run(&["doctor"]).stdout.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn form(&self, service: &str, action: &str, parameters: &[(&str, &str)]) {
        self.lab.by_hand(service, action, parameters);
    }

    fn json(&self, service: &str, target: &str, body: &Value) -> Value {
        self.lab.by_hand_in_json(service, target, body)
    }

    /// Changes the service; `forceNewDeployment` starts its tasks anew.
    fn update(&self, change: &Value) {
        let mut body = json!({ "cluster": "shop-default-main", "service": "shop-default-web" });
        body.as_object_mut().expect("a map").extend(change.as_object().expect("a map").clone());
        self.json("ecs", "AmazonEC2ContainerServiceV20141113.UpdateService", &body);
    }

    fn start_anew(&self) {
        self.update(&json!({ "forceNewDeployment": true }));
    }

    fn target_group(&self, field: &str, value: &str) {
        let group = self.lab.arn_at("target-group/web-http");
        let parameters = [("TargetGroupArn", group.as_str()), (field, value)];
        self.form("elasticloadbalancing", "ModifyTargetGroup", &parameters);
    }

    /// Takes away who may come into a security group.
    fn close(&self, group: &str, port: &str, from: (&str, &str)) {
        let group = self.lab.id_at(group);
        let parameters = [
            ("GroupId", group.as_str()),
            ("IpPermissions.1.IpProtocol", "tcp"),
            ("IpPermissions.1.FromPort", port),
            ("IpPermissions.1.ToPort", port),
            from,
        ];
        self.form("ec2", "RevokeSecurityGroupIngress", &parameters);
    }

    /// Takes away that one security group may come into another.
    fn close_to(&self, group: &str, port: &str, other: &str) {
        let other = self.lab.id_at(other);
        self.close(group, port, ("IpPermissions.1.Groups.1.GroupId", &other));
    }

    /// Lets a database be in a state.
    fn database(&self, status: &str) {
        self.lab.move_database(&json!({ "database": "shop-default-main", "status": status }));
    }

    /// Breaks the environment in each way, one after the other, and puts it right again.
    fn play(&self, cases: &[Case]) {
        for Case { what, breaks, says, mends } in cases {
            breaks(self);
            let begun = Instant::now();
            loop {
                let said = self.doctor();
                let missing: Vec<&&str> = says.iter().filter(|it| !said.contains(**it)).collect();
                if missing.is_empty() {
                    break;
                }
                assert!(begun.elapsed() < PATIENCE, "{what}: {missing:?} is not in\n{said}");
            }
            mends(self);
            self.run(&["apply", "--yes"]).expect(0);
        }
    }
}

#[test]
fn what_keeps_clients_out_is_named() {
    World::deployed().play(&[
        Case {
            what: "a listener is deleted",
            breaks: |world| {
                let listener = world.lab.arn_at("listener/edge-http");
                world.form("elasticloadbalancing", "DeleteListener", &[("ListenerArn", &listener)]);
            },
            says: &["nothing listens at the load balancer `edge`", "listener/edge-http"],
            mends: APPLIED,
        },
        Case {
            what: "a rule is deleted",
            breaks: |world| {
                let rule = world.lab.arn_at("listener-rule/web-http");
                world.form("elasticloadbalancing", "DeleteRule", &[("RuleArn", &rule)]);
            },
            says: &["`web-http` is not used", "no listener leads to it", "listener-rule/web-http"],
            mends: APPLIED,
        },
        Case {
            what: "a load balancer is deleted",
            breaks: |world| {
                let arn = world.lab.arn_at("load-balancer/edge");
                let parameters = [("LoadBalancerArn", arn.as_str())];
                world.form("elasticloadbalancing", "DeleteLoadBalancer", &parameters);
            },
            says: &["resources of the stack are not there", "load-balancer/edge"],
            mends: APPLIED,
        },
        Case {
            what: "a load balancer is closed",
            breaks: |world| {
                let from = ("IpPermissions.1.IpRanges.1.CidrIp", "0.0.0.0/0");
                world.close("security-group/load-balancer-edge", "80", from);
            },
            says: &["somebody has changed", "security-group/load-balancer-edge", "0.0.0.0/0"],
            mends: APPLIED,
        },
        Case {
            what: "a check expects what nobody answers",
            breaks: |world| world.target_group("Matcher.HttpCode", "404"),
            says: &[
                "`web-http` fail its checks",
                "GET / answered 200; expected 404",
                "the alarm `web-unhealthy` has gone off",
            ],
            mends: APPLIED,
        },
        Case {
            what: "a check asks a port where nobody listens",
            breaks: |world| world.target_group("HealthCheckPort", "9999"),
            says: &["`web-http` fail its checks", "no answer within 2 s", "9999"],
            mends: APPLIED,
        },
        Case {
            what: "tasks are closed",
            breaks: |world| {
                world.close_to(
                    "security-group/service-web",
                    "8080",
                    "security-group/load-balancer-edge",
                );
            },
            says: &["`web-http` fail its checks", "security-group/service-web", "8080"],
            mends: APPLIED,
        },
    ]);
}

#[test]
fn what_keeps_tasks_from_their_work_is_named() {
    World::deployed().play(&[
        Case {
            what: "a database is stopped",
            breaks: |world| world.database("stopped"),
            says: &["the database `main` is stopped", "rds start-db-instance"],
            mends: |world| world.database("available"),
        },
        Case {
            what: "a database is full",
            breaks: |world| world.database("storage-full"),
            says: &["the database `main` has no storage left", "raise its `storage:`"],
            mends: |world| world.database("available"),
        },
        Case {
            what: "a database is closed",
            breaks: |world| {
                world.close_to(
                    "security-group/database-main",
                    "5432",
                    "security-group/service-web",
                );
            },
            says: &["somebody has changed", "security-group/database-main", "5432"],
            mends: APPLIED,
        },
        Case {
            what: "a route is deleted",
            breaks: |world| {
                let table = world.lab.id_at("route-table/private-a");
                let route = ("DestinationCidrBlock", "0.0.0.0/0");
                world.form("ec2", "DeleteRoute", &[("RouteTableId", &table), route]);
            },
            says: &["somebody has changed", "route-table/private-a", "0.0.0.0/0"],
            mends: APPLIED,
        },
        Case {
            what: "a NAT gateway is deleted",
            breaks: |world| {
                let gateway = world.lab.id_at("nat-gateway/nat-a");
                world.form("ec2", "DeleteNatGateway", &[("NatGatewayId", &gateway)]);
            },
            says: &["a resource of the stack is not there", "nat-gateway/nat-a"],
            mends: APPLIED,
        },
        Case {
            what: "a secret is deleted",
            breaks: |world| {
                let gone = json!({
                    "SecretId": world.lab.arn_at("secret/session"),
                    "ForceDeleteWithoutRecovery": true,
                });
                world.json("secretsmanager", "secretsmanager.DeleteSecret", &gone);
                world.start_anew();
            },
            says: &["secret/session", "Secrets Manager can't find the specified secret"],
            mends: APPLIED,
        },
        Case {
            what: "a log group is deleted",
            breaks: |world| {
                let group = world.lab.arn_at("log-group/web");
                let (_, name) = group.split_once(":log-group:").expect("its name");
                let gone = json!({ "logGroupName": name.trim_end_matches(":*") });
                world.json("logs", "Logs_20140328.DeleteLogGroup", &gone);
                world.start_anew();
            },
            says: &["log-group/web", "The specified log group does not exist"],
            mends: APPLIED,
        },
    ]);
}

#[test]
fn what_keeps_tasks_from_running_is_named() {
    const ROLE: &str = "shop-default-web-execution";
    let world = World::deployed();
    world.play(&[
        Case {
            what: "nothing is to run",
            breaks: |world| world.update(&json!({ "desiredCount": 0 })),
            says: &["`web` is scaled to 0", "`web-http` leads nowhere: it has no targets"],
            mends: |world| world.update(&json!({ "desiredCount": 1 })),
        },
        Case {
            what: "there is no capacity",
            breaks: |world| {
                world.lab.lack_capacity(&json!({ "times": null }));
                world.start_anew();
            },
            says: &["`web`", "Capacity is unavailable at this time"],
            mends: |world| world.lab.lack_capacity(&json!({ "times": 0 })),
        },
        Case {
            what: "an image is deleted",
            breaks: |world| {
                let service = "AmazonEC2ContainerRegistry_V20150921";
                let all = json!({ "repositoryName": "shop-default-web" });
                let all = world.json("ecr", &format!("{service}.ListImages"), &all);
                let gone =
                    json!({ "repositoryName": "shop-default-web", "imageIds": all["imageIds"] });
                world.json("ecr", &format!("{service}.BatchDeleteImage"), &gone);
                world.start_anew();
            },
            says: &["image/web", "CannotPullContainerError"],
            mends: APPLIED,
        },
        Case {
            what: "a role may not do what it is for",
            breaks: |world| {
                let policy = [("RoleName", ROLE), ("PolicyName", "execution")];
                world.form("iam", "DeleteRolePolicy", &policy);
                world.start_anew();
            },
            says: &["role/web-execution", "is not authorized to perform"],
            mends: APPLIED,
        },
        Case {
            what: "a role trusts somebody else",
            breaks: |world| {
                let trust = json!({ "Version": "2012-10-17", "Statement": [{
                    "Effect": "Allow",
                    "Principal": { "Service": "lambda.amazonaws.com" },
                    "Action": "sts:AssumeRole",
                }] });
                let trust = ("PolicyDocument", trust.to_string());
                let parameters = [("RoleName", ROLE), (trust.0, trust.1.as_str())];
                world.form("iam", "UpdateAssumeRolePolicy", &parameters);
                world.start_anew();
            },
            says: &["role/web-execution", "lambda.amazonaws.com", "unable to assume the role"],
            mends: APPLIED,
        },
        Case {
            what: "a service is deleted",
            breaks: |world| {
                let gone = json!({
                    "cluster": "shop-default-main", "service": "shop-default-web", "force": true,
                });
                world.json("ecs", "AmazonEC2ContainerServiceV20141113.DeleteService", &gone);
            },
            says: &["a resource of the stack is not there", "service/web"],
            mends: APPLIED,
        },
        Case {
            what: "an image ends",
            breaks: |world| {
                world.write("exits.tar");
                world.run(&["publish", "--yes"]).expect(4);
            },
            says: &[
                "the last rollout of `web`",
                "ended with exit code 3",
                "DATABASE_URL is not set",
            ],
            mends: |world| world.write("answers.tar"),
        },
        Case {
            what: "an image answers with errors",
            breaks: |world| {
                world.write("unwell.tar");
                world.run(&["publish", "--yes"]).expect(4);
            },
            says: &["answered 500; expected 200"],
            mends: |world| world.write("answers.tar"),
        },
    ]);
    let last = world.doctor();
    assert!(last.contains("nothing is wrong") || last.contains("the last rollout"), "{last}");
}

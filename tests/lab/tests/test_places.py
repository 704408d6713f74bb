"""Other accounts and other regions: what is in one place is not in another."""

from __future__ import annotations

import base64
import json
from functools import partial
from typing import Any

import boto3
import pytest
from botocore.config import Config
from conftest import LAB_KEYS, REGION, RunningLab, until
from late import code, switch
from stack import TAGS, balancer, network, refused, tags_for, target_group
from test_services import Web

HOME, OTHER = "123456789012", "222222222222"
DEPLOY = f"arn:aws:iam::{OTHER}:role/lab/deploy"
LISTS = [
    ("ec2", "describe_vpcs", "Vpcs"),
    ("ec2", "describe_subnets", "Subnets"),
    ("ec2", "describe_network_interfaces", "NetworkInterfaces"),
    ("logs", "describe_log_groups", "logGroups"),
    ("ssm", "describe_parameters", "Parameters"),
    ("ecr", "describe_repositories", "repositories"),
    ("secretsmanager", "list_secrets", "SecretList"),
    ("elbv2", "describe_load_balancers", "LoadBalancers"),
    ("elbv2", "describe_target_groups", "TargetGroups"),
    ("ecs", "list_clusters", "clusterArns"),
    ("rds", "describe_db_instances", "DBInstances"),
    ("rds", "describe_db_subnet_groups", "DBSubnetGroups"),
    ("elasticache", "describe_replication_groups", "ReplicationGroups"),
    ("resourcegroupstaggingapi", "get_resources", "ResourceTagMappingList"),
]


def assume(lab: RunningLab, role: str = DEPLOY, name: str = "test", **how: Any) -> dict[str, str]:
    """The keys of a session of a role."""
    credentials = lab.client("sts").assume_role(RoleArn=role, RoleSessionName=name, **how)
    found = credentials["Credentials"]
    return {
        "aws_access_key_id": found["AccessKeyId"],
        "aws_secret_access_key": found["SecretAccessKey"],
        "aws_session_token": found["SessionToken"],
    }


class Place:
    """The lab, as seen from one region of one account."""

    def __init__(self, lab: RunningLab, account: str, region: str) -> None:
        self.lab, self.account, self.region = lab, account, region
        self.endpoint = lab.endpoint
        self.keys = LAB_KEYS if account == HOME else assume(lab)

    def client(self, service: str) -> Any:
        """A client of this place."""
        return self.lab.client_at(service, self.region, self.keys)


@pytest.fixture
def places(lab: RunningLab) -> list[Place]:
    """Two accounts, and two regions of each."""
    lab.post("accounts", {"account": OTHER, "roles": ["deploy"]})
    return [
        Place(lab, account, region)
        for account in (HOME, OTHER)
        for region in (REGION, "eu-central-1")
    ]


def furnish(place: Place) -> None:
    """Makes one of many kinds, under the same names everywhere."""
    _, subnets, group = network(place.client("ec2"))
    place.client("logs").create_log_group(logGroupName="/web", tags={"stack": "test"})
    place.client("ssm").put_parameter(
        Name="/web/key", Value=f"{place.account} {place.region}", Type="SecureString", Tags=TAGS
    )
    place.client("ecr").create_repository(repositoryName="web", tags=TAGS)
    place.client("secretsmanager").create_secret(Name="key", SecretString=place.region, Tags=TAGS)
    balancer(place.client("elbv2"), subnets, group)
    target_group(place.client("elbv2"), place.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"])
    place.client("ecs").create_cluster(clusterName="main")
    rds, caches = place.client("rds"), place.client("elasticache")
    rds.create_db_subnet_group(
        DBSubnetGroupName="main", DBSubnetGroupDescription="main", SubnetIds=subnets
    )
    rds.create_db_instance(
        DBInstanceIdentifier="main",
        DBInstanceClass="db.t4g.micro",
        Engine="postgres",
        AllocatedStorage=20,
        DBSubnetGroupName="main",
        DBName="main",
        MasterUsername="web",
        MasterUserPassword="long-enough",
    )
    caches.create_cache_subnet_group(
        CacheSubnetGroupName="main", CacheSubnetGroupDescription="main", SubnetIds=subnets
    )
    caches.create_replication_group(
        ReplicationGroupId="main",
        ReplicationGroupDescription="main",
        CacheNodeType="cache.t4g.micro",
        CacheSubnetGroupName="main",
    )


@pytest.mark.slow
def test_the_same_names_stand_for_other_things_in_every_place(places: list[Place]) -> None:
    lab = places[0].lab
    for done, place in enumerate(places):
        for service, operation, listed in LISTS:
            assert getattr(place.client(service), operation)()[listed] == [], (operation, done)
        furnish(place)
    for place in places:
        for service, operation, listed in LISTS:
            found = getattr(place.client(service), operation)()[listed]
            arns = [arn for arn in _arns(found) if f":{place.account}" not in arn]
            arns += [arn for arn in _arns(found) if place.region not in arn]
            assert found and not arns, operation
        parameter = place.client("ssm").get_parameter(Name="/web/key", WithDecryption=True)
        assert parameter["Parameter"]["Value"] == f"{place.account} {place.region}"
    entries = lab.get("inventory")["resources"]
    for place in places:
        ours = [e for e in entries if (e["account"], e["region"]) == (place.account, place.region)]
        assert len(ours) == len(entries) // 4 > 12
        assert {e["arn"].split(":")[3:5][0] for e in ours} == {place.region}
        assert {e["arn"].split(":")[4] for e in ours} == {place.account}
    assert len(lab.get("secrets")["values"]) == 8


def _arns(found: Any) -> list[str]:
    """The ARNs that stand anywhere in an answer."""
    words = json.dumps(found, default=str).split('"')
    return [word for word in words if word.startswith("arn:aws:")]


@pytest.mark.slow
def test_each_places_databases_are_servers_of_their_own(places: list[Place]) -> None:
    for place in (places[0], places[2]):
        furnish(place)
    ends = []
    for place in (places[0], places[2]):
        rds = place.client("rds")

        def ready(rds: Any = rds) -> Any:
            instance = rds.describe_db_instances()["DBInstances"][0]
            return instance["DBInstanceStatus"] == "available" and instance.get("Endpoint")

        ends.append(until(ready, "the database")["Address"])
    assert len(set(ends)) == 2
    places[0].client("rds").delete_db_instance(DBInstanceIdentifier="main", SkipFinalSnapshot=True)
    rds = places[2].client("rds")
    assert rds.describe_db_instances()["DBInstances"][0]["DBInstanceStatus"] == "available"


def address_of(web: Web) -> str:
    """The address of the only task, in its subnet."""
    tasks = web.ecs.list_tasks(cluster="main")["taskArns"]
    (task,) = web.ecs.describe_tasks(cluster="main", tasks=tasks)["tasks"]
    address: str = task["containers"][0]["networkInterfaces"][0]["privateIpv4Address"]
    return address


def test_tasks_of_two_accounts_with_one_network_answer_for_themselves(places: list[Place]) -> None:
    webs = []
    for place in (places[0], places[3]):
        web = Web(place)  # type: ignore[arg-type]
        web.registry.push("web", "1", {"Env": [f"NAME={place.account}/{place.region}"]})
        web.subnets = web.subnets[:1]
        web.create(web.definition())
        webs.append((place, web))
    for place, web in webs:
        web.rollout()
        answers = {web.get().split()[0] for _ in range(4)}
        assert answers == {f"{place.account}/{place.region}"}
        (cluster,) = web.ecs.list_clusters()["clusterArns"]
        assert cluster == f"arn:aws:ecs:{place.region}:{place.account}:cluster/main"
        events = place.client("logs").filter_log_events(logGroupName="/web")["events"]
        own = {
            arn.rsplit("/", 1)[-1]
            for status in ("RUNNING", "STOPPED")
            for arn in web.ecs.list_tasks(cluster="main", desiredStatus=status)["taskArns"]
        }
        assert {event["logStreamName"].rsplit("/", 1)[-1] for event in events} <= own
        assert events
    # Both tasks have the first address of the first subnet, each of its own network.
    assert len({address_of(web) for _, web in webs}) == 1


def test_a_registrys_password_opens_its_own_account(places: list[Place]) -> None:
    home, other = Web(places[0]), Web(places[2])  # type: ignore[arg-type]
    digest = home.registry.push("web", "1")
    assert home.registry.call("GET", f"/v2/web/manifests/{digest}")[0] == 200
    assert other.registry.call("GET", f"/v2/web/manifests/{digest}")[0] == 404
    places[0].client("ecr").create_repository(repositoryName="theirs")
    status, _, text = other.registry.call("GET", "/v2/theirs/tags/list")
    assert status == 404
    assert OTHER in text.decode()
    forged = base64.b64encode(b"AWS:" + base64.b64encode(b"lab-registry")).decode()
    other.registry._token = forged
    assert other.registry.call("GET", "/v2/")[0] == 401


def test_tokens_names_and_quotas_count_in_their_place(places: list[Place]) -> None:
    switch(places[0].lab, "quotas", "secret-name", "parameter-name")
    for place in places:
        ec2 = place.client("ec2")
        made = [ec2.create_vpc(CidrBlock=f"10.{number}.0.0/16")["Vpc"] for number in range(5)]
        with refused("VpcLimitExceeded"):
            ec2.create_vpc(CidrBlock="10.9.0.0/16")
        ec2.create_route_table(VpcId=made[-1]["VpcId"], ClientToken="once")
        secrets, ssm = place.client("secretsmanager"), place.client("ssm")
        secrets.create_secret(Name="key", SecretString="x")
        secrets.delete_secret(SecretId="key", ForceDeleteWithoutRecovery=True)
        ssm.put_parameter(Name="/key", Value="x", Type="String")
        ssm.delete_parameter(Name="/key")


def test_each_place_has_token_buckets_of_its_own(places: list[Place]) -> None:
    switch(places[0].lab, "buckets")
    elbv2 = places[0].client("elbv2")
    codes = [code(lambda: elbv2.delete_rule(RuleArn="none")) for _ in range(60)]
    assert "Throttling" in codes
    for place in places[1:]:
        delete_rule = place.client("elbv2").delete_rule
        assert code(partial(delete_rule, RuleArn="none")) != "Throttling"


def test_roles_are_an_accounts_and_no_regions(places: list[Place]) -> None:
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    for place in (places[0], places[2]):
        place.client("iam").create_role(RoleName="web", AssumeRolePolicyDocument=trust)
    entries = [e for e in places[0].lab.get("inventory")["resources"] if e["kind"] == "iam:role"]
    assert [(e["account"], e["region"]) for e in entries] == [(HOME, ""), (OTHER, "")]
    names = [r["RoleName"] for r in places[3].client("iam").list_roles()["Roles"]]
    assert sorted(names) == ["deploy", "web"]


def test_a_zone_of_another_account_proves_a_certificates_names(places: list[Place]) -> None:
    acm, route53 = places[0].client("acm"), places[2].client("route53")
    arn = acm.request_certificate(DomainName="www.example.org", ValidationMethod="DNS")[
        "CertificateArn"
    ]
    wanted = acm.describe_certificate(CertificateArn=arn)["Certificate"]["DomainValidationOptions"]
    zone = route53.create_hosted_zone(Name="example.org", CallerReference="1")["HostedZone"]["Id"]
    assert places[0].client("route53").list_hosted_zones()["HostedZones"] == []
    record = wanted[0]["ResourceRecord"]
    content = {
        "Name": record["Name"],
        "Type": record["Type"],
        "TTL": 60,
        "ResourceRecords": [{"Value": record["Value"]}],
    }
    route53.change_resource_record_sets(
        HostedZoneId=zone,
        ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": content}]},
    )

    def issued() -> bool:
        status = acm.describe_certificate(CertificateArn=arn)["Certificate"]["Status"]
        return bool(status == "ISSUED")

    until(issued, "the certificate")
    zones = [r for r in places[0].lab.get("inventory")["resources"] if "hostedzone" in r["kind"]]
    assert [zone["account"] for zone in zones] == [OTHER]


def test_a_role_is_assumed_by_those_whom_it_trusts(lab: RunningLab) -> None:
    sts = lab.client("sts")
    with refused("AccessDenied", "sts:AssumeRole on resource"):
        assume(lab)
    lab.post("accounts", {"account": OTHER, "roles": ["deploy"]})
    with refused("AccessDenied"):
        assume(lab, f"arn:aws:iam::{OTHER}:role/deploy")
    with refused("AccessDenied"):
        assume(lab, "arn:aws:iam::333333333333:role/lab/deploy")
    keys = assume(lab)
    identity = lab.client_at("sts", REGION, keys).get_caller_identity()
    assert identity["Account"] == OTHER
    assert identity["Arn"] == f"arn:aws:sts::{OTHER}:assumed-role/deploy/test"
    assert sts.get_caller_identity()["Account"] == HOME
    iam = lab.client_at("iam", REGION, keys)
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": [f"arn:aws:iam::{HOME}:root"]},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": "agreed"}},
    }
    for name, statement in (
        ("agreed", trust),
        ("tasks", {**trust, "Principal": {"Service": "ecs-tasks.amazonaws.com"}}),
        ("strangers", {**trust, "Principal": {"AWS": "arn:aws:iam::333333333333:root"}}),
        ("denied", {**trust, "Effect": "Deny"}),
    ):
        document = json.dumps({"Version": "2012-10-17", "Statement": statement})
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)
    for name in ("tasks", "strangers", "denied"):
        with refused("AccessDenied"):
            assume(lab, f"arn:aws:iam::{OTHER}:role/{name}", ExternalId="agreed")
    with refused("AccessDenied"):
        assume(lab, f"arn:aws:iam::{OTHER}:role/agreed")
    assume(lab, f"arn:aws:iam::{OTHER}:role/agreed", ExternalId="agreed")


def test_sessions_have_names_and_lengths_as_aws_takes_them(lab: RunningLab) -> None:
    lab.post("accounts", {"account": OTHER, "roles": ["deploy"]})
    unchecked = boto3.client(
        "sts",
        region_name=REGION,
        endpoint_url=lab.endpoint,
        **LAB_KEYS,
        config=Config(parameter_validation=False, retries={"total_max_attempts": 1}),
    )
    for name in ("a", "a b", "a/b", "n" * 65):
        with refused("ValidationError"):
            unchecked.assume_role(RoleArn=DEPLOY, RoleSessionName=name)
    with refused("ValidationError", "is invalid"):
        assume(lab, "arn:aws:iam::222:role/deploy")
    with refused("ValidationError", "900"):
        unchecked.assume_role(RoleArn=DEPLOY, RoleSessionName="test", DurationSeconds=60)
    with refused("ValidationError", "MaxSessionDuration"):
        assume(lab, DurationSeconds=7200)


@pytest.mark.parametrize(
    ("service", "operation", "expired", "invalid"),
    [
        ("ec2", "describe_vpcs", "RequestExpired", "AuthFailure"),
        ("elbv2", "describe_load_balancers", "ExpiredToken", "InvalidClientTokenId"),
        ("sts", "get_caller_identity", "ExpiredToken", "InvalidClientTokenId"),
        ("ssm", "describe_parameters", "ExpiredTokenException", "UnrecognizedClientException"),
        ("ecs", "list_clusters", "ExpiredTokenException", "UnrecognizedClientException"),
    ],
)
def test_a_session_that_is_over_or_none_is_refused_in_the_services_words(
    lab: RunningLab, service: str, operation: str, expired: str, invalid: str
) -> None:
    lab.post("accounts", {"account": OTHER, "roles": ["deploy"]})
    keys = assume(lab)

    def call(**changed: str) -> Any:
        return getattr(lab.client_at(service, REGION, {**keys, **changed}), operation)()

    call()
    with refused(invalid):
        call(aws_session_token="another")
    with refused(invalid):
        call(aws_access_key_id="ASIAXXXXXXXXXXXXXXXX")
    assert lab.post("expire-sessions") == {"expired": 1}
    with refused(expired):
        call()
    keys = assume(lab)
    call()


def test_an_account_has_twelve_digits(lab: RunningLab) -> None:
    for wrong in ({"account": "222", "roles": ["a"]}, {"roles": ["a"]}, {"account": 2}):
        with pytest.raises(OSError, match="400"):
            lab.post("accounts", wrong)
    two = {"account": OTHER, "roles": ["deploy", "deploy"]}
    assert lab.post("accounts", two) == lab.post("accounts", two) == {"roles": [DEPLOY]}
    assert lab.get("inventory")["resources"] == []


def test_others_may_live_in_other_places(places: list[Place]) -> None:
    lab = places[0].lab
    lab.post("populate", {"account": OTHER, "region": "eu-central-1", "secrets": 3, "roles": 2})
    counts = [len(place.client("secretsmanager").list_secrets()["SecretList"]) for place in places]
    assert counts == [0, 0, 0, 3]
    assert places[0].client("iam").list_roles()["Roles"] == []


def test_the_journal_says_where_a_call_went(places: list[Place]) -> None:
    lab = places[0].lab
    lab.post("reset-calls")
    places[3].client("ec2").create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags_for("vpc"))
    (entry,) = [json.loads(line) for line in lab.get("log").splitlines()]
    assert (entry["account"], entry["region"]) == (OTHER, "eu-central-1")
    lab.post("faults", {"kind": "deny", "match": "ec2:*"})
    with refused("UnauthorizedOperation", f"arn:aws:iam::{OTHER}:"):
        places[2].client("ec2").describe_vpcs()

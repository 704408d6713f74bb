"""A service with a pair of target groups, between which ECS moves the traffic."""

from __future__ import annotations

from typing import Any

from conftest import RunningLab, until
from jobs import trust
from stack import target_group
from test_services import Web

POLICY = "arn:aws:iam::aws:policy/AmazonECSInfrastructureRolePolicyForLoadBalancers"
TARGET = {"cluster": "main", "service": "web"}


class Pair(Web):
    """All that a service needs that takes over from its own tasks: a rule for everybody on port 80,
    one for tests on port 81, and a role.
    """

    def __init__(self, lab: RunningLab) -> None:
        super().__init__(lab)
        self.registry.push("web", "1")
        self.other = target_group(self.elbv2, self.vpc, "other")
        quick = [{"Key": "deregistration_delay.timeout_seconds", "Value": "10"}]
        for group in (self.targets, self.other):
            self.elbv2.modify_target_group_attributes(TargetGroupArn=group, Attributes=quick)
        (listener,) = self.elbv2.describe_listeners(LoadBalancerArn=self.balancer)["Listeners"]
        self.production = self.rule(listener["ListenerArn"])
        tests = self.elbv2.create_listener(
            LoadBalancerArn=self.balancer,
            Protocol="HTTP",
            Port=81,
            DefaultActions=[
                {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
            ],
        )["Listeners"][0]["ListenerArn"]
        self.test = self.rule(tests)
        iam = lab.client("iam")
        made = iam.create_role(
            RoleName="mover", AssumeRolePolicyDocument=trust("ecs.amazonaws.com")
        )
        self.mover = made["Role"]["Arn"]
        iam.attach_role_policy(RoleName="mover", PolicyArn=POLICY)

    def rule(self, listener: str) -> str:
        """A rule for all paths that leads to both groups, all of it to the first."""
        groups = [
            {"TargetGroupArn": self.targets, "Weight": 1},
            {"TargetGroupArn": self.other, "Weight": 0},
        ]
        made = self.elbv2.create_rule(
            ListenerArn=listener,
            Priority=1,
            Conditions=[{"Field": "path-pattern", "Values": ["*"]}],
            Actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}],
        )
        arn: str = made["Rules"][0]["RuleArn"]
        return arn

    def ports(self, **advanced: Any) -> list[dict[str, Any]]:
        """The load balancers of the service."""
        pair = {
            "alternateTargetGroupArn": self.other,
            "productionListenerRule": self.production,
            "testListenerRule": self.test,
            "roleArn": self.mover,
            **advanced,
        }
        port = {"targetGroupArn": self.targets, "containerName": "web", "containerPort": 8080}
        return [{**port, "advancedConfiguration": {k: v for k, v in pair.items() if v is not None}}]

    def start(
        self,
        configuration: dict[str, Any],
        ports: list[dict[str, Any]] | None = None,
        **environment: str,
    ) -> Any:
        """Creates the service, and waits until its first deployment is through."""
        self.make(configuration, ports, **environment)
        return self.rollout()

    def make(
        self,
        configuration: dict[str, Any],
        ports: list[dict[str, Any]] | None = None,
        **environment: str,
    ) -> Any:
        """Creates the service."""
        return self.create_worker(
            self.definition(environment={"NAME": "one", **environment}),
            deploymentConfiguration=configuration,
            loadBalancers=ports or self.ports(),
        )

    def roll(self, **environment: str) -> str:
        """Begins a deployment; returns its service deployment."""
        definition = self.definition(environment=environment)
        self.ecs.update_service(**TARGET, taskDefinition=definition)
        arn: str = self.describe()["currentServiceDeployment"]
        return arn

    def record(self, arn: str) -> Any:
        """A service deployment."""
        return self.ecs.describe_service_deployments(serviceDeploymentArns=[arn])[
            "serviceDeployments"
        ][0]

    def newest(self) -> Any:
        """The newest service deployment."""
        listed = self.ecs.list_service_deployments(**TARGET)["serviceDeployments"]
        return self.record(listed[0]["serviceDeploymentArn"])

    def at(self, arn: str, stage: str) -> Any:
        """A service deployment once it is in a stage."""
        return until(lambda: (r := self.record(arn))["lifecycleStage"] == stage and r, stage, 15)

    def ended(self, arn: str, status: str) -> Any:
        """A service deployment once it has this status."""
        return until(lambda: (r := self.record(arn))["status"] == status and r, status, 15)

    def weights(self, rule: str) -> tuple[int, int]:
        """What share each of the two groups has of what comes by a rule."""
        (found,) = self.elbv2.describe_rules(RuleArns=[rule])["Rules"]
        groups = found["Actions"][0]["ForwardConfig"]["TargetGroups"]
        shares = {group["TargetGroupArn"]: group["Weight"] for group in groups}
        return shares.get(self.targets, 0), shares.get(self.other, 0)

    def serving(self, record: Any) -> str:
        """In which group the tasks of a revision are."""
        arn = record["targetServiceRevision"]["arn"]
        found = self.ecs.describe_service_revisions(serviceRevisionArns=[arn])
        (resolved,) = found["serviceRevisions"][0]["resolvedConfiguration"]["loadBalancers"]
        assert resolved["productionListenerRule"] == self.production
        group: str = resolved["targetGroupArn"]
        return group

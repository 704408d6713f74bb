"""Listeners and their rules: both spellings of actions and conditions, priorities that can swap."""

from __future__ import annotations

from typing import Any

from moto.elbv2.exceptions import (
    DuplicateListenerError,
    ELBClientError,
    PriorityInUseError,
)
from moto.elbv2.models import ELBv2Backend, FakeAction, FakeListener, FakeListenerRule

from lab.aws.common.patching import patch, put
from lab.aws.elbv2.defaults import complete_action, complete_conditions

# What is said of a listener that is modified, the last of it its actions.
MODIFIED = 5


def install() -> None:
    """Patches listeners, rules and actions."""

    @patch(FakeAction, "__init__")
    def make_action(original: Any, self: Any, data: dict[str, Any]) -> None:
        original(self, complete_action(data))

    @patch(FakeListenerRule, "__init__")
    def make_rule(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self.conditions = complete_conditions(self.conditions)

    def ordered(self: Any) -> dict[Any, Any]:
        rules = sorted(self._non_default_rules.items(), key=lambda item: int(item[1].priority))
        return dict([*rules, *self._default_rule.items()])

    put(FakeListener, rules=property(ordered))

    def policy(self: Any) -> str | None:
        return self._ssl_policy if self.protocol in ("HTTPS", "TLS") else None

    def choose(self: Any, policy: str | None) -> None:
        self._ssl_policy = policy

    put(FakeListener, ssl_policy=property(policy, choose))

    @patch(ELBv2Backend)
    def create_listener(
        original: Any,
        self: Any,
        load_balancer_arn: str,
        protocol: str,
        port: Any,
        ssl_policy: str,
        certificate: str | None,
        actions: list[dict[str, Any]],
        *a: Any,
        **kw: Any,
    ) -> Any:
        balancer = self.load_balancers.get(load_balancer_arn)
        wanted = (protocol, ssl_policy, certificate, [FakeAction(it).data for it in actions])
        for other in balancer.listeners.values() if balancer else ():
            if int(other.port) == int(port):
                theirs = [action.data for action in other.default_actions]
                if (other.protocol, other._ssl_policy, other.certificate, theirs) == wanted:
                    return other
                raise DuplicateListenerError()
        _refuse_shared(self, load_balancer_arn, actions)
        settings = (ssl_policy, certificate, actions)
        return original(self, load_balancer_arn, protocol, port, *settings, *a, **kw)

    @patch(ELBv2Backend)
    def modify_listener(original: Any, self: Any, arn: str, *args: Any, **kwargs: Any) -> Any:
        actions = kwargs.get("actions") or (args[-1] if len(args) == MODIFIED else [])
        for listener in self.describe_listeners(None, [arn]):
            _refuse_shared(self, listener.load_balancer_arn, actions)
        listener = original(self, arn, *args, **kwargs)
        _refuse_loops(listener, listener.default_actions)
        return listener

    @patch(ELBv2Backend)
    def _validate_actions(original: Any, self: Any, actions: list[FakeAction]) -> None:
        original(self, actions)
        for action in actions:
            _refuse_lost_clients(self, action.data.get("ForwardConfig") or {})

    @patch(ELBv2Backend)
    def delete_listener(original: Any, self: Any, listener_arn: str) -> Any:
        listener = original(self, listener_arn)
        for arn in [listener_arn, *listener._non_default_rules]:
            self.tagging_service.delete_all_tags_for_resource(arn)
        return listener

    @patch(ELBv2Backend)
    def delete_rule(original: Any, self: Any, arn: str) -> None:
        original(self, arn)
        self.tagging_service.delete_all_tags_for_resource(arn)

    @patch(ELBv2Backend)
    def create_rule(original: Any, self: Any, listener_arn: str, *args: Any, **kwargs: Any) -> Any:
        if "priority" in kwargs:
            kwargs["priority"] = int(kwargs["priority"])
        for listener in self.describe_listeners(None, [listener_arn]):
            _refuse_loops(listener, [FakeAction(it) for it in kwargs.get("actions") or []])
            _refuse_shared(self, listener.load_balancer_arn, kwargs.get("actions") or [])
        return original(self, listener_arn, *args, **kwargs)

    @patch(ELBv2Backend)
    def modify_rule(original: Any, self: Any, rule_arn: str, conditions: Any, actions: Any) -> Any:
        for rule in self.describe_rules(listener_arn=None, rule_arns=[rule_arn]):
            listener = self.describe_listeners(None, [rule.listener_arn])[0]
            _refuse_loops(listener, [FakeAction(it) for it in actions or []])
            _refuse_shared(self, listener.load_balancer_arn, actions or [])
        rule = original(self, rule_arn, conditions or [], actions)
        rule.conditions = complete_conditions(rule.conditions)
        return rule

    @patch(ELBv2Backend)
    def set_rule_priorities(self: Any, rule_priorities: list[dict[str, Any]]) -> list[Any]:
        wanted = {item["RuleArn"]: int(item["Priority"]) for item in rule_priorities}
        rules = self.describe_rules(listener_arn=None, rule_arns=list(wanted))
        for rule in rules:
            listener = self.describe_listeners(None, [rule.listener_arn])[0]
            for other in listener._non_default_rules.values():
                if other.arn not in wanted and int(other.priority) == wanted[rule.arn]:
                    raise PriorityInUseError()
        for rule in rules:
            rule.priority = wanted[rule.arn]
        return list(rules)


def _refuse_loops(listener: FakeListener, actions: list[FakeAction]) -> None:
    """Refuses a redirect to just what a client asked for; another query does not count."""
    same = {"#{protocol}": listener.protocol, "#{port}": str(listener.port)}
    for action in actions:
        config = action.data.get("RedirectConfig") or {}
        place = [config.get(key) for key in ("Protocol", "Port", "Host", "Path")]
        stays = [listener.protocol, str(listener.port), "#{host}", "/#{path}"]
        if [same.get(str(it), it) for it in place] == stays:
            raise ELBClientError(
                "InvalidLoadBalancerAction",
                "The redirect configuration is not valid because it creates a loop.",
            )


def _refuse_shared(backend: ELBv2Backend, balancer: str, actions: list[dict[str, Any]]) -> None:
    """Refuses a target group that another load balancer leads to."""
    for action in actions:
        for arn in backend._get_target_group_arns_from(action_data=FakeAction(action).data):
            group = backend.target_groups.get(arn)
            if group and any(user != balancer for user in group.load_balancer_arns):
                raise ELBClientError(
                    "TargetGroupAssociationLimit",
                    "The following target groups cannot be associated with more than one load "
                    f"balancer: {arn}",
                )


def _refuse_lost_clients(backend: ELBv2Backend, forward: dict[str, Any]) -> None:
    """Refuses several groups without stickiness, one of which keeps its clients."""
    arns = [group["TargetGroupArn"] for group in forward.get("TargetGroups") or []]
    groups = [backend.target_groups[arn] for arn in arns if arn in backend.target_groups]
    keeps = any(group.attributes.get("stickiness.enabled") == "true" for group in groups)
    enabled = str((forward.get("TargetGroupStickinessConfig") or {}).get("Enabled")).lower()
    if len(groups) > 1 and keeps and enabled != "true":
        raise ELBClientError(
            "InvalidLoadBalancerAction",
            "You must enable group stickiness on a rule if you enabled target stickiness on one of "
            "its target groups",
        )

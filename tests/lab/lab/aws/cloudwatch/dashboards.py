"""Dashboards: one set of them for an account, whatever region is asked."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

from moto.cloudwatch.models import CloudWatchBackend, cloudwatch_backends
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.resource_tagging import TaggedResource
from moto.core.responses import ActionResult, EmptyResult

from lab.aws.cloudwatch.refusals import Refused
from lab.aws.cloudwatch.series import moment
from lab.aws.cloudwatch.widgets import Problem, errors_in, warnings_in
from lab.aws.common.pages import page
from lab.aws.common.patching import patch
from lab.world.lab import Lab
from lab.world.places import Place

NAME = re.compile(r"^[A-Za-z0-9_-]{1,255}$")
PAGE, MOST_NAMES = 1000, 100
# Where each part of AWS keeps what has no region.
HOMES = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}


class BadDashboard(Refused):
    """Refuses a body; the problems are a member of its own beside the message."""

    def __init__(self, message: str, problems: list[Problem]) -> None:
        super().__init__("InvalidParameterInput", message)
        self.dashboardValidationMessages = _messages(problems)


class Dashboard:
    """One dashboard."""

    def __init__(self, home: Place, name: str) -> None:
        self.name, self.body, self.changed = name, "", 0.0
        self.arn = f"arn:{home.partition}:cloudwatch::{home.account}:dashboard/{name}"

    def put(self, body: str) -> None:
        """Replaces what it shows."""
        self.body, self.changed = body, time.time()


def install(lab: Lab) -> None:
    """Patches dashboards."""
    _patch_changes()
    _patch_reads()

    @patch(CloudWatchBackend)
    def iter_tagged_resources(original: Any, self: Any) -> Iterator[TaggedResource]:
        yield from original(self)
        for dashboard in self.dashboards.values():
            tags = self.tagger.get_tag_dict_for_resource(dashboard.arn)
            yield TaggedResource(dashboard.arn, tags, "cloudwatch:dashboard")


def home_of(place: Place) -> Place:
    """Where the dashboards of an account are kept."""
    return Place(place.account, HOMES.get(place.partition, place.region))


def backend_of(place: Place) -> CloudWatchBackend:
    """The backend that keeps the dashboards of an account."""
    home = home_of(place)
    return cloudwatch_backends[home.account][home.region]


def dashboards_of(place: Place) -> dict[str, Dashboard]:
    """The dashboards of an account by their names, where moto keeps them."""
    dashboards: Any = backend_of(place).dashboards
    kept: dict[str, Dashboard] = dashboards
    return kept


def _place(response: Any) -> Place:
    return Place(response.current_account, response.region)


def _messages(problems: list[Problem]) -> list[dict[str, str]]:
    return [{"DataPath": it.path, "Message": it.message} for it in problems]


def _patch_changes() -> None:
    @patch(CloudWatchResponse)
    def put_dashboard(self: Any) -> ActionResult:
        name, body = str(self._get_param("DashboardName")), str(self._get_param("DashboardBody"))
        if not NAME.match(name):
            raise Refused(
                "InvalidParameterValue",
                f"The value {name} for field DashboardName contains invalid characters. It can only "
                "contain alphanumerics, dash (-) and underscore (_).\n",
            )
        warnings = _check(body)
        dashboards = dashboards_of(_place(self))
        if name not in dashboards:
            made = dashboards[name] = Dashboard(home_of(_place(self)), name)
            if tags := self._get_param("Tags"):
                backend_of(_place(self)).tagger.tag_resource(made.arn, tags)
        dashboards[name].put(body)
        return ActionResult({"DashboardValidationMessages": _messages(warnings)})

    @patch(CloudWatchResponse)
    def delete_dashboards(self: Any) -> EmptyResult:
        """Deletes as many as it can, and says afterwards what was not there."""
        names = self._get_param("DashboardNames") or []
        if not 1 <= len(names) <= MOST_NAMES:
            raise Refused("InvalidParameterValue", f"DashboardNames has 1 to {MOST_NAMES} names.")
        dashboards = dashboards_of(_place(self))
        missing = [name for name in names if name not in dashboards]
        for name in set(names) - set(missing):
            gone = dashboards.pop(name)
            backend_of(_place(self)).tagger.delete_all_tags_for_resource(gone.arn)
        if missing:
            raise _not_found(f"The specified dashboard does not exist. [{', '.join(missing)}]")
        return EmptyResult()


def _check(body: str) -> list[Problem]:
    """Refuses what is no dashboard; says what is odd about one."""
    try:
        document = json.loads(body)
    except ValueError:
        message = "The field DashboardBody must be a valid JSON object"
        raise BadDashboard(message, [Problem("", message)]) from None
    if problems := errors_in(document):
        listed = [{"dataPath": it.path, "message": it.message} for it in problems]
        many = f"are {len(problems)} validation errors" if problems[1:] else "is 1 validation error"
        raise BadDashboard(
            f"The dashboard body is invalid, there {many}:\n{json.dumps(listed, indent=2)}",
            problems,
        )
    return warnings_in(document)


def _not_found(message: str) -> Refused:
    return Refused("ResourceNotFound", message)


def _patch_reads() -> None:
    @patch(CloudWatchResponse)
    def get_dashboard(self: Any) -> ActionResult:
        name = str(self._get_param("DashboardName"))
        found = dashboards_of(_place(self)).get(name)
        if found is None:
            raise _not_found(f"Dashboard {name} does not exist")
        return ActionResult(
            {
                "DashboardArn": found.arn,
                "DashboardName": found.name,
                "DashboardBody": found.body,
            }
        )

    @patch(CloudWatchResponse)
    def list_dashboards(self: Any) -> ActionResult:
        prefix = self._get_param("DashboardNamePrefix") or ""
        dashboards = sorted(dashboards_of(_place(self)).items())
        found = [it for name, it in dashboards if name.startswith(prefix)]
        try:
            shown, following = page(found, self._get_param("NextToken"), None, PAGE)
        except ValueError:
            raise Refused("InvalidParameterValue", "NextToken is invalid") from None
        entries = [
            {
                "DashboardName": it.name,
                "DashboardArn": it.arn,
                "LastModified": moment(it.changed),
                "Size": len(it.body.encode()),
            }
            for it in shown
        ]
        return ActionResult({"DashboardEntries": entries, "NextToken": following})

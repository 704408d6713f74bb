"""An alarm just made is not there yet for composite alarms."""

from __future__ import annotations

from lab.aws.cloudwatch import keeping
from lab.aws.cloudwatch.alarms import Alarm
from lab.world.lab import Lab


def install(lab: Lab) -> None:
    """Lets rules find alarms late."""

    def is_visible(alarm: Alarm) -> bool:
        return not lab.strict.is_fresh("alarm", alarm)

    keeping.is_visible = is_visible

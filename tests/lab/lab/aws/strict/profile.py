"""The strict profile: replies that lag behind the truth, and quotas; one file a part or two.

Every part is patched in, and asks `lab.strict` whether it is on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.world.lab import Lab


def install(lab: Lab) -> None:
    """Patches every part; called after the services were patched."""
    from lab.aws.strict import (
        addresses,
        alarms,
        attributes,
        certificates,
        clusters,
        describe,
        event_rules,
        linked_roles,
        network_elsewhere,
        parameter_names,
        queues,
        quotas,
        roles,
        scalable_targets,
        second_call,
        secret_names,
        services,
        tag_index,
        target_groups,
        tasks,
        topics,
        zones,
    )

    for part in (
        describe,
        second_call,
        attributes,
        roles,
        linked_roles,
        clusters,
        services,
        tasks,
        network_elsewhere,
        addresses,
        target_groups,
        scalable_targets,
        certificates,
        zones,
        alarms,
        topics,
        tag_index,
        secret_names,
        parameter_names,
        queues,
        event_rules,
        quotas,
    ):
        part.install(lab)

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
        attributes,
        clusters,
        describe,
        parameter_names,
        quotas,
        roles,
        secret_names,
        services,
        tag_index,
        target_groups,
    )

    for part in (
        describe,
        attributes,
        roles,
        clusters,
        services,
        target_groups,
        tag_index,
        secret_names,
        parameter_names,
        quotas,
    ):
        part.install(lab)

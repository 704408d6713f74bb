"""Security Token Service."""

from __future__ import annotations

from lab.aws.authorization.table import Service, named

SERVICE = Service({"AssumeRole": [named("{}", "RoleArn")]})

"""Sessions of assumed roles: whose they are, how long they last, and accounts to assume roles in.

Signatures are not checked, and all access keys but those of sessions are the lab's own account's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from wsgiref.types import WSGIEnvironment

from moto.core.utils import utcnow
from moto.iam.models import get_account_id_from, iam_backends
from moto.sts.models import AssumedRole, sts_backends

from lab.http.errors import Reply, stale_credentials
from lab.world.places import ACCOUNT, everywhere

# Where the roles lie that the lab makes in other accounts.
LAB_PATH = "/lab/"
# What they may do, as IAM's simulator sees it.
ALL = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
OF_A_SESSION = re.compile(r"Credential=(ASIA[A-Z0-9]+)/")


def account_of(key: str) -> str:
    """The account of an access key."""
    account: str = get_account_id_from(key)
    return account


def refused(environ: WSGIEnvironment, protocol: str) -> Reply | None:
    """What a service says to the credentials of a session that is none, or that is over."""
    key = OF_A_SESSION.search(environ.get("HTTP_AUTHORIZATION", ""))
    if key is None:
        return None
    session = next((one for one in _sessions() if one.access_key_id == key[1]), None)
    if session is None or session.session_token != environ.get("HTTP_X_AMZ_SECURITY_TOKEN"):
        return stale_credentials(protocol, "invalid")
    return stale_credentials(protocol, "expired") if session.expiration <= utcnow() else None


def expire_all() -> int:
    """Ends all sessions, as time would, and says how many there were."""
    ended = [session for session in _sessions() if session.expiration > utcnow()]
    for session in ended:
        session.expiration = utcnow()
    return len(ended)


def shorten(session: AssumedRole, seconds: float) -> None:
    """Lets a session that has just begun end after so many seconds, if not before."""
    session.expiration = min(session.expiration, utcnow() + timedelta(seconds=seconds))


def open_account(account: str, roles: list[str]) -> list[str]:
    """Makes roles in another account that the lab's own may assume, if they are not there."""
    if not re.fullmatch(r"\d{12}", account):
        raise ValueError(f"an account has twelve digits, not {account!r}")
    iam = iam_backends[account]["aws"]
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    present = {role.name for role in iam.roles.values()}
    for name in sorted(set(roles) - present):
        iam.create_role(name, json.dumps(trust), LAB_PATH, None, "", [], "3600")
        iam.put_role_policy(name, "all", json.dumps(ALL))
    return [role.arn for role in iam.roles.values() if role.name in roles]


def _sessions() -> Iterator[AssumedRole]:
    for backend in everywhere(sts_backends):
        yield from backend.assumed_roles

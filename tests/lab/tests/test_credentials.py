"""Credentials: tokens of an identity provider, sessions, regions to opt in to, and TLS."""

from __future__ import annotations

import json
import ssl
import time
import urllib.request
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from conftest import LAB_KEYS, REGION, RunningLab

PROVIDER = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"


def role(lab: RunningLab, action: str = "sts:AssumeRoleWithWebIdentity") -> str:
    """Makes a role that trusts tokens."""
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Federated": PROVIDER}, "Action": action}],
    }
    made = lab.client("iam").create_role(RoleName="ci", AssumeRolePolicyDocument=json.dumps(trust))
    arn: str = made["Role"]["Arn"]
    return arn


def exchange(lab: RunningLab, arn: str) -> dict[str, Any]:
    """Gives a token for credentials; that is not signed."""
    config = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1})
    sts = boto3.client("sts", region_name=REGION, endpoint_url=lab.endpoint, config=config)
    answer = sts.assume_role_with_web_identity(
        RoleArn=arn, RoleSessionName="ci", WebIdentityToken="a.b.c"
    )
    found: dict[str, Any] = answer["Credentials"]
    return found


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    """The code of a refusal."""
    found: str = error.value.response["Error"]["Code"]
    return found


def test_a_token_is_exchanged_for_the_role_that_trusts_it(lab: RunningLab) -> None:
    with pytest.raises(ClientError) as nobody:
        exchange(lab, "arn:aws:iam::123456789012:role/ci")
    assert code(nobody) == "AccessDenied"
    found = exchange(lab, role(lab))
    keys = {
        "aws_access_key_id": found["AccessKeyId"],
        "aws_secret_access_key": found["SecretAccessKey"],
        "aws_session_token": found["SessionToken"],
    }
    caller = lab.client_at("sts", REGION, keys).get_caller_identity()
    assert ":assumed-role/ci/ci" in caller["Arn"]
    assert lab.get("calls")["operations"]["sts:AssumeRoleWithWebIdentity"] == 2


def test_a_role_that_trusts_no_tokens_is_not_given_for_one(lab: RunningLab) -> None:
    arn = role(lab, "sts:AssumeRole")
    with pytest.raises(ClientError) as refused:
        exchange(lab, arn)
    assert code(refused) == "AccessDenied"


def test_sessions_last_as_long_as_the_lab_is_asked_for(lab: RunningLab) -> None:
    lab.post("sessions", {"seconds": 2})
    found = exchange(lab, role(lab))
    left = found["Expiration"].timestamp() - time.time()
    assert 0 < left <= 2


def test_a_region_to_opt_in_to_knows_no_credentials_before(lab: RunningLab) -> None:
    codes = {
        "ec2": ("describe_vpcs", "AuthFailure"),
        "sts": ("get_caller_identity", "InvalidClientTokenId"),
        "ssm": ("describe_parameters", "UnrecognizedClientException"),
    }
    for service, (operation, expected) in codes.items():
        there = lab.client_at(service, "ap-east-1", LAB_KEYS)
        with pytest.raises(ClientError) as refused:
            getattr(there, operation)()
        assert code(refused) == expected, service
    lab.post("regions", {"enable": ["ap-east-1"]})
    lab.client_at("ec2", "ap-east-1", LAB_KEYS).describe_vpcs()


def test_the_same_port_speaks_tls_and_names_the_registry_so(lab: RunningLab) -> None:
    trust = lab.get("")["authority"]["certificate"]
    secure = lab.endpoint.replace("http:", "https:")
    request = urllib.request.Request(f"{secure}/_lab/calls", headers={"X-Lab": "1"})
    context = ssl.create_default_context(cafile=trust)
    with urllib.request.urlopen(request, context=context) as reply:
        assert reply.status == 200
    ecr = boto3.client("ecr", region_name=REGION, endpoint_url=secure, verify=trust, **LAB_KEYS)
    data = ecr.get_authorization_token()["authorizationData"][0]
    assert data["proxyEndpoint"] == secure
    plain = lab.client("ecr").get_authorization_token()["authorizationData"][0]
    assert plain["proxyEndpoint"] == lab.endpoint

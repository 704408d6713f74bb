"""Parameter Store: sizes, names and types as AWS takes them, and values nobody reads undecrypted."""

from __future__ import annotations

import base64
import re
import secrets
from typing import Any

from moto.core.responses import ActionResult
from moto.ssm.exceptions import SSMException, ValidationException
from moto.ssm.models import Parameter, SimpleSystemManagerBackend
from moto.ssm.responses import SimpleSystemManagerResponse
from moto.ssm.utils import parameter_arn

from lab.aws.common.pages import page
from lab.aws.common.patching import patch
from lab.world.lab import Lab

# The service model has the sizes in kilobytes; that these are bytes of UTF-8 is assumed.
LARGEST = {"Standard": 4096, "Advanced": 8192}
NAME = re.compile(r"^[A-Za-z0-9_.\-/]+$")
LEVELS = 15
LONGEST_ARN = 1011
NESTED = re.compile(r"\{\{.*\}\}", re.DOTALL)
DESCRIBED = 50


def install(lab: Lab) -> None:
    """Patches moto's Parameter Store."""
    _hide_values()

    @patch(SimpleSystemManagerBackend)
    def put_parameter(
        original: Any,
        self: Any,
        name: str,
        description: str | None,
        value: str,
        parameter_type: str | None,
        allowed_pattern: str | None,
        keyid: str | None,
        overwrite: bool,
        tags: list[dict[str, str]] | None,
        data_type: str,
        tier: str | None,
        policies: str | None,
    ) -> Any:
        _check_name(parameter_arn(self.account_id, self.region_name, name), name)
        former = self._parameters[name][-1] if name in self._parameters else None
        if former and overwrite and parameter_type not in (None, former.parameter_type):
            raise SSMException(
                "HierarchyTypeMismatchException",
                "Parameter Store doesn't support changing a parameter type in a hierarchy.",
            )
        tier = _tier(tier, former, value, policies)
        _check_value(value, tier)
        return original(
            self,
            name,
            description,
            value,
            parameter_type,
            allowed_pattern,
            keyid,
            overwrite,
            tags,
            data_type,
            tier=tier,
            policies=policies,
        )

    @patch(SimpleSystemManagerBackend)
    def get_parameters_by_path(original: Any, self: Any, path: str, *a: Any, **kw: Any) -> Any:
        if not path.startswith("/"):
            raise ValidationException(
                "The parameter doesn't meet the parameter name requirements. The parameter name "
                'must begin with a forward slash "/".'
            )
        return original(self, path, *a, **kw)

    @patch(SimpleSystemManagerResponse)
    def describe_parameters(self: Any) -> ActionResult:
        found = self.ssm_backend.describe_parameters(
            self._get_param("Filters"), self._get_param("ParameterFilters")
        )
        shown, following = page(
            found, self._get_param("NextToken"), self._get_param("MaxResults"), DESCRIBED
        )
        described = [parameter.describe_response_object(False) for parameter in shown]
        for parameter in described:
            del parameter["Value"]
        return ActionResult({"Parameters": described, "NextToken": following})


def _hide_values() -> None:
    """Without decryption AWS answers with the ciphertext; moto shows the value inside of it."""

    @patch(Parameter)
    def encrypt(self: Any, value: str) -> str:
        self.decrypted = value
        return "AQICAH" + base64.b64encode(secrets.token_bytes(184)).decode()

    @patch(Parameter)
    def decrypt(self: Any, value: str) -> str:
        return str(self.decrypted) if self.parameter_type == "SecureString" else value


def _check_name(arn: str, name: str) -> None:
    if not NAME.match(name):
        raise ValidationException(
            "Parameter name: only a mix of letters, numbers and the following 4 symbols .-_/ is "
            "allowed"
        )
    if "/" in name and not name.startswith("/"):
        raise ValidationException("Parameter name must be a fully qualified name.")
    if len(name.strip("/").split("/")) > LEVELS:
        raise SSMException(
            "HierarchyLevelLimitExceededException",
            f"A hierarchy can have a maximum of {LEVELS} levels.",
        )
    if len(arn) > LONGEST_ARN:
        raise ValidationException(
            f"Parameter name: its ARN can have at most {LONGEST_ARN} characters."
        )


def _tier(wanted: str | None, former: Any, value: str, policies: str | None) -> str:
    """The tier a parameter comes to be in: an advanced one does not become a standard one."""
    was_advanced = former is not None and former.tier == "Advanced"
    if wanted == "Standard" and was_advanced:
        raise ValidationException(
            "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from "
            "the advanced-parameter tier to the standard-parameter tier."
        )
    if wanted == "Intelligent-Tiering":
        is_large = len(value.encode()) > LARGEST["Standard"]
        return "Advanced" if was_advanced or is_large or policies else "Standard"
    return "Advanced" if was_advanced else wanted or "Standard"


def _check_value(value: str, tier: str) -> None:
    if len(value.encode()) > LARGEST[tier]:
        raise ValidationException(
            "Standard tier parameters support a maximum parameter value of 4096 characters. To "
            "create a larger parameter value, upgrade the parameter to use the advanced-parameter "
            "tier."
            if tier == "Standard"
            else "Advanced tier parameters support a maximum parameter value of 8192 characters."
        )
    if NESTED.search(value):
        raise ValidationException(
            'Parameter value can\'t nest another parameter. Do not use "{{}}" in the value.'
        )

"""DB parameter groups: which parameters there are, what is static, what a database has of them.

moto takes any name and any value, forgets nothing and deletes what is in use.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.rds.exceptions import DBParameterGroupNotFoundError, RDSClientError
from moto.rds.models import DBInstance, RDSBackend
from moto.rds.responses import RDSResponse

from lab.aws.common.patching import patch, put
from lab.aws.rds.checks import LATEST, major

if TYPE_CHECKING:
    from lab.running.databases.instances import Instance

NAME = re.compile(r"^(?!.*--)[a-zA-Z][a-zA-Z0-9-]{0,254}(?<!-)$")
AT_ONCE = 20
# Some of each engine's: whether a change is in force at once, RDS's own value, and what is taken.
# `None` for a value that RDS works out, or leaves to the engine; a range, words, or anything.
STATIC, DYNAMIC = "static", "dynamic"
COMMON_MYSQL: dict[str, tuple[str, str | None, str | None]] = {
    "character_set_server": (DYNAMIC, None, None),
    "collation_server": (DYNAMIC, None, None),
    "innodb_buffer_pool_size": (DYNAMIC, "{DBInstanceClassMemory*3/4}", None),
    "log_bin_trust_function_creators": (DYNAMIC, None, "0,1"),
    "long_query_time": (DYNAMIC, None, "0-31536000"),
    "lower_case_table_names": (STATIC, None, "0,1"),
    "max_connections": (DYNAMIC, "{DBInstanceClassMemory/12582880}", "1-100000"),
    "performance_schema": (STATIC, None, "0,1"),
    "require_secure_transport": (DYNAMIC, "0", "0,1"),
    "slow_query_log": (DYNAMIC, None, "0,1"),
    "time_zone": (DYNAMIC, None, None),
}
KNOWN: dict[str, dict[str, tuple[str, str | None, str | None]]] = {
    "postgres": {
        "autovacuum_naptime": (DYNAMIC, "15", "1-2147483"),
        "log_min_duration_statement": (DYNAMIC, None, "-1-2147483647"),
        "log_statement": (DYNAMIC, None, "none,ddl,mod,all"),
        "max_connections": (STATIC, "LEAST({DBInstanceClassMemory/9531392},5000)", "6-262143"),
        "password_encryption": (DYNAMIC, None, "md5,scram-sha-256"),
        "rds.accepted_password_auth_method": (DYNAMIC, "md5+scram", "md5+scram,scram"),
        "rds.force_ssl": (DYNAMIC, "1", "0,1"),
        "rds.logical_replication": (STATIC, "0", "0,1"),
        "shared_preload_libraries": (STATIC, "pg_stat_statements", None),
        "timezone": (DYNAMIC, "UTC", None),
        "work_mem": (DYNAMIC, None, "64-2147483647"),
    },
    "mysql": COMMON_MYSQL,
    "mariadb": COMMON_MYSQL,
}
TLS = {"postgres": "rds.force_ssl", "mysql": "require_secure_transport"}
# From which version on PostgreSQL's clients must encrypt by RDS's own value.
TLS_BY_ITSELF = 15


def family_of(engine: str, version: str) -> str:
    """What RDS calls the parameters of a version."""
    return engine + ".".join(str(number) for number in major(engine, version))


def take(instance: Instance) -> None:
    """What is set comes into force: when it is made, and when it is restarted."""
    if str(instance.engine) not in KNOWN:
        return
    group = instance.db_parameter_groups()[0]
    set_ = {name: it.get("ParameterValue") for name, it in group.parameters.items()}
    instance.lab_parameters = {name: str(value) for name, value in set_.items()}
    instance.lab_parameter_status = "in-sync"
    instance.lab_wants_tls = _wants_tls(instance)


def check_group(backend: RDSBackend, engine: str, version: str, name: str) -> None:
    """Refuses a group that is not there, or of another family."""
    family = family_of(engine, version)
    if name.startswith("default.") and name != f"default.{family}":
        raise _family(name, engine, version)
    if name.startswith("default."):
        return
    group = backend.db_parameter_groups.get(name.lower())
    if group is None:
        raise DBParameterGroupNotFoundError(name)
    if group.family != family:
        raise _family(name, engine, version)


def change_group(instance: Instance, backend: RDSBackend, name: str, version: str) -> None:
    """Puts it into another group, whose parameters wait for a restart."""
    check_group(backend, str(instance.engine), version, name)
    before = instance.db_parameter_groups()[0].name
    instance.db_parameter_group_name = None if name.startswith("default.") else name.lower()
    if instance.db_parameter_groups()[0].name != before:
        instance.lab_parameter_status = "pending-reboot"


def install() -> None:
    """Patches groups, their parameters, and what an instance shows of them."""
    put(DBInstance, lab_parameters={}, lab_parameter_status="in-sync", lab_wants_tls=False)

    def shown(self: Any) -> list[dict[str, str]]:
        group = self.db_parameter_groups()[0]
        status = self.lab_parameter_status
        return [{"DBParameterGroupName": group.name, "ParameterApplyStatus": status}]

    put(DBInstance, db_parameter_group_status_list=property(shown))
    _patch_groups()
    _patch_lists()


def _patch_groups() -> None:
    @patch(RDSBackend)
    def create_db_parameter_group(original: Any, self: Any, asked: dict[str, Any]) -> Any:
        name = str(asked["db_parameter_group_name"]).lower()
        if not NAME.match(name):
            raise _invalid(f"The parameter DBParameterGroupName is not a valid identifier: {name}")
        _known(str(asked.get("db_parameter_group_family")))
        return original(self, {**dict(asked), "db_parameter_group_name": name})

    @patch(RDSBackend)
    def modify_db_parameter_group(
        self: Any, db_parameter_group_name: str, db_parameter_group_parameters: Any
    ) -> Any:
        group, changes = _group(self, db_parameter_group_name), list(db_parameter_group_parameters)
        _check(group, changes)
        for change in changes:
            name = change["ParameterName"]
            kind, own, taken = _known(group.family)[name]
            _check_value(name, change["ParameterValue"], taken)
            if _plain(change["ParameterValue"]) == _plain(own):
                group.parameters.pop(name, None)
            else:
                group.parameters[name] = {**change, "ApplyType": kind}
            _reach(self, group, name, change)
        return group

    @patch(RDSResponse)
    def reset_db_parameter_group(self: Any) -> ActionResult:
        group = _group(self.backend, self.params["DBParameterGroupName"])
        changes = [it.original_dict() for it in self.params.get("Parameters", [])]
        if str(self.params.get("ResetAllParameters", True)).lower() == "true" and not changes:
            changes = [
                {"ParameterName": name, "ApplyMethod": "pending-reboot"}
                for name in group.parameters
            ]
        _check(group, changes)
        for change in changes:
            group.parameters.pop(change["ParameterName"], None)
            _reach(self.backend, group, change["ParameterName"], change)
        return ActionResult({"DBParameterGroupName": group.name})

    @patch(RDSBackend)
    def delete_db_parameter_group(original: Any, self: Any, db_parameter_group_name: str) -> Any:
        group = _group(self, db_parameter_group_name)
        if group.name.startswith("default."):
            raise _invalid(f"The parameter group {group.name} is a default and cannot be deleted.")
        if _users(self, group):
            raise RDSClientError(
                "InvalidDBParameterGroupState",
                "One or more database instances are still members of this parameter group "
                f"{group.name}, so the group cannot be deleted",
            )
        return original(self, group.name)


def _patch_lists() -> None:
    @patch(RDSResponse)
    def describe_db_parameter_groups(self: Any) -> ActionResult:
        name = self.params.get("DBParameterGroupName")
        groups = self.backend.db_parameter_groups
        found = [_group(self.backend, name)] if name else list(groups.values())
        return ActionResult({"DBParameterGroups": found})

    @patch(RDSResponse)
    def describe_db_parameters(self: Any) -> ActionResult:
        group = _group(self.backend, self.params["DBParameterGroupName"])
        shown = [
            {
                **_shown(name, *known),
                **group.parameters.get(name, {}),
                "Source": _source(group, name),
            }
            for name, known in _known(group.family).items()
        ]
        wanted = self.params.get("Source")
        chosen = [it for it in _named(self, shown) if wanted in (None, it["Source"])]
        return ActionResult({"Parameters": chosen})

    @patch(RDSResponse)
    def describe_engine_default_parameters(self: Any) -> ActionResult:
        family = self.params["DBParameterGroupFamily"]
        shown = [_shown(name, *known) for name, known in _known(family).items()]
        answer = {"DBParameterGroupFamily": family, "Parameters": _named(self, shown)}
        return ActionResult({"EngineDefaults": answer})


def _wants_tls(instance: Instance) -> bool:
    """Whether the parameters that are in force want clients to encrypt."""
    engine = str(instance.engine)
    name = TLS["postgres" if engine == "postgres" else "mysql"]
    value = instance.lab_parameters.get(name)
    if value is None:
        _, value, _ = _known(family_of(engine, str(instance.engine_version)))[name]
    return str(value).lower() in ("1", "on")


def _source(group: Any, name: str) -> str:
    return "user" if name in group.parameters else "engine-default"


def _shown(name: str, kind: str, own: str | None, taken: str | None) -> dict[str, Any]:
    shown = {"ParameterName": name, "ApplyType": kind, "IsModifiable": True, "DataType": "string"}
    shown |= {"Source": "engine-default", "ApplyMethod": "pending-reboot"}
    return shown | {
        key: value
        for key, value in (("ParameterValue", own), ("AllowedValues", taken))
        if value is not None
    }


def _named(response: Any, shown: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that the filter names; the only one that RDS has is `parameter-name`."""
    names = None
    for one in response.params.get("Filters", []):
        asked = one.original_dict() if hasattr(one, "original_dict") else one
        if asked["Name"] != "parameter-name":
            raise _invalid(f"Unrecognized filter name: {asked['Name']}")
        names = set(asked["Values"])
    return [it for it in shown if names is None or it["ParameterName"] in names]


def _known(family: str) -> dict[str, tuple[str, str | None, str | None]]:
    for engine, versions in LATEST.items():
        if family in {family_of(engine, version) for version in versions.values()}:
            known = dict(KNOWN[engine])
            if engine == "postgres" and int(family.removeprefix(engine)) < TLS_BY_ITSELF:
                known["rds.force_ssl"] = (DYNAMIC, "0", "0,1")
            return known
    raise _invalid(f"ParameterGroupFamily {family} is not a valid parameter group family")


def _group(backend: RDSBackend, name: str) -> Any:
    group = backend.db_parameter_groups.get(str(name).lower())
    if group is None:
        raise DBParameterGroupNotFoundError(name)
    return group


def _check(group: Any, changes: list[dict[str, Any]]) -> None:
    if group.name.startswith("default."):
        raise _invalid(f"{group.name} is a default parameter group and cannot be modified.")
    if not 0 < len(changes) <= AT_ONCE:
        raise _invalid(f"The request must have 1 to {AT_ONCE} parameters.")
    for change in changes:
        name, method = change["ParameterName"], change.get("ApplyMethod")
        if name not in _known(group.family):
            raise _invalid(f"Could not find parameter with name: {name}")
        if method == "immediate" and _known(group.family)[name][0] == STATIC:
            raise RDSClientError(
                "InvalidParameterCombination",
                "cannot use immediate apply method for static parameter",
            )


def _check_value(name: str, value: Any, taken: str | None) -> None:
    text = str(value)
    if taken is None or text in taken.split(","):
        return
    if taken == "0,1" and text.lower() in ("on", "off"):
        return
    limits = re.fullmatch(r"(-?\d+)-(\d+)", taken)
    is_number = re.fullmatch(r"-?\d+", text)
    if limits and is_number and int(limits[1]) <= int(text) <= int(limits[2]):
        return
    raise _invalid(
        f"Invalid parameter value: {text} for: {name} allowed values are: {taken}",
    )


def _reach(backend: RDSBackend, group: Any, name: str, change: dict[str, Any]) -> None:
    """A dynamic one is in force at once where it is asked for so; others wait for a restart."""
    for instance in _users(backend, group):
        if change.get("ApplyMethod") != "immediate":
            instance.lab_parameter_status = "pending-reboot"
        elif instance.lab_parameter_status == "in-sync":
            value = group.parameters.get(name, {}).get("ParameterValue")
            instance.lab_parameters = {
                **{k: v for k, v in instance.lab_parameters.items() if k != name},
                **({} if value is None else {name: str(value)}),
            }


def _users(backend: RDSBackend, group: Any) -> list[Any]:
    return [it for it in backend.databases.values() if it.db_parameter_group_name == group.name]


def _plain(value: Any) -> str:
    return {"on": "1", "off": "0"}.get(str(value).lower(), str(value))


def _family(name: str, engine: str, version: str) -> RDSClientError:
    return RDSClientError(
        "InvalidParameterCombination",
        f"The parameter group {name} with DBParameterGroupFamily cannot be used for this instance. "
        f"Please use a parameter group with DBParameterGroupFamily {family_of(engine, version)}",
    )


def _invalid(message: str) -> RDSClientError:
    return RDSClientError("InvalidParameterValue", message)

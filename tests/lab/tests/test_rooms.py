"""The rooms of the lab's modules: what sees what, and that nothing goes in a circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[1]
# From the ground up: a room sees itself and those before it.
ROOMS = [
    "http",
    "policies",
    "world",
    "aws.common",
    "running",
    "aws.<service>",
    "aws.strict",
    "aws.authorization",
    "aws",
    "lab",
]
# Rooms of services that see another service's, beside what goes across all of them: Application Auto
# Scaling computes its customized metrics as CloudWatch does.
NEIGHBOURS = {("tagging", "autoscaling"), ("autoscaling", "cloudwatch")}


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the lab with what stands in it."""
    return {
        ".".join(file.relative_to(ROOT).with_suffix("").parts): ast.parse(file.read_text())
        for file in sorted(ROOT.glob("lab/**/*.py"))
    }


def seen_by(module: str) -> Iterator[str]:
    """What a module imports of the lab: at its top, in functions, and for types alone."""
    for node in ast.walk(modules()[module]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("lab."))
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports by dots"
            source = node.module or ""
            if source == "lab" or source.startswith("lab."):
                for alias in node.names:
                    whole = f"{source}.{alias.name}"
                    yield whole if whole in modules() else source


def room_of(module: str) -> str:
    """The room a module stands in."""
    folders = module.split(".")[1:-1]
    if not folders:
        return "lab"
    if ".".join(folders) in ROOMS:
        return ".".join(folders)
    return "aws.<service>" if folders[0] == "aws" else folders[0]


def service_of(module: str) -> str:
    """The service of AWS whose room it is."""
    return module.split(".")[2]


def test_nothing_goes_in_a_circle() -> None:
    try:
        TopologicalSorter({module: set(seen_by(module)) for module in modules()}).prepare()
    except CycleError as error:
        raise AssertionError(f"a circle: {' <- '.join(error.args[1])}") from None


def test_a_room_sees_only_those_before_it() -> None:
    wrong = [
        f"{module} sees {other}"
        for module in modules()
        for other in seen_by(module)
        if ROOMS.index(room_of(module)) < ROOMS.index(room_of(other))
    ]
    assert not wrong, "\n".join(wrong)


def test_a_service_sees_no_other() -> None:
    services = [module for module in modules() if room_of(module) == "aws.<service>"]
    wrong = [
        f"{module} sees {other}"
        for module in services
        for other in seen_by(module)
        if other in services
        and service_of(module) != service_of(other)
        and (service_of(module), service_of(other)) not in NEIGHBOURS
    ]
    assert not wrong, "\n".join(wrong)


def test_every_room_says_what_it_is_for_and_does_nothing() -> None:
    for folder in {file.parent for file in ROOT.glob("lab/**/*.py")}:
        body = ast.parse((folder / "__init__.py").read_text()).body
        assert [type(node) for node in body] == [ast.Expr], folder


def test_every_module_says_what_it_is_for() -> None:
    assert [name for name, tree in modules().items() if not ast.get_docstring(tree)] == []


def test_a_room_has_more_than_one_module_unless_it_is_a_service() -> None:
    for folder in {file.parent for file in ROOT.glob("lab/**/*.py")}:
        files = [file for file in folder.glob("*.py") if file.name != "__init__.py"]
        is_service = folder.parent.name == "aws"
        assert len(files) > 1 or is_service, folder

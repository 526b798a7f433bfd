"""Our frozen dataclasses do what those of the standard library do, for less at the start."""

import dataclasses
import subprocess
import sys
from dataclasses import asdict, field, fields, replace

import pytest

from bridge.values import dataclass
from tests.local_stack import ROOT


def defined(decorator):
    """The same three classes, by our decorator or the standard library's."""

    @decorator(frozen=True)
    class Place:
        name: str
        tags: list[str] = field(default_factory=list, compare=False)
        secret: str = field(default="", repr=False)

    @decorator(frozen=True)
    class Town(Place):
        size: int = 0

    @decorator(frozen=True)
    class Nothing:
        pass

    return Place, Town, Nothing


OURS, STANDARD = defined(dataclass), defined(dataclasses.dataclass)


def test_objects_are_shown_and_compared_as_those_of_the_standard_library():
    shown = []
    for place, town, nothing in (OURS, STANDARD):
        values = [place("a"), place("a", ["x"]), place("a", [], "s"), town("a"), town("a", [], "", 1), nothing()]
        shown.append(
            (
                [repr(value) for value in values],
                [[one == other for other in [*values, "a"]] for one in values],
                [[hash(one) == hash(other) for other in values] for one in values],
                [[each.name for each in fields(value)] for value in values],
                [asdict(value) for value in values],
                asdict(replace(values[4], name="b")),
            )
        )
    assert shown[0] == shown[1]


def test_a_class_keeps_its_own_methods():
    @dataclass(frozen=True)
    class Secret:
        text: str

        def __repr__(self):
            return "a secret"

    assert repr(Secret("x")) == "a secret"
    assert Secret("x") == Secret("x")


def test_wrong_arguments_are_refused():
    with pytest.raises(TypeError):
        OURS[0]()


FROZEN = """
import sys
import function_app
from bridge.sources import SOURCES
for name in SOURCES:
    SOURCES[name]
classes = {each for module in [*sys.modules.values()] for each in vars(module).values() if isinstance(each, type)}
ours = [each for each in classes if each.__module__.startswith("bridge.") and "__dataclass_params__" in vars(each)]
assert len(ours) > 60
print(*(f"{each.__module__}.{each.__qualname__}" for each in ours if each.__dataclass_params__.frozen))
"""


def test_what_a_receiving_worker_imports_has_only_frozen_dataclasses_that_share_their_methods():
    env = {"BRIDGE_GROUP": "3c1d0d4e-0000-4000-8000-000000000001", "PATH": ""}
    run = subprocess.run([sys.executable, "-c", FROZEN], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert run.stdout.split() == []

"""The types of Graph that requests contain, and the checks of a request's content against them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.local.fake_graph.calls import bad_request


@dataclass(frozen=True)
class ObjectType:
    """A type of Graph with its properties. An open type accepts other properties too."""

    name: str
    properties: Mapping[str, "PropertyType"]
    required: tuple[str, ...] = ()
    is_open: bool = False


# A Python type, the allowed values, a list of one type, or an object.
PropertyType = type | tuple[str, ...] | list["PropertyType"] | ObjectType

BODY = ObjectType("itemBody", {"contentType": ("text", "html"), "content": str}, ("contentType", "content"))
_ADDRESS = ObjectType("emailAddress", {"name": str, "address": str}, ("address",))
RECIPIENT = ObjectType("recipient", {"emailAddress": _ADDRESS}, ("emailAddress",))


def checked(value: object, expected: ObjectType) -> dict[str, Any]:
    """The value, if it is an object of the expected type; otherwise Failure."""
    problem = _problem(value, expected, expected.name)
    if problem or not isinstance(value, dict):
        raise bad_request(problem)
    return value


def _problem(value: object, expected: PropertyType, name: str) -> str:
    """What is wrong with the value, in Graph's words; empty if nothing is."""
    if isinstance(expected, ObjectType):
        return _problem_of_object(value, expected) if isinstance(value, dict) else _wrong_value(name)
    if isinstance(expected, list):
        if not isinstance(value, list):
            return _wrong_value(name)
        return next(filter(None, (_problem(item, expected[0], name) for item in value)), "")
    if isinstance(expected, tuple):
        return "" if isinstance(value, str) and value.lower() in expected else _wrong_value(name)
    return "" if isinstance(value, expected) else _wrong_value(name)


def _problem_of_object(value: Mapping[str, object], expected: ObjectType) -> str:
    for name, content in value.items():
        if name in expected.properties:
            if problem := _problem(content, expected.properties[name], name):
                return problem
        elif not expected.is_open and not name.startswith("@odata."):
            return f"The property '{name}' does not exist on type 'microsoft.graph.{expected.name}'."
    missing = [name for name in expected.required if name not in value]
    return f"The property '{missing[0]}' of type 'microsoft.graph.{expected.name}' is missing." if missing else ""


def _wrong_value(name: str) -> str:
    return f"Cannot convert the value of '{name}' to the expected type."

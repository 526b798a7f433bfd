"""The types of Graph that requests contain, and the checks of a request's content against them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bridge.local.fake_graph.calls import Failure, bad_request


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


# Microsoft documents no limit for participants of group posts; this one is Exchange's for the recipients of a message:
# https://learn.microsoft.com/office365/servicedescriptions/exchange-online-service-description/exchange-online-limits
_MOST_RECIPIENTS = 500
_MAILBOX = re.compile(r"[^<>@\s]+@(?:[\w-]+\.)*[\w-]+")
_NOWHERE = ".invalid"  # the domain of nobody, by RFC 2606; here also that of guests whom a group does not take


def check_recipients(recipients: Sequence[Mapping[str, Any]]) -> None:
    """Failure where mail to one of the recipients cannot be delivered."""
    if len(recipients) > _MOST_RECIPIENTS:
        raise Failure(400, "ErrorTooManyRecipients", "The message has too many recipients.")
    for recipient in recipients:
        address = recipient["emailAddress"]["address"]
        if not _MAILBOX.fullmatch(address) or address.lower().endswith(_NOWHERE):
            text = f"At least one recipient isn't valid., Recipient '{address}' is not resolved."
            raise Failure(400, "ErrorInvalidRecipients", text)


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

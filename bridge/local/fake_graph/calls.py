"""What the operations of the stand-in Graph have in common: the call, the checks of its content, and pages.

It refuses what Graph refuses, in Graph's words.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

Reply = tuple[int, Mapping[str, Any] | None]
_PAGE = 20
_LARGEST_PAGE = 1000
_NUMBER = re.compile(r"[0-9]{1,9}")


class Failure(Exception):
    """An answer other than 2xx, with the code and the message of Graph's error, and the seconds of its Retry-After."""

    def __init__(self, status: int, code: str, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after


@dataclass(frozen=True)
class Call:
    """A request. `url` is without its query; `path` has the ids in it by their names.

    headers: by their names in lower case. missing: groups and mailboxes that are not there, in lower case. private:
    whether the group is. What it makes is `received` and `visible` then.
    """

    url: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    content: object
    missing: frozenset[str]
    private: bool
    received: datetime
    visible: datetime


@dataclass(frozen=True)
class Type:
    """A type of Graph: what its properties hold. An open one takes others too."""

    name: str
    properties: Mapping[str, "Shape"]
    required: tuple[str, ...] = ()
    is_open: bool = False


# A Python type, the words that are allowed, a list of one shape, or an object.
Shape = type | tuple[str, ...] | list["Shape"] | Type

BODY = Type("itemBody", {"contentType": ("text", "html"), "content": str}, ("contentType", "content"))
_ADDRESS = Type("emailAddress", {"name": str, "address": str}, ("address",))
RECIPIENT = Type("recipient", {"emailAddress": _ADDRESS}, ("emailAddress",))


def checked(value: object, shape: Type) -> dict[str, Any]:
    """The object, if it has that shape; else Failure."""
    problem = _problem(value, shape, shape.name)
    if problem or not isinstance(value, dict):
        raise bad_request(problem)
    return value


def _problem(value: object, shape: Shape, name: str) -> str:
    """What is wrong with a value of that shape, in Graph's words; empty if nothing is."""
    if isinstance(shape, Type):
        return _problem_of_object(value, shape) if isinstance(value, dict) else _wrong_value(name)
    if isinstance(shape, list):
        if not isinstance(value, list):
            return _wrong_value(name)
        return next(filter(None, (_problem(item, shape[0], name) for item in value)), "")
    if isinstance(shape, tuple):
        return "" if isinstance(value, str) and value.lower() in shape else _wrong_value(name)
    return "" if isinstance(value, shape) else _wrong_value(name)


def _problem_of_object(value: Mapping[str, object], shape: Type) -> str:
    for name, content in value.items():
        if name in shape.properties:
            if problem := _problem(content, shape.properties[name], name):
                return problem
        elif not shape.is_open and not name.startswith("@odata."):
            return f"The property '{name}' does not exist on type 'microsoft.graph.{shape.name}'."
    missing = [name for name in shape.required if name not in value]
    return f"The property '{missing[0]}' of type 'microsoft.graph.{shape.name}' is missing." if missing else ""


def _wrong_value(name: str) -> str:
    return f"Cannot convert the value of '{name}' to the expected type."


def not_found() -> Failure:
    """What Exchange answers where there is no such item."""
    return Failure(404, "ErrorItemNotFound", "The specified object was not found in the store.")


def bad_request(message: str) -> Failure:
    """What Graph answers to a request that it cannot read."""
    return Failure(400, "BadRequest", message)


def range_of(call: Call) -> tuple[int, int]:
    """The numbers of $top and $skip."""
    if "$filter" in call.query and "mailbox" in call.path:
        raise Failure(501, "NotImplemented", "Graph filters mail, but this stand-in does not.")
    if "$filter" in call.query:
        raise Failure(501, "FilteringOnConversations", "$filter is not supported on this collection.")
    top, skip = (call.query.get(name, default) for name, default in (("$top", str(_PAGE)), ("$skip", "0")))
    if not (_NUMBER.fullmatch(top) and _NUMBER.fullmatch(skip) and 1 <= int(top) <= _LARGEST_PAGE):
        raise bad_request("Invalid value for query option $top or $skip.")
    return int(top), int(skip)


def page(call: Call, found: list[Mapping[str, Any]], properties: tuple[str, ...]) -> Reply:
    """A page of what was found; one more than the page holds means that there is a next one."""
    top, skip = range_of(call)
    answer: dict[str, Any] = {"value": [selected(call, item, properties) for item in found[:top]]}
    if len(found) > top:
        query = {**call.query, "$skip": str(skip + top)}
        answer["@odata.nextLink"] = f"{call.url}?{urlencode(query, safe='$,')}"
    return 200, answer


def selected(call: Call, item: Mapping[str, Any], properties: tuple[str, ...]) -> Mapping[str, Any]:
    """What $select leaves of an item."""
    names = [name.strip() for name in call.query.get("$select", "").split(",") if name.strip()]
    for name in names:
        if name not in properties:
            raise bad_request(f"Could not find a property named '{name}'.")
    return {name: item[name] for name in names or properties if name in item}


def stamp(time: datetime) -> str:
    """A time as Graph writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")

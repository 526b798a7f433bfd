"""What the operations of the stand-in Graph share: the call, failures, and pages of results.

Requests that Graph refuses are refused with Graph's own error codes and messages.
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
    """An answer other than 2xx: its status, the code and message of Graph's error, and Retry-After in seconds."""

    def __init__(self, status: int, code: str, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after


@dataclass(frozen=True)
class Call:
    """A request to an operation.

    url: without the query. path: the ids in the path, by name. headers: by lower-case name.
    missing: groups and mailboxes that do not exist, in lower case. private: whether the group is private.
    received, visible: the times to record for whatever the call creates.
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


def not_found() -> Failure:
    """Exchange's answer if an item does not exist."""
    return Failure(404, "ErrorItemNotFound", "The specified object was not found in the store.")


def bad_request(message: str) -> Failure:
    """Graph's answer to a request that it cannot read."""
    return Failure(400, "BadRequest", message)


def range_of(call: Call) -> tuple[int, int]:
    """The values of $top and $skip."""
    if "$filter" in call.query and "mailbox" in call.path:
        raise Failure(501, "NotImplemented", "Graph filters mail, but this stand-in does not.")
    if "$filter" in call.query:
        raise Failure(501, "FilteringOnConversations", "$filter is not supported on this collection.")
    top, skip = (call.query.get(name, default) for name, default in (("$top", str(_PAGE)), ("$skip", "0")))
    if not (_NUMBER.fullmatch(top) and _NUMBER.fullmatch(skip) and 1 <= int(top) <= _LARGEST_PAGE):
        raise bad_request("Invalid value for query option $top or $skip.")
    return int(top), int(skip)


def page(call: Call, found: list[Mapping[str, Any]], properties: tuple[str, ...]) -> Reply:
    """A page of results. Pass one result more than fits on the page if there is a next page."""
    top, skip = range_of(call)
    answer: dict[str, Any] = {"value": [selected(call, item, properties) for item in found[:top]]}
    if len(found) > top:
        query = {**call.query, "$skip": str(skip + top)}
        answer["@odata.nextLink"] = f"{call.url}?{urlencode(query, safe='$,')}"
    return 200, answer


def selected(call: Call, item: Mapping[str, Any], properties: tuple[str, ...]) -> Mapping[str, Any]:
    """The properties of an item that $select names."""
    names = [name.strip() for name in call.query.get("$select", "").split(",") if name.strip()]
    for name in names:
        if name not in properties:
            raise bad_request(f"Could not find a property named '{name}'.")
    return {name: item[name] for name in names or properties if name in item}


def timestamp(time: datetime) -> str:
    """The time in Graph's format."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")

"""The group threads of the stand-in Graph: what each call answers, as the reference pages say.

https://learn.microsoft.com/graph/api/resources/conversationthread
"""

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from bridge.local.mailbox_store import MailPost, MailStore, MailThread

Reply = tuple[int, Mapping[str, Any] | None]
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_SENDER = "Webhook bridge"
_PAGE = 20
_LARGEST_PAGE = 1000
_NUMBER = re.compile(r"[0-9]{1,9}")


class Failure(Exception):
    """An answer other than 2xx, with the code and the message of Graph's error."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Call:
    """A request for a group's threads. `url` is without its query; a post of it is `received` and `visible` then."""

    url: str
    group: str
    thread: str
    query: Mapping[str, str]
    content: object
    received: datetime
    visible: datetime


@dataclass(frozen=True)
class _Type:
    """A type of Graph: what its properties hold. An open one takes others too."""

    name: str
    properties: Mapping[str, "_Shape"]
    required: tuple[str, ...] = ()
    is_open: bool = False


# A Python type, the words that are allowed, a list of one shape, or an object.
_Shape = type | tuple[str, ...] | list["_Shape"] | _Type

_BODY = _Type("itemBody", {"contentType": ("text", "html"), "content": str}, ("contentType", "content"))
_ADDRESS = _Type("emailAddress", {"name": str, "address": str}, ("address",))
_RECIPIENT = _Type("recipient", {"emailAddress": _ADDRESS}, ("emailAddress",))
_POST = _Type("post", {"body": _BODY, "newParticipants": [_RECIPIENT], "from": _RECIPIENT}, ("body",), is_open=True)
_THREAD = _Type(
    "conversationThread",
    {
        "topic": str,
        "posts": [_POST],
        "toRecipients": [_RECIPIENT],
        "ccRecipients": [_RECIPIENT],
        "hasAttachments": bool,
        "isLocked": bool,
        "lastDeliveredDateTime": str,
        "preview": str,
        "uniqueSenders": [str],
    },
    ("topic", "posts"),
)
_ANSWER = _Type("reply", {"post": _POST, "Post": _POST})
_THREAD_PROPERTIES = ("id", *(name for name in _THREAD.properties if name != "posts"))
_POST_PROPERTIES = (
    *("id", "createdDateTime", "lastModifiedDateTime", "changeKey", "categories", "receivedDateTime"),
    *("hasAttachments", "body", "from", "sender", "newParticipants", "conversationThreadId"),
)


def list_threads(store: MailStore, call: Call) -> Reply:
    """GET /groups/{id}/threads: the newest first."""
    top, skip = _range(call)
    found = store.threads(call.group, top=top + 1, skip=skip)
    return _page(call, [_thread_json(thread) for thread in found], _THREAD_PROPERTIES)


def start(store: MailStore, call: Call) -> Reply:
    """POST /groups/{id}/threads: answers with the thread's id and little else."""
    thread = _checked(call.content, _THREAD)
    if len(thread["posts"]) != 1:
        raise _bad_request("A new thread must have exactly one post.")
    content = _content(thread["posts"][0])
    new = store.start(call.group, thread["topic"], content, _SENDER, call.received, call.visible)
    return 201, {"id": new}


def get_thread(store: MailStore, call: Call) -> Reply:
    """GET /groups/{id}/threads/{id}."""
    return 200, _selected(call, _thread_json(_existing(store, call)), _THREAD_PROPERTIES)


def delete_thread(store: MailStore, call: Call) -> Reply:
    """DELETE /groups/{id}/threads/{id}."""
    store.delete(_existing(store, call).id)
    return 204, None


def reply(store: MailStore, call: Call) -> Reply:
    """POST /groups/{id}/threads/{id}/reply: accepted, and nothing to read."""
    answer = _checked(call.content, _ANSWER)
    post = answer.get("post", answer.get("Post"))
    if post is None:
        raise _bad_request("The parameter 'Post' is missing.")
    store.reply(_existing(store, call).id, _content(post), _SENDER, call.received)
    return 202, None


def list_posts(store: MailStore, call: Call) -> Reply:
    """GET /groups/{id}/threads/{id}/posts: the oldest first, whatever $orderby says."""
    top, skip = _range(call)
    found = store.posts(call.group, _existing(store, call).id, top=top + 1, skip=skip)
    return _page(call, [_post_json(post) for post in found], _POST_PROPERTIES)


Operation = Callable[[MailStore, Call], Reply]
# (method, path below /groups/{id}): what answers it
OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("GET", "/threads"): list_threads,
    ("POST", "/threads"): start,
    ("GET", "/threads/{thread}"): get_thread,
    ("DELETE", "/threads/{thread}"): delete_thread,
    ("POST", "/threads/{thread}/reply"): reply,
    ("GET", "/threads/{thread}/posts"): list_posts,
}


def check_group(group: str, missing: set[str]) -> None:
    """Failure for a group that is no UUID, or one of those that are missing."""
    if not _UUID.fullmatch(group):
        raise Failure(400, "Request_BadRequest", f"Invalid object identifier '{group}'.")
    if group in missing:
        raise Failure(404, "ErrorGroupNotFound", f"The requested group '{group}' was not found.")


def _existing(store: MailStore, call: Call) -> MailThread:
    for thread in store.threads(call.group, call.thread):
        return thread
    raise Failure(404, "ErrorItemNotFound", "The specified object was not found in the store.")


def _checked(value: object, shape: _Type) -> dict[str, Any]:
    problem = _problem(value, shape, shape.name)
    if problem or not isinstance(value, dict):
        raise _bad_request(problem)
    return value


def _problem(value: object, shape: _Shape, name: str) -> str:
    """What is wrong with a value of that shape, in Graph's words; empty if nothing is."""
    if isinstance(shape, _Type):
        return _problem_of_object(value, shape) if isinstance(value, dict) else _wrong_value(name)
    if isinstance(shape, list):
        if not isinstance(value, list):
            return _wrong_value(name)
        return next(filter(None, (_problem(item, shape[0], name) for item in value)), "")
    if isinstance(shape, tuple):
        return "" if isinstance(value, str) and value.lower() in shape else _wrong_value(name)
    return "" if isinstance(value, shape) else _wrong_value(name)


def _problem_of_object(value: Mapping[str, object], shape: _Type) -> str:
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


def _bad_request(message: str) -> Failure:
    return Failure(400, "BadRequest", message)


def _content(post: Mapping[str, Any]) -> str:
    """The HTML of a post."""
    body = post["body"]
    content = str(body["content"])
    return content if body["contentType"].lower() == "html" else f"<pre>{html.escape(content)}</pre>"


def _range(call: Call) -> tuple[int, int]:
    """The numbers of $top and $skip."""
    if "$filter" in call.query:
        raise Failure(501, "FilteringOnConversations", "$filter is not supported on this collection.")
    top, skip = (call.query.get(name, default) for name, default in (("$top", str(_PAGE)), ("$skip", "0")))
    if not (_NUMBER.fullmatch(top) and _NUMBER.fullmatch(skip) and 1 <= int(top) <= _LARGEST_PAGE):
        raise _bad_request("Invalid value for query option $top or $skip.")
    return int(top), int(skip)


def _page(call: Call, found: list[Mapping[str, Any]], properties: tuple[str, ...]) -> Reply:
    """A page of what was found; one more than the page holds means that there is a next one."""
    top, skip = _range(call)
    page: dict[str, Any] = {"value": [_selected(call, item, properties) for item in found[:top]]}
    if len(found) > top:
        query = {**call.query, "$skip": str(skip + top)}
        page["@odata.nextLink"] = f"{call.url}?{urlencode(query, safe='$,')}"
    return 200, page


def _selected(call: Call, item: Mapping[str, Any], properties: tuple[str, ...]) -> Mapping[str, Any]:
    """What $select leaves of an item."""
    names = [name.strip() for name in call.query.get("$select", "").split(",") if name.strip()]
    for name in names:
        if name not in properties:
            raise _bad_request(f"Could not find a property named '{name}'.")
    return {name: item[name] for name in names or properties if name in item}


def _thread_json(thread: MailThread) -> Mapping[str, Any]:
    return {
        "id": thread.id,
        "topic": thread.topic,
        "hasAttachments": False,
        "lastDeliveredDateTime": _stamp(thread.updated),
        "uniqueSenders": [_SENDER],
        "toRecipients": [],
        "ccRecipients": [],
        "preview": thread.preview,
        "isLocked": False,
    }


def _post_json(post: MailPost) -> Mapping[str, Any]:
    sender = {"emailAddress": {"name": post.sender, "address": "bridge@localhost"}}
    return {
        "id": post.id,
        "createdDateTime": _stamp(post.received),
        "lastModifiedDateTime": _stamp(post.received),
        "changeKey": post.id[-12:],
        "categories": [],
        "receivedDateTime": _stamp(post.received),
        "hasAttachments": False,
        "body": {"contentType": "html", "content": f"<html><body>{post.html}</body></html>"},
        "from": sender,
        "sender": sender,
        "newParticipants": [],
        "conversationThreadId": post.thread,
    }


def _stamp(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")

"""The channel of group threads: https://learn.microsoft.com/graph/api/resources/conversationthread."""

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from email.utils import parseaddr
from typing import Any
from urllib.parse import quote

from bridge.errors import OutcomeUnknown, ThreadGone
from bridge.graph.answers import NotFound
from bridge.graph.channel import Post
from bridge.graph.client import GraphClient

_LONGEST_TOPIC = 255
# How far Graph's clock and ours may be apart.
_SKEW = timedelta(minutes=5)
_THREAD_PAGE = {"$top": 50, "$select": "id,topic,preview,lastDeliveredDateTime"}
_POST_PAGE = {"$top": 50, "$select": "id,body,receivedDateTime"}
_MOST_PAGES = 20
# Codes of a 404 that mean the group and not the thread.
_GROUP_CODES = ("ErrorGroupNotFound", "Request_ResourceNotFound", "ErrorInvalidGroup", "MailboxNotEnabledForRESTAPI")
_TAG = re.compile(r"<[^>]*>")


class GroupThreads:
    """Posts as conversation threads of Microsoft 365 groups. A thread's reference is its id."""

    def __init__(self, client: GraphClient) -> None:
        self._client = client

    def start(self, post: Post) -> str:
        """Starts a thread: https://learn.microsoft.com/graph/api/group-post-threads."""
        path = _threads(post.group)
        answer = self._client.request("POST", path, json=_new_thread(post))
        thread = answer.get("id")
        if not isinstance(thread, str) or not thread:
            raise OutcomeUnknown(f"POST {path}: Graph took the thread but gave no id: look for it first.")
        return thread

    def reply(self, thread: str, post: Post) -> str:
        """Replies to a thread: https://learn.microsoft.com/graph/api/conversationthread-reply."""
        try:
            self._client.request("POST", f"{_threads(post.group, thread)}/reply", json={"post": {"body": _body(post)}})
        except NotFound as error:
            if error.code in _GROUP_CODES:
                raise
            raise ThreadGone(f"{error} The thread was deleted, or is so new that Graph does not show it yet.") from None
        return thread

    def find(self, group: str, references: Sequence[str], since: datetime, thread: str = "") -> Mapping[str, str]:
        """Which references the group's posts show, each with its thread; see `Channel.find`.

        Graph can neither filter nor search threads, so they are read, newest first, until everything is found.
        OutcomeUnknown when there is more than can be read. https://learn.microsoft.com/graph/api/group-list-threads
        """
        threads = iter([thread]) if thread else self._newer(group, since - _SKEW)
        found: dict[str, str] = {}
        missing = set(references)
        while missing and (candidate := next(threads, "")):
            shown = self._shown(group, candidate, missing)
            found |= dict.fromkeys(shown, candidate)
            missing -= shown
        return found

    def _newer(self, group: str, since: datetime) -> Iterator[str]:
        """The ids of the threads with a post since then."""
        for page in self._client.pages(_threads(group), _THREAD_PAGE, _MOST_PAGES):
            newer = [str(thread.get("id", "")) for thread in page if _is_newer(thread, since)]
            yield from filter(None, newer)
            if page and not newer:
                return

    def _shown(self, group: str, thread: str, references: set[str]) -> set[str]:
        """Which of the references the posts of a thread show."""
        shown: set[str] = set()
        try:
            for page in self._client.pages(f"{_threads(group, thread)}/posts", _POST_PAGE, _MOST_PAGES):
                for post in page:
                    text = _text(post)
                    shown |= {reference for reference in references - shown if _mentions(text, reference)}
                if shown == references:
                    break
        except NotFound as error:
            if error.code in _GROUP_CODES:
                raise
        return shown


def _threads(group: str, thread: str = "") -> str:
    """The path of a group's threads, or of one of them. Thread ids end in "==", so ids are always encoded."""
    path = f"/groups/{quote(group, safe='')}/threads"
    return f"{path}/{quote(thread, safe='')}" if thread else path


def _new_thread(post: Post) -> Mapping[str, Any]:
    first: dict[str, Any] = {"body": _body(post)}
    if post.participants:
        first["newParticipants"] = [_recipient(participant) for participant in post.participants]
    # The longest topic is documented nowhere; 255 is the longest subject that Exchange keeps.
    return {"topic": post.topic[:_LONGEST_TOPIC], "posts": [first]}


def _body(post: Post) -> Mapping[str, str]:
    return {"contentType": "html", "content": post.html}


def _recipient(participant: str) -> Mapping[str, Any]:
    name, address = parseaddr(participant)
    return {"emailAddress": {"name": name or address, "address": address}}


def _is_newer(thread: Mapping[str, Any], since: datetime) -> bool:
    try:
        return datetime.fromisoformat(str(thread["lastDeliveredDateTime"])) >= since
    except (KeyError, ValueError, TypeError):
        return True  # Looking at one thread too many costs a request; one too few, a second post.


def _text(post: Mapping[str, Any]) -> str:
    body = post.get("body")
    content = body.get("content") if isinstance(body, dict) else None
    return html.unescape(_TAG.sub(" ", content)) if isinstance(content, str) else ""


def _mentions(text: str, reference: str) -> bool:
    """Whether the text has the reference as a word of its own: one may be the beginning of another."""
    return re.search(rf"(?<![\w-]){re.escape(reference)}(?![\w-])", text) is not None

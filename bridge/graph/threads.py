"""The channel `threads`: https://learn.microsoft.com/graph/api/resources/conversationthread."""

import html
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from bridge.errors import AccessRefused, NotSent, OutcomeUnknown, ThreadGone
from bridge.graph.answers import NotFound
from bridge.graph.channel import Post, is_draft
from bridge.graph.client import GraphClient
from bridge.graph.shapes import attachments, body, recipient, topic

# The difference between Graph's clock and ours that is tolerated.
_SKEW = timedelta(minutes=5)
_THREAD_PAGE = {"$top": 50, "$select": "id,topic,preview,lastDeliveredDateTime"}
_POST_PAGE = {"$top": 50, "$select": "id,body,receivedDateTime"}
_MOST_PAGES = 20
_MOST_FIRST_POSTS = 1000
# Codes of a 404 that mean the group and not the thread.
_GROUP_CODES = ("ErrorGroupNotFound", "Request_ResourceNotFound", "ErrorInvalidGroup", "MailboxNotEnabledForRESTAPI")
_TAG = re.compile(r"<[^<>]*>")


class GroupThreads:
    """Delivers posts as conversation threads of Microsoft 365 groups. A thread's reference is its id.

    seeds: the thread of each group whose posts are all replies to one thread.
    to_posts: reply to a thread's first post, which Microsoft documents for applications, and not to the thread.
    """

    def __init__(self, client: GraphClient, seeds: Mapping[str, str] | None = None, *, to_posts: bool = False) -> None:
        self._client = client
        self._seeds = seeds or {}
        self._to_posts = to_posts
        self._first_posts: dict[str, str] = {}

    def prepare(self, post: Post, thread: str) -> Post:  # noqa: ARG002  for channels with drafts
        """Returns the post as it is: Graph has no drafts of group posts."""
        return post

    def start(self, post: Post) -> str:
        """Starts a thread, in the post's conversation if it has one.

        https://learn.microsoft.com/graph/api/group-post-threads,
        https://learn.microsoft.com/graph/api/conversation-post-threads
        """
        if post.group in self._seeds:
            return self._reply_to_seed(post)
        path = _threads(post.group, conversation=post.conversation)
        answer = self._client.request("POST", path, json=_new_thread(post))
        thread = answer.get("id")
        if not isinstance(thread, str) or not thread:
            raise OutcomeUnknown(f"POST {path}: Graph accepted the thread but returned no id: look for it first.")
        return thread

    def reply(self, thread: str, post: Post) -> str:
        """Replies to a thread: https://learn.microsoft.com/graph/api/conversationthread-reply."""
        if post.group in self._seeds:
            return self._reply_to_seed(post)
        if is_draft(thread):
            raise ThreadGone("The thread was started by mail (BRIDGE_CHANNEL): it continues in a new one.")
        try:
            self._send_reply(thread, post)
        except NotFound as error:
            if error.code in _GROUP_CODES:
                raise
            raise ThreadGone(f"{error} The thread was deleted, or is so new that Graph does not show it yet.") from None
        return thread

    def _send_reply(self, thread: str, post: Post) -> None:
        path = _threads(post.group, thread)
        if self._to_posts:
            path = f"{path}/posts/{quote(self._first_post(post.group, thread), safe='')}"
        try:
            self._client.request("POST", f"{path}/reply", json={"post": _post(post)})
        except NotFound:
            self._first_posts.pop(thread, None)
            raise

    def _reply_to_seed(self, post: Post) -> str:
        thread = self._seeds[post.group]
        try:
            self._send_reply(thread, post)
        except NotFound as error:
            raise AccessRefused(
                f"{error} The group's `thread` in BRIDGE_CONFIG must be the id of a thread in the group."
            ) from None
        return thread

    def _first_post(self, group: str, thread: str) -> str:
        """The id of a thread's first post: https://learn.microsoft.com/graph/api/conversationthread-list-posts."""
        if thread not in self._first_posts:
            path = f"{_threads(group, thread)}/posts"
            try:
                (first, *_) = self._client.request("GET", path, params={"$top": 1, "$select": "id"})["value"]
                found = str(first["id"])
            except OutcomeUnknown as error:
                raise NotSent(f"{error} Nothing has been posted yet.") from None
            except (KeyError, ValueError, TypeError):
                raise NotSent(f"GET {path}: Graph shows no post of the thread; it will be tried again.") from None
            if len(self._first_posts) >= _MOST_FIRST_POSTS:
                self._first_posts.clear()
            self._first_posts[thread] = found
        return self._first_posts[thread]

    def find(self, group: str, tokens: Sequence[str], since: datetime, where: str = "") -> Mapping[str, str]:
        """Returns those of the tokens that the group's posts show, each with its thread.

        Graph can neither filter nor search threads, so all are read that have a post since then: the earliest post
        that shows a token counts, as anybody can copy it from there into another.
        OutcomeUnknown when there are more than can be read. https://learn.microsoft.com/graph/api/group-list-threads
        """
        if is_draft(where):
            raise OutcomeUnknown("It was sent by mail (BRIDGE_CHANNEL), and is not searched for among the threads.")
        thread = self._seeds.get(group, where)
        threads = [thread] if thread else self._newer(group, since - _SKEW)
        posts = [
            (received, candidate, shown)
            for candidate in (threads if tokens else ())
            for received, shown in self._shown(group, candidate, tokens)
        ]
        latest_first = sorted(posts, key=lambda post: post[0], reverse=True)
        return {token: candidate for _, candidate, shown in latest_first for token in shown}

    def _newer(self, group: str, since: datetime) -> Iterator[str]:
        """The ids of the threads with a post since then."""
        for page in self._client.pages(_threads(group), _THREAD_PAGE, _MOST_PAGES):
            newer = [str(thread.get("id", "")) for thread in page if _is_newer(thread, since)]
            yield from filter(None, newer)
            if page and not newer:
                return

    def _shown(self, group: str, thread: str, tokens: Sequence[str]) -> Iterator[tuple[float, list[str]]]:
        """When each post of a thread was received that shows some of the tokens, and which."""
        try:
            for page in self._client.pages(f"{_threads(group, thread)}/posts", _POST_PAGE, _MOST_PAGES):
                for post in page:
                    text = _text(post)
                    if shown := [token for token in tokens if _mentions(text, token)]:
                        yield _received(post), shown
        except NotFound as error:
            if error.code in _GROUP_CODES:
                raise


def _threads(group: str, thread: str = "", conversation: str = "") -> str:
    """The path of a group's threads, or of one of them. Ids are always encoded: those of threads end in `==`."""
    path = f"/groups/{quote(group, safe='')}"
    if conversation:
        path = f"{path}/conversations/{quote(conversation, safe='')}"
    path = f"{path}/threads"
    return f"{path}/{quote(thread, safe='')}" if thread else path


def _new_thread(post: Post) -> Mapping[str, Any]:
    return {"topic": topic(post), "posts": [_post(post)]}


def _post(post: Post) -> Mapping[str, Any]:
    """https://learn.microsoft.com/graph/api/resources/post."""
    invited = [recipient(participant) for participant in post.participants]
    more = {"newParticipants": invited, "attachments": attachments(post)}
    return {"body": body(post), **{name: values for name, values in more.items() if values}}


def _is_newer(thread: Mapping[str, Any], since: datetime) -> bool:
    try:
        return datetime.fromisoformat(str(thread["lastDeliveredDateTime"])) >= since
    except (KeyError, ValueError, TypeError):
        return True  # To read one thread too many costs a request; one too few, a second post.


def _received(post: Mapping[str, Any]) -> float:
    """When Graph received a post, in seconds since 1970; one that does not say when counts as the latest."""
    try:
        return datetime.fromisoformat(str(post["receivedDateTime"])).timestamp()
    except (KeyError, ValueError):
        return math.inf


def _text(post: Mapping[str, Any]) -> str:
    shown = post.get("body")
    content = shown.get("content") if isinstance(shown, dict) else None
    return html.unescape(_TAG.sub(" ", content)) if isinstance(content, str) else ""


def _mentions(text: str, token: str) -> bool:
    """Whether the text contains the token as a whole word."""
    return re.search(rf"(?<![\w-]){re.escape(token)}(?![\w-])", text) is not None

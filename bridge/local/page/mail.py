"""The stand-in's groups as the page shows them: the threads that a search and filters leave, and one thread's posts."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bridge.local.fake_graph.attachments import inline_pictures
from bridge.local.fake_graph.inbox import Inbox, InboxThread
from bridge.local.fake_graph.server import FakeGraph
from bridge.local.fake_graph.store import StoredPost
from bridge.local.page.group_names import Labels, label
from bridge.local.page.origins import UNKNOWN, Origin
from bridge.local.page.routes import number

_PAGE = 200  # threads, where the page does not say how many
_LONGEST = 200  # characters of a search, as that of deliveries has
_TOKEN = re.compile(r"(?<![\w-])[0-9a-f]{16}(?![\w-])")
_PHRASE = re.compile(r'"([^"]+)"|(\S+)')

Origins = Mapping[str, Origin]  # by thread


def limit(text: str) -> int:
    """How many threads a query asks for."""
    return number(text, _PAGE)


@dataclass(frozen=True)
class Filter:
    """What a thread must have to be listed; what is empty does not matter.

    search: words and "phrases", all of which are in one post or its topic. thread: the open one, which stays in the
    list of unread threads after it has been read.
    """

    group: str = ""
    search: str = ""
    source: str = ""
    severity: str = ""
    unread: bool = False
    thread: str = ""

    @staticmethod
    def of(query: Mapping[str, Any]) -> "Filter":
        """Read it from a query or from JSON."""
        names = ("group", "search", "source", "severity", "thread")
        return Filter(**{name: str(query.get(name) or "") for name in names}, unread=bool(query.get("unread")))

    def threads(self, inbox: Inbox, origins: Origins) -> list[InboxThread]:
        """The threads that have it; the one with the newest post comes first."""
        words = [phrase or word for phrase, word in _PHRASE.findall(self.search[:_LONGEST])]
        found = inbox.find(words) if words else None
        return [
            thread
            for thread in inbox.threads()
            if (not self.group or thread.group == self.group)
            and (found is None or thread.id in found)
            and (not self.unread or thread.is_unread or thread.id == self.thread)
            and origins.get(thread.id, UNKNOWN).matches(self.source, self.severity)
        ]


@dataclass(frozen=True)
class Selection:
    """The groups, the threads that a filter leaves, and the posts of the selected thread.

    titles: the names of sources for people. webhooks_of: the entries of the post with a token whose webhook can be
    shown.
    """

    fake_graph: FakeGraph
    labels: Labels
    titles: Mapping[str, str]
    origins: Origins
    webhooks_of: Callable[[str], Sequence[str]]

    def show(self, wanted: Filter, limit: int = _PAGE) -> dict[str, Any]:
        """At most so many threads, ready for JSON. The first one replaces a selected thread that does not exist."""
        inbox = self.fake_graph.inbox
        known = {thread.id: thread for thread in inbox.threads()}
        found = wanted.threads(inbox, self.origins)
        selected = known.get(wanted.thread) or next(iter(found), None)
        listed = found[:limit]
        previews = inbox.previews([thread.id for thread in (*listed, *([selected] if selected else ()))])
        posts = self.fake_graph.posts(selected.group, selected.id) if selected else []
        return {
            "permissions": self.fake_graph.permissions,
            "groups": [{"id": one, "name": label(self.labels, one)} for one in _groups(known.values())],
            "group": wanted.group,
            "total": len(found),
            "unread": sum(thread.is_unread for thread in found),
            "threads": [self._thread(thread, previews) for thread in listed],
            "thread": selected.id if selected else "",
            "selected": self._thread(selected, previews) if selected else None,
            "posts": [self._post(post) for post in posts],
            "sources": [{"name": name, "title": self.titles.get(name, name)} for name in self._sources()],
        }

    def _sources(self) -> list[str]:
        return sorted({source for origin in self.origins.values() for source in origin.sources})

    def _thread(self, thread: InboxThread, previews: Mapping[str, str]) -> dict[str, Any]:
        origin = self.origins.get(thread.id, UNKNOWN)
        return {
            "id": thread.id,
            "group": thread.group,
            "group_name": label(self.labels, thread.group),
            "topic": thread.topic,
            "preview": previews.get(thread.id, ""),
            "updated": datetime.fromtimestamp(thread.updated, UTC).isoformat(),
            "posts": thread.posts,
            "unread": thread.is_unread,
            "sources": origin.sources,
            "severity": origin.severity,
        }

    def _post(self, post: StoredPost) -> dict[str, Any]:
        # The token of its attempt is in its last line; what stands before is a payload's.
        tokens = _TOKEN.findall(post.html)[-1:]
        return {
            "id": post.id,
            "html": post.html,
            "pictures": inline_pictures(post.attachments),
            "received": post.received.isoformat(),
            "sender": post.sender,
            "webhooks": [entry for token in tokens for entry in self.webhooks_of(token)],
        }


def overview(fake_graph: FakeGraph, labels: Labels) -> list[dict[str, Any]]:
    """The groups, each with how many threads it has, and how many of them are unread."""
    threads = fake_graph.inbox.threads()
    counts = {group: [0, 0] for group in _groups(threads)}
    for thread in threads:
        counts[thread.group][0] += 1
        counts[thread.group][1] += thread.is_unread
    return [
        {"id": group, "name": label(labels, group), "threads": number, "unread": unread}
        for group, (number, unread) in counts.items()
    ]


def mark(inbox: Inbox, content: Mapping[str, Any], origins: Origins) -> object:
    """Mark the thread of `{"thread", "unread"}`, or all threads that the filter `{"all": {...}}` leaves, as read."""
    thread = str(content.get("thread") or "")
    if content.get("unread"):
        inbox.mark_unread(thread)
        return {"unread": 1}
    wanted = content.get("all")
    threads = [one.id for one in Filter.of(wanted).threads(inbox, origins)] if isinstance(wanted, dict) else [thread]
    inbox.mark_read(threads)
    return {"read": len(threads)}


def _groups(threads: Sequence[InboxThread] | Any) -> list[str]:
    return sorted({thread.group for thread in threads})

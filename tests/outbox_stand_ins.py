"""What the tests of the publishing wing share: a clock, entries, and a channel that fails on demand."""

import re
from dataclasses import replace
from datetime import UTC, datetime

from bridge.entries import Entry
from bridge.events import Severity

START = 1_800_000_000.0


class Clock:
    def __init__(self):
        self.now = START

    def __call__(self):
        return self.now


class FakeChannel:
    """A Channel that keeps its posts; `faults` are raised one by one, "done" before it: carried out all the same."""

    def __init__(self):
        self.threads = {}
        self.posts = []
        self.faults = []
        self.find_faults = []
        self.started = 0

    def prepare(self, post, thread):
        return post

    def start(self, post):
        self.started += 1
        return self._take(f"thread-{self.started}", post)

    def reply(self, thread, post):
        return self._take(thread, post)

    def find(self, group, tokens, since, where=""):
        if self.find_faults:
            raise self.find_faults.pop(0)
        # The earliest last: it counts.
        return {token: where for where, post in reversed(self.posts) for token in tokens if token in post.html}

    def delivered(self):
        """The entries of all posts, in their order."""
        return [number for _, post in self.posts for number in entries_of(post)]

    def _take(self, thread, post):
        fault = self.faults.pop(0) if self.faults else None
        done, error = fault if isinstance(fault, tuple) else (fault is None, fault)
        if done:
            self.posts.append((thread, post))
        if error:
            raise error
        return thread


class FakeDraftChannel(FakeChannel):
    """A Channel of drafts, each of which can be sent once; `prepare_faults` are raised one by one."""

    def __init__(self):
        super().__init__()
        self.drafts = set()
        self.prepare_faults = []

    def prepare(self, post, thread):
        self.drafts -= set(post.abandoned)
        if self.prepare_faults:
            raise self.prepare_faults.pop(0)
        self.started += 1
        self.drafts.add(f"draft-{self.started}")
        return replace(post, draft=f"draft-{self.started}")

    def start(self, post):
        assert post.draft in self.drafts
        try:
            return self._take(post.draft, post)
        finally:
            self.drafts -= {post.draft for _, post in self.posts}

    def reply(self, thread, post):
        assert thread not in self.drafts
        return self.start(post)

    def find(self, group, tokens, since, where=""):
        if self.find_faults:
            raise self.find_faults.pop(0)
        assert where
        sent = {post.draft for _, post in self.posts}
        return dict.fromkeys(tokens, where) if where in sent else {}


def entry(number, thread="one", group="g", **changes):
    entry_id = f"{number:012d}{'0' * 20}"
    moment = datetime.fromtimestamp(START + number, UTC)
    values = {
        "id": entry_id,
        "group": group,
        "correlation_key": thread,
        "source": "github",
        "kind": "push",
        "delivery": str(number),
        "topic": f"Topic {number}",
        "summary": entry_id[:12],
        "html": f"<p>{entry_id[:12]}</p>",
        "url": "",
        "severity": Severity.INFO,
        "ends_thread": False,
        "participants": (),
        "conversation": "",
        "occurred": moment,
        "received": moment,
    }
    return Entry(**values | changes)


def refs(*numbers):
    """By which the posts show these entries, in cards and in the rows of digests."""
    return [f"{number:012d}" for number in numbers]


def token_of(post):
    """The token of its attempt, in the last line of a post."""
    (token,) = re.findall(r"[0-9a-f]{16}", post.html.rpartition("<tr>")[2])
    return token


def entries_of(post):
    """The entries that a post shows, in their order."""
    return re.findall(r"(?<![\w-])\d{12}(?![\w-])", post.html)

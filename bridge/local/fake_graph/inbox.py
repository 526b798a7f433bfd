"""The threads of all groups as a person reads them: what is unread, and what a search finds."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from bridge.local.fake_graph.store_file import StoreFile
from bridge.local.fake_graph.text import searchable

# What is visible may change without a write: a fault may put a post in the future.
_STATE = """
SELECT (SELECT count(*) FROM posts WHERE received <= :now), (SELECT count(*) FROM threads WHERE visible <= :now),
    total_changes()
"""
_THREADS = """
SELECT t.id, t.grp, t.topic, max(p.received) AS updated, count(*), coalesce(r.posts, 0)
FROM threads t JOIN posts p ON p.thread = t.id LEFT JOIN reads r ON r.thread = t.id
WHERE t.visible <= :now AND p.received <= :now GROUP BY t.id ORDER BY updated DESC, max(p.number) DESC
"""
_PREVIEW = """
SELECT preview FROM posts WHERE thread = :thread AND received <= :now ORDER BY received DESC, number DESC LIMIT 1
"""
_NOT_INDEXED = """
SELECT p.number, t.id, p.received, t.topic, p.sender, p.html FROM posts p JOIN threads t ON t.id = p.thread
WHERE p.number > (SELECT coalesce(max(post), 0) FROM texts) ORDER BY p.number
"""
_READ = """
INSERT INTO reads SELECT thread, count(*) FROM posts WHERE thread = :thread AND received <= :now GROUP BY thread
ON CONFLICT (thread) DO UPDATE SET posts = excluded.posts
"""


class InboxThread(NamedTuple):
    """A visible thread. updated: when its newest post came, in seconds since 1970. read: how many posts were read."""

    id: str
    group: str
    topic: str
    updated: float
    posts: int
    read: int

    @property
    def is_unread(self) -> bool:
        """Whether a post came after the thread was read."""
        return self.posts > self.read


class Inbox:
    """Reads and marks the threads in the file; safe for threads."""

    def __init__(self, file: StoreFile) -> None:
        self._file = file
        self._known: tuple[object, Sequence[InboxThread]] = ((), ())
        self.index()

    def index(self) -> None:
        """Make posts that were added since then known to the search."""
        for number, thread, received, *parts in self._file.rows(_NOT_INDEXED):
            with self._file.transaction() as db:
                db.execute("INSERT INTO texts VALUES (?, ?, ?, ?)", (number, thread, received, searchable(*parts)))

    def state(self) -> object:
        """A value that differs whenever something else is shown."""
        return self._file.rows(_STATE)

    def threads(self) -> Sequence[InboxThread]:
        """All threads; the one with the newest post comes first."""
        state = self.state()
        known, threads = self._known
        if known != state:
            threads = [InboxThread(*row) for row in self._file.rows(_THREADS)]
            self._known = (state, threads)
        return threads

    def find(self, words: Sequence[str]) -> Collection[str]:
        """The ids of the threads with a post whose topic, sender or text have all the words or phrases."""
        values = {f"word{number}": word.casefold() for number, word in enumerate(words)}
        conditions = "".join(f" AND instr(text, :{name})" for name in values)
        sql = f"SELECT DISTINCT thread FROM texts WHERE received <= :now{conditions}"  # noqa: S608  our own names
        return {thread for (thread,) in self._file.rows(sql, **values)}

    def previews(self, threads: Collection[str]) -> Mapping[str, str]:
        """The beginning of the newest post of each of the threads."""
        return {thread: str(text) for thread in threads for (text,) in self._file.rows(_PREVIEW, thread=thread)}

    def mark_read(self, threads: Collection[str]) -> None:
        """Mark all visible posts of the threads as read."""
        with self._file.transaction():
            for thread in threads:
                self._file.write(_READ, thread=thread)

    def mark_unread(self, thread: str) -> None:
        """Mark a thread as unread."""
        with self._file.transaction() as db:
            db.execute("DELETE FROM reads WHERE thread = ?", (thread,))

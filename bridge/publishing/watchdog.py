"""The watchdog: a marked entry that goes through queue, outbox and drain, up to the request to Graph and not beyond."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from bridge.entries import Entry
from bridge.events import Severity
from bridge.graph.channel import Post
from bridge.outbox.base import Summaries
from bridge.outbox.rows import PASSED, WATCHDOG, Summary

_THREAD = "watchdog"


class WatchdogChannel:
    """The `Channel` of the watchdog's group: gets as far as an access token, and notes when.

    authorise: gets an access token, as a request to Graph would. clock: seconds since 1970.
    """

    def __init__(self, summaries: Summaries, authorise: Callable[[], object], clock: Callable[[], float]) -> None:
        self._summaries, self._authorise, self._clock = summaries, authorise, clock

    def prepare(self, post: Post, thread: str) -> Post:  # noqa: ARG002  a draft would be a request
        """Returns the post as it is."""
        return post

    def start(self, post: Post) -> str:  # noqa: ARG002  it is not sent
        """Notes that the watchdog has come as far as this."""
        self._authorise()
        self._summaries.note(Summary(PASSED, self._clock()))
        return _THREAD

    def reply(self, thread: str, post: Post) -> str:  # noqa: ARG002  there is no thread
        """Does as `start`."""
        return self.start(post)

    def find(
        self,
        group: str,  # noqa: ARG002  nothing was sent
        tokens: Sequence[str],  # noqa: ARG002
        since: datetime,  # noqa: ARG002
        where: str = "",  # noqa: ARG002
    ) -> Mapping[str, str]:
        """Finds nothing, as nothing was sent."""
        return {}


def watchdog_entry(now: float) -> Entry:
    """A new entry for the watchdog's group."""
    moment = datetime.fromtimestamp(now, UTC)
    return Entry(
        id=secrets.token_hex(16),
        group=WATCHDOG,
        correlation_key=WATCHDOG,
        source="bridge",
        kind="watchdog",
        delivery=f"watchdog {moment:%Y-%m-%d %H:%M:%S}",
        topic="Watchdog",
        summary="Watchdog",
        html="<p>Watchdog</p>",
        url="",
        severity=Severity.INFO,
        ends_thread=False,
        participants=(),
        conversation="",
        occurred=moment,
        received=moment,
    )

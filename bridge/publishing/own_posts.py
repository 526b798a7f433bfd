"""What the bridge itself has to post, and nobody sent: that something did not come, and what stands open."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bridge.calendar.expectations import Expectation
from bridge.calendar.summaries import StandingSummary
from bridge.deliveries import DeliveryRecord
from bridge.entries import Entry
from bridge.outbox.base import Outbox, Queue
from bridge.publishing.expectations import Compose, ExpectationWatch
from bridge.publishing.isolation import by_itself
from bridge.publishing.summaries import SummaryPoster

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Own:
    """What a person has configured of it. compose: makes the entry of an event, as the renderer does."""

    compose: Compose
    expectations: tuple[Expectation, ...] = ()
    summaries: tuple[StandingSummary, ...] = ()


class OwnPosts:
    """Makes the entries of the bridge's own posts. record: records an entry, once however often.

    clock: seconds since 1970.
    """

    def __init__(
        self,
        own: Own,
        outbox: Outbox,
        queue: Queue,
        record: Callable[[Entry], None],
        clock: Callable[[], float],
    ) -> None:
        self._expected = ExpectationWatch(own.expectations, outbox, queue, record, own.compose, clock)
        self._summaries = SummaryPoster(own.summaries, outbox, record, own.compose)

    def admits(self, entry: Entry) -> bool:
        """Whether an entry that comes from the queue is to be recorded."""
        return self._expected.admits(entry)

    def note(self, record: DeliveryRecord) -> None:
        """Notes what is expected and came with a webhook."""
        self._expected.note(record.expected, record.at)

    def look(self, now: float, outage: float | None) -> None:
        """Does what a sweep has to do. outage: when the bridge last ran, if more time has passed than should have."""
        with by_itself("It could not be found out what is expected and did not come"):
            self._expected.look(now, outage)
        # After an outage the clock may be wrong; the next sweep shows whether it is.
        if outage is None:
            with by_itself("What stands open could not be summed up"):
                self._summaries.look(now)

    def missing(self) -> Mapping[str, float]:
        """The expectations that are missing, with when they were due."""
        return self._expected.missing()

"""What GitHub says of its deliveries, and which of them are worth another try: pure.

https://docs.github.com/rest/repos/webhooks#list-deliveries-for-a-repository-webhook
"""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import Any

from bridge.fields import as_time, dig

KEPT = 3 * 86400.0  # seconds for which GitHub keeps a delivery
_ANSWERED = (
    45.0  # seconds after which a delivery without an answer has failed: GitHub waits ten, Enterprise Server thirty
)
# What the bridge would answer again: a body that is not GitHub's, or one that is too long.
_FINAL = {400, 413, 422}


@dataclass(frozen=True)
class Delivery:
    """One try of GitHub to deliver an event. guid: of the event, the same in each try. at: seconds since 1970.

    status: of the answer, 0 without one. text: GitHub's words for it. again: somebody asked for this try.
    """

    id: int
    guid: str
    at: float
    status: int
    text: str
    event: str
    again: bool

    @property
    def succeeded(self) -> bool:
        """Whether it was answered with 2xx."""
        return 200 <= self.status < 300

    @property
    def is_settled(self) -> bool:
        """Whether another try would end no other way."""
        return self.succeeded or self.status in _FINAL

    def has_failed(self, now: float) -> bool:
        """Whether another try could end better."""
        return not self.is_settled and (self.status != 0 or self.at + _ANSWERED < now)


def deliveries(content: Any) -> list[Delivery]:
    """The deliveries of a page, as they came: the newest first. What is none is left out."""
    return [found for each in content if (found := _delivery(each))] if isinstance(content, list) else []


def _delivery(each: Any) -> Delivery | None:
    number, guid = (each.get("id"), dig(each, "guid")) if isinstance(each, dict) else (None, "")
    at = as_time(dig(each, "delivered_at"))
    if not isinstance(number, int) or isinstance(number, bool) or not guid or at is None:
        return None
    return Delivery(
        id=number,
        guid=guid[:100],
        at=at.timestamp(),
        status=dig(each, "status_code", 0),
        text=dig(each, "status")[:100],
        event=".".join(filter(None, (dig(each, "event"), dig(each, "action"))))[:100],
        again=dig(each, "redelivery", False),
    )


def newest_ended(found: Iterable[Delivery], now: float, but: Container[str]) -> Delivery | None:
    """The newest try that has ended, by which it shows whether the bridge answers.

    but: the guids of events that fail however well the bridge answers others.
    """
    return next((each for each in found if each.guid not in but and (each.is_settled or each.has_failed(now))), None)

"""What a person may decide about the delivery."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo

from bridge.calendar.hours import Hours
from bridge.calendar.maintenance import Plan
from bridge.events import Severity
from bridge.publishing.batching import Rules


@dataclass(frozen=True)
class Policy:
    """How entries are delivered. Times are in seconds.

    rules: when threads end, and when new ones become a digest.
    settle: how long an entry waits for others of its thread; a critical one does not wait.
    give_up: how long a refused group, or a search without an answer, is tried again.
    history: how long repeats are recognised.
    paused: the groups that get nothing for now, by choice. titles: the names of sources for people.
    zone: of the times that posts show. watchdog: how often one is sent; 0: never.
    hours: for which entries wait, by their names. maintenance: what is planned. home: the default group, or empty.
    important: from which severity on mail is of high importance; None: none of it.
    pictures: posts keep the marks at which the channel puts pictures.
    prepares: the channel has requests of its own to make before a post is claimed.
    lanes: how many posts of one group may be on their way at once, each into a thread of its own; 0: one, and only with
    one of the app's slots.
    """

    rules: Rules = field(default_factory=Rules)
    settle: float = 5.0
    give_up: float = 86400.0
    history: float = 30 * 86400.0
    paused: frozenset[str] = frozenset()
    titles: Mapping[str, str] = field(default_factory=dict)
    zone: tzinfo = UTC
    watchdog: float = 0.0
    hours: Mapping[str, Hours] = field(default_factory=dict)
    maintenance: Sequence[Plan] = ()
    home: str = ""
    important: Severity | None = None
    pictures: bool = False
    prepares: bool = False
    lanes: int = 0

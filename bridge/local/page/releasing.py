"""What waits for the hours of its route, posted at once from the page."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.local.page.routes import RequestError
from bridge.local.page.stored import Stored
from bridge.outbox.base import Queue
from bridge.publishing.releasing import release, waiting_entries
from bridge.publishing.waker import Waker


@dataclass(frozen=True)
class Releaser:
    """Releases entries that wait. queue: returns it when it is first needed."""

    stored: Stored
    queue: Callable[[], Queue]

    def one(self, content: Mapping[str, Any]) -> Mapping[str, Any]:
        """Read `{"id"}`."""
        outbox, now = self.stored.outbox(), self.stored.clock()
        rows = [row for row in waiting_entries(outbox, now) if row.entry.id == content.get("id")]
        if not (rows and release(outbox, Waker(outbox, self.queue(), self.stored.clock), rows, now)):
            raise RequestError("This entry does not wait any more.", 404)
        return {"released": rows[0].entry.id}

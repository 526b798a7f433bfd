"""The queue that the host needs: with messages taken and removed together."""

from collections.abc import Sequence
from typing import Protocol

from bridge.outbox.base import Message, Queue


class HostQueue(Queue, Protocol):
    """A queue between HTTP functions, which write to it, and queue functions."""

    def put_all(self, bodies: Sequence[str]) -> None:
        """Adds messages that are visible at once."""

    def exchange(self, done: Sequence[Message], lease: float, most: int) -> Sequence[Message]:
        """Removes messages, as `delete` does, and takes at most so many others, as `take` does."""

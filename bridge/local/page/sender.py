"""Send webhooks from the page: one, or a burst of many."""

import asyncio
import itertools
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool

from bridge.errors import CommandError
from bridge.local import sending
from bridge.local.page.routes import RequestError
from bridge.local.variants import variants
from bridge.sources import SOURCES
from bridge.sources.base import Authentication, Source

_MOST, _LONGEST = 500, 60.0  # webhooks and seconds of a burst
_FIRST_VARIANT = 100  # not 0: the sample itself may have been sent before


@dataclass(frozen=True)
class Burst:
    """What to send. different: whether each webhook is about another object. seconds: from the first to the last."""

    source: Source
    event: str
    payload: bytes
    count: int
    seconds: float
    different: bool

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> "Burst":
        """Read `{"source", "event", "payload", "count": 1, "seconds": 0, "different": true}`, or raise RequestError."""
        source, count, seconds = content.get("source"), content.get("count", 1), content.get("seconds", 0)
        if not isinstance(source, str) or source not in SOURCES:
            raise RequestError(f"The source must be one of {', '.join(SOURCES)}.")
        if type(count) is not int or not 1 <= count <= _MOST:
            raise RequestError(f"The count must be a whole number from 1 to {_MOST}.")
        if not isinstance(seconds, int | float) or not 0 <= seconds <= _LONGEST:
            raise RequestError(f"The seconds must be a number from 0 to {_LONGEST:g}.")
        event, payload = str(content.get("event", "")), str(content.get("payload", "")).encode("utf-8", "replace")
        if not event.isprintable() or not event.isascii():
            raise RequestError("The event's name is sent in a header: it must be plain ASCII.")
        different = bool(content.get("different", True))
        return Burst(SOURCES[source], event, payload, count, float(seconds), different)


@dataclass
class Progress:
    """How far the latest burst is. failed: how many were not answered with success, or not at all.

    status, answer: of the last one that failed; 0 and an error if there was no answer. number: of the burst, since the
    start.
    """

    number: int
    count: int
    sent: int = 0
    failed: int = 0
    status: int = 0
    answer: str = ""


class Sender:
    """Sends webhooks to the bridge at the address, as their services do. authentications: by source name."""

    def __init__(self, address: str, authentications: Mapping[str, Authentication]) -> None:
        self._address = address
        self._authentications = authentications
        self._bursts: set[asyncio.Task[None]] = set()
        self._numbers = itertools.count(1)
        self.progress: Progress | None = None

    async def send(self, content: dict[str, Any]) -> object:
        """Send one webhook and return its answer, or start a burst."""
        burst = Burst.from_json(content)
        if burst.count == 1:
            status, text = await self._send(burst, burst.payload)
            return {"status": status, "answer": text}
        self.progress = progress = Progress(next(self._numbers), burst.count)
        task = asyncio.create_task(self._send_all(burst, progress))
        self._bursts.add(task)
        task.add_done_callback(self._bursts.discard)
        return {"sending": burst.count, "number": progress.number}

    def close(self) -> None:
        """Stop all bursts."""
        for task in self._bursts:
            task.cancel()

    async def _send_all(self, burst: Burst, progress: Progress) -> None:
        variant = await run_in_threadpool(variants, burst.source, burst.payload, burst.event)
        started, interval = time.monotonic(), burst.seconds / (burst.count - 1)
        for number in range(burst.count):
            await asyncio.sleep(started + number * interval - time.monotonic())
            payload = variant(_FIRST_VARIANT + number) if burst.different else burst.payload
            try:
                status, text = await self._send(burst, payload)
            except CommandError as error:
                status, text = 0, str(error)
            if not 200 <= status < 300:
                progress.failed, progress.status, progress.answer = progress.failed + 1, status, text
            progress.sent += 1

    async def _send(self, burst: Burst, payload: bytes) -> tuple[int, str]:
        authentication = self._authentications.get(burst.source.name)
        webhook = sending.signed(burst.source, authentication, payload, burst.event, str(uuid.uuid4()))
        if authentication is None:
            webhook = sending.with_function_key(webhook)
        return await run_in_threadpool(sending.post, f"{self._address}/api/webhooks/{burst.source.name}", webhook)

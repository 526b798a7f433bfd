"""What the page does: sends samples, switches the stand-in's faults, replays dead letters."""

import asyncio
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool

from bridge.app import Bridge
from bridge.local import sending
from bridge.local.fake_graph.faults import EFFECTS, Fault, Faults
from bridge.local.page.origin_check import Refused
from bridge.sources import SOURCES
from bridge.sources.base import Source

_MOST, _LONGEST = 500, 60.0  # webhooks and seconds of a burst
_APART = 100  # how far its things are from that of the sample, which may have been told of already


def samples() -> list[dict[str, Any]]:
    """The sources, each with its samples: the file's name, and the service's name for the event."""
    return [
        {
            "name": source.name,
            "title": source.title,
            "samples": [
                {"file": path.name, "event": sending.event_name(path.name, source.event_parts)}
                for path in _files(source)
            ],
        }
        for source in SOURCES.values()
    ]


def sample(source: str, file: str) -> str:
    """The payload of a sample; Refused when there is none."""
    for path in _files(SOURCES[source]) if source in SOURCES else ():
        if path.name == file:
            return path.read_text("utf-8")
    raise Refused("There is no such sample.", 404)


def _files(source: Source) -> list[Path]:
    return sorted(source.samples.glob("*.json"))


@dataclass(frozen=True)
class Burst:
    """What is to be sent. apart: each webhook is about another thing. seconds: from the first to the last."""

    source: Source
    event: str
    payload: bytes
    count: int
    seconds: float
    apart: bool

    @staticmethod
    def from_json(asked: Mapping[str, Any]) -> "Burst":
        """Reads `{"source", "event", "payload", "count": 1, "seconds": 0, "apart": true}`; Refused when it is none."""
        source, count, seconds = asked.get("source"), asked.get("count", 1), asked.get("seconds", 0)
        if not isinstance(source, str) or source not in SOURCES:
            raise Refused(f"The source must be one of {', '.join(SOURCES)}.")
        if type(count) is not int or not 1 <= count <= _MOST:
            raise Refused(f"The count must be a whole number from 1 to {_MOST}.")
        if not isinstance(seconds, int | float) or not 0 <= seconds <= _LONGEST:
            raise Refused(f"The seconds must be a number from 0 to {_LONGEST:g}.")
        event, payload = str(asked.get("event", "")), str(asked.get("payload", "")).encode("utf-8", "replace")
        if not event.isprintable() or not event.isascii():
            raise Refused("The event's name goes into a header: plain ASCII.")
        return Burst(SOURCES[source], event, payload, count, float(seconds), bool(asked.get("apart", True)))


class Sender:
    """Sends webhooks to the bridge at `address`, as their services do. secrets: of sources, by their names."""

    def __init__(self, address: str, secrets: Mapping[str, Any]) -> None:
        self._address = address
        self._secrets = secrets
        self._bursts: set[asyncio.Task[None]] = set()

    async def send(self, asked: dict[str, Any]) -> object:
        """Sends one and tells the answer, or begins to send many."""
        burst = Burst.from_json(asked)
        if burst.count == 1:
            status, text = await self._send(burst, burst.payload)
            return {"status": status, "answer": text}
        task = asyncio.create_task(self._send_all(burst))
        self._bursts.add(task)
        task.add_done_callback(self._bursts.discard)
        return {"sending": burst.count}

    def close(self) -> None:
        """Sends no more."""
        for task in self._bursts:
            task.cancel()

    async def _send_all(self, burst: Burst) -> None:
        other = await run_in_threadpool(sending.apart, burst.source, burst.payload, burst.event)
        begun, pause = time.monotonic(), burst.seconds / (burst.count - 1)
        for number in range(burst.count):
            await asyncio.sleep(begun + number * pause - time.monotonic())
            await self._send(burst, other(_APART + number) if burst.apart else burst.payload)

    async def _send(self, burst: Burst, payload: bytes) -> tuple[int, str]:
        secrets = self._secrets.get(burst.source.name, ())
        webhook = sending.signed(burst.source, secrets, payload, burst.event, str(uuid.uuid4()))
        if not (burst.source.verifier and secrets):
            webhook = sending.opened(webhook)
        return await run_in_threadpool(sending.post, f"{self._address}/api/webhooks/{burst.source.name}", webhook)


def faults_now(faults: Faults) -> list[dict[str, Any]]:
    """Each fault that there is, whether every request meets it, and how many wait for one request."""
    staying = {fault.kind: fault for fault in faults.staying}
    waiting = [fault.kind for fault in faults.waiting]
    return [
        {"kind": kind, "about": effect.about, "stays": kind in staying, "waiting": waiting.count(kind)}
        for kind, effect in EFFECTS.items()
    ]


def switch(faults: Faults, asked: Mapping[str, Any]) -> object:
    """Reads `{"fault": <as the stand-in takes it>, "stays": true, false or null}`; null is for one request."""
    try:
        fault = Fault.from_json(asked.get("fault"))
    except ValueError as error:
        raise Refused(f"That is no fault: {error}.") from error
    if asked.get("stays") is None:
        faults.add(fault)
    else:
        others = [other for other in faults.staying if other.kind != fault.kind]
        faults.stay(*others, *([fault] if asked["stays"] else []))
    return faults_now(faults)


def replay(bridge: Bridge, asked: Mapping[str, Any]) -> object:
    """Sends the dead letter `{"id"}` again."""
    for letter in bridge.publisher.dead_letters():
        if letter.id == asked.get("id"):
            bridge.publisher.replay(letter)
            return {"replayed": letter.id}
    raise Refused("There is no such dead letter any more.", 404)

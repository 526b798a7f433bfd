"""Webhooks of GitHub over connections that are kept, at a rate or as fast as they are answered."""

import http.client
import itertools
import json
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from bridge.sources import SOURCES
from tests.local_stack import SECRET, Stack, issue

CONNECTIONS = 8
IDLE = 12.0  # seconds to wait at the most for what is to be posted


class Load:
    """So many connections to the webhooks' URL of a host."""

    def __init__(self, address: str, group: str) -> None:
        self._at = urlsplit(address).netloc
        self._path = f"/api/webhooks/github?group={group}"
        self._local = threading.local()

    def send(self, events: list[dict], rate: float = 0.0) -> list[float]:
        """Sends them all, so many a second or as fast as they are answered; the seconds that each answer took."""
        began = time.monotonic()
        due = (began + number / rate if rate else began for number in itertools.count())
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            return list(pool.map(self._send, events, itertools.islice(due, len(events))))

    def _send(self, event: dict, due: float) -> float:
        body = json.dumps(event).encode()
        source = SOURCES["github"]
        headers = {
            **source.headers("issues", str(uuid.uuid4())),
            **source.verifier.sign(body, SECRET),
            "Content-Type": "application/json",
        }
        connection = self._connection()
        time.sleep(max(0.0, due - time.monotonic()))
        began = time.monotonic()
        connection.request("POST", self._path, body, headers)
        answer = connection.getresponse()
        answer.read()
        took = time.monotonic() - began
        assert answer.status == 202, answer.status
        return took

    def _connection(self) -> http.client.HTTPConnection:
        if not hasattr(self._local, "connection"):
            self._local.connection = http.client.HTTPConnection(self._at, timeout=60)
        return self._local.connection


_numbers = itertools.count(1)


def labeled(count: int, threads: int) -> list[dict]:
    """Events that no one has sent yet, of so many threads that no one has seen yet."""
    first = next(_numbers) * 1_000_000
    return [issue("labeled", first + number % threads, label={"name": str(first + number)}) for number in range(count)]


def of_full_size(event: dict) -> dict:
    """The event with the addresses that GitHub sends with each repository, issue and person: about 13.5 KB."""
    address = "https://api.github.com/repos/contoso/pump/subscriptions-of-the-repository{/owner}{/name}"
    addresses = {f"address_{number}_url": f"{address}?page={number}" for number in range(112)}
    return {**event, "repository": {**event["repository"], **addresses}}


def wait_until_idle(stack: Stack) -> None:
    """Wait until everything is posted, as what is still at work would slow what is measured next."""
    end = time.monotonic() + IDLE
    while stack.health()["open"] and not stack.health()["held"] and time.monotonic() < end:
        time.sleep(0.5)

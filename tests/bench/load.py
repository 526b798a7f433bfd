"""Webhooks of GitHub over connections that are kept, at a rate or as fast as they are answered."""

import http.client
import itertools
import json
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

from bridge.sources import SOURCES
from tests.local_stack import SECRET, Stack, issue

CONNECTIONS = 8
IDLE = 12.0  # seconds to wait at the most for what is to be posted


@dataclass(frozen=True)
class Signed:
    """A webhook as it is sent. Made before it is measured: signing is not the host's work."""

    body: bytes
    headers: Mapping[str, str]


class Load:
    """So many connections to the webhooks' URL of a host."""

    def __init__(self, address: str, group: str) -> None:
        self._at = urlsplit(address).netloc
        self._path = f"/api/webhooks/github?group={group}"
        self._local = threading.local()

    def send(self, webhooks: Sequence[Signed], rate: float = 0.0) -> list[float]:
        """Sends them all, so many a second or as fast as they are answered; the seconds that each answer took."""
        began = time.monotonic()
        due = (began + number / rate if rate else began for number in itertools.count())
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            return list(pool.map(self._send, webhooks, itertools.islice(due, len(webhooks))))

    def _send(self, webhook: Signed, due: float) -> float:
        time.sleep(max(0.0, due - time.monotonic()))
        began = time.monotonic()
        try:
            status = self._answer(webhook)
        except ConnectionError:
            # A server closes what has been idle for seconds, perhaps as the next webhook is on its way.
            self._connection().close()
            status = self._answer(webhook)
        assert status == 202, status
        return time.monotonic() - began

    def _answer(self, webhook: Signed) -> int:
        connection = self._connection()
        connection.request("POST", self._path, webhook.body, webhook.headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status

    def _connection(self) -> http.client.HTTPConnection:
        if not hasattr(self._local, "connection"):
            self._local.connection = http.client.HTTPConnection(self._at, timeout=60)
        return self._local.connection


_numbers = itertools.count(1)


def labeled(count: int, threads: int, addresses: int = 0) -> list[Signed]:
    """Events that no one has sent yet, of so many threads that no one has seen yet.

    addresses: how many a repository has. GitHub sends some with each repository, issue and person.
    """
    first = next(_numbers) * 1_000_000
    return [_signed(first + number % threads, str(first + number), addresses) for number in range(count)]


def _signed(number: int, label: str, addresses: int) -> Signed:
    event = issue("labeled", number, label={"name": label})
    address = "https://api.github.com/repos/contoso/pump/subscriptions-of-the-repository{/owner}{/name}"
    more = {f"address_{number}_url": f"{address}?page={number}" for number in range(addresses)}
    body, source = json.dumps({**event, "repository": {**event["repository"], **more}}).encode(), SOURCES["github"]
    headers = {
        **source.headers("issues", str(uuid.uuid4())),
        **source.verifier.sign(body, SECRET),
        "Content-Type": "application/json",
    }
    return Signed(body, headers)


def wait_until_idle(stack: Stack) -> None:
    """Wait until everything is posted, as what is still at work would slow what is measured next."""
    end = time.monotonic() + IDLE
    while stack.health()["open"] and not stack.health()["held"] and time.monotonic() < end:
        time.sleep(0.5)

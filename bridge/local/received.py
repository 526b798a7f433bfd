"""The last webhooks of each source that the local host has accepted or could not read, in files beside the outbox.

Only the local host keeps them, for `learn`. What authenticates a sender is left out.
"""

import base64
import itertools
import json
import logging
import re
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from bridge.errors import CommandError
from bridge.events import Webhook
from bridge.local.host.http_functions import Exchange
from bridge.local.secrecy import without

_PATH = re.compile(r"/api/webhooks/(?:generic/)?([a-z][a-z0-9_]{0,39})")
_PATH_PART = re.compile(r"[a-z][a-z0-9_]{0,39}")
_KEPT = 10  # of each source
_TOGETHER = 2.0  # seconds of which the webhooks are written together
_LARGEST = 1 << 20  # bytes of a body that is kept
# Answers to webhooks whose sender was authenticated.
_STATUSES = {200, 202, 400}
_SECRET = re.compile(r"auth|cookie|token|secret|signature|password|key|credential|sig$")

_logger = logging.getLogger(__name__)


class _Received(NamedTuple):
    """A webhook, and the time when it came."""

    at: float
    headers: Mapping[str, str]
    body: bytes


class ReceivedWebhooks:
    """The files of a folder, ten for each source. secrets: texts that nothing that is kept may hold."""

    def __init__(self, folder: Path, secrets: Iterable[str] = ()) -> None:
        self._folder = folder
        self._secrets = tuple(secrets)
        self._numbers: dict[str, Iterator[int]] = {}
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._new: dict[str, deque[_Received]] = {}  # not written yet
        self._has_writer = False

    def add(self, exchange: Exchange) -> None:
        """Keep the request if it is a webhook. A thread writes it, and those that follow soon all together."""
        match = _PATH.fullmatch(exchange.path)
        body = exchange.body
        if not match or not body or len(body) > _LARGEST or exchange.status not in _STATUSES:
            return
        with self._lock:
            self._new.setdefault(match[1], deque(maxlen=_KEPT)).append(_Received(time.time(), exchange.headers, body))
            has_writer, self._has_writer = self._has_writer, True
        if not has_writer:
            threading.Thread(target=self._write_while_new, daemon=True).start()

    def flush(self) -> None:
        """Write what is not written yet."""
        with self._writing:
            with self._lock:
                new, self._new = self._new, {}
            for name, received in new.items():
                folder = self._folder / name
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                for one in received:
                    number = next(self._numbers.setdefault(name, itertools.count())) % _KEPT
                    (folder / f"{number}.json").write_text(json.dumps(self._record(one)), "utf-8")

    def _write_while_new(self) -> None:
        while True:
            try:
                self.flush()
            except OSError as error:
                _logger.warning("A webhook could not be kept for `learn`: %s", error.strerror)
            time.sleep(_TOGETHER)
            with self._lock:
                if not self._new:
                    self._has_writer = False
                    return

    def _record(self, received: "_Received") -> Mapping[str, Any]:
        headers = {name: value for name, value in received.headers.items() if not self._is_secret(name, value)}
        body = base64.b64encode(self._without_secrets(received.body)).decode()
        return {"at": received.at, "headers": headers, "body": body}

    def names(self) -> list[str]:
        """The sources that have sent any, the last one first."""
        self.flush()
        found = {folder.name: records for folder in self._folders() if (records := self._records(folder.name))}
        return sorted(found, key=lambda name: -float(found[name][0]["at"]))

    def last(self, name: str, most: int = _KEPT) -> list[Webhook]:
        """The last webhooks of a source, the newest first."""
        self.flush()
        return [_webhook(record) for record in self._records(name)[:most]]

    def _folders(self) -> list[Path]:
        return [path for path in self._folder.iterdir() if path.is_dir()] if self._folder.is_dir() else []

    def _records(self, name: str) -> list[Mapping[str, Any]]:
        found = [_record(path) for path in (self._folder / name).glob("*.json")] if _PATH_PART.fullmatch(name) else []
        return sorted(filter(None, found), key=lambda record: -float(record["at"]))

    def _without_secrets(self, body: bytes) -> bytes:
        # Any byte can be kept as it is: a body need not be UTF-8.
        return without(self._secrets, body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def _is_secret(self, name: str, value: str) -> bool:
        return bool(_SECRET.search(name.lower())) or any(secret in value for secret in self._secrets)


def from_file(path: Path) -> list[Webhook]:
    """The webhooks in a file: a body, or bodies of JSON, one a line."""
    try:
        body = path.read_bytes()
    except OSError as error:
        raise CommandError(f"Cannot read {path}: {error.strerror}.") from error
    lines = body.split(b"\n")
    rows = [line for line in lines if line.strip()]
    if len(rows) > 1 and not is_json(body) and all(map(is_json, rows)):
        return [Webhook({}, row) for row in rows]
    return [Webhook({}, body)]


def is_json(text: bytes) -> bool:
    """Whether a body, or a line of it, is JSON."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _record(path: Path) -> Mapping[str, Any]:
    try:
        record = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) and isinstance(record.get("at"), float) else {}


def _webhook(record: Mapping[str, Any]) -> Webhook:
    return Webhook(record.get("headers", {}), base64.b64decode(record.get("body", "")))

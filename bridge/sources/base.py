"""The vocabulary in which a source is written: one Source value in one module for each service."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.errors import BadWebhook
from bridge.events import Event, Webhook
from bridge.verification.signatures import Verifier

_DIGITS = 30
_LONG = re.compile(rb"\d{%d}" % _DIGITS)
_LONGEST_THREAD = 255  # characters


@dataclass(frozen=True)
class Ignored:
    """What answers a proved webhook that tells nothing: a ping, a handshake, something the source leaves out.

    reason: why nothing is posted, for the log and for `explain`.
    body, headers: the answer that the service asks for; without a body the reason is the answer.
    """

    reason: str
    body: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


MARK = "sent_by_bridge"  # in a payload: by it one sending of `send` differs from the next


@dataclass(frozen=True)
class Source:
    """A service that sends webhooks.

    name: its one name in modules, URLs, template and sample folders and settings (`azure_monitor`).
    title: its name for people (`Azure Monitor`).
    scheme: how it proves itself; None: only by the function key.
    read: turns a proved webhook into its events, oldest first. Missing or odd fields make a plainer event, never an
        error; BadWebhook only where the body cannot be the service's.
    headers: the service's own headers for an event name and a delivery id, for `send` and `explain`.
    methods: the HTTP methods of its webhooks and handshakes.
    delivery_field: the field of a payload that differs with each delivery, for `send`: the service's own, if any.
    event_parts: how many of the dotted parts of a sample's name are the service's name for its event.
    is_declared: it is one of BRIDGE_CONFIG, and not of the bridge.
    setting: where stands what proves it, if not in BRIDGE_<NAME>_SECRET.
    """

    name: str
    title: str
    verifier: Verifier | None
    read: Callable[[Webhook], Sequence[Event] | Ignored]
    headers: Callable[[str, str], Mapping[str, str]] = lambda _event, _delivery: {}
    methods: tuple[str, ...] = ("POST",)
    delivery_field: str = MARK
    event_parts: int = 1
    is_declared: bool = False
    setting: str = ""

    @property
    def path(self) -> str:
        """Where its webhooks go, below `/api/webhooks/`."""
        return f"generic/{self.name}" if self.is_declared else self.name

    @property
    def samples(self) -> Path:
        """The folder of recorded payloads, one for each kind of event; the package for Azure has none."""
        return Path(__file__).parent / self.name / "samples"

    @property
    def secret_setting(self) -> str:
        """The setting that holds its secrets."""
        return self.setting or f"BRIDGE_{self.name.upper()}_SECRET"


def identifier(text: str) -> str:
    """Text of the sender, reduced to what is safe in names of templates and in keys."""
    return re.sub(r"[^a-z0-9_.-]", "", text[:100].lower()).strip(".")


def thread_key(text: str) -> str:
    """The text as the thread of an event: on one line, and of what is too long for a key the rest as its digest."""
    text = " ".join(text.split())
    rest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
    return text if len(text) <= _LONGEST_THREAD else f"{text[: _LONGEST_THREAD - 17]}~{rest}"


def decode_json(body: bytes) -> Any:
    """The JSON value of a body, fit to be written as UTF-8 again; BadWebhook when it is none.

    A whole number of thirty digits or more is a text: arithmetic with it would fail.
    """
    parse_int = _whole if _LONG.search(body) else None
    try:
        value = json.loads(body.decode("utf-8-sig", "replace"), parse_int=parse_int)
    except (ValueError, RecursionError) as error:
        raise BadWebhook("The body is not JSON: let the service send application/json.") from error
    # JSON may name half a surrogate pair, which no text that leaves the bridge may hold.
    return _without_surrogates(value) if b"\\ud" in body or b"\\uD" in body else value


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) < _DIGITS else digits


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_surrogates(name): _without_surrogates(item) for name, item in value.items()}
    return value

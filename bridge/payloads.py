"""Kept payloads: what a webhook said, to be rendered again with the templates and routes of another day.

The host names the files, by the time and a random text; so each begins with a line that says whose it is. They are
looked up by their time and their size, which the record of the webhook has.
"""

import json
from collections.abc import Mapping

from bridge.events import Webhook
from bridge.values import dataclass

CONTAINER = "payloads"
PATH = f"{CONTAINER}/{{DateTime}}-{{rand-guid}}"
"""Where the host writes them: `payloads/2026-11-28T16-20-05Z-<guid>`.

https://learn.microsoft.com/azure/azure-functions/functions-bindings-expressions-patterns
"""
TIME = "%Y-%m-%dT%H-%M-%SZ"  # how {DateTime} looks


@dataclass(frozen=True)
class KeptPayload:
    """The payload of a webhook. id: of its record. headers, query: without what authenticates anybody."""

    id: str
    source: str
    method: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes

    @property
    def webhook(self) -> Webhook:
        """The webhook, as far as it is kept."""
        return Webhook(self.headers, self.body, self.method, self.query)


def to_bytes(payload: KeptPayload) -> bytes:
    """The payload as it is stored: a line of JSON, and the body as it came."""
    fields = {name: value for name, value in vars(payload).items() if name != "body"}
    return json.dumps(fields).encode() + b"\n" + payload.body


def from_bytes(stored: bytes) -> KeptPayload:
    """What `to_bytes` made; ValueError, KeyError or TypeError for anything else."""
    line, _, body = stored.partition(b"\n")
    fields = json.loads(line)
    names = ("id", "source", "method", "headers", "query")
    return KeptPayload(**{name: fields[name] for name in names}, body=body)

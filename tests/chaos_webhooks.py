"""What is sent in `make chaos`: issues, ids without end, and bodies that are equal whenever the state is."""

import random
from dataclasses import dataclass

import requests

from tests.local_stack import Stack, issue

ACTIONS = ["opened", "labeled", "assigned", "pinned", "closed", "reopened"]
LONG_ID = 33_000  # characters
# A source with ids of its own, and one whose bodies are equal whenever the state is.
SOURCES = """
[sources.pump.event]
delivery = "payload.id"
correlation_key = "payload.pump"
title = "payload.title"

[sources.lift.event]
correlation_key = "payload.lift"
title = "payload.lift"
"""


@dataclass(frozen=True)
class Webhook:
    """What a service sends. delivery: by which it names a try again; empty: it names each by another id, or by none."""

    source: str
    payload: dict[str, object]
    delivery: str = ""

    def send(self, host: Stack, group: str) -> requests.Response:
        """Sends it once."""
        if self.source == "github":
            return host.send("issues", self.payload, group, delivery=self.delivery, timeout=3)
        url, query = f"{host.address}/api/webhooks/generic/{self.source}", {"group": group, "code": "local"}
        return requests.post(url, json=self.payload, params=query, timeout=3)


def next_webhook(index: int, count: int, rng: random.Random) -> Webhook:
    """The next webhook about a thing: an issue, a pump with ids without end, or a lift that goes down and up again."""
    if index // 3 % 3 == 0:
        named = f"{index} {count}" if rng.random() < 0.8 else ""
        return Webhook("github", issue(rng.choice(ACTIONS), index + 1, nonce=rng.random()), named)
    if index // 3 % 3 == 1:
        ids = {"id": f"{'i' * LONG_ID} {index} {count}", "pump": f"{'p' * LONG_ID} {index}"}
        return Webhook("pump", {**ids, "title": f"Pump {index}"})
    return Webhook("lift", {"lift": f"Lift {index}", "state": ("down", "up")[count % 2]})

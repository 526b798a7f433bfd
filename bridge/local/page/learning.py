"""Learn a source on the page: what has been received, a proposal, and the posts of a table that is being edited."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from bridge.errors import BadWebhook
from bridge.events import Webhook
from bridge.limits import MAX_BODY
from bridge.local.learning.proposal import propose, source_name
from bridge.local.learning.trial import trial
from bridge.local.page.routes import RequestError
from bridge.local.received import ReceivedWebhooks
from bridge.receiving.bodies import readable
from bridge.settings import Settings
from bridge.sources import SOURCES

_MOST = 10  # webhooks at once
_PASTED = "pasted"


class Learner:
    """Proposes tables and tries them. settings: those whose templates are used."""

    def __init__(self, received: ReceivedWebhooks, settings: Settings) -> None:
        self._received = received
        self._settings = settings

    def names(self) -> list[str]:
        """The sources that have sent webhooks, the last one first."""
        return self._received.names()

    def propose(self, content: Mapping[str, Any]) -> object:
        """Read `{"name", "count"}` or `{"webhooks"}`; return the table, what is unsure, the webhooks and the posts."""
        name = source_name(str(content.get("name") or _PASTED))
        found = _webhooks(content) if "webhooks" in content else self._last(name, content.get("count", 1))
        try:
            made = propose(f"own_{name}"[:40] if name in SOURCES else name, found)
        except BadWebhook as error:
            raise RequestError(str(error)) from error
        shown = [_shown(webhook) for webhook in found]
        return {"table": made.table, "unsure": made.unsure, "webhooks": shown, **self._try(made.table, found)}

    def try_table(self, content: Mapping[str, Any]) -> object:
        """Read `{"table", "webhooks"}`; return the posts and the problems."""
        return self._try(str(content.get("table", "")), _webhooks(content))

    def _last(self, name: str, count: object) -> Sequence[Webhook]:
        if type(count) is not int or not 1 <= count <= _MOST:
            raise RequestError(f"The number of webhooks must be from 1 to {_MOST}.")
        found = list(reversed(self._received.last(name, count)))
        if not found:
            raise RequestError(f"No webhook of {name} has been received.", 404)
        try:
            return [readable(webhook, MAX_BODY, as_fields=True) for webhook in found]
        except BadWebhook as error:
            raise RequestError(str(error)) from error

    def _try(self, table: str, webhooks: Sequence[Webhook]) -> dict[str, Any]:
        return asdict(trial(table, webhooks, self._settings))


def _webhooks(content: Mapping[str, Any]) -> Sequence[Webhook]:
    given = content.get("webhooks")
    if not isinstance(given, list) or not 1 <= len(given) <= _MOST or not all(map(_is_webhook, given)):
        raise RequestError(f"The webhooks must be from 1 to {_MOST} objects with headers and a body.")
    return [Webhook(each["headers"], each["body"].encode("utf-8", "replace")) for each in given]


def _is_webhook(value: object) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("body"), str):
        return False
    headers = value.get("headers")
    return isinstance(headers, dict) and all(isinstance(text, str) for text in headers.values())


def _shown(webhook: Webhook) -> dict[str, Any]:
    headers = {
        name: value
        for name, value in webhook.headers.items()
        if name == "content-type" or name.startswith(("ce-", "x-"))
    }
    return {"headers": headers, "body": webhook.body.decode("utf-8", "replace")}

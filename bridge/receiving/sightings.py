"""Which expectations of BRIDGE_CONFIG a webhook meets, whether or not anything of it is posted."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bridge.errors import BadWebhook
from bridge.events import Event, Webhook
from bridge.receiving.routing import names_of
from bridge.rendering.expressions import Names
from bridge.rendering.text import one_line
from bridge.sources.base import Source, decode_json

if TYPE_CHECKING:
    from bridge.calendar.expectations import Expectation

_logger = logging.getLogger(__name__)


class Sightings:
    """Finds the expectations that events meet. An expression that fails is not met; the first time is logged."""

    def __init__(self, expectations: Sequence[Expectation] = ()) -> None:
        self._expectations = expectations
        self._failed: set[str] = set()

    def of(self, events: Sequence[Event]) -> tuple[str, ...]:
        """The names of those that any of the events meets."""
        if not self._expectations:
            return ()
        values = [names_of(event) for event in events]
        return tuple([each.name for each in self._expectations if any(self._meets(one, each) for one in values)])

    def of_ignored(self, source: Source, webhook: Webhook, reason: str) -> tuple[str, ...]:
        """The names of those that a webhook of which the source makes no event meets: as one with what is known of it.

        Its kind is the service's name for the event, and its payload that of the webhook where that is JSON.
        """
        if not self._expectations:
            return ()
        kind, delivery = source.event_in(webhook), source.delivery_in(webhook)
        return self.of([Event(source.name, kind, delivery, "", reason, _payload(webhook), summary=reason)])

    def _meets(self, names: Names, expectation: Expectation) -> bool:
        try:
            return bool(expectation.matches(**names))
        except Exception as error:  # noqa: BLE001  whatever a user's expression raises must not cost the event
            if expectation.name not in self._failed:
                self._failed.add(expectation.name)
                reason = one_line(f"{type(error).__name__}: {error}", 200)
                _logger.warning("The expectation %s of BRIDGE_CONFIG failed: %s", expectation.name, reason)
            return False


def _payload(webhook: Webhook) -> Mapping[str, Any]:
    try:
        payload = decode_json(webhook.body)
    except (BadWebhook, RecursionError):
        return {}
    return payload if isinstance(payload, Mapping) else {}

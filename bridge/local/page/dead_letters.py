"""Dead letters on the page: why each was not delivered, what helps, and requeueing them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from bridge import again
from bridge.again import UnknownSource, entry_of
from bridge.app import Bridge
from bridge.entries import Entry
from bridge.errors import Conflict, MessageError, WebhookError
from bridge.local.page.routes import RequestError, number
from bridge.local.page.stored import Stored
from bridge.outbox.rows import DeadLetter
from bridge.payloads import KeptPayload
from bridge.publishing.stories import post_html
from bridge.rendering.text import one_line

_PAGE = 100
_AT_ONCE = 20  # dead letters that are requeued with one request
_CAUSE = 160  # characters

Query = Mapping[str, str]


@dataclass(frozen=True)
class DeadLettersView:
    """Reads the dead letters for the page."""

    stored: Stored

    def page(self, query: Query) -> Mapping[str, Any]:
        """Dead letters, newest first, and how many each source has.

        query: `source`, and `skip`: how many are shown already.
        """
        letters = [(letter, entry_of(letter)) for letter in reversed(self.stored.outbox().dead_letters())]
        sources = Counter(_source(entry) for _, entry in letters)
        wanted = [pair for pair in letters if not query.get("source") or _source(pair[1]) == query["source"]]
        skip = number(query.get("skip", ""), 0)
        return {
            "rows": [self._row(*pair) for pair in wanted[skip : skip + _PAGE]],
            "total": len(wanted),
            "sources": [
                {"name": name, "title": self.stored.title(name) or "Not readable", "count": count}
                for name, count in sources.most_common()
            ],
        }

    def post(self, query: Query) -> Mapping[str, Any]:
        """The post of the dead letter `id` as it was rendered."""
        letter = _found(self.stored, query.get("id", ""))
        entry = entry_of(letter)
        zone = self.stored.bridge.configuration.settings.time_zone if self.stored.bridge else UTC
        html = post_html([entry], zone=zone) if entry else ""
        return {"html": html, "topic": entry.topic if entry else ""}

    def _row(self, letter: DeadLetter, entry: Entry | None) -> Mapping[str, Any]:
        return {
            "id": letter.id,
            "at": letter.at,
            "tries": letter.tries,
            "cause": one_line(self.stored.without_secrets(letter.cause), _CAUSE),
            "reason": self.stored.without_secrets(letter.reason),
            "advice": letter.advice,
            "group": self.stored.group(letter.group),
            "source": _source(entry),
            "source_title": self.stored.title(_source(entry)),
            "topic": entry.topic if entry else "A message that cannot be read",
            "kind": entry.kind if entry else "",
            "delivery": entry.delivery if entry else "",
            "is_entry": entry is not None,
        }


@dataclass(frozen=True)
class Requeuer:
    """Requeues dead letters, rendered again where their payload is kept."""

    stored: Stored

    def one(self, content: Mapping[str, Any]) -> Mapping[str, Any]:
        """Read `{"id"}`."""
        letter = _found(self.stored, str(content.get("id", "")))
        try:
            how = again.requeue(self._bridge, letter, self._payload)
        except (MessageError, Conflict, WebhookError, UnknownSource) as error:
            raise RequestError(str(error), 409) from error
        return {"requeued": letter.id, "how": how}

    def some(self, content: Mapping[str, Any]) -> Mapping[str, Any]:
        """Requeue the next dead letters; the page asks again until none are left.

        Read `{"source", "until", "skip"}`. source: empty for all. until: those from before then, in seconds since 1970,
        as one that fails again would never end. skip: ids that could not be requeued.
        """
        source, until, skip = content.get("source") or "", content.get("until"), content.get("skip") or []
        if not isinstance(until, int | float) or not isinstance(skip, list):
            raise RequestError("`until` must be a time in seconds since 1970, and `skip` a list of ids.")
        left = [
            letter
            for letter in self.stored.outbox().dead_letters()
            if letter.at < until and letter.id not in skip and (not source or _source(entry_of(letter)) == source)
        ]
        failed = self._requeue(left[:_AT_ONCE])
        done = len(left[:_AT_ONCE]) - len(failed)
        return {"requeued": done, "failed": failed, "left": len(left) - done - len(failed)}

    def _requeue(self, letters: Sequence[DeadLetter]) -> Sequence[Mapping[str, str]]:
        """The ones that cannot be requeued, with the reason."""
        failed = []
        for letter in letters:
            try:
                again.requeue(self._bridge, letter, self._payload)
            except (MessageError, Conflict, WebhookError, UnknownSource) as error:
                failed.append({"id": letter.id, "error": str(error)})
        return failed

    @property
    def _bridge(self) -> Bridge:
        if self.stored.bridge is None:
            raise RequestError("The settings cannot be read: nothing can be requeued.", 409)
        return self.stored.bridge

    def _payload(self, entry: str) -> KeptPayload | None:
        records, payloads = self.stored.outbox().find_deliveries(entry), self.stored.payloads()
        return next(filter(None, map(payloads.find, reversed(records))), None)


def _found(stored: Stored, asked: str) -> DeadLetter:
    for letter in stored.outbox().dead_letters():
        if letter.id == asked:
            return letter
    raise RequestError("This dead letter does not exist any more.", 404)


def _source(entry: Entry | None) -> str:
    return entry.source if entry else ""

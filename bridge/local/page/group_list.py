"""Groups on the page: what keeps their posts, what leads to them, and what the doctor finds."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bridge.doctor import Finding
from bridge.local.page.routes import RequestError
from bridge.local.page.stored import Stored
from bridge.outbox.rows import IDENTITY, PASSED, SLOTS, SWEEP, Hold, Summary, Wait
from bridge.publishing.health import LATE

Doctor = Callable[[], Iterable[Finding]]

_NO_GROUPS = {SWEEP, PASSED, SLOTS, IDENTITY, ""}


@dataclass(frozen=True)
class GroupsView:
    """Reads what is known of groups for the page. doctor: examines everything; None: it cannot be asked here."""

    stored: Stored
    doctor: Doctor | None = None

    def groups(self, _: Mapping[str, str]) -> Mapping[str, Any]:
        """The groups of the settings, and those that have anything in the outbox."""
        outbox, bridge = self.stored.outbox(), self.stored.bridge
        waits = outbox.waits()
        summaries = {row.name: row for row in outbox.summaries()}
        dead = Counter(letter.group for letter in outbox.dead_letters())
        known = bridge.configuration.groups if bridge else {}
        groups = [group for group in dict.fromkeys([*known, *waits, *summaries, *dead]) if group not in _NO_GROUPS]
        return {
            "groups": [self._group(group, waits.get(group), summaries.get(group), dead[group]) for group in groups],
            "identity": _hold(waits.get(IDENTITY)),
        }

    def findings(self, query: Mapping[str, str]) -> Mapping[str, Any]:
        """What the doctor finds for a group, and what it finds wrong for all of them."""
        if self.doctor is None:
            raise RequestError("The doctor is not available here: run `python -m bridge doctor`.", 404)
        group = query.get("group", "")
        subject = f"group {self._name(group) or group}"
        found = [one for one in self.doctor() if one.subject == subject or _is_general(one)]
        return {"findings": [asdict(one) for one in found]}

    def _group(self, group: str, wait: Wait | None, summary: Summary | None, dead: int) -> Mapping[str, Any]:
        bridge, now = self.stored.bridge, self.stored.clock()
        configured = bridge.configuration.groups.get(group) if bridge else None
        due = summary.due if summary else None
        return {
            **self.stored.group(group),
            # Without the settings nobody knows.
            "is_configured": configured is not None if bridge else None,
            "mail": configured.mail if configured else "",
            "paused": configured.paused if configured else False,
            "hold": _hold(wait),
            "backoff": wait.until if wait and not isinstance(wait, Hold) and wait.until > now else 0.0,
            "open": summary.count if summary else 0,
            "due": due,
            "is_overdue": due is not None and due + LATE < now,
            "dead": dead,
            "routes": self._routes(group),
        }

    def _routes(self, group: str) -> list[Mapping[str, Any]]:
        if self.stored.bridge is None:
            return []
        routes = self.stored.bridge.configuration.routes
        found = [(number, route.when) for number, route in enumerate(routes.routes, 1) if group in route.groups]
        rows: list[Mapping[str, Any]] = [{"number": number, "when": when} for number, when in found]
        return [*rows, {"number": 0, "when": ""}] if group == routes.default else rows

    def _name(self, group: str) -> str:
        bridge = self.stored.bridge
        known = bridge.configuration.groups.get(group) if bridge else None
        return known.name if known else ""


def _hold(wait: Wait | None) -> Mapping[str, Any] | None:
    if not isinstance(wait, Hold):
        return None
    return {"reason": wait.reason, "since": wait.since, "until": wait.until, "tries": wait.tries}


def _is_general(finding: Finding) -> bool:
    """Whether a finding is about what every group needs, and something is wrong with it."""
    return finding.verdict != "ok" and not finding.subject.startswith(("group ", "on hold: "))

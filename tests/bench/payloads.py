"""Webhooks of five services in four sizes: the samples, and what makes them grow as it does at the services."""

import hashlib
import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from bridge.events import Webhook
from bridge.local.sending import event_name, signed
from bridge.settings import Settings
from bridge.sources import SOURCES
from tests.local_stack import ROOT

SECRET = "the secret of the bench"
SIZES = (1, 5, 20, 200)  # KB; the first are samples as they are


@dataclass(frozen=True)
class Subject:
    """What a service sends. small: a sample of about 1 KB. large: one whose list at `path` grows by `more`."""

    source: str
    small: str
    large: str
    path: tuple[str | int, ...]
    more: Callable[[int], Any]

    def webhook(self, size: int) -> Webhook:
        """A signed webhook of so many KB."""
        sample = self.small if size == SIZES[0] else self.large
        payload = json.loads((ROOT / "bridge/sources" / self.source / "samples" / sample).read_text("utf-8"))
        if size > SIZES[0]:
            payload = self._grown(payload, size * 1024)
        body = json.dumps(payload, separators=(",", ":")).encode()
        source = SOURCES[self.source]
        authentication = source.authentication(Settings(secrets={source.name: (SECRET,)}))
        sent = signed(source, authentication, body, event_name(sample), "bench")
        return Webhook(sent.headers, sent.body)

    def _grown(self, payload: Any, size: int) -> Any:
        payload = deepcopy(payload)
        holder = payload
        for step in self.path[:-1]:
            holder = holder[step] if isinstance(step, int) else holder.setdefault(step, {})
        items = holder.setdefault(self.path[-1], [])
        missing, number = size - len(json.dumps(payload)), 0
        while missing > 0:
            items.append(self.more(number))
            missing -= len(json.dumps(items[-1]))
            number += 1
        return payload


def _hash(number: int) -> str:
    return hashlib.sha1(str(number).encode()).hexdigest()


_MONA: Mapping[str, str] = {"name": "Mona Lisa", "email": "monalisa@example.com"}
_MESSAGE = "Read the float switch by interrupt {}\n\nPolling missed *short* openings, see #4 and `src/controller.c`."


def _commit(number: int) -> Any:
    return {
        "id": _hash(number),
        "tree_id": _hash(-number),
        "distinct": True,
        "message": _MESSAGE.format(number),
        "timestamp": "2026-11-23T13:40:00+01:00",
        "url": f"https://github.com/contoso/pump/commit/{_hash(number)}",
        "author": {**_MONA, "username": "monalisa"},
        "committer": {**_MONA, "username": "monalisa"},
        "added": [f"tests/switch_{number}.c"],
        "removed": [],
        "modified": ["src/controller.c", f"src/switch_{number % 7}.c"],
    }


def _azure_commit(number: int) -> Any:
    by = {**_MONA, "date": "2026-11-23T14:01:00Z"}
    url = f"https://dev.azure.com/contoso/_apis/git/repositories/firmware/commits/{_hash(number)}"
    return {
        "commitId": _hash(number),
        "author": by,
        "committer": by,
        "comment": _MESSAGE.format(number),
        "url": url,
    }


def _search_results(number: int) -> Any:
    columns = [{"name": name, "type": "string"} for name in ("TimeGenerated", "Computer", "Level", "Message")]
    row = ["2026-11-23T14:03:00Z", f"station-{number:04}.pumps.contoso.example", "Error", "The level is below zero"]
    return {"name": "PrimaryResult", "columns": columns, "rows": [row] * 10}


def _evidence(number: int) -> Any:
    return {
        "role": "Contributor",
        "roleAssignmentScope": f"/subscriptions/00000000-0000-4000-8000-{number:012}/resourceGroups/pump-prod",
        "principalId": _hash(number),
        "principalType": "ServicePrincipal",
    }


def _frame(number: int) -> Any:
    return {
        "filename": f"pump/controller_{number % 9}.py",
        "function": "stop",
        "lineno": number,
        "in_app": number % 2 == 0,
        "pre_context": ["    def stop(self) -> None:", "        level = self.sensor.level()"],
        "context_line": "        raise ValueError('level is below zero')",
        "vars": {"self": f"<Controller {number}>", "level": "-1"},
    }


SUBJECTS = (
    Subject("github", "star.created.json", "push.json", ("commits",), _commit),
    Subject(
        "azure_devops", "ms.vss-endpoint.endpoint-created.json", "git.push.json", ("resource", "commits"), _azure_commit
    ),
    Subject(
        "azure_monitor",
        "prometheus.fired.json",
        "log.log_analytics.json",
        ("data", "alertContext", "SearchResults", "tables"),
        _search_results,
    ),
    Subject(
        "event_grid", "resources.write.json", "resources.write.json", (0, "data", "authorization", "chain"), _evidence
    ),
    Subject(
        "sentry",
        "event_alert.triggered.json",
        "event_alert.triggered.json",
        ("data", "event", "stacktrace", "frames"),
        _frame,
    ),
)

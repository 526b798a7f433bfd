"""What stands open in a thread until somebody acts, kept with the row of the thread. It names nobody."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bridge.events import Severity
from bridge.limits import MAX_KIND, MAX_TOPIC, MAX_URL

_LONGEST = 100  # characters of a state and of a scope


@dataclass(frozen=True)
class Standing:
    """An object that stands open.

    category: `alert`, `incident`, `branch`, `review` or `expiry`. title: the topic of its thread. state: as people say
    it. since: when it was opened, in seconds since 1970.
    """

    category: str
    title: str
    url: str
    state: str
    severity: Severity
    scope: str
    source: str
    kind: str
    since: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", self.title[:MAX_TOPIC])
        object.__setattr__(self, "url", self.url if len(self.url) <= MAX_URL else "")
        object.__setattr__(self, "state", self.state[:_LONGEST])
        object.__setattr__(self, "scope", self.scope[:_LONGEST])
        object.__setattr__(self, "kind", self.kind[:MAX_KIND])


def to_text(standing: Standing) -> str:
    """What stands open, as it is stored."""
    return json.dumps(asdict(standing), ensure_ascii=False)


def from_text(text: str | None) -> Standing | None:
    """What `to_text` wrote; nothing for what this version cannot read."""
    try:
        fields: Mapping[str, Any] = json.loads(text or "{}")
        known = {name: fields[name] for name in Standing.__dataclass_fields__}
        return Standing(**known | {"severity": Severity(fields["severity"])})
    except (ValueError, TypeError, KeyError, AttributeError):
        return None

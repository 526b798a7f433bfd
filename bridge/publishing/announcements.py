"""The posts at the beginning and at the end of a maintenance window, as entries of the bridge's own."""

import hashlib
from datetime import UTC, datetime, tzinfo
from functools import cache

from jinja2 import Template

from bridge.calendar.maintenance import BRIDGE, ENDED, STARTED, Window
from bridge.entries import Entry
from bridge.events import Severity
from bridge.limits import MAX_TOPIC
from bridge.rendering.environment import OwnTemplates, environment
from bridge.rendering.filters import offset
from bridge.rendering.text import one_line

_LONGEST = 200  # characters of what it is about


def announcements(window: Window, group: str, zone: tzinfo, now: float) -> tuple[Entry, Entry]:
    """The entry that says that it has begun, and the one that waits for its end. Always with the same ids.

    zone: of the times that they show. now: seconds since 1970.
    """
    return _entry(window, group, zone, now, STARTED), _entry(window, group, zone, now, ENDED)


def _entry(window: Window, group: str, zone: tzinfo, now: float, kind: str) -> Entry:
    received, end = datetime.fromtimestamp(now, UTC), datetime.fromtimestamp(window.end, UTC)
    is_end, local = kind == ENDED, end.astimezone(zone)
    what = one_line(window.note or window.match, _LONGEST)
    until = f"{local:%H:%M}" if window.end - now < 86400 else f"{local:%-d %b %H:%M}"
    until = f"{until} {offset(end, zone)}"
    headline = f"Maintenance over: {what}" if is_end else f"Maintenance until {until}: {what}"
    html = _template().render(headline=headline, is_end=is_end, match=window.match, until=until)
    return Entry(
        id=hashlib.sha256(f"{window.id}\n{group}\n{kind}".encode()).hexdigest()[:32],
        group=group,
        correlation_key=f"maintenance {window.id}",
        source=BRIDGE,
        kind=kind,
        delivery=f"maintenance {window.id}",
        topic=one_line(f"Maintenance: {what}", MAX_TOPIC),
        summary=one_line(headline, MAX_TOPIC),
        html=html,
        url="",
        severity=Severity.INFO,
        ends_thread=is_end,
        participants=(),
        conversation="",
        occurred=end if is_end else received,
        received=received,
        word="over" if is_end else "maintenance",
        window=window.id if is_end else "",
        not_before=end if is_end else None,
    )


@cache
def _template() -> Template:
    return environment(OwnTemplates()).get_template("maintenance.html")

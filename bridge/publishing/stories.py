"""How the events of one thread read in one post: the newest that matters as a card, and how it came about as lines."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from functools import cache
from itertools import takewhile
from types import MappingProxyType

from jinja2 import Template

from bridge.entries import Entry
from bridge.events import Severity
from bridge.outbox.rows import Memory
from bridge.publishing.memory import EXTREMES, FIRST, remembered
from bridge.rendering.environment import OwnTemplates, environment
from bridge.rendering.filters import duration
from bridge.rendering.picture_marks import without_marks
from bridge.rendering.text import one_line

# What a card marks for its post: the headline, which a reply leaves out, and the places of facts and timeline.
_HEADLINE = re.compile(r"<!--headline-->.*?<!--/headline-->\s*", re.DOTALL)
_FACTS = "<!--facts-->"
_TIMELINE = "<!--timeline-->"
_TOKEN = "<!--token-->"  # noqa: S105  the place of one
_MARKS = re.compile(r"<!--(?:/?headline|facts|timeline|token)-->\s*")
_EXCERPT = 160  # characters
_NO_MEMORY: Memory = MappingProxyType({})
_WORDS = 2  # that two lines must share at their beginning to be one


@dataclass(frozen=True)
class Line:
    """An event as a line of the timeline."""

    occurred: datetime
    text: str
    url: str
    excerpt: str
    severity: Severity
    kind: str
    minor: bool


def post_html(
    entries: Sequence[Entry],
    *,
    is_reply: bool = False,
    memory: Memory = _NO_MEMORY,
    zone: tzinfo = UTC,
    token: str = "",
    pictures: bool = False,
) -> str:
    """The HTML of a post that shows one entry or more of one thread, in the order in which they come.

    is_reply: the thread's first post has the headline, and this one begins with the news.
    memory: what the thread remembers of earlier posts. zone: of the times that are shown.
    token: of the attempt, by which the post is found; its footer shows it behind the references of the entries.
    pictures: the marks are kept at which the channel puts pictures.
    """
    lead = lead_of(entries)
    card = _HEADLINE.sub("", lead.html) if is_reply else lead.html
    # Of several objects, each line names its own.
    named = len({entry.key for entry in entries}) > 1
    lines = merged([line(entry, is_named=named) for entry in entries if entry is not lead], lead.excerpt)
    before_it = [entry for entry in entries[: entries.index(lead)] if entry.key == lead.key]
    facts = recalled(remembered(memory, before_it), lead)
    before, mark, after = card.rpartition(_TIMELINE)
    if mark:
        above, place, below = before.rpartition(_FACTS)
        rows = _rows([] if place else facts, lines, lead.occurred, zone)
        html = above + (_rows(facts, [], lead.occurred, zone) if place else "") + below + rows + after
    else:
        html = _GAP.join(entry.html for entry in entries)
    html = html if pictures else without_marks(html)
    return signed(html, [*(entry.reference for entry in entries), token] if token else [])


def signed(html: str, marks: Sequence[str]) -> str:
    """The finished post, with these in its last footer, or below a card that has none."""
    line = "".join(f" · {mark}" for mark in marks if mark)
    before, footer, after = html.rpartition(_TOKEN)
    if line and not footer:
        return _MARKS.sub("", html) + _LAST_LINE.format(line.removeprefix(" · "))
    return _MARKS.sub("", before + line + after if footer else html)


def lead_of(entries: Sequence[Entry]) -> Entry:
    """The entry that the post shows as its card: the newest that is more than a line."""
    return next((entry for entry in reversed(entries) if not entry.minor), entries[-1])


def recalled(memory: Memory, entry: Entry) -> list[tuple[str, str]]:
    """What the entry's post adds of what its thread remembers: labels with texts."""
    found = [(label, _remembered_text(name, memory[name], entry)) for name, label in entry.asks if memory.get(name)]
    return [(label, text) for label, text in found if text]


def _remembered_text(name: str, values: Sequence[str], entry: Entry) -> str:
    if name == FIRST:
        seconds = (entry.occurred - datetime.fromisoformat(values[0])).total_seconds()
        return duration(seconds) if seconds >= 1 else ""
    return values[0].partition(" ")[2] if name in EXTREMES else ", ".join(values)


def line(entry: Entry, *, is_named: bool = False) -> Line:
    """The entry in one line. is_named: it names its object."""
    text = (entry.summary if is_named else entry.news or entry.summary) or entry.topic
    return Line(entry.occurred, text, entry.url, entry.excerpt, entry.severity, entry.kind, entry.minor)


def merged(lines: Sequence[Line], shown: str) -> list[Line]:
    """The lines, oldest first; what minor ones have in common is said once, and so is what somebody wrote.

    shown: the excerpt that the card shows already.
    """
    found: list[Line] = []
    excerpts = {shown}
    for each in sorted(lines, key=lambda one: one.occurred):
        text = _joined(found[-1], each) if found else ""
        if text:
            found[-1] = replace(found[-1], text=text)
            continue
        found.append(replace(each, excerpt="" if each.minor or each.excerpt in excerpts else each.excerpt))
        excerpts.add(each.excerpt)
    return found


def _joined(before: Line, after: Line) -> str:
    """Two minor lines of one kind as one: `octocat added label bug, safety to this issue`; empty where that fails."""
    if not (before.minor and after.minor and before.kind == after.kind):
        return ""
    if before.text == after.text:
        return before.text
    one, other = before.text.split(" "), after.text.split(" ")
    head = _shared(one, other)
    tail = _shared(one[head:][::-1], other[head:][::-1])
    first, second = one[head : len(one) - tail], other[head : len(other) - tail]
    if head < _WORDS or not first or not second:
        return ""
    return one_line(" ".join([*one[:head], f"{' '.join(first)},", *second, *one[len(one) - tail :]]), _EXCERPT)


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    """How many words the two have in common at their beginning."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _rows(facts: Sequence[tuple[str, str]], lines: Sequence[Line], lead: datetime, zone: tzinfo) -> str:
    if not facts and not lines:
        return ""
    days = {each.occurred.astimezone(zone).date() for each in lines} | {lead.astimezone(zone).date()}
    form, width = ("%H:%M", 44) if len(days) == 1 else ("%-d %b %H:%M", 92)
    times = [each.occurred.astimezone(zone).strftime(form) for each in lines]
    return _template().render(facts=facts, rows=list(zip(times, lines, strict=True)), width=width)


@cache
def _template() -> Template:
    return environment(OwnTemplates()).get_template("timeline.html")


_GAP = (
    '<table role="presentation" cellpadding="0" cellspacing="0" border="0"><tr>'
    '<td height="12" style="font-size:1px;line-height:12px">&nbsp;</td></tr></table>'
)
_LAST_LINE = (
    '<table role="presentation" cellpadding="0" cellspacing="0" border="0"><tr><td style="padding:4px 0 0 26px;'
    "font-family:'Segoe UI',Arial,sans-serif;font-size:11px;line-height:16px;color:#767472\">{}</td></tr></table>"
)

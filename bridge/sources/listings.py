"""The lists of labels and annotations that Alertmanager and Grafana write into a text, as facts.

https://github.com/prometheus/alertmanager/blob/main/template/default.tmpl
https://grafana.com/docs/grafana/latest/alerting/configure-notifications/template-notifications/
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from bridge.rendering.links import safe_url

_HEAD = re.compile(r"\s*\**(?:labels|annotations):?\**:?\s*", re.IGNORECASE)
_GROUP = re.compile(r"[#*\s]*(?:alerts )?(firing|resolved):?[*\s]*", re.IGNORECASE)
_PAIR = re.compile(r"\s*[-*•]\s+([A-Za-z_][\w .-]{0,60}?) = (.*)")
# `*Severity:* critical`, in bold by either markup.
_LABELLED = re.compile(r"\s*(?:[-•]\s+)?(\*{1,2})([^*\n:]{1,40})(?::\1|\1:)[ \t]+(\S.*)")
_LINK = re.compile(r"\s*(Source|Silence|Dashboard|Panel|Runbook): (https?://\S+)\s*")


@dataclass
class Listing:
    """The labels and annotations of one alert, as pairs of name and value, and its links by what leads there.

    is_next: it follows another one in the same text.
    """

    is_next: bool
    pairs: list[tuple[str, str]] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)


def pieces(text: str) -> Iterator[str | Listing]:
    """The text in pieces: what is prose, as it came, and the lists in it."""
    if " = " not in text:
        yield text
        return
    prose: list[str] = []
    listing: Listing | None = None
    has_one = False
    lines = text.replace("\r\n", "\n").split("\n")
    groups = {found[1].lower() for line in lines if (found := _GROUP.fullmatch(line))}
    for line in lines:
        if (group := _GROUP.fullmatch(line)) and len(groups) == 1:
            continue  # the title says so
        if group:
            yield from _ended(prose, listing)
            prose, listing, has_one = [f"**{group[1].capitalize()}**"], None, False
            continue
        pair, link = _PAIR.fullmatch(line), _LINK.fullmatch(line)
        begins = bool(_HEAD.fullmatch(line)) and (listing is None or "label" in line.lower())
        if (begins or pair) and (listing is None or begins):
            yield from _ended(prose, listing)
            prose, listing, has_one = [], Listing(has_one), True
        if listing is None:
            prose.append(line)
        elif pair:
            listing.pairs.append((pair[1], pair[2]))
        elif link and safe_url(link[2]):
            listing.links.append((f"Open the {link[1].lower()}" if link[1] != "Silence" else link[1], link[2]))
        elif line.strip() and not _HEAD.fullmatch(line):
            yield from _ended(prose, listing)
            prose, listing = [line], None
    yield from _ended(prose, listing)


def labelled(text: str) -> Iterator[str | list[tuple[str, str]]]:
    """The text in pieces: what is prose, and lines of labels in bold with their values, two or more, as pairs."""
    prose: list[str] = []
    pairs: list[tuple[str, str]] = []
    lines: list[str] = []
    for line in [*text.replace("\r\n", "\n").split("\n"), None]:
        found = _LABELLED.fullmatch(line) if line is not None else None
        if found:
            pairs.append((found[2], found[3].rstrip()))
            lines.append(line or "")
            continue
        if len(pairs) > 1:
            if any(map(str.strip, prose)):
                yield "\n".join(prose)
            yield pairs
            prose, lines = [], []
        prose += lines
        pairs, lines = [], []
        if line is not None:
            prose.append(line)
    if any(map(str.strip, prose)):
        yield "\n".join(prose)


def _ended(prose: list[str], listing: Listing | None) -> Iterator[str | Listing]:
    if any(map(str.strip, prose)):
        yield "\n".join(prose)
    if listing and (listing.pairs or listing.links):
        yield listing
